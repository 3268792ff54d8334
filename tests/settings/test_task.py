"""Settings of a task: short forms, and that each is described."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimtab.errors import TaskError
from trimtab.settings.file import make_task, read_task
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
        # a number, a truth value and null are what was written, as they are in a table
        (
            "[010, 12:30:00, null, yes, 1.50, True, 0x1F, 1e3, .5, ~]",
            {label: [label] for label in ("010", "12:30:00", "null", "yes", "1.50", "True", "0x1F", "1e3", ".5", "~")},
        ),
        ("{1.50: 010, null: ~, True: [.5, FALSE]}", {"1.50": ["010"], "null": ["~"], "True": [".5", "FALSE"]}),
        ("{words: {1.50: 010, null: [null]}}", {"1.50": ["010"], "null": ["null"]}),
        ("{a: , b_c: }", {"a": ["a"], "b_c": ["b c"]}),  # no word: its own name
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


def test_words_on_the_command_line_and_elsewhere_are_what_was_written(tmp_path):
    assert read(tmp_path, "name: a", "labels=[1.50, null]").labels.words == {"1.50": ["1.50"], "null": ["null"]}
    assert read(tmp_path, "labels: {a: b}", "labels.1=010").labels.words == {"a": ["b"], "1": ["010"]}
    assert read(tmp_path, "labels: {words: {a: b}}", "labels.words.a=[1.0]").labels.words == {"a": ["1.0"]}
    assert read(tmp_path, "labels: {a: b}", "labels.length_normalise=true").labels.length_normalise is True
    task = read(
        tmp_path, "rules: {1.50: [010, null]}\ndata: {columns: {text: 2020}, group: null}\n"
        "answer: {kind: text, stop: [1.0], one_of: [1.50, true, null]}\n",
    )  # fmt: skip
    assert (task.rules, task.data.columns, task.data.group) == ({"1.50": ["010", "null"]}, {"text": "2020"}, None)
    assert (task.answer.stop, task.answer.one_of) == (["1.0"], ["1.50", "true", "null"])
    assert read(tmp_path, "answer: {kind: text, one_of: null}\n").answer.one_of is None


def test_words_given_in_python_become_text_as_the_data_does():
    assert make_task({"labels": [True, 5.0, 2.5, " a "]}).labels.words == {
        "true": ["true"], "5": ["5"], "2.5": ["2.5"], "a": ["a"],
    }  # fmt: skip
    for labels, what in (
        ([None, "a"], "a label or a word is null: give its name, in quotes if that is 'null'"),
        ({"a": ["b", None]}, "a label or a word is null: give its name, in quotes if that is 'null'"),
        (["a", "a "], "the label 'a' stands twice"),
    ):
        with pytest.raises(TaskError) as caught:
            make_task({"labels": labels})
        assert str(caught.value) == f"task: labels: Value error, {what} (found {labels!r}). See docs/task-file.md."


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
