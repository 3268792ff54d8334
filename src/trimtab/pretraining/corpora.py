"""The texts of a corpus as a stream of documents, whatever their number. Knows nothing about tokens or models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trimtab.data import Record, read_records
from trimtab.data.files import ROW_ENDINGS, ending, find_file, holds_rows, matching
from trimtab.data.plain_text import read_text
from trimtab.data.splits import rank
from trimtab.data.values import as_text, no_column, whole
from trimtab.errors import DataError
from trimtab.settings.corpus import CorpusDataSettings

# Of a folder, what holds texts by its ending; all else is passed over.
TEXT_ENDINGS = (".txt", ".text", ".md", ".markdown", ".rst", ".tex", ".py")


@dataclass(frozen=True)
class Document:
    """A text that a model reads as a whole, and where it comes from: `news.jsonl:12`, `novel.txt`."""

    text: str
    where: str


@dataclass(frozen=True)
class Split:
    """The documents of a split; every iteration reads them anew.

    Attributes:
        name: `train`, `dev` or `test`.
        source: where they come from.
        data: how they are read.
        base: folder at which relative paths start.
        part: which of the documents are meant: those set aside, those kept, or all.
    """

    name: str
    source: str | list[str]
    data: CorpusDataSettings
    base: Path
    part: str = "all"

    def __iter__(self) -> Iterator[Document]:
        """The documents. Raises DataError: as `documents`, or there are none."""
        found = False
        for document in documents(self.source, self.data, base=self.base):
            if self.part == "all" or is_held_out(document, self.data) == (self.part == "aside"):
                found = True
                yield document
        if not found:
            raise self._empty()

    def files(self) -> list[str]:
        """The files and hub names it is read from, in order. Raises DataError where there are none."""
        return [file for source in _each(self.source) for file in _files(source, self.base)]

    def _empty(self) -> DataError:
        named = ", ".join(_each(self.source))
        if self.part == "all":
            return DataError(f"{named}: no text.", "Check the file: it is empty, or holds nothing but white space.")
        what = "set aside for dev" if self.part == "aside" else "left to train on"
        hint = "Name dev texts in data.dev, or cut smaller documents (data.document: line)."
        return DataError(f"{named}: no document is {what} (data.held_out: {self.data.held_out:g}).", hint)


def splits_of(data: CorpusDataSettings, *, base: Path) -> dict[str, Split]:
    """The splits of a corpus by name: `train`, `dev` (given, or set aside from train), and `test` where one is given.

    Raises:
        DataError: a file or pattern that is not there.
    """
    if data.dev is None:
        found = {
            "train": Split("train", data.train, data, base, "kept"),
            "dev": Split("dev", data.train, data, base, "aside"),
        }
    else:
        found = {"train": Split("train", data.train, data, base), "dev": Split("dev", data.dev, data, base)}
    if data.test is not None:
        found["test"] = Split("test", data.test, data, base)
    for split in found.values():
        split.files()
    return found


def is_held_out(document: Document, data: CorpusDataSettings) -> bool:
    """Whether a document of train is set aside, by a hash of its text: the same on every machine, in any order."""
    return int.from_bytes(rank(data.seed, document.text)[:8], "big") < data.held_out * 2**64


def documents(source: str | list[str], data: CorpusDataSettings, *, base: Path) -> Iterator[Document]:
    """The documents of a source in order, without those that are blank.

    Raises:
        DataError: no such file; a folder without texts; not text in this encoding; a damaged packed file; a row that
            is none, or without the column.
    """
    for given in _each(source):
        for file in _files(given, base):
            found = _rows(file, data, base) if _is_rows(file) else _texts(file, data, base)
            yield from (document for document in found if document.text.strip())


def _each(source: str | list[str]) -> list[str]:
    return [source] if isinstance(source, str) else source


def _is_rows(file: str) -> bool:
    return file.startswith("hub:") or holds_rows(file)


def _files(source: str, base: Path) -> list[str]:
    if source.startswith("hub:"):
        return [source]
    folder = base / Path(source).expanduser()
    if folder.is_dir():
        return _inside(source, folder)
    found = matching(source, base)
    for file in found:
        if not holds_rows(file):
            find_file(file, base)
    return found


def _inside(source: str, folder: Path) -> list[str]:
    """The files of a folder, and of those in it, that hold texts or rows; hidden ones are passed over."""
    known = {*TEXT_ENDINGS, *ROW_ENDINGS}
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and ending(path.name) in known)
    inside = [path.relative_to(folder) for path in paths]
    found = [str(Path(source) / path) for path in inside if not any(part.startswith(".") for part in path.parts)]
    if not found:
        listed = ", ".join([*TEXT_ENDINGS, *ROW_ENDINGS])
        raise DataError(f"{source}: no texts in this folder.", f"It needs files that end in {listed}, packed or not.")
    return found


def _rows(file: str, data: CorpusDataSettings, base: Path) -> Iterator[Document]:
    for record in read_records(file, base=base, encoding=data.encoding):
        assert isinstance(record, Record)
        if not record.has(data.field):
            raise no_column(record, data.field, "the text", "Set data.field to one of them.")
        yield Document(whole(as_text(record, data.field) or ""), record.where)


def _texts(file: str, data: CorpusDataSettings, base: Path) -> Iterator[Document]:
    pieces = read_text(file, base=base, encoding=data.encoding, option="data.encoding:")
    match data.document:
        case "file":
            yield Document(_joined(pieces), file)
        case "line":
            for number, line in enumerate(_lines(pieces), 1):
                yield Document(line, f"{file}:{number}")
        case "paragraph":
            yield from _paragraphs(_lines(pieces), file)


def _joined(pieces: Iterable[str]) -> str:
    return "".join(pieces).replace("\r\n", "\n")


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    """Lines without their ends, of which `\\n` and `\\r\\n` are."""
    kept = ""
    for piece in pieces:
        *lines, kept = (kept + piece).split("\n")
        yield from (line.removesuffix("\r") for line in lines)
    yield kept


def _paragraphs(lines: Iterable[str], file: str) -> Iterator[Document]:
    held: list[str] = []
    first = 1
    for number, line in enumerate(lines, 1):
        if line.strip():
            first = first if held else number
            held.append(line)
        elif held:
            yield Document("\n".join(held), f"{file}:{first}")
            held = []
    if held:
        yield Document("\n".join(held), f"{file}:{first}")
