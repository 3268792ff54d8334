"""Get a backbone by name: find its files, load them. Knows nothing about tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trimtab.backbones.pretrained import Pretrained, load
from trimtab.errors import TrimtabError
from trimtab.settings.task import Precision, Task
from trimtab.sources import cache_folder, find_model
from trimtab.sources.places import local_or_known

Progress = Callable[[str, int, int | None], None]


def open_backbone(
    name: str,
    *,
    precision: Precision = "auto",
    device: str = "auto",
    threads: int | None = None,
    offline: bool = False,
    agree: bool = False,
    progress: Progress | None = None,
) -> Pretrained:
    """Find, fetch where needed, and load a backbone.

    Args:
        name: as in the task file.
        precision, device, threads: as in the task file.
        offline, agree: see `trimtab.sources.find_model`.
        progress: told what is being done.

    Raises:
        TrimtabError: whatever is wrong with the name, the network, the files or the device.
    """
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    found = find_model(name, offline=offline, agree=agree, progress=progress)
    return load(
        found.path,
        cache_folder(),
        name=name,
        origin=found.origin,
        licence=found.licence,
        precision=precision,
        device=device,
        progress=progress,
    )


def backbone_of(
    task: Task,
    base: Path,
    *,
    precision: Precision | None = None,
    offline: bool = False,
    agree: bool = False,
    progress: Progress | None = None,
) -> Pretrained:
    """The backbone of a task, opened as its settings say, or in another precision.

    `base` is where a relative path starts; the rest is as for `open_backbone`.
    """
    return open_backbone(
        local_or_known(task.backbone, base),
        precision=precision or task.train.precision,
        device=task.train.device,
        threads=task.train.threads,
        offline=offline,
        agree=agree,
        progress=progress,
    )


def token_counter(name: str, *, offline: bool, progress: Progress | None) -> tuple[Callable[[str], int], int]:
    """A function that counts a text's tokens for a backbone, and the backbone's context in tokens; loads no weights."""
    from trimtab.backbones.pretrained import read_tokenizer

    found = find_model(name, offline=offline, progress=progress)
    tokenizer, context = read_tokenizer(found.path, cache_folder(), progress)
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"]), context


def counter_for(
    name: str, wanted: bool | None, *, offline: bool, progress: Progress | None
) -> tuple[Callable[[str], int] | None, int | None]:
    """`token_counter` where tokens are wanted; where that is left open (None), only if the backbone is here already.

    Raises:
        TrimtabError: tokens are wanted, and the backbone cannot be found.
    """
    if wanted is False:
        return None, None
    try:
        return token_counter(name, offline=offline or wanted is None, progress=progress)
    except TrimtabError:
        if wanted:
            raise
        return None, None
