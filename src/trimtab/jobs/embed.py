"""`trimtab embed`: vectors of texts, by a bare backbone or behind a run's prompt, written to a file.

    source -> texts -> embedder -> vectors -> file

What needs torch is imported once the first row has been read, so that a missing file or a wrong column is told before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trimtab.data import Record, read_records
from trimtab.data.files import Format
from trimtab.data.mapping import field_text
from trimtab.data.records import source_name
from trimtab.data.values import no_column
from trimtab.errors import DataError, TaskError
from trimtab.kinds.choose import kind_of
from trimtab.runs.folder import is_finished, write_whole
from trimtab.runs.run import described, load_run
from trimtab.settings.task import DataSettings, Precision
from trimtab.sources.places import local_or_known

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trimtab.backbones.open import Progress
    from trimtab.backbones.pretrained import Pretrained
    from trimtab.inference.vectors import Embedder, Pooling

ENDINGS = (".npy", ".jsonl", ".parquet")
FIELD = "text"
# Vectors of a table that are written at a time.
_AT_ONCE = 1024


def open_embedder(
    name: str,
    *,
    pooling: Pooling = "mean",
    layer: int | None = None,
    normalise: bool = False,
    most: int | None = None,
    precision: Precision | None = None,
    offline: bool = False,
    agree: bool = False,
    pretrained: Pretrained | None = None,
    progress: Progress | None = None,
) -> Embedder:
    """What makes vectors, by a run where `name` is its folder, else by a bare backbone of that name.

    Raises:
        TrimtabError: whatever is wrong with the run, its backbone or what is asked of it.
    """
    from trimtab.backbones.open import backbone_of, open_backbone
    from trimtab.inference.vectors import Embedder

    here = Path.cwd()
    run = load_run(Path(name)) if is_finished(Path(name)) else None
    if pretrained is None:
        how: dict[str, Any] = {"precision": precision, "offline": offline, "agree": agree, "progress": progress}
        if run is not None:
            pretrained = backbone_of(run.task, here, **how)
        else:
            pretrained = open_backbone(local_or_known(name, here), **{**how, "precision": precision or "auto"})
    return Embedder(pretrained, run, pooling=pooling, layer=layer, normalise=normalise, most=most)


def texts_of(
    name: str,
    source: str,
    *,
    field: str | None = None,
    format: Format = "auto",
    encoding: str = "utf-8",
    base: Path | None = None,
) -> Iterator[str | dict[str, str]]:
    """The texts of a source's rows: a column, or all fields of a run's template.

    Args:
        name: the run or backbone.
        source: a file, a pattern, `-` or a hub name.
        field: the column that is read; by default the run's fields, and `text` for a bare backbone.
        format, encoding, base: see `read_records`.

    Raises:
        TrimtabError: a source that cannot be read, has no rows, or lacks a column.
    """
    task = described(Path(name))[0] if is_finished(Path(name)) else None
    columns = [field or FIELD]
    if task is not None and field is None:
        columns = list(kind_of(task.answer).template(task).fields)
    mapped = task.data if task else DataSettings()
    rows = 0
    for record in read_records(source, base=base or Path.cwd(), format=format, encoding=encoding):
        assert isinstance(record, Record)
        rows += 1
        found = {}
        for column in columns:
            own = column if field or task is None else mapped.columns.get(column, column)
            if not record.has(own):
                raise no_column(record, own, "the text", "Name one of them with --field.")
            found[column] = field_text(record, own, DataSettings())
        yield found[columns[0]] if len(columns) == 1 else found
    if not rows:
        raise DataError(f"{source_name(source)}: no rows.", "Name a file with texts.")


def begun(texts: Iterator[str | dict[str, str]]) -> Iterator[str | dict[str, str]]:
    """The same texts, of which the first has been read already."""
    return chain([next(texts)], texts)


def check_place(out: Path) -> None:
    """Raise TaskError where vectors cannot be written under this name."""
    if out.suffix not in ENDINGS:
        raise TaskError(f"{out}: vectors are written as {', '.join(ENDINGS)}.", "Choose one of these endings.")
    if not out.parent.is_dir():
        raise TaskError(f"{out}: there is no folder {out.parent}.", "Make it, or name another.")


def run(
    embedder: Embedder,
    texts: Iterable[str | Mapping[str, str]],
    out: Path | None = None,
    *,
    on_vector: Callable[[NDArray[np.float32]], None] | None = None,
    progress: Progress | None = None,
) -> tuple[int, int]:
    """Make vectors, and write them where `out` says; a file is there once it is whole.

    Args:
        embedder: from `open_embedder`.
        texts: from `texts_of`.
        out: `.npy` (an array [N, D]), `.jsonl` or `.parquet` (a column `vector`); None to write nothing.
        on_vector: given each vector.
        progress: told how many there are.

    Returns:
        How many vectors, and D.
    """
    count = 0

    def made() -> Iterator[NDArray[np.float32]]:
        nonlocal count
        for vector in embedder(texts):
            count += 1
            if progress:
                progress("texts", count, None)
            if on_vector:
                on_vector(vector)
            yield vector

    if out is None:
        for _ in made():
            pass
    else:
        check_place(out)
        write_whole(out, lambda path: _write(path, out.suffix, made(), embedder.size))
    return count, embedder.size


def plain(vector: NDArray[np.float32]) -> dict[str, list[float]]:
    """A vector as plain values, with the digits that a float32 has."""
    return {"vector": [float(f"{x:.7g}") for x in vector.tolist()]}


def _write(path: Path, ending: str, vectors: Iterator[NDArray[np.float32]], size: int) -> None:
    match ending:
        case ".npy":
            whole = np.fromiter(vectors, dtype=np.dtype((np.float32, size)))
            with path.open("wb") as file:
                np.save(file, whole)
        case ".jsonl":
            with path.open("w", encoding="utf-8") as text:
                text.writelines(f"{json.dumps(plain(vector))}\n" for vector in vectors)
        case _:
            _write_table(path, vectors, size)


def _write_table(path: Path, vectors: Iterator[NDArray[np.float32]], size: int) -> None:
    import pyarrow
    from pyarrow import parquet

    kind = pyarrow.list_(pyarrow.float32(), size)
    with parquet.ParquetWriter(path, pyarrow.schema([("vector", kind)])) as file:
        some: list[NDArray[np.float32]] = []
        for vector in chain(vectors, [None]):
            if vector is not None:
                some.append(vector)
            if some and (vector is None or len(some) == _AT_ONCE):
                flat = pyarrow.array(np.concatenate(some))
                file.write_table(pyarrow.table({"vector": pyarrow.FixedSizeListArray.from_arrays(flat, size)}))
                some = []
