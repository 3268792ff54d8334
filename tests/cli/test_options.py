"""Options that hold numbers: bounds, and nothing that is no number; a closed standard input."""

from __future__ import annotations

import subprocess
import sys

import pytest

from trimtab.cli.options import row_counts, seconds


def test_times_are_read_in_seconds_minutes_and_hours():
    assert [seconds(text) for text in ("90s", "10m", "1.5h", "0.25s")] == [90, 600, 5400, 0.25]
    assert seconds(None) is None


def test_learning_curves_are_read_as_numbers_of_rows():
    assert row_counts("8,32,all") == [8, 32]
    assert row_counts(" 32 , 8,, all") == [32, 8]
    assert row_counts("999999999") == [999_999_999]
    assert row_counts("all") == row_counts("") == row_counts(None) == []


@pytest.mark.parametrize("budget", ["nanm", "infs", "-3m", "0s", "1e999h", "m", "", "10", "9" * 400 + "h"])
def test_budgets_that_are_no_time(trimtab, tmp_path, budget):
    (tmp_path / "task.yaml").write_text("name: a\ndata: {train: rows.jsonl}\n", encoding="utf-8")
    code, out, err = trimtab("compare", "task.yaml", "--budget", budget)
    assert (code, out) == (2, "")
    assert err.endswith(f"Error: --budget: '{budget}' is not a time such as 90s, 10m or 1.5h.\n")


@pytest.mark.parametrize("counts", ["8,1", "8,-2", "8,x", "9" * 5000, "8,²"])
def test_learning_curves_that_are_no_numbers(trimtab, tmp_path, counts):
    (tmp_path / "task.yaml").write_text("name: a\ndata: {train: rows.jsonl}\n", encoding="utf-8")
    code, out, err = trimtab("compare", "task.yaml", "--learning-curve", counts)
    assert (code, out) == (2, "")
    assert err.endswith(f"Error: --learning-curve: '{counts}' is not a list of numbers of rows such as 8,32,128.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare", "a.yaml", "--price", "nan"], "'--price': 'nan' is not a finite number."),
        (["compare", "a.yaml", "--price", "inf"], "'--price': 'inf' is not a finite number."),
        (["compare", "a.yaml", "--price", "-1"], "'--price': -1.0 is not in the range x>=0."),
        (["compare", "a.yaml", "--seeds", "1000000"], "'--seeds': 1000000 is not in the range 1<=x<=64."),
        (["predict", "run", "--batch", "1000000000"], "'--batch': 1000000000 is not in the range 1<=x<=65536."),
        (["chat", "--temperature", "nan"], "'--temperature': 'nan' is not a finite number."),
        (["chat", "--temperature", "11"], "'--temperature': 11.0 is not in the range 0<=x<=10."),
        (["chat", "--top-p", "nan"], "'--top-p': 'nan' is not a finite number."),
        (["chat", "--top-p", "1"], "'--top-p': 1.0 is not in the range 0<x<1."),
        (["chat", "--seed", "9300000000000"], "'--seed': 9300000000000 is not in the range 0<=x<=4294967295."),
        (["show", "a.yaml", "-n", "0"], "'-n': 0 is not in the range 1<=x<=1000000000."),
        (["perplexity", "a", "--context", "1"], "'--context': 1 is not in the range 2<=x<=1000000000."),
    ],
)
def test_numbers_out_of_bounds(trimtab, arguments, said):
    code, out, err = trimtab(*arguments)
    assert (code, out) == (2, "")
    assert err.endswith(f"Error: Invalid value for {said}\n")


def test_a_closed_standard_input_is_told():
    code = (
        "from pathlib import Path\nfrom trimtab.data import read_records\n"
        "from trimtab.data.plain_text import read_text\n"
        "from trimtab.errors import DataError\n"
        "for read in (lambda: list(read_records('-', base=Path())), lambda: list(read_text('-', base=Path()))):\n"
        "    try: read()\n    except DataError as error: print(error)"
    )
    command = f'{sys.executable} -c "$CODE" <&-'
    done = subprocess.run(
        ["sh", "-c", f"CODE='{code.replace(chr(39), chr(34))}'; {command}"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "standard input: closed. Give a file, or pipe rows in.\n" * 2
    assert done.stderr == ""
