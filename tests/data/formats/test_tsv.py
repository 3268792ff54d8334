"""Tab-separated values: quotes as pandas and spreadsheets write them, and as sets that quote nothing have them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reading import values
from trimtab.data import read_records

Write = Callable[[str, bytes], Path]
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# No carriage return alone, which is a line end to some programs and none to others.
TEXT = st.text(st.sampled_from("ab \"\n\t,'好"), max_size=8)
RAW = st.text(st.sampled_from("ab \",'好"), min_size=1, max_size=8).filter(str.strip)


def test_a_text_that_begins_with_a_quote_takes_no_other_rows(write: Write) -> None:
    base = write("a.tsv", b'text\tlabel\n"Hello, he said.\t1\nfine\t0\n"So" it goes\t1\na "b" c\t0\nthe end"\t1\n')
    assert [tuple(row.values()) for row in values("a.tsv", base)] == [
        ('"Hello, he said.', "1"), ("fine", "0"), ('"So" it goes', "1"), ('a "b" c', "0"), ('the end"', "1"),
    ]  # fmt: skip


def test_quotes_that_open_in_one_row_and_close_in_another_are_two_rows(write: Write) -> None:
    base = write("a.tsv", b'text\tlabel\n"one\t1\ntwo"\t0\n')
    assert [row["text"] for row in values("a.tsv", base)] == ['"one', 'two"']


def test_values_that_a_program_quoted(write: Write) -> None:
    base = write("a.tsv", b'label\ttext\r\n1\t"one\r\ntwo\tthree ""four"""\r\n\r\n0\tfive\r\n')
    records = list(read_records("a.tsv", base=base))
    assert [record.where for record in records] == ["a.tsv:2", "a.tsv:5"]
    assert values("a.tsv", base) == [{"label": "1", "text": 'one\r\ntwo\tthree "four"'}, {"label": "0", "text": "five"}]


@QUICK
@given(rows=st.lists(st.tuples(TEXT, st.sampled_from(["yes", "no"])), max_size=5))
def test_what_pandas_writes_comes_back(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    """But for a text whose lines are rows by themselves, which no reader can tell from rows."""
    table = pandas.DataFrame(rows, columns=["text", "label"])
    table.to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    if any("\t" in text and "\n" in text for text, _ in rows):
        return
    assert [tuple(row.values()) for row in values("a.tsv", tmp_path)] == rows


@QUICK
@given(rows=st.lists(st.tuples(RAW, st.sampled_from(["yes", "no"])), max_size=6))
def test_sets_that_quote_nothing_come_back(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    """But for quotes that can be read as RFC 4180 has them: a text quoted whole, or opened here and closed below."""
    opened = next((place for place, (text, _) in enumerate(rows) if text[0] == '"'), len(rows))
    assume(not any('""' in text for text, _ in rows[opened + 1 :]))
    assume(not any('""' in text and not _quoted_whole(text) for text, _ in rows[opened : opened + 1]))
    (tmp_path / "a.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in [("text", "label"), *rows]))
    expected = []
    for text, label in rows:
        whole = next(csv.reader(io.StringIO(text), delimiter="\t"))[0] if _quoted_whole(text) else text
        expected.append((whole, label))
    assert [tuple(row.values()) for row in values("a.tsv", tmp_path)] == expected


def _quoted_whole(text: str) -> bool:
    inner = text[1:-1].replace('""', "")
    return len(text) > 1 and text[0] == text[-1] == '"' and '"' not in inner


@pytest.mark.parametrize("count", [20_000])
def test_many_open_quotes_take_little_time(write: Write, count: int) -> None:
    base = write("a.tsv", b"text\tlabel\n" + b'"a b c\tyes\n' * count)
    assert len(values("a.tsv", base)) == count
