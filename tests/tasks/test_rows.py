"""A task and its rows, whatever its answers are: what is picked, what is refused, and that no torch is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import tiny
from trimtab import load_splits
from trimtab.data import Splits
from trimtab.data.example import ChoiceExample, NumberExample, TaggedExample, TextExample
from trimtab.errors import DataError, TaskError, TrimtabError
from trimtab.settings.answers import LABEL, ChoiceAnswer, NumberAnswer, TagsAnswer, TextAnswer
from trimtab.settings.file import make_task
from trimtab.settings.methods import FewShotSettings
from trimtab.settings.task import DataSettings
from trimtab.tasks.rows import TaskRows, read_rows, started_from

CHOICE = {"kind": "choice", "options": "options"}
ROWS: dict[str, list[dict[str, Any]]] = {
    "label": [{"text": f"film {i}", "label": ("good", "bad")[i % 2]} for i in range(8)],
    "choice": [{"text": f"film {i}", "options": ["good", "bad"], "label": i % 2} for i in range(8)],
    "number": [{"text": f"film {i}", "label": i} for i in range(8)],
    "tags": [{"tokens": ["film", str(i)], "tags": ["B-thing", "O"]} for i in range(8)],
    "text": [{"text": f"film {i}", "label": f"about {i}"} for i in range(8)],
}
ANSWER: dict[str, Any] = {"choice": CHOICE}


def content(kind: str, **changes: Any) -> dict[str, Any]:
    data = {"train": "train.jsonl", "dev": "dev.jsonl", **({"label": "tags"} if kind == "tags" else {})}
    return {"answer": ANSWER.get(kind, kind), "data": data, **changes}


def read(
    folder: Path, kind: str, train: list[dict[str, Any]] | None = None, dev: list[dict[str, Any]] | None = None,
    **changes: Any,
) -> TaskRows:  # fmt: skip
    tiny.write_rows(folder / "train.jsonl", train or ROWS[kind])
    tiny.write_rows(folder / "dev.jsonl", dev or ROWS[kind][:4])
    return read_rows(make_task(content(kind, **changes)), folder)


# What is picked


def test_labels_are_named_in_order_and_numbers_by_their_size(tmp_path: Path) -> None:
    rows = [{"text": "x", "label": label} for label in ("b_c", "10", "9", "a")]
    assert read(tmp_path, "label", rows, rows).words == {"9": ["9"], "10": ["10"], "a": ["a"], "b_c": ["b c"]}
    given = {"good": ["fine", "great"], "bad": ["awful"]}
    assert read(tmp_path, "label", labels=given).words == given


@pytest.mark.parametrize("kind", ["choice", "number", "tags", "text"])
def test_other_answers_have_no_words(kind: str, tmp_path: Path) -> None:
    found = read(tmp_path, kind)
    assert found.words == {}
    assert (found.kind.plural, found.base) == (found.task.answer.plural, tmp_path)
    assert (len(found.splits.train), len(found.splits.dev), found.splits.test) == (8, 4, [])


def test_rows_are_of_the_class_of_their_kind(tmp_path: Path) -> None:
    classes = {"choice": ChoiceExample, "number": NumberExample, "tags": TaggedExample, "text": TextExample}
    for kind, its_class in classes.items():
        assert {type(example) for example in read(tmp_path, kind).splits.train} == {its_class}


def test_numbers_are_standardised_by_train(tmp_path: Path) -> None:
    answer = read(tmp_path, "number", dev=[{"text": "x", "label": 1000}]).task.answer
    assert isinstance(answer, NumberAnswer)
    assert (answer.mean, answer.sd) == (3.5, pytest.approx(5.25**0.5))
    own = read(tmp_path, "number", answer={"kind": "number", "mean": 1.0}).task.answer
    assert isinstance(own, NumberAnswer)
    assert (own.mean, own.sd) == (1.0, pytest.approx(5.25**0.5))


def test_tags_are_those_of_train_and_what_train_lacks_is_not_refused(tmp_path: Path) -> None:
    train = [{"tokens": ["a", "b", "c", "d"], "tags": ["O", "B-y", "B-x", "I-x"]}]
    task = read(tmp_path, "tags", train, [{"tokens": ["a"], "tags": ["B-z"]}]).task
    assert isinstance(task.answer, TagsAnswer)
    assert task.answer.tags == ["O", "B-x", "I-x", "B-y"]


def test_rows_that_were_read_before_are_not_read_again(tmp_path: Path) -> None:
    before = Splits([NumberExample({"text": "x"}, "3", "here", number=3.0)], [], [])
    found = read_rows(make_task(content("number")), tmp_path, before)
    assert found.splits is before
    assert isinstance(found.task.answer, NumberAnswer)
    assert (found.task.answer.mean, found.task.answer.sd) == (3.0, 1.0)


def test_splits_of_any_kind_by_the_public_function(tmp_path: Path) -> None:
    for kind, answer in (("label", LABEL), ("choice", ChoiceAnswer(options="options")), ("text", TextAnswer())):
        tiny.write_rows(tmp_path / "a.jsonl", ROWS[kind])
        splits = load_splits(DataSettings(train="a.jsonl"), ["text"], answer, base=tmp_path)
        assert len(splits.train) + len(splits.dev) == 8
    assert all(isinstance(example, TextExample) for example in splits.train)
    tiny.write_rows(tmp_path / "a.jsonl", ROWS["label"])
    assert len(load_splits(DataSettings(train="a.jsonl"), ["text"], base=tmp_path).dev) == 2


# What is refused

PUT_RIGHT = "Correct the row, or add the label to `labels`."
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a label that train lacks": (
        "label",
        {"dev": [{"text": "x", "label": "godo"}]},
        "dev.jsonl:1: label 'godo' is not one of bad, good. Did you mean 'good'?",
    ),
    "a label that the task lacks": (
        "label",
        {"labels": ["good", "so-so"]},
        f"train.jsonl:2: label 'bad' is not one of good, so-so. {PUT_RIGHT}",
    ),
    "one label": (
        "label",
        {"train": ROWS["label"][:1] * 4},
        "train.jsonl: every row has the label 'good', expected two labels or more. "
        "Add rows with other labels, or set data.label (now 'label').",
    ),
    "a dialogue with a label": (
        "label",
        {"template": {"text": "{messages}"}},
        "template.text stands for a whole dialogue, and the answers of this task are labels. Set answer to text.",
    ),
    "demonstrations around turns": (
        "label",
        {"template": {"chat": True}, "method": "few_shot"},
        "method 'few_shot' shows examples as plain text, and rows of this task are turns of a dialogue. "
        "Choose another method, or set template.chat to false.",
    ),
    "an option that is not there": (
        "choice",
        {"dev": [{"text": "x", "options": ["a", "b"], "label": 2}]},
        "dev.jsonl:1: answer 2 is not one of 0 to 1. Correct the row. Where options are counted from 1, set "
        "answer.first to 1.",
    ),
    "labels of choices": (
        "choice",
        {"labels": ["a", "b"]},
        "labels are given, and the answers of this task are choices. Take `labels` out, or set answer to label.",
    ),
    "a head over options": (
        "choice",
        {"method": "search"},
        "method 'search' needs labels that are the same for all rows, and each row has options of its own. Choose "
        "another method, soft_prompt or lora say.",
    ),
    "a dialogue with a choice": (
        "choice",
        {"template": {"text": "{messages}"}},
        "template.text stands for a whole dialogue, and the answers of this task are choices. Set answer to text.",
    ),
    "no number": (
        "number",
        {"train": [{"text": "x", "label": "good"}]},
        "train.jsonl:1: answer 'good' in column 'label' is not a number. Write it like 3.5, or leave the row out.",
    ),
    "one number": (
        "number",
        {"train": [{"text": "x", "label": 2}] * 4},
        "train.jsonl: every row has the number '2', expected two numbers or more. "
        "Add rows with other numbers, or set data.label (now 'label').",
    ),
    "an untrained number": (
        "number",
        {"method": "zero_shot"},
        "method 'zero_shot' trains nothing, and numbers are read by a layer that must be trained. "
        "Choose a method that trains, head or soft_prompt say.",
    ),
    "smoothed numbers": (
        "number",
        {"train_settings": {"label_smoothing": 0.1}},
        "train.label_smoothing spreads probability over labels, and the answers of this task are numbers. Take it out.",
    ),
    "numbers from demonstrations": (
        "number",
        {"method": {"name": "prefix", "init": "demonstrations"}},
        "method.init is 'demonstrations', and few-shot does not go with this task: method 'few_shot' trains nothing, "
        "and numbers are read by a layer that must be trained. Start from something else: set method.init to task.",
    ),
    "no entity": (
        "tags",
        {"train": [{"tokens": ["x"], "tags": ["O"]}] * 2},
        "train.jsonl: no row has an entity; every tag is 'O'. Add rows with entities, or set data.label (now 'tags').",
    ),
    "a tag that is not to be given": (
        "tags",
        {"answer": {"kind": "tags", "tags": ["O", "B-think"]}},
        "train.jsonl:1: tag 1 is 'B-thing', which is not among answer.tags. Did you mean 'B-think'?",
    ),
    "tags within a turn": (
        "tags",
        {"template": {"chat": True}},
        "template.chat puts the answer behind the row, and tags are read within it. Set template.chat to false.",
    ),
    "tags without tokens": (
        "tags",
        {"template": {"text": "Text: {text}"}},
        "template.text has no field of the tokens ('tokens'): 'Text: {text}'. "
        "Put one {tokens} where they belong, or set answer.tokens to their column.",
    ),
    "untrained tags": (
        "tags",
        {"method": "few_shot"},
        "method 'few_shot' trains nothing, and tags are read by a layer that must be trained. "
        "Choose a method that trains, head or soft_prompt say.",
    ),
    "no text": (
        "text",
        {"train": [{"text": "x", "label": "y"}, {"text": "x", "label": None}]},
        "train.jsonl:2: no label in column 'label' (1 of 2 rows has none). "
        "Label the row or leave it out; `trimtab predict` takes rows without labels.",
    ),
    "no assistant": (
        "text",
        {"template": {"text": "{messages}"}, "train": [{"messages": [{"role": "user", "content": "Hi."}]}]},
        "train.jsonl:1: no assistant turn (1 of 1 rows has none). "
        "Leave it out; `trimtab predict` answers dialogues that end with the user.",
    ),
    "a dialogue beside text": (
        "text",
        {"template": {"text": "{messages} {text}{answer}"}},
        "template.text has {messages}, which is a whole dialogue, beside other text: '{messages} {text}{answer}'. "
        "Let it stand alone, and put what is to be said of it into `task`; or give the field another name.",
    ),
    "a head that says texts": (
        "text",
        {"method": "head"},
        "method 'head' needs labels, and the answers of this task are texts. "
        "Choose another method, soft_prompt or lora say.",
    ),
    "calibrated texts": (
        "text",
        {"method": {"name": "zero_shot", "calibrate": True}},
        "method.calibrate needs labels, and the answers of this task are texts. Take it out.",
    ),
    "a mean of texts": (
        "text",
        {"train_settings": {"ensemble": True}},
        "train.ensemble takes the mean of labels' probabilities, and the answers of this task are texts. "
        "Take it out; the best run on dev answers.",
    ),
    "no tests": (
        "text",
        {"answer": {"kind": "text", "tests": "check"}},
        "train.jsonl:1: no column 'check' for the tests; the columns are text, label. Set answer.tests to one of them.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str, tmp_path: Path) -> None:
    kind, changes, message = REFUSED[case]
    changes = dict(changes)
    rows = {part: changes.pop(part) for part in ("train", "dev") if part in changes}
    if "train_settings" in changes:
        changes["train"] = changes.pop("train_settings")
    tiny.write_rows(tmp_path / "train.jsonl", rows.get("train", ROWS[kind]))
    tiny.write_rows(tmp_path / "dev.jsonl", rows.get("dev", ROWS[kind][:4]))
    with pytest.raises(TrimtabError) as caught:
        read_rows(make_task(content(kind, **changes)), tmp_path)
    assert str(caught.value) == message


def test_a_metric_that_there_is_none_of_is_told_before_rows_are_read(tmp_path: Path) -> None:
    with pytest.raises(TrimtabError, match=r"^Metric 'BLUE' is not one of .*Did you mean 'BLEU'\?$"):
        read_rows(make_task(content("text", answer={"kind": "text", "metrics": ["BLUE"]})), tmp_path)


# What a method starts from


def test_a_method_starts_from_demonstrations_where_it_says_so() -> None:
    for method in ("soft_prompt", {"name": "prefix", "init": "task"}, "lora", "few_shot"):
        assert started_from(make_task({"method": method})) is None
    for name in ("soft_prompt", "prefix"):
        task = make_task({"method": {"name": name, "init": "demonstrations", "demonstrations": 3}, "task": "good ?"})
        shown = started_from(task)
        assert shown is not None
        assert shown.method == FewShotSettings(demonstrations=3)
        assert shown.task == "good ?"


# Other tasks


def other(folder: Path, name: str = "other", **changes: Any) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    tiny.write_rows(folder / "other.jsonl", ROWS["label"])
    settings = {"data": {"train": "other.jsonl"}, "task": "is it good ?", **changes}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return name


def with_sources(folder: Path, *sources: str, kind: str = "label", **changes: Any) -> TaskRows:
    method = {"name": "multitask_prompt", "sources": list(sources)}
    return read(folder, kind, **{"method": method, **changes})


def test_other_tasks_are_read_where_their_files_are_with_the_method_of_this_one(tmp_path: Path) -> None:
    other(tmp_path / "far", labels={"good": "yes", "bad": "no"})
    found = with_sources(tmp_path, "far/other.yaml")
    [source] = found.sources
    assert (source.base, source.words) == (tmp_path / "far", {"good": ["yes"], "bad": ["no"]})
    assert source.task.method == found.task.method
    assert source.task.task == "is it good ?"
    assert len(source.splits.train) + len(source.splits.dev) == 8
    assert source.sources == ()
    assert read(tmp_path, "label", method="multitask_prompt").sources == ()


def refusal(folder: Path, *sources: str, **changes: Any) -> TrimtabError:
    with pytest.raises(TrimtabError) as caught:
        with_sources(folder, *sources, **changes)
    return caught.value


def test_what_is_wrong_with_another_task_is_said_with_its_name(tmp_path: Path) -> None:
    other(tmp_path, "numbers", answer="number")
    other(tmp_path, "far", backbone="gemma3-270m")
    other(tmp_path, "fewer", labels=["good", "awful"])
    other(tmp_path, "absent", data={"train": "absent.jsonl"})
    found = refusal(tmp_path, "numbers.yaml")
    assert isinstance(found, TaskError)
    assert str(found) == (
        "method.sources: numbers.yaml: its answers are of kind 'number', and only tasks with labels are trained "
        "together. Name another task."
    )
    found = refusal(tmp_path, "far.yaml")
    assert isinstance(found, TaskError)
    assert str(found) == (
        "method.sources: far.yaml: its backbone is gemma3-270m, that of this task smollm2-135m. "
        "Set both to the same one."
    )
    found = refusal(tmp_path, "fewer.yaml")
    assert isinstance(found, DataError)
    assert found.message.startswith("method.sources: fewer.yaml: other.jsonl:")
    assert found.message.endswith("label 'bad' is not one of good, awful.")
    assert found.hint == PUT_RIGHT
    assert refusal(tmp_path, "absent.yaml").message.startswith("method.sources: absent.yaml: absent.jsonl: no such")
    assert refusal(tmp_path, "none.yaml").message.startswith("method.sources: none.yaml: ")
    found = refusal(tmp_path, "numbers.yaml", kind="number")
    assert isinstance(found, TaskError)
    assert str(found) == (
        "method.sources: the answers of this task are of kind 'number', and only tasks with labels are trained "
        "together. Leave method.sources out."
    )


# Without torch

SCRIPT = """
import json, sys
from pathlib import Path
import trimtab.tasks.rows, trimtab.jobs.tune, trimtab.jobs.show, trimtab.jobs.evaluate
loaded = lambda: sorted({"torch", "transformers"} & set(sys.modules))
found = {"imported": loaded()}
from trimtab.errors import TrimtabError
from trimtab.settings.file import make_task
for name, content in json.loads(Path("tasks.json").read_text()).items():
    try:
        trimtab.tasks.rows.read_rows(make_task(content), Path(name))
        found[name] = "read"
    except TrimtabError as error:
        found[name] = error.message
