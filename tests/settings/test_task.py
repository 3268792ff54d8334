"""Task files: short forms, overrides, unknown settings at every level, bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from trimtab.errors import TrimtabError
from trimtab.settings.file import dump_task, make_task, read_task
from trimtab.settings.methods import Settings
from trimtab.settings.task import Task


def read(folder: Path, text: str, *overrides: str) -> Task:
    (folder / "task.yaml").write_text(text, encoding="utf-8")
    return read_task(folder / "task.yaml", overrides)


def refusal(call) -> str:
    with pytest.raises(TrimtabError) as caught:
        call()
    return str(caught.value)


def test_defaults_and_a_round_trip(tmp_path):
    task = read(tmp_path, "name: reviews\ndata: {train: a.jsonl}\nlabels: [好评, bad_one]\ntask: 'a: \"b\"\n\n c 😀'\n")
    assert (task.name, task.data.train, task.data.dev, task.train.runs) == ("reviews", "a.jsonl", None, 1)
    assert read(tmp_path, dump_task(task)) == task
    assert read(tmp_path, dump_task(make_task({}))) == make_task({})
    assert read(tmp_path, "\ufeffname: with a mark\n").name == "with a mark"


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


def test_overrides(tmp_path):
    text = "name: a\ntrain:\ndata: {columns: {text: body}}\n"
    task = read(
        tmp_path, text, "train.epochs=3", "train.rate=1e-2", "name=b c", "labels=[x, y]", "data.columns.text=title",
        "task=is it {good} ?", "train.clip=null", "template.truncate=[]",
    )  # fmt: skip
    assert (task.train.epochs, task.train.rate, task.train.clip, task.name) == (3, 0.01, None, "b c")
    assert task.labels.words == {"x": ["x"], "y": ["y"]}
    assert (task.data.columns, task.task, task.template.truncate) == ({"text": "title"}, "is it {good} ?", [])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.epochs", "--set train.epochs: expected setting=value. For example --set train.epochs=3."),
        ("=3", "--set =3: expected setting=value. For example --set train.epochs=3."),
        ("name.epochs=3", "--set name.epochs=3: 'name' is not a group of settings. See docs/task-file.md."),
        ("train.epoch=3", "{path}: unknown setting 'train.epoch'. Did you mean 'epochs'?"),
    ],
)
def test_overrides_that_cannot_be(tmp_path, override, message):
    assert refusal(lambda: read(tmp_path, "name: a", override)) == message.format(path=tmp_path / "task.yaml")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bakcbone": "x"}, "task: unknown setting 'bakcbone'. Did you mean 'backbone'?"),
        ({"data": {"trian": "x"}}, "task: unknown setting 'data.trian'. Did you mean 'train'?"),
        ({"template": {"txt": "x"}}, "task: unknown setting 'template.txt'. Did you mean 'text'?"),
        (
            {"labels": {"words": ["a", "b"], "length_normalize": True}},
            "task: unknown setting 'labels.length_normalize'. Did you mean 'length_normalise'?",
        ),
        ({"method": {"lenght": 3}}, "task: unknown setting 'method.lenght'. Did you mean 'length'?"),
        ({"train": {"learning_rat": 3}}, "task: unknown setting 'train.learning_rat'. Known here: {train}."),
        (
            {"zzz": 1},
            "task: unknown setting 'zzz'. "
            "Known here: name, backbone, task, notice, language, data, template, labels, rules, answer, method, train.",
        ),
    ],
)
def test_unknown_settings_name_the_nearest(settings, message):
    known = ", ".join(type(make_task({}).train).model_fields)
    assert refusal(lambda: make_task(settings)) == message.format(train=known)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train": {"epochs": 0}}, "train.epochs: Input should be greater than 0 (found 0)."),
        ({"train": {"runs": 65}}, "train.runs: Input should be less than or equal to 64 (found 65)."),
        ({"train": {"warmup": 1}}, "train.warmup: Input should be less than 1 (found 1)."),
        (
            {"train": {"steps": "many"}},
            "train.steps: Input should be a valid integer, unable to parse string as an integer (found 'many').",
        ),
        (
            {"train": {"optimiser": "adam"}},
            "train.optimiser: Input should be 'adamw', 'adafactor' or 'sgd' (found 'adam').",
        ),
        ({"template": {"max_tokens": 3}}, "template.max_tokens: Input should be greater than or equal to 8 (found 3)."),
        ({"name": ""}, "name: String should have at least 1 character (found '')."),
        ({"train": 3}, "train: expected settings, `name: value` a line (found 3)."),
        ({"train": None}, "train: expected settings, `name: value` a line (found None)."),
        ({"labels": 3}, "labels: expected settings, `name: value` a line (found 3)."),
        ({3: "x"}, "3: Keys should be strings (found 3)."),
    ],
)
def test_bounds_and_kinds(settings: dict[Any, Any], message):
    assert refusal(lambda: make_task(settings)) == f"task: {message} See docs/task-file.md."


def test_files_that_are_not_task_files(tmp_path):
    path = tmp_path / "task.yaml"
    assert refusal(lambda: read_task(tmp_path / "none.yaml")) == (
        f"{tmp_path / 'none.yaml'}: no such file. Give a task file; examples/ holds some to start from."
    )
    assert refusal(lambda: read_task(tmp_path)) == f"{tmp_path}: a folder, expected a task file. Give a task file."
    assert refusal(lambda: read(tmp_path, "- a\n- b\n")) == (
        f"{path}: a task file holds settings, `name: value` a line. See docs/task-file.md."
    )
    assert refusal(lambda: read(tmp_path, "")) == (
        f"{path}: a task file holds settings, `name: value` a line. See docs/task-file.md."
    )
    assert refusal(lambda: read(tmp_path, "name: a\n  train: b\n")) == (
        f"{path}:2: not valid YAML: mapping values are not allowed here. Check indentation, quotes and names."
    )
    assert refusal(lambda: read(tmp_path, "name: [a\n")) == (
        f"{path}:2: not valid YAML: expected ',' or ']', but got '<stream end>'. Check indentation, quotes and names."
    )
    assert refusal(lambda: read(tmp_path, "name: \x07\n")) == (
        f"{path}: not valid YAML: special characters are not allowed. Check indentation, quotes and names."
    )
    assert refusal(lambda: read(tmp_path, "name: a\nname: b\n")) == (
        f"{path}:2: not valid YAML: 'name' stands twice. Check indentation, quotes and names."
    )
    path.write_bytes(b"name: \xff\n")
    assert refusal(lambda: read_task(path)) == f"{path}: byte 6 is not valid UTF-8. Save the file as UTF-8."


def test_a_run_folder_given_as_task_file(tmp_path):
    (tmp_path / "task.yaml").write_text("name: a")
    assert refusal(lambda: read_task(tmp_path)) == (
        f"{tmp_path}: a folder, expected a task file. Add --resume to go on with a run folder."
    )


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


def test_written_files_need_no_code_to_read(tmp_path):
    """Other programs may read a run's task.yaml as plain YAML."""
    task = make_task({"labels": ["yes", "no", "1", "null", "true"], "name": "on"})
    assert list(yaml.safe_load(dump_task(task))["labels"]["words"]) == ["yes", "no", "1", "null", "true"]
