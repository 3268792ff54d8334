"""Every number among the settings is bounded on both sides and finite; what is out of bounds is told whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, get_args

import annotated_types
import pytest

from trimtab.errors import TaskError
from trimtab.settings.answers import KINDS
from trimtab.settings.file import make_task, read_task
from trimtab.settings.methods import METHODS, Settings
from trimtab.settings.task import DataSettings, LabelSettings, Task, TemplateSettings, TrainSettings

# The unit of a number's own column: no bound but that it is finite.
IN_THE_DATAS_OWN_UNIT = {("answer", "mean"), ("answer", "sd")}


def numbers() -> Iterator[tuple[str, type[Settings], str, dict[str, Any]]]:
    """Group, settings, name and what else must be given, of each setting that is a number."""
    groups: list[tuple[str, type[Settings], dict[str, Any]]] = [
        ("data", DataSettings, {}), ("template", TemplateSettings, {}), ("labels", LabelSettings, {}),
        ("train", TrainSettings, {}), *(("method", kind, {"name": name}) for name, kind in METHODS.items()),
        *(("answer", kind, {"kind": kind.model_fields["kind"].default}) for kind in KINDS),
    ]  # fmt: skip
    for group, kind, beside in groups:
        for name, field in kind.model_fields.items():
            types = get_args(field.annotation) or (field.annotation,)
            if (int in types or float in types) and bool not in types:
                yield group, kind, name, beside


NUMBERS = list(numbers())


def test_there_are_many():
    assert len(NUMBERS) > 60
    assert {group for group, *_ in NUMBERS} == {"data", "template", "labels", "train", "method", "answer"}


@pytest.mark.parametrize(
    ("group", "kind", "name", "beside"), NUMBERS, ids=[f"{kind.__name__}.{name}" for _, kind, name, _ in NUMBERS]
)
def test_every_number_is_bounded(group, kind, name, beside):
    bounds = kind.model_fields[name].metadata
    if (group, name) not in IN_THE_DATAS_OWN_UNIT:
        assert any(isinstance(bound, annotated_types.Le | annotated_types.Lt) for bound in bounds)
        assert any(isinstance(bound, annotated_types.Ge | annotated_types.Gt) for bound in bounds)
    for value in (math.inf, math.nan, -math.inf, "1e999", 10**400, 10**5000):
        with pytest.raises(TaskError) as caught:
            make_task({group: {**beside, name: value}})
        assert str(caught.value).startswith(f"task: {group}.{name}: Input should be")
        assert len(str(caught.value)) < 450


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("train.seed", "9300000000000", "Input should be less than or equal to 4294967295 (found 9300000000000)."),
        ("train.threads", "9999", "Input should be less than or equal to 1024 (found 9999)."),
        ("train.batch_size", "1000000000", "Input should be less than or equal to 65536 (found 1000000000)."),
        ("train.rate", ".inf", "Input should be a finite number (found inf)."),
        ("train.rate", "1e+30", "Input should be less than or equal to 1000 (found '1e+30')."),
        ("train.checkpoint_seconds", ".nan", "Input should be a finite number (found nan)."),
    ],
)
def test_what_hung_or_crashed_is_refused(tmp_path, setting, value, message):
    path = tmp_path / "task.yaml"
    path.write_text("name: a\n", encoding="utf-8")
    with pytest.raises(TaskError) as caught:
        read_task(path, [f"{setting}={value}"])
    assert str(caught.value) == f"{path}: {setting}: {message} See docs/task-file.md."


@pytest.mark.parametrize("temperature", [1e-40, 1e-300, 0.0009])
def test_temperatures_that_leave_the_range_of_scores(temperature):
    with pytest.raises(TaskError) as caught:
        make_task({"answer": {"kind": "text", "temperature": temperature}})
    assert f"temperature is {temperature:g}: set 0 for greedy, or 0.001 or more to draw" in str(caught.value)
    assert make_task({"answer": {"kind": "text", "temperature": 0.001}}).answer.temperature == 0.001


def test_the_largest_values_are_allowed():
    train = {"seed": 2**32 - 1, "threads": 1024, "batch_size": 65_536, "rate": 1000}
    made = make_task({"train": train, "data": {"seed": 2**32 - 1}})
    assert made.train.model_dump(include=set(train)) == train
    assert isinstance(made, Task)