found["read"] = loaded()
try:
    trimtab.jobs.tune.run(make_task({"data": {"train": "none.jsonl"}}), Path("run"), base=Path("."))
except TrimtabError as error:
    found["tuned"] = error.message
found["at the end"] = loaded()
print(json.dumps(found))
"""


def test_mistakes_are_told_before_torch_is_loaded(tmp_path: Path) -> None:
    """Rows of every kind are read, and refused, in a process that never imports torch or transformers."""
    tasks = {}
    for kind, rows in ROWS.items():
        (tmp_path / kind).mkdir()
        tiny.write_rows(tmp_path / kind / "train.jsonl", rows)
        tiny.write_rows(tmp_path / kind / "dev.jsonl", rows[:4])
        tasks[kind] = content(kind)
    (tmp_path / "bad").mkdir()
    tiny.write_rows(tmp_path / "bad" / "train.jsonl", ROWS["label"])
    tiny.write_rows(tmp_path / "bad" / "dev.jsonl", [{"text": "x", "label": "godo"}])
    tasks["bad"] = content("label")
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "imported": [],
        **dict.fromkeys(ROWS, "read"),
        "bad": "dev.jsonl:1: label 'godo' is not one of bad, good.",
        "read": [],
        "tuned": "none.jsonl: no such file.",
        "at the end": [],
    }
