"""What rows become, shown."""

from __future__ import annotations

import pytest

import tiny
from opened import opened_in
from trimtab.jobs import show
from trimtab.settings.file import make_task, read_task
from trimtab.tasks.rows import read_rows


def test_parts_of_a_row_in_order(tmp_path, tiny_folder, pretrained):
    tiny.write_task(tmp_path, tiny_folder)
    task = make_task(tiny.task(tiny_folder, template={"text": "{task}\nText: {text}\nAnswer:{answer}"}))
    shown, words = show.run(task, 2, base=tmp_path, pretrained=pretrained)
    [first] = tiny.rows(1, 1)
    assert len(shown) == 2
    assert (shown[0].where, shown[0].answer, shown[0].cut) == ("reviews.jsonl:1", first["label"], 0)
    assert shown[0].text == f"is the film good ?\nText: {first['text']}\nAnswer: {first['label']}"
    assert [what for what, _ in shown[0].parts] == ["soft prompt", "head", "row", "answer"]
    joined = {what: "".join(tokens) for what, tokens in shown[0].parts}
    assert joined["soft prompt"] == "▢" * 5
    assert joined["head"] + joined["row"] + joined["answer"] == shown[0].text
    assert shown[0].tokens == sum(len(tokens) for _, tokens in shown[0].parts)
    assert words == {"negative": [[" negative"]], "positive": [[" positive"]]}


def test_the_command(trimtab, tmp_path, tiny_folder):
    tiny.write_task(tmp_path, tiny_folder, template={"max_tokens": 18})
    tiny.write_rows(tmp_path / "reviews.jsonl", [*tiny.rows(2, 1), {"text": "great " * 50, "label": "positive"}])
    code, out, err = trimtab("show", "task.yaml", "-n", "3")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("reviews.jsonl:1  ·  ")
    assert "  soft prompt    5  ▢ x 5" in lines
    assert "       answer    1   positive" in lines
    assert any(line.startswith("  cut to fit: ") for line in lines)
    assert lines[-3:] == ["Label words", "  negative:  negative", "  positive:  positive"]


def test_settings_may_be_overridden(trimtab, tmp_path, tiny_folder):
    tiny.write_task(tmp_path, tiny_folder)
    out = trimtab("show", "task.yaml", "-n", "1", "--set", "labels={negative: bad, positive: [good, very good]}").out
    assert out.splitlines()[-1].count(",") == 1


def test_an_override_that_takes_the_place_of_another_setting_is_told(trimtab, tmp_path, tiny_folder):
    tiny.write_task(tmp_path, tiny_folder)
    code, _, err = trimtab("show", "task.yaml", "-n", "1", "--set", "train.epochs=2")
    assert (code, err) == (0, "train.steps: 8 is given up for --set train.epochs=2.\n")


def test_another_precision(trimtab, tmp_path, tiny_folder, monkeypatch):
    """The tiny task asks for float32."""
    used = opened_in(monkeypatch)
    tiny.write_task(tmp_path, tiny_folder)
    for given in ((), ("--precision", "bfloat16")):
        assert trimtab("show", "task.yaml", "-n", "1", *given).code == 0
    assert used == ["float32", "bfloat16"]


ONE_CLASS = [{"text": "good", "label": "positive"}, {"text": "great", "label": "positive"}]
TYPO = [{"text": "good", "label": "positive"}, {"text": "bad", "label": "negatve"}]
WRONG_COLUMN = [{"body": "good", "label": "positive"}, {"body": "bad", "label": "negative"}]
WRONG_ANSWERS = [{"text": "good", "stars": "positive"}, {"text": "bad", "stars": "negative"}]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (ONE_CLASS, "every row has the label 'positive', expected two labels or more"),
        (TYPO, "label 'negatve' is not one of negative, positive"),
        (WRONG_COLUMN, "no column 'text' for the field 'text'"),
        (WRONG_ANSWERS, "no column 'label' for the answer"),
        ([], "no rows"),
    ],
)
def test_it_refuses_what_tune_refuses(trimtab, tmp_path, tiny_folder, rows, said):
    tiny.write_rows(tmp_path / "reviews.jsonl", rows)
    tiny.write_task(tmp_path, tiny_folder)
    shown, tuned = trimtab("show", "task.yaml"), trimtab("tune", "task.yaml")
    assert shown == tuned
    assert shown.code == 2
    assert said in shown.err


def test_notes_on_rows_are_those_of_tune(trimtab, tmp_path, tiny_folder):
    tiny.write_task(tmp_path, tiny_folder, data={"dev": None})
    notes = read_rows(read_task(tmp_path / "task.yaml"), tmp_path).splits.note
    code, _, err = trimtab("show", "task.yaml", "-n", "1")
    assert (code, err.splitlines()) == (0, notes)
    assert len(notes) == 1
