"""Choices: each row with the tree of its own options, what is right behind it, and rows without any."""

from __future__ import annotations

from typing import Any

import pytest

from trimtab.data import Splits
from trimtab.data.example import ChoiceExample
from trimtab.errors import DataError
from trimtab.inference.request import Request
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.choose import kind_of
from trimtab.settings.file import make_task
from trimtab.training.option_criterion import OptionCriterion
from trimtab.training.targets import OptionTarget

ANSWER = {"kind": "choice", "options": "options"}


def bound_to(pretrained: Any, **settings: Any) -> BoundTask:
    return bind(make_task({"answer": ANSWER, "template": {"text": "{text} ?{answer}"}, **settings}), {}, pretrained)


def example(*options: str, right: str | None = None) -> ChoiceExample:
    return ChoiceExample({"text": "how was it"}, right, "r.jsonl:1", options=options)


@pytest.mark.parametrize("normalise", [True, False])
def test_rows_have_trees_of_their_own(normalise: bool, pretrained: Any) -> None:
    bound = bound_to(pretrained, answer={**ANSWER, "length_normalise": normalise})
    rows = bound.encode([example("good", "bad"), example("a good film", "a bad film", "so so")])
    assert [row.options.labels for row in rows if row.options] == [
        ("good", "bad"), ("a good film", "a bad film", "so so"),
    ]  # fmt: skip
    assert rows[0].ids == rows[1].ids
    for row in rows:
        assert row.options is not None
        assert row.options.length_normalise is normalise
        for option, word in zip(row.options.labels, row.options.words, strict=True):
            assert list(word.ids) == pretrained.tokenizer(f" {option}")["input_ids"]
    assert (bound.labels, bound.label_words()) == ((), {})


def test_what_is_right_behind_a_row_is_its_own_option(pretrained: Any) -> None:
    bound, kind = bound_to(pretrained), bound_to(pretrained).kind
    right, none = example("so so", "good", right="good"), example("so so", "good")
    rows = bound.encode([right, none])
    ids = tuple(pretrained.tokenizer(" good")["input_ids"])
    assert [kind.answer_ids(bound, e, row) for e, row in zip((right, none), rows, strict=True)] == [ids, ()]
    assert kind.as_read(bound, right, rows[0]) == "how was it ? good"
    assert kind.likely(bound, right, rows[0]) == [(ids, 4)]
    targets, notes = kind.targets(bound, rows[:1], [right], None)
    assert targets == [OptionTarget(rows[0].ids, 1, rows[0].options, rows[0].answer)]
    assert notes == []


def test_options_are_trained_by_their_own_criterion(pretrained: Any) -> None:
    bound = bound_to(pretrained, train={"label_smoothing": 0.3})
    criterion = bound.kind.criterion(bound, [], [], None)
    assert isinstance(criterion, OptionCriterion)
    assert criterion.smoothing == 0.3


@pytest.mark.parametrize("options", [(), ("alone",)])
def test_a_row_needs_options_to_choose_among(options: tuple[str, ...], pretrained: Any) -> None:
    bound = bound_to(pretrained)
    for call in (
        lambda: bound.encode([example(*options)]),
        lambda: bound.asked(Request("run", {"text": "x"}, "r.jsonl:1", options=options)),
    ):
        with pytest.raises(DataError) as caught:
            call()
        assert str(caught.value) == (
            f"r.jsonl:1: {len(options)} options, expected two or more. Give the row its options."
        )


def test_places_are_as_many_as_the_row_with_the_most_options_has() -> None:
    kind = kind_of(make_task({"answer": ANSWER}).answer)
    splits = Splits([example("a", "b")], [example("a", "b", "c", "d")], [example("a", "b", "c")])
    assert kind.classes(splits, {}) == ["option 1", "option 2", "option 3", "option 4"]
    assert kind.missed(splits, {}) == []
