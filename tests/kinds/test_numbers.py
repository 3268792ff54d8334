"""Numbers: in units of the training rows' spread on the way in, and in their own on the way out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trimtab.data.example import NumberExample
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import NumberAnswer
from trimtab.settings.file import make_task
from trimtab.training.head_criterion import HeadCriterion, NumberOutputs
from trimtab.training.targets import NumberTarget


def example(number: float | None) -> NumberExample:
    return NumberExample({"text": "a film"}, None if number is None else str(number), "r.jsonl:1", number=number)


def bound_to(pretrained: Any, **answer: Any) -> BoundTask:
    settings = {"answer": {"kind": "number", "mean": 5.0, "sd": 2.0, **answer}, "method": "head"}
    return bind(make_task(settings), {}, pretrained)


def settled(*numbers: float, **answer: Any) -> tuple[float | None, float | None]:
    task = make_task({"answer": {"kind": "number", **answer}})
    own = kind_of(task.answer).settled(task, [example(number) for number in numbers]).answer
    assert isinstance(own, NumberAnswer)
    return own.mean, own.sd


def test_mean_and_spread_are_those_of_train_unless_the_task_says_them() -> None:
    assert settled(1, 2, 6) == (3.0, pytest.approx(np.std([1, 2, 6])))
    assert settled(1, 2, 6, mean=0.0) == (0.0, pytest.approx(np.std([1, 2, 6])))
    assert settled(1, 2, 6, sd=4.0) == (3.0, 4.0)
    assert settled(7, 7) == (7.0, 1.0)  # nothing to divide by


def test_targets_are_standardised(pretrained: Any) -> None:
    bound = bound_to(pretrained)
    examples = [example(9.0), example(4.0)]
    rows = bound.encode(examples)
    targets, notes = bound.kind.targets(bound, rows, examples, None)
    assert targets == [NumberTarget(rows[0].ids, 2.0, rows[0].answer), NumberTarget(rows[1].ids, -0.5, rows[1].answer)]
    assert notes == []


def test_answers_are_in_their_own_unit(pretrained: Any) -> None:
    bound = bound_to(pretrained)
    [row] = bound.encode([example(None)])
    found: Any = bound.kind.prediction(bound, example(None), row, np.array([-1.25]))
    assert (found.number, found.label) == (2.5, "2.5")
    found = bound.kind.prediction(bound, example(None), row, np.array([1 / 3]))
    assert (found.number, found.label) == (pytest.approx(5 + 2 / 3), "5.66667")


def test_no_text_says_a_number(pretrained: Any) -> None:
    bound = bound_to(pretrained)
    [row] = bound.encode([example(9.0)])
    assert bound.kind.as_read(bound, example(9.0), row) == "Text: a film\nAnswer:"
    assert bound.kind.answer_ids(bound, example(9.0), row) == ()
    assert bound.kind.likely(bound, example(9.0), row) == []
    assert bound.label_words() == {}


@pytest.mark.parametrize(("loss", "huber"), [("squared", False), ("huber", True)])
def test_the_loss_is_the_one_that_the_task_names(loss: str, huber: bool, pretrained: Any) -> None:
    bound = bound_to(pretrained, loss=loss)
    criterion = bound.kind.criterion(bound, [], [], None)
    assert isinstance(criterion, HeadCriterion)
    assert criterion.outputs == NumberOutputs(huber=huber)
