"""`trimtab vectors`: word vectors trained on texts and written to a file, and asked what lies near what.

sources -> rows -> words -> vectors -> file
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trimtab.data import Record, read_records
from trimtab.data.files import Format
from trimtab.data.mapping import field_text
from trimtab.data.records import check_source, source_name
from trimtab.data.values import no_column
from trimtab.errors import DataError, TaskError
from trimtab.evaluation.text.words import words
from trimtab.runs.folder import write_whole
from trimtab.settings.task import DataSettings
from trimtab.vectors import kept
from trimtab.vectors.nearest import Near, Neighbours, analogy, nearest
from trimtab.vectors.reading import open_vectors
from trimtab.vectors.training import How, Progress, need_gensim, train

__all__ = ["How", "Near", "Neighbours", "Trained", "analogy", "check_place", "nearest", "open_vectors", "run"]

ENDINGS = (".vectors", ".txt")
FIELD = "text"
# Words in a line of what gensim reads, at most: it leaves out what is behind ten thousand.
_LONGEST = 10_000
# Rows between two words on how far reading has come.
_TOLD_EVERY = 1000


@dataclass(frozen=True)
class Trained:
    """What was trained.

    Attributes:
        texts, read: rows, and words in them.
        words: words that have a vector.
        size: numbers of a vector.
    """

    texts: int
    read: int
    words: int
    size: int


def check_place(out: Path) -> None:
    """Raise TaskError where vectors cannot be written under this name."""
    if out.suffix not in ENDINGS:
        raise TaskError(f"{out}: word vectors are written as {' or '.join(ENDINGS)}.", "Choose one of these endings.")
    if out.is_dir():
        raise TaskError(f"{out}: is a folder.", "Choose another name.")
    if not out.parent.is_dir():
        raise TaskError(f"{out}: there is no folder {out.parent}.", "Make it, or name another.")


def run(
    sources: Sequence[str],
    out: Path | str,
    how: How | None = None,
    *,
    field: str | None = None,
    format: Format = "auto",
    encoding: str = "utf-8",
    base: Path | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train word vectors on texts, and write them; the file is there once it is whole.

    The texts are read once, as a stream. Their words are kept beside `out` until training has read them in each epoch.

    Args:
        sources: files with a text a line or rows, patterns, `-` or hub names.
        out: `.vectors` (all that there is) or `.txt` (word2vec's text format, vectors of known words alone).
        how: kind, size, seed and so on.
        field: the column that is read; `text` by default.
        format, encoding, base: see `read_records`.
        progress: told what is being done.

    Raises:
        TrimtabError: no gensim, a source that cannot be read, has no words or lacks a column, no place to write.
    """
    out, base, how = Path(out), base or Path.cwd(), how or How()
    check_place(out)
    if how.ngrams[0] > how.ngrams[1]:
        raise TaskError(f"n-grams of {how.ngrams[0]} to {how.ngrams[1]} characters.", "Give the shortest length first.")
    need_gensim()
    check_source(list(sources), base=base)
    texts = _texts(sources, field or FIELD, format, encoding, base)
    name = source_name(list(sources))
    told: list[Trained] = []

    def write(path: Path) -> None:
        corpus = path.with_name("words")
        rows, read = _write_words(texts, corpus, name, progress)
        vectors = train(corpus, how, name, progress)
        told.append(Trained(rows, read, *vectors.vectors.shape))
        if out.suffix == ".txt":
            kept.save_text(path, vectors)
        else:
            kept.save(path, vectors, {**asdict(how), "texts": rows, "words": read})

    write_whole(out, write)
    return told[0]


def _texts(sources: Sequence[str], field: str, format: Format, encoding: str, base: Path) -> Iterator[str]:
    for record in read_records(list(sources), base=base, format=format, encoding=encoding):
        assert isinstance(record, Record)
        if not record.has(field):
            raise no_column(record, field, "the text", "Name one of them with --field.")
        yield field_text(record, field, DataSettings())


def _write_words(texts: Iterator[str], corpus: Path, name: str, progress: Progress | None) -> tuple[int, int]:
    """Write the words of texts, a text a line; return how many texts and words there are. Raises DataError at none."""
    rows = count = 0
    with corpus.open("w", encoding="utf-8", errors="replace") as file:
        for text in texts:
            rows += 1
            found = words(text)
            count += len(found)
            for start in range(0, len(found), _LONGEST):
                file.write(" ".join(found[start : start + _LONGEST]) + "\n")
            if progress and rows % _TOLD_EVERY == 0:
                progress("texts", rows, None)
    if not count:
        raise DataError(f"{name}: no words.", "Name a file with texts.")
    return rows, count
