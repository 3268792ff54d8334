"""Models from the hub, through huggingface_hub and its own cache. Knows nothing about short names or packages."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import functools
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from trimtab.errors import BackboneError
from trimtab.sources import cache
from trimtab.sources.catalogue import HubOrigin

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

_WANTED = ["*.safetensors", "*.json", "tokenizer*", "*.model", "merges.txt", "vocab.txt", "*.jinja", "README.md"]
_UNWANTED = ["*/*"]  # other formats of the same weights stand in sub-folders
_ANSWER_SECONDS = 3.0
_GIVE_UP_SECONDS = 6.0
_T = TypeVar("_T")

_unreachable: dict[str, str] = {}  # hub address -> why it did not answer; not asked again by this process


def find_copy(origin: HubOrigin) -> Path | None:
    """Return the folder of a whole copy in the hub's cache, without using the network."""
    if not _folder(origin).exists():
        return None
    from huggingface_hub import snapshot_download  # takes most of a second, so only where there is something to find

    try:
        folder = Path(
            snapshot_download(
                origin.repo,
                revision=origin.revision,
                allow_patterns=_WANTED,
                ignore_patterns=_UNWANTED,
                local_files_only=True,
            )
        )
    except (OSError, ValueError):
        return None
    return folder if _is_whole(folder) else None


def fetch(origin: HubOrigin, progress: cache.Progress | None) -> Path:
    """Download a model into the hub's cache and return its folder.

    A transfer that breaks off is gone on with; files that an earlier attempt finished are not fetched again.

    Raises:
        UnavailableError: the hub does not answer, does not have it, or does not give it to this user.
        BackboneError: no weights in a format that is read here.
        TrimtabError: wrong checksum, no space.
    """
    from huggingface_hub import snapshot_download

    info = _ask(origin)
    total = _download_bytes(info)
    folder = _folder(origin)
    cache.require_space(folder, total, origin.repo)
    with cache.watch(folder / "blobs", origin.repo, total, progress), _silent_bars():
        answer = _explained(
            origin,
            lambda: snapshot_download(
                origin.repo, revision=origin.revision, allow_patterns=_WANTED, ignore_patterns=_UNWANTED, max_workers=4
            ),
        )
    copy = Path(answer)
    if not _is_whole(copy):
        hint = (
            "Models are read as config.json, *.safetensors and a tokenizer; convert it to these, or use a .gguf file."
        )
        raise BackboneError(f"{origin.repo}: the hub has no model there that can be read.", hint)
    verify(origin, copy)
    return copy


def verify(origin: HubOrigin, copy: Path, hash_of: Callable[[Path], str] = cache.sha256_of) -> None:
    """Hash the files of a copy, against the catalogue's checksums and those that the hub's cache goes by.

    A file that differs is removed. (`hf cache verify` does the same by asking the hub, and not without a network.)

    Raises:
        TrimtabError: a file differs.
    """
    pinned = dict(origin.sha256)
    for path in sorted(copy.iterdir()):
        stored = path.resolve()
        # The hub's cache names a large file by its SHA-256, and small ones by a Git hash.
        by_name = stored.name if re.fullmatch(r"[0-9a-f]{64}", stored.name) else ""
        if not (expected := pinned.get(path.name, by_name)):
            continue
        found = hash_of(path)
        if found != expected:
            path.unlink()
            stored.unlink(missing_ok=True)
            cache.require_checksum(f"{origin.repo}/{path.name}", found, expected, "It was removed; fetch it again.")


def licence_of(copy: Path) -> str:
    """Return the licence that the model card of a copy states, or ""."""
    import yaml
    from huggingface_hub import metadata_load

    try:
        stated = (metadata_load(copy / "README.md") or {}).get("license") or ""
    except (OSError, ValueError, yaml.YAMLError):  # no card, or none that can be read
        return ""
    return ", ".join(map(str, stated)) if isinstance(stated, list) else str(stated)


def _folder(origin: HubOrigin) -> Path:
    """Return where the hub's cache keeps a model; the layout is documented under "Understand caching"."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{origin.repo.replace('/', '--')}"


def _is_whole(copy: Path) -> bool:
    weights = [path.name for path in copy.glob("*.safetensors")]
    index = copy / "model.safetensors.index.json"
    if index.exists():
        try:
            weights = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (OSError, ValueError, KeyError, AttributeError):
            return False
    tokenizer = any((copy / name).exists() for name in ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"))
    # A link to a file that is not there yet does not "exist".
    return bool(weights) and tokenizer and all((copy / name).exists() for name in ["config.json", *weights])


def _ask(origin: HubOrigin) -> ModelInfo:
    """Ask the hub what it has, and give up within seconds."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if constants.HF_HUB_OFFLINE:
        raise cache.UnavailableError("the hub was not asked, as HF_HUB_OFFLINE is set.")
    host = re.sub(r"^\w+://([^/@]*@)?", "", constants.ENDPOINT)
    if host in _unreachable:
        raise cache.UnavailableError(_unreachable[host])
    question = functools.partial(
        HfApi().model_info, origin.repo, revision=origin.revision, timeout=_ANSWER_SECONDS, files_metadata=True
    )
    try:
        return _within(_GIVE_UP_SECONDS, question)
    except (HfHubHTTPError, OfflineModeIsEnabled) as error:  # it did answer
        raise _refusal(origin, error) from error
    except Exception as error:  # its HTTP library's errors, which share no base class across its versions
        _unreachable[host] = f"the hub ({host}) could not be reached ({_first_line(error)})."
        raise cache.UnavailableError(_unreachable[host]) from error


def _within(seconds: float, question: Callable[[], _T]) -> _T:
    """Run `question` for at most this long: looking up a host's name heeds no timeout of its own."""
    answers: list[_T] = []
    errors: list[Exception] = []

    def ask() -> None:
        try:
            answers.append(question())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return answers[0]


def _explained(origin: HubOrigin, download: Callable[[], _T]) -> _T:
    try:
        return download()
    except Exception as error:  # as in _ask
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        raise _refusal(origin, error) from error


def _refusal(origin: HubOrigin, error: Exception) -> cache.UnavailableError:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    causes = {type(cause) for cause in (error, error.__cause__, error.__context__)}
    if any(issubclass(cause, GatedRepoError) for cause in causes):
        text = f"the hub gives {origin.repo} only to those who agreed to its terms on its page and logged in."
        return cache.UnavailableError(text, "Agree there, then log in with `hf auth login`.")
    if any(issubclass(cause, RepositoryNotFoundError | RevisionNotFoundError) for cause in causes):
        at = f" at {origin.revision}" if origin.revision else ""
        text = f"the hub has no model {origin.repo}{at}, or it is private."
        return cache.UnavailableError(text, "Check the name, or log in with `hf auth login`.")
    return cache.UnavailableError(f"the hub did not give {origin.repo} ({_first_line(error)}).")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:150].rstrip(".") or type(error).__name__


def _download_bytes(info: ModelInfo) -> int:
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or [] if "/" not in file.rfilename}
    return sum(size for name, size in sizes.items() if any(fnmatch.fnmatch(name, wanted) for wanted in _WANTED))


@contextlib.contextmanager
def _silent_bars() -> Iterator[None]:
    """Keep huggingface_hub from printing; progress is reported by the caller."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    were_disabled = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not were_disabled:
            enable_progress_bars()
