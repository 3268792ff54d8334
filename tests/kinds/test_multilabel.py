"""Sets of labels: which labels there are, what is refused, and from where on each is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from label_set_rows import examples_of
from trimtab.data import Splits
from trimtab.data.example import MultiLabelExample
from trimtab.errors import DataError, TrimtabError
from trimtab.inference.request import Request
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.choose import kind_of
from trimtab.kinds.prediction import MultiLabelPrediction
from trimtab.settings.answers import MultiLabelAnswer
from trimtab.settings.file import make_task, read_task
from trimtab.training.head_criterion import HeadCriterion, MultiLabelOutputs
from trimtab.training.targets import MultiLabelTarget

WORDS = {"billing": ["billing"], "late_fee": ["late fee"], "refund": ["refund"]}
LABELS = list(WORDS)


def example(*labels: str) -> MultiLabelExample:
    return MultiLabelExample({"text": "soup"}, "", "r.jsonl:1", labels=labels)


def bound_to(pretrained: Any, **settings: Any) -> BoundTask:
    answer = {"kind": "multilabel", **settings.pop("answer", {})}
    return bind(make_task({"answer": answer, "method": "head", **settings}), WORDS, pretrained)


def test_labels_are_those_of_the_task_or_of_columns_or_of_train() -> None:
    rows = [example("refund", "billing"), example(), example("late_fee")]
    task = make_task({"answer": "multilabel"})
    assert kind_of(task.answer).words(task, rows) == WORDS
    listed = make_task({"answer": "multilabel", "labels": ["refund", "late_fee", "billing", "other"]})
    assert list(kind_of(listed.answer).words(listed, rows)) == ["refund", "late_fee", "billing", "other"]
    columns = make_task({"answer": {"kind": "multilabel", "columns": ["toxic", "threat"]}})
    assert list(kind_of(columns.answer).words(columns, rows)) == ["toxic", "threat"]


def test_a_label_that_the_task_does_not_name_is_refused_in_train_and_missed_elsewhere() -> None:
    task = make_task({"answer": "multilabel", "labels": ["billing", "refund"]})
    kind = kind_of(task.answer)
    assert kind.settled(task, [example("billing"), example()]) is task
    with pytest.raises(DataError) as caught:
        kind.settled(task, [example("billing"), example("refunds")])
    assert str(caught.value) == (
        "r.jsonl:1: label 'refunds' is not one of billing, refund. Did you mean 'refund'?"
    )  # fmt: skip
    splits = Splits([], [example("billing", "other")], [example("x"), example("x", "w"), example()])
    assert kind.missed(splits, WORDS) == [
        "dev: 1 label is none of train's (other), and is missed.",
        "test: 3 labels are none of train's (w, x), and are missed.",
    ]
    assert kind.classes(splits, WORDS) == [*LABELS, "other", "w", "x"]
    assert kind.missed(Splits([], [example("billing")], []), WORDS) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"labels": {"billing": "money", "refund": "back"}},
            "labels have words of their own, and sets of labels are read by a layer, which knows no words. List the "
            "names of the labels alone: labels: [one, two].",
        ),
        (
            {"labels": ["billing", "refund"], "answer": {"kind": "multilabel", "columns": ["billing", "late"]}},
            "labels and answer.columns name different labels. Leave one of them out.",
        ),
        (
            {"method": "zero_shot"},
            "method 'zero_shot' trains nothing, and sets of labels are read by a layer that must be trained. Choose a "
            "method that trains, head or soft_prompt say.",
        ),
        (
            {"method": "few_shot"},
            "method 'few_shot' trains nothing, and sets of labels are read by a layer that must be trained. Choose a "
            "method that trains, head or soft_prompt say.",
        ),
        (
            {"template": {"text": "{messages}"}},
            "template.text stands for a whole dialogue, and the answers of this task are sets of labels. Set answer to "
            "text.",
        ),
    ],
)  # fmt: skip
def test_what_does_not_go_with_sets_of_labels(settings: dict[str, Any], message: str) -> None:
    task = make_task({"answer": "multilabel", **settings})
    with pytest.raises(TrimtabError) as caught:
        kind_of(task.answer).check(task)
    assert str(caught.value) == message


def test_names_alone_are_no_words_of_their_own() -> None:
    task = make_task({"answer": "multilabel", "labels": {"late_fee": "late fee", "refund": None}})
    kind_of(task.answer).check(task)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            {"columns": ["a"]},
            "task: answer.columns: List should have at least 2 items after validation, not 1 (found ['a']). See "
            "docs/task-file.md.",
        ),
        (
            {"columns": ["a", "a"]},
            "task: answer.columns: Value error, a column stands twice (found ['a', 'a']). See docs/task-file.md.",
        ),
    ],
)
def test_settings_that_will_not_do(answer: dict[str, Any], message: str) -> None:
    with pytest.raises(TrimtabError) as caught:
        make_task({"answer": {"kind": "multilabel", **answer}})
    assert str(caught.value) == message


@pytest.mark.parametrize("threshold", [0, 1, 1.5, "nan", "high"])
@pytest.mark.parametrize("of_each", [True, False])
def test_thresholds_lie_between_0_and_1(threshold: Any, of_each: bool) -> None:
    given = {"refund": threshold} if of_each else threshold
    with pytest.raises(TrimtabError, match=r"^task: answer\.thresholds"):
        make_task({"answer": {"kind": "multilabel", "thresholds": given}})


def test_labels_that_look_like_numbers_are_written_and_read_as_they_are(tmp_path: Any) -> None:
    path = tmp_path / "task.yaml"
    path.write_text("answer:\n  kind: multilabel\n  columns: [010, yes]\n  thresholds: {010: 0.25, yes: 0.5}\n")
    answer = read_task(path).answer
    assert isinstance(answer, MultiLabelAnswer)
    assert (answer.columns, answer.thresholds) == (["010", "yes"], {"010": 0.25, "yes": 0.5})


def test_a_threshold_of_no_label_is_refused() -> None:
    task = make_task({"answer": {"kind": "multilabel", "thresholds": {"refunds": 0.3}}})
    with pytest.raises(TrimtabError) as caught:
        kind_of(task.answer).settled(task, [example("billing"), example("refund")])
    assert str(caught.value) == "answer.thresholds: no label 'refunds'. Did you mean 'refund'?"


@pytest.mark.parametrize(
    ("thresholds", "given"),
    [
        (None, ("billing", "refund")),
        (0.9, ()),
        ({"billing": 0.6, "refund": 0.55, "late_fee": 0.1}, ("late_fee", "refund")),
        ({"late_fee": 0.2}, ("billing", "late_fee", "refund")),
    ],
)
def test_labels_are_given_from_their_thresholds_on(thresholds: Any, given: tuple[str, ...], pretrained: Any) -> None:
    bound = bound_to(pretrained, answer={"thresholds": thresholds})
    asked = bound.kind.example(Request("run", {"text": "soup"}))
    [row] = bound.encode([asked])
    found = bound.kind.prediction(bound, asked, row, np.array([0.5, 0.2, 0.55]))
    probabilities = {"billing": 0.5, "late_fee": 0.2, "refund": 0.55}
    assert found == MultiLabelPrediction(", ".join(given) or "none", 0, given, probabilities)
    assert bound.kind.record(bound, found) == {"labels": list(given), "probabilities": probabilities}


def test_thresholds_are_chosen_on_dev_unless_the_task_has_its_own(pretrained: Any) -> None:
    task = make_task({"answer": "multilabel"})
    kind = kind_of(task.answer)
    dev = examples_of([{"text": "x", "labels": ["a"] if i < 6 else ["b"] if i < 9 else []} for i in range(20)])
    answers = [
        MultiLabelPrediction("", 0, (), {"a": 0.3 if i < 6 else 0.1, "b": 0.3 if 6 <= i < 9 else 0.1})
        for i in range(20)
    ]
    settled = kind.settled_on_dev(task, dev, lambda: answers).answer
    assert isinstance(settled, MultiLabelAnswer)
    assert settled.thresholds == pytest.approx({"a": 0.2, "b": 0.5})  # b has three rows
    own = make_task({"answer": {"kind": "multilabel", "thresholds": 0.4}})
    assert kind_of(own.answer).settled_on_dev(own, dev, lambda: pytest.fail("asked for")) is own
    assert kind.settled_on_dev(task, [], lambda: pytest.fail("asked for")) is task
    number = make_task({"answer": "number"})
    assert kind_of(number.answer).settled_on_dev(number, dev, lambda: pytest.fail("asked for")) is number


def test_each_label_is_trained_by_itself(pretrained: Any) -> None:
    bound = bound_to(pretrained, train={"label_smoothing": 0.2}, answer={"thresholds": {"refund": 0.3}})
    criterion = bound.kind.criterion(bound, [], [], None)
    assert isinstance(criterion, HeadCriterion)
    assert criterion.outputs == MultiLabelOutputs((0.5, 0.5, 0.3), 0.2)
    given = [example("refund", "billing"), example()]
    rows = bound.encode(given)
    targets, notes = bound.kind.targets(bound, rows, given, None)
    assert targets == [
        MultiLabelTarget(rows[0].ids, (True, False, True), rows[0].answer),
        MultiLabelTarget(rows[1].ids, (False, False, False), rows[1].answer),
    ]
    assert (notes, targets[0].content) == ([], [rows[0].ids, 0, [0, 2]])
    scores = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]])
    wanted = torch.tensor([[0.9, 0.1, 0.9], [0.1, 0.1, 0.1]])
    expected = -(wanted * F.logsigmoid(scores) + (1 - wanted) * F.logsigmoid(-scores)).mean(1)
    assert criterion.outputs.losses(scores, targets).tolist() == pytest.approx(expected.tolist())


def test_the_row_that_is_shown_has_no_labels(pretrained: Any) -> None:
    bound = bound_to(pretrained)
    [row] = bound.encode([example("refund")])
    assert bound.kind.as_read(bound, example("refund"), row) == "Text: soup\nAnswer:"
    assert bound.kind.answer_ids(bound, example("refund"), row) == ()
    assert bound.kind.likely(bound, example("refund"), row) == []
