"""Answers as `trimtab predict` writes them: JSON lines, or CSV. Knows nothing about how they came about."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping

from trimtab.cli.terminal import say_data, say_json
from trimtab.errors import TrimtabError

# What an answer is, in records of every kind of answer; then what stands beside it in CSV.
ANSWER = ("label", "labels", "option", "number", "text", "tags")
BESIDE = ("answer", "probability", "error")


def print_answer(row: Mapping[str, object], answer: Mapping[str, object]) -> None:
    """Print an answer as a JSON line."""
    say_json(answer)


class CsvAnswers:
    """Prints rows with their answers behind them as CSV (RFC 4180, line ends as on this system).

    The first row says which columns there are; what is no text or number is written as JSON. A column of the row that
    is called as one of ours is keeps its name, and ours stands behind it under `trimtab` and its name.
    """

    def __init__(self) -> None:
        self._columns: list[str] | None = None

    def __call__(self, row: Mapping[str, object], answer: Mapping[str, object]) -> None:
        """Print a row. Raises TrimtabError where it has a column that the first did not have."""
        if self._columns is None:
            self._columns = list(row)
            ours = [f"trimtab {name}" if name in row else name for name in BESIDE]
            self._write([*self._columns, *ours])
        more = [column for column in row if column not in self._columns]
        if more:
            raise TrimtabError(
                f"a row has the column '{more[0]}', which the first row did not have.", "Leave --csv out."
            )
        said = next((answer[name] for name in ANSWER if name in answer), "")
        figures = [said, answer.get("probability", ""), answer.get("error", "")]
        self._write([*(row.get(column, "") for column in self._columns), *figures])

    def _write(self, values: list[object]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(map(_cell, values))
        say_data(line.getvalue())


def _cell(value: object) -> object:
    """A value as it stands in a cell."""
    if value is None:
        return ""
    return value if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False, default=str)
