"""Settings of a task: short forms, and that each is described."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimtab.settings.file import read_task
from trimtab.settings.methods import Settings
from trimtab.settings.task import Task


def read(folder: Path, text: str, *overrides: str) -> Task:
    (folder / "task.yaml").write_text(text, encoding="utf-8")
    return read_task(folder / "task.yaml", overrides)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("[negative, very_good]", {"negative": ["negative"], "very_good": ["very good"]}),
        ("{neg: bad, pos: good}", {"neg": ["bad"], "pos": ["good"]}),
        ("{neg: [bad, awful], pos: good}", {"neg": ["bad", "awful"], "pos": ["good"]}),
        ("{0: bad, 1: good}", {"0": ["bad"], "1": ["good"]}),
        ("[1, 2.5]", {"1": ["1"], "2.5": ["2.5"]}),
        ("[yes, no]", {"yes": ["yes"], "no": ["no"]}),  # not booleans
        ("{on: yes, off: No}", {"on": ["yes"], "off": ["No"]}),
        ("[true, false]", {"true": ["true"], "false": ["false"]}),  # as the data's booleans become text
        ("{words: [a, b_c]}", {"a": ["a"], "b_c": ["b c"]}),
        ("{words: {a: x, b: [y]}}", {"a": ["x"], "b": ["y"]}),
        ("{}", None),
        ("{words: null}", None),
    ],
)
def test_short_forms_of_labels(tmp_path, given, words):
    assert read(tmp_path, f"labels: {given}\n").labels.words == words


def test_labels_with_length_normalise(tmp_path):
    for text in ("{a: x, b: y, length_normalise: true}", "{words: {a: x, b: y}, length_normalise: true}"):
        labels = read(tmp_path, f"labels: {text}").labels
        assert (labels.words, labels.length_normalise) == ({"a": ["x"], "b": ["y"]}, True)
    # a label of that name, where its words are words
    assert read(tmp_path, "labels: {length_normalise: x, b: y}").labels.words == {"length_normalise": ["x"], "b": ["y"]}


def test_yes_and_no_still_switch(tmp_path):
    assert read(tmp_path, "train: {ensemble: yes}\n").train.ensemble is True
    assert read(tmp_path, "train: {ensemble: true}\n").train.ensemble is True


def test_every_setting_is_described():
    def fields(model: type[Settings], above: str = ""):
        for name, field in model.model_fields.items():
            yield above + name, field.description
            if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
                yield from fields(field.annotation, f"{above}{name}.")

    listed = dict(fields(Task))
    assert len(listed) > 45
    assert [
        name for name, description in listed.items() if not description or not description.endswith((".", ")"))
    ] == []
