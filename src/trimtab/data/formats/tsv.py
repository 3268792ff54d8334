"""Tab-separated values, with quotes as RFC 4180 has them or as plain characters. Knows nothing about headers.

There is no standard: spreadsheets and pandas quote a value that holds a tab, a quote or a line end, as in CSV; most
published sets (GLUE's) quote nothing, and a value may begin with a quote. A line is read with quotes where they come in
pairs as RFC 4180 says, and as it stands where they do not.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from itertools import islice

from trimtab.data.lines import Line

# The most lines that a quoted value is looked for in.
MOST_LINES = 100


def tab_separated(lines: Iterator[Line]) -> Iterator[tuple[list[Line], list[str]]]:
    """The lines of each row and its values; blank lines are passed over. The first row has as many as all should."""
    waiting: deque[Line] = deque()
    width: int | None = None
    while True:
        line = waiting.popleft() if waiting else next(lines, None)
        if line is None:
            return
        if not line.text.strip("\r\n"):
            continue
        taken, values = [line], _plain(line)
        if '"' in line.text:
            waiting.extend(islice(lines, max(0, MOST_LINES - len(waiting))) if _unfinished(line) else ())
            quoted = _quoted([line, *waiting])
            if quoted is not None and _meant(*quoted, values, width):
                taken, values = quoted
                for _ in taken[1:]:
                    waiting.popleft()
        width = width or len(values)
        yield taken, values


def _plain(line: Line) -> list[str]:
    return line.text.rstrip("\r\n").split("\t")


def _unfinished(line: Line) -> bool:
    """Whether a quoted value begins in a line and does not end there."""
    try:
        next(csv.reader([line.text], delimiter="\t", strict=True))
    except csv.Error as fault:
        return "unexpected end of data" in str(fault)
    return False


def _quoted(lines: list[Line]) -> tuple[list[Line], list[str]] | None:
    """The lines of a row read with quotes, and its values; None where it cannot be read so."""
    fed: list[Line] = []

    def feed() -> Iterator[str]:
        for line in lines:
            fed.append(line)
            yield line.text

    try:
        values = next(csv.reader(feed(), delimiter="\t", strict=True))
    except (csv.Error, StopIteration):
        return None
    return fed, values


def _meant(taken: list[Line], values: list[str], plain: list[str], width: int | None) -> bool:
    """Whether quotes are meant: they make a row of the right width, and lines are not rows, or quotes are doubled."""
    if width is None:
        return True
    if len(values) != width and len(plain) == width:
        return False
    if len(taken) == 1:
        return True
    meant = any(len(_plain(line)) != width or '""' in line.text for line in taken)
    return len(values) == width and meant
