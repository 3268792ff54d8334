"""CoNLL files: a token and its tag a line. Knows nothing about other formats."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from trimtab.data.formats.row import Fault, Row
from trimtab.data.lines import Line
from trimtab.errors import DataError

_HINT = "Write a token and its tag a line, and a blank line behind each sentence."
# What tells of a sentence and is none of its tokens: `-DOCSTART- -X- O`, `# sent_id = 3`, `# id 5239d808`.
_COMMENT = re.compile(r"-DOCSTART-|#\s*(?:\S+\s*=|id\s)")


def read_conll(lines: Iterable[Line], name: str) -> Iterator[Row | Fault]:
    """Read a token a line, its tag in the last of the columns, as `{"tokens": [...], "tags": [...]}` a sentence.

    Where the first token's line has a tab, tabs are between columns, which may hold spaces; else any white space is.
    Blank lines end a sentence; lines that begin with `-DOCSTART-`, and comments before a sentence, are passed over.
    Where lines hold a token alone, there are no tags. The place of a sentence is its first line.
    """
    taken: list[Line] = []
    cells: Callable[[str], list[str]] | None = None
    for line in chain(lines, [Line(0, "")]):
        comment = _COMMENT.match(line.text) and (not taken or line.text.startswith("-"))
        if line.text.strip() and not comment:
            taken.append(line)
            cells = cells or (_by_tabs if "\t" in line.text.rstrip() else str.split)
        elif taken and cells:
            yield _sentence(taken, name, cells)
            taken = []


def _by_tabs(line: str) -> list[str]:
    return re.split("\t+", line.rstrip())


def _sentence(lines: list[Line], name: str, split: Callable[[str], list[str]]) -> Row | Fault:
    place, raw = lines[0].number, "".join(line.text for line in lines).rstrip("\r\n")
    cells = [split(line.text) for line in lines]
    for line, found in zip(lines, cells, strict=True):
        error = line.error
        if len(found) != len(cells[0]):
            columns = f"{len(found)} column{'' if len(found) == 1 else 's'}"
            message = f"{name}:{line.number}: {columns}, expected {len(cells[0])} as in line {place}."
            error = DataError(message, _HINT)
        if error:
            return Fault(place, error, raw)
    values: dict[str, object] = {"tokens": [row[0] for row in cells]}
    return Row(place, values | ({"tags": [row[-1] for row in cells]} if len(cells[0]) > 1 else {}))
