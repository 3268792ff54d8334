"""Task files: YAML, overrides, unknown settings at every level, bounds; every message whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trimtab.errors import TaskError
from trimtab.settings.file import dump_task, make_task, read_task
from trimtab.settings.task import Task


def read(folder: Path, text: str, *overrides: str) -> Task:
    (folder / "task.yaml").write_text(text, encoding="utf-8")
    return read_task(folder / "task.yaml", overrides)


def refusal(call) -> str:
    with pytest.raises(TaskError) as caught:
        call()
    return str(caught.value)


def test_defaults_and_a_round_trip(tmp_path):
    task = read(tmp_path, "name: reviews\ndata: {train: a.jsonl}\nlabels: [好评, bad_one]\ntask: 'a: \"b\"\n\n c 😀'\n")
    assert (task.name, task.data.train, task.data.dev, task.train.runs) == ("reviews", "a.jsonl", None, 1)
    assert read(tmp_path, dump_task(task)) == task
    assert read(tmp_path, dump_task(make_task({}))) == make_task({})
    assert read(tmp_path, "\ufeffname: with a mark\n").name == "with a mark"


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
    ("before", "overrides", "trained", "notes"),
    [
        ("steps: 8", ["train.epochs=3"], (3, None), ["train.steps: 8 is given up for --set train.epochs=3."]),
        ("epochs: 2.5", ["train.steps=9"], (None, 9), ["train.epochs: 2.5 is given up for --set train.steps=9."]),
        ("steps: 8", ["train.steps=9"], (None, 9), []),
        ("steps: 8", ["train.epochs=null"], (None, 8), []),
        ("steps: null", ["train.epochs=3"], (3, None), []),
        ("steps: 8", ["train={epochs: 3}"], (3, None), []),
        (
            "rate: 1",
            ["train.steps=9", "train.epochs=3"],  # the last word counts
            (3, None),
            ["train.steps: 9 is given up for --set train.epochs=3."],
        ),
    ],
)
def test_steps_and_epochs_take_each_others_place(tmp_path, before, overrides, trained, notes):
    (tmp_path / "task.yaml").write_text(f"train: {{{before}}}\n")
    found: list[str] = []
    task = read_task(tmp_path / "task.yaml", overrides, found.append)
    assert ((task.train.epochs, task.train.steps), found) == (trained, notes)


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
            "Known here: name, backbone, task, notice, language, data, template, labels, rules, embeddings, "
            "word_vectors, answer, method, train.",
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


def test_written_files_need_no_code_to_read(tmp_path):
    """Other programs may read a run's task.yaml as plain YAML."""
    task = make_task({"labels": ["yes", "no", "1", "null", "true"], "name": "on"})
    assert list(yaml.safe_load(dump_task(task))["labels"]["words"]) == ["yes", "no", "1", "null", "true"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # YAML 1.2.2, 10.3.2, "Tag resolution": null, booleans, integers and floats of the core schema
        ("null", None), ("~", None), ("", None), ("NULL", None),
        ("true", True), ("False", False), ("TRUE", True),
        ("0", 0), ("12", 12), ("-19", -19), ("+1", 1),
        ("0.", 0.0), ("1.5", 1.5), (".5", 0.5), ("-0.0", 0.0), ("1.0e-05", 1e-5), (".inf", float("inf")),
        # and all else is text: YAML 1.1 has booleans, octal, minutes, dates, groups of digits, a default value of these
        ("yes", "yes"), ("No", "No"), ("on", "on"), ("OFF", "OFF"), ("y", "y"), ("nan", "nan"),
        ("010", "010"), ("1:30", "1:30"), ("2024-01-01", "2024-01-01"), ("1_000", "1_000"), ("=", "="), ("0b1", "0b1"),
        # as are what 1.2 takes for numbers though a label may be written so: PyYAML has put these into runs as they are
        ("08", "08"), ("0o7", "0o7"), ("1e3", "1e3"), ("4E5", "4E5"), ("-.5", "-.5"),
    ],
)  # fmt: skip
def test_plain_words(tmp_path, text, value):
    schema = read(tmp_path, f"answer: {{kind: text, json_schema: {{const: {text}}}}}\n").answer.json_schema
    assert (schema["const"], type(schema["const"])) == (value, type(value))


def test_numbers_are_read_where_a_setting_is_one(tmp_path):
    task = read(tmp_path, "train: {steps: 08, rate: 1e-3, warmup: .1, weight_decay: 1e-2, clip: ~}\n")
    assert (task.train.steps, task.train.rate, task.train.warmup, task.train.weight_decay, task.train.clip) == (
        8, 1e-3, 0.1, 1e-2, None,
    )  # fmt: skip


def test_a_group_may_be_given_twice_by_an_anchor(tmp_path):
    task = read(tmp_path, "data: &a {train: x, label: y}\nlabels: {words: {<<: {a: [b]}, c: [d]}}\n")
    assert (task.data.label, task.labels.words) == ("y", {"a": ["b"], "c": ["d"]})


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
LABELS = WORDS.filter(lambda word: word == word.strip())
LIKE_YAML = st.from_regex(r"[-+.0-9eEoxb_:~=<yYnN]{1,6}", fullmatch=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(LIKE_YAML | LABELS, st.lists(LIKE_YAML | WORDS, min_size=1), min_size=1))
def test_every_label_comes_back(tmp_path, words):
    task = make_task({"labels": {"words": words}})
    assert read(tmp_path, dump_task(task)).labels.words == words
    assert yaml.safe_load(dump_task(task))["labels"]["words"] == words  # other programs read it too


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: !!int abc\n", "{path}: not valid YAML: invalid literal for int() with base 10: 'abc'."),
        ("name: !!python/name:os.system\n",
         "{path}:1: not valid YAML: could not determine a constructor for the tag "
         "'tag:yaml.org,2002:python/name:os.system'."),
        ("a: 1\n? [b]\n: c\n", "{path}:2: not valid YAML: found unhashable key."),
        ("data:\n  train: a\n  train: b\n", "{path}:3: not valid YAML: 'train' stands twice."),
        ("labels: {1: bad, '1': good}\n", "{path}:1: not valid YAML: '1' stands twice."),
        ("name: a\n---\nname: b\n", "{path}:2: not valid YAML: but found another document."),
        ("name: " + "[" * 1500, "{path}:1: not valid YAML: it is nested too deeply."),
    ],
)  # fmt: skip
def test_yaml_that_will_not_do(tmp_path, text, message):
    found = refusal(lambda: read(tmp_path, text))
    assert found == message.format(path=tmp_path / "task.yaml") + " Check indentation, quotes and names."


def test_a_value_that_is_no_yaml_is_text(tmp_path):
    assert read(tmp_path, "name: a\n", "task=is it [good ?").task == "is it [good ?"
    assert read(tmp_path, "name: a\n", "name=" + "[" * 1500).name == "[" * 1500
