"""The data job: which columns it takes, what it tolerates, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from trimtab.data import Finding, Lengths
from trimtab.data.counts.labels import LabelCounts
from trimtab.errors import DataError, TaskError
from trimtab.jobs import data
from trimtab.settings.task import DataSettings


def write(path: Path, *rows: dict[str, object]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def run(base: Path, source: str, fields: tuple[str, ...] = (), **options: object) -> data.DataReport:
    others = options.pop("others", {})
    settings = DataSettings.model_validate(options)
    return data.run(source, settings=settings, fields=fields, base=base, others=others)  # type: ignore[arg-type]


def refusal(base: Path, source: str, fields: tuple[str, ...] = ()) -> str:
    with pytest.raises(DataError) as caught:
        run(base, source, fields)
    return str(caught.value)


def test_a_bare_file_is_read_with_every_column_of_text(tmp_path: Path) -> None:
    write(
        tmp_path / "a.jsonl",
        {"title": "T", "body": "Good.", "label": "x", "tokens": ["a"], "stars": 5},
        {"title": None, "body": "Bad.", "label": None, "tokens": None},
    )
    report = run(tmp_path, "a.jsonl")
    split = report.splits["a.jsonl"]
    assert split.empty == {"title": Finding(1, ["a.jsonl:2"]), "stars": Finding(1, ["a.jsonl:2"])}
    assert split.unlabelled == Finding(1, ["a.jsonl:2"])
    assert split.characters == Lengths(4, 4, 7, 7)  # "T" "Good." "5" and "" "Bad." ""


def test_splits_of_a_task(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", {"body": "Good.", "stars": 1}, {"body": "Bad.", "stars": 0})
    write(tmp_path / "b.jsonl", {"body": "good.", "stars": 1})
    report = data.run(
        "a.jsonl",
        settings=DataSettings(columns={"text": "body"}, label="stars"),
        fields=["text"],
        base=tmp_path,
        others={"test": "b.jsonl"},
        counter=(len, 4),
    )
    assert report.splits["train"].answers == LabelCounts({"0": 1, "1": 1}, 2, 2)
    assert report.splits["train"].over_context == Finding(1, ["a.jsonl:1"])
    assert [(overlap.first, overlap.second) for overlap in report.shared] == [("train", "test")]


def test_missing_numbers_in_parquet_are_blank(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"text": [1.0, float("nan")], "label": [1.0, float("nan")]}), tmp_path / "a.parquet")
    split = run(tmp_path, "a.parquet").splits["a.parquet"]
    assert split.empty == {"text": Finding(1, ["a.parquet:2"])}
    assert (split.answers, split.unlabelled.count) == (LabelCounts({"1": 1}, 1, 2), 1)


def test_refusals(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", {"label": "x", "tokens": ["a"]})
    assert refusal(tmp_path, "a.jsonl") == (
        "a.jsonl:1: no column of text besides the label 'label'. The columns are label, tokens."
    )
    write(tmp_path / "c.jsonl", {"text": "a", "stars": "x"})
    assert refusal(tmp_path, "c.jsonl", ("text",)) == (
        "c.jsonl:1: no column 'label' for the answer; the columns are text, stars. Set data.label to one of them."
    )
    with pytest.raises(DataError, match=r"no column 'star' for the answer.* Did you mean 'stars'"):
        run(tmp_path, "c.jsonl", label="star")
    assert run(tmp_path, "c.jsonl").splits["c.jsonl"].unlabelled.count == 1  # nobody asked for labels
    with pytest.raises(TaskError, match=r"data.columns: no field 'txet' in the template"):
        run(tmp_path, "c.jsonl", ("text",), columns={"txet": "text"})
    write(tmp_path / "b.jsonl", {"texts": "a", "label": "x"})
    assert refusal(tmp_path, "b.jsonl", ("text",)) == (
        "b.jsonl:1: no column 'text' for the field 'text'; the columns are texts, label. Did you mean 'texts'?"
    )
    write(tmp_path / "c.jsonl")
    assert refusal(tmp_path, "c.jsonl") == "c.jsonl: no rows. Check the file: it needs one example a row."


NONE = {"count": 0, "where": []}
LENGTHS = {"min": 1, "median": 1, "p95": 1, "max": 1}
# What --json says of two rows, "a" and "b", besides their answers.
PLAIN = {
    "rows": 2, "labels": {}, "distinct_labels": 0, "unlabelled": NONE, "duplicates": NONE, "conflicts": NONE,
    "empty": {}, "damage": {}, "characters": LENGTHS, "tokens": None, "over_context": None,
    "numbers": None, "tags": None, "spans": None, "texts": None, "label_sets": None,
}  # fmt: skip
OPTIONS = {"options": ["x", "y", "z"]}
# Kind of answer -> settings of a task, its rows, what --json says of them, and the terminal.
KINDS: dict[str, tuple[dict[str, object], list[dict[str, object]], dict[str, object], list[str]]] = {
    "labels": (
        {},
        [{"text": "a", "label": "[b]no"}, {"text": "b", "label": "yes"}],
        {"labels": {"[b]no": 1, "yes": 1}, "distinct_labels": 2},
        ["2 rows, 2 labels", "[b]no  1  50.0%", "yes    1  50.0%"],
    ),
    "sets of labels": (
        {"answer": "multilabel"},
        [{"text": "a", "labels": "x|y"}, {"text": "b", "labels": []}],
        {"labels": {"x": 1, "y": 1}, "distinct_labels": 2,
         "label_sets": {"a_row": 1.0, "most": 2, "without": 1, "distinct": 2}},
        ["2 rows, 2 labels, 1.00 a row and 2 at most, 1 row without one, 2 different sets", "x  1  50.0%",
         "y  1  50.0%"],
    ),
    "choices": (
        {"answer": {"kind": "choice", "options": "options"}},
        [{"text": "a", "label": 2, **OPTIONS}, {"text": "b", "label": 2, **OPTIONS}],
        {"labels": {"option 3": 2}, "distinct_labels": 1},
        ["2 rows, 1 labels", "option 3  2  100.0%"],
    ),
    "numbers": (
        {"answer": "number"},
        [{"text": "a", "label": 1}, {"text": "b", "label": 4}],
        {"numbers": {"min": 1.0, "median": 2.5, "max": 4.0, "mean": 2.5, "sd": 1.5}},
        ["2 rows, numbers from 1 to 4, median 2.5, mean 2.5, standard deviation 1.5"],
    ),
    "tags": (
        {"answer": "tags"},
        [{"tokens": ["a"], "tags": ["B-x"]}, {"tokens": ["b"], "tags": ["O"]}],
        {"tags": {"tokens": 2, "types": {"x": 1}, "without": 1, "mended": 0, "mended_where": "", "longest": 1,
                  "plain": False}},
        ["2 rows, 2 tokens, 1 entity of 1 type, 1 row without one, longest row 1 tokens", "x  1  100.0%"],
    ),
    "spans": (
        {"answer": "span", "template": {"text": "{text}"}},
        [{"text": "a", "answers": ["a", "b"]}, {"text": "b", "answers": []}],
        {"spans": {"answered": 1, "without": 1, "several": 1, "astray": 0, "astray_where": "", "tokens": [1, 1, 1],
                   "context": [1, 1]}},
        ["2 rows, 1 row with an answer, 1 of them with several, 1 without; answers of 1 to 1 tokens, median 1; "
         "contexts of up to 1 characters, median 1"],
    ),
    "texts": (
        {"answer": "text"},
        [{"text": "a", "label": ["one", "three"]}, {"text": "b", "label": "two"}],
        {"texts": {"answers": 3, "distinct": 3, "several": 1, "characters": [3, 3, 5, 5], "tokens": None}},
        ["2 rows, 3 answers in free text, 3 different, 1 row with several; 3 to 5 characters, median 3, 95% up to 5"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_said_of_answers_of_each_kind(kind: str, tmp_path: Path, trimtab: Any) -> None:
    settings, rows, plain, lines = KINDS[kind]
    write(tmp_path / "rows.jsonl", *rows)
    (tmp_path / "task.yaml").write_text(json.dumps(settings))
    shown = trimtab("data", "rows.jsonl", "--task", "task.yaml", "--no-tokens")
    as_json = trimtab("data", "rows.jsonl", "--task", "task.yaml", "--no-tokens", "--json")
    assert (shown.code, shown.err, as_json.code, as_json.err) == (0, "", 0, "")
    expected = {"splits": {"rows.jsonl": PLAIN | plain}, "shared": [], "context": None, "notes": []}
    assert as_json.out == json.dumps(expected, indent=1) + "\n"
    first, *table = lines
    said = [line.strip() for line in shown.out.splitlines() if line.strip()]
    assert said[: len(lines) + 1] == [f"rows.jsonl: {first}", *table, "characters: 1 to 1, median 1, 95% up to 1"]


def test_what_of_dialogues_is_not_read_is_said(tmp_path: Path, trimtab: Any) -> None:
    turns = [{"role": "user", "content": "Hi", "mood": "gay"}, {"role": "assistant", "content": "Hello."}]
    write(tmp_path / "a.jsonl", {"messages": turns, "source": "web"})
    assert run(tmp_path, "a.jsonl").notes == [
        "a.jsonl: columns that nothing is read of: source",
        "a.jsonl: keys of messages that nothing is read of: mood",
    ]
    assert "• a.jsonl: columns that nothing is read of: source\n" in trimtab("data", "a.jsonl").out


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_recognised(separator: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f'text{separator}label\n"a, b{separator} c"{separator}x\nd{separator}y\n')
    split = run(tmp_path, "a.csv", ("text",)).splits["a.csv"]
    assert split.answers == LabelCounts({"x": 1, "y": 1}, 2, 2)
    assert split.characters == Lengths(1, 1, 7, 7)
