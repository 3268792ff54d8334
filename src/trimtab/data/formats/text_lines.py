"""Lines of text as rows. Knows nothing about other formats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trimtab.data.formats.row import Fault, Row
from trimtab.data.lines import Line


def read_text(lines: Iterable[Line]) -> Iterator[Row | Fault]:
    """Read each line as `{"text": line}`; blank lines are passed over."""
    for line in lines:
        text = line.text.rstrip("\r\n")
        if line.error:
            yield Fault(line.number, line.error, text)
        elif text.strip():
            yield Row(line.number, {"text": text})
