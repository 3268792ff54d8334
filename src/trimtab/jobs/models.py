"""`trimtab models`: list, fetch, check and remove backbones. Knows nothing about how they are shown."""

from __future__ import annotations

from trimtab.errors import TrimtabError
from trimtab.sources import ModelEntry, Progress, describe_model, find_model, list_models, remove_model


def run(
    name: str | None,
    *,
    agree: bool = False,
    offline: bool = False,
    verify: bool = False,
    remove: bool = False,
    progress: Progress | None = None,
) -> list[ModelEntry]:
    """List all models, or fetch, check or remove one; return what is known afterwards.

    Args:
        name: a model's name, or None to list.
        agree: the user agrees to the model's terms.
        offline: do not use the network.
        verify: hash the cached copy again.
        remove: remove the cached copy.
        progress: called while bytes arrive.

    Raises:
        TrimtabError: an option needs a name; or as `find_model` and `remove_model` do.
    """
    if name is None:
        if agree or verify or remove:
            raise TrimtabError("which model?", "Name one, e.g. `trimtab models smollm2-135m --verify`.")
        return list_models()
    if remove:
        remove_model(name)
    else:
        find_model(name, agree=agree, offline=offline, verify=verify, progress=progress)
    return [describe_model(name)]
