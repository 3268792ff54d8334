"""What a row is answered with, and how each kind writes it down as plain values."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from trimtab.decoding.answer_text import Written
from trimtab.decoding.tagging import Entity, Tagged
from trimtab.kinds.choose import kind_of
from trimtab.kinds.prediction import (
    ChoicePrediction,
    LabelPrediction,
    NumberPrediction,
    Prediction,
    TagPrediction,
    TextPrediction,
)
from trimtab.settings.answers import LABEL, ChoiceAnswer, NumberAnswer, TagsAnswer, TextAnswer
from trimtab.settings.file import make_task

BOUND: Any = SimpleNamespace(task=make_task({}))


def test_the_probability_is_that_of_the_answer() -> None:
    label = LabelPrediction("b", 0, {"a": 0.25, "b": 0.75})
    assert label.probability == 0.75
    assert ChoicePrediction("a", 0, {"a": 0.5, "b": 0.5}, 0).probability == 0.5


def test_every_answer_has_a_text_and_tells_what_was_cut() -> None:
    tagged = Tagged(("in", "Rome"), ("O", "B-place"), (0.9, 0.8), (Entity("place", 1, 2, "Rome", 0.8),))
    said = (Written((5,), "fine", -0.5, "end"),)
    for found in (
        LabelPrediction("fine", 3, {"fine": 1.0}), ChoicePrediction("fine", 3, {"fine": 1.0}, 0),
        NumberPrediction("fine", 3, 1.0), TagPrediction("fine", 3, tagged), TextPrediction("fine", 3, said),
    ):  # fmt: skip
        assert isinstance(found, Prediction)
        assert (found.label, found.cut_tokens) == ("fine", 3)
    assert issubclass(ChoicePrediction, LabelPrediction)


def test_records_are_plain_values() -> None:
    label = LabelPrediction("好评", 0, {"好评": 2 / 3, "差评": 1 / 3})
    number = NumberPrediction("3.14159", 0, 3.14159265)
    records = {
        "label": kind_of(LABEL).record(BOUND, label),
        "number": kind_of(NumberAnswer()).record(BOUND, number),
    }
    assert records == {
        "label": {"label": "好评", "probability": 0.666667, "probabilities": {"好评": 0.666667, "差评": 0.333333}},
        "number": {"number": 3.14159},
    }
    assert json.loads(json.dumps(records)) == records


@pytest.mark.parametrize("first", [0, 1])
def test_an_option_is_counted_as_the_data_counts(first: Any) -> None:
    kind = kind_of(ChoiceAnswer(options="options", first=first))
    found = kind.record(BOUND, ChoicePrediction("snow", 0, {"rain": 0.1, "snow": 0.9}, 1))
    assert found == {
        "option": "snow", "index": 1 + first, "probability": 0.9, "probabilities": {"rain": 0.1, "snow": 0.9},
    }  # fmt: skip
    assert list(found) == ["option", "index", "probability", "probabilities"]


def test_entities_are_told_with_their_places_and_plain_tags_with_their_probabilities() -> None:
    entity = Entity("place", 1, 2, "Rome", 0.81234567)
    cut = Entity("place", 1, 2, "Rome", 0.5, (3, 7))
    tokens, tags = ("in", "Rome"), ("O", "B-place")
    marked = kind_of(TagsAnswer())
    one = TagPrediction("O B-place", 0, Tagged(tokens, tags, (0.9, 0.8), (entity, cut)))
    assert marked.record(BOUND, one) == {
        "tokens": ["in", "Rome"],
        "tags": ["O", "B-place"],
        "entities": [
            {"type": "place", "start": 1, "end": 2, "text": "Rome", "probability": 0.812346},
            {"type": "place", "start": 1, "end": 2, "text": "Rome", "probability": 0.5, "characters": [3, 7]},
        ],
    }
    plain = TagPrediction("IN NN", 0, Tagged(tokens, ("IN", "NN"), (0.91234567, 0.8), ()))
    assert kind_of(TagsAnswer(scheme="plain")).record(BOUND, plain) == {
        "tokens": ["in", "Rome"], "tags": ["IN", "NN"], "probabilities": [0.912346, 0.8],
    }  # fmt: skip


def test_several_texts_are_told_each() -> None:
    kind = kind_of(TextAnswer())
    first, second = Written((5, 0), "fine", -0.123456, "end"), Written((6, 7), "so so", -2.0, "length")
    one = {"text": "fine", "ended": "end", "log_likelihood": -0.1235}
    other = {"text": "so so", "ended": "length", "log_likelihood": -2.0}
    assert kind.record(BOUND, TextPrediction("fine", 0, (first,))) == one
    assert kind.record(BOUND, TextPrediction("fine", 0, (first, second))) == {**one, "texts": [one, other]}


def test_answers_are_collected_as_scorers_take_them() -> None:
    labels = [LabelPrediction("b", 0, {"a": 0.2, "b": 0.8}), LabelPrediction("a", 0, {"a": 0.6, "b": 0.4})]
    kind: Any = kind_of(LABEL)
    found = kind.collected(labels, ["a", "b"])
    assert found.probabilities_NC.tolist() == [[0.2, 0.8], [0.6, 0.4]]
    assert kind.comparable(found).tolist() == [1, 0]
    kind = kind_of(ChoiceAnswer(options="options"))
    options = [
        ChoicePrediction("snow", 0, {"rain": 0.1, "snow": 0.9}, 1),
        ChoicePrediction("c", 0, {"a": 0.2, "b": 0.3, "c": 0.5}, 2),
    ]
    found = kind.collected(options, ["option 1", "option 2", "option 3"])
    assert found.probabilities_NC.tolist() == [[0.1, 0.9, 0.0], [0.2, 0.3, 0.5]]
    assert kind.comparable(found).tolist() == [1, 2]
    kind = kind_of(NumberAnswer())
    numbers = kind.collected([NumberPrediction("1", 0, 1.5), NumberPrediction("2", 0, -2.0)], [])
    assert kind.comparable(numbers).tolist() == [1.5, -2.0]
    kind = kind_of(TagsAnswer())
    tagged = Tagged(("in", "Rome"), ("O", "B-place"), (0.9, 0.8), ())
    assert kind.comparable(kind.collected([TagPrediction("x", 0, tagged)], [])).tolist() == [("O", "B-place")]
    kind = kind_of(TextAnswer())
    said = [
        TextPrediction("fine", 0, (Written((5,), "fine", -0.1, "length"), Written((5,), "x", -0.1, "end"))),
        TextPrediction("so", 0, (Written((5,), "so", -0.1, "end"),)),
    ]
    texts = kind.collected(said, [])
    assert texts.unfinished == 1
    assert kind.comparable(texts).tolist() == ["fine", "so"]


@pytest.mark.parametrize("answer", [LABEL, ChoiceAnswer(options="options"), NumberAnswer(), TagsAnswer()])
def test_what_is_scored_is_not_said(answer: Any) -> None:
    kind = kind_of(answer)
    for call in (lambda: kind.said(BOUND, ()), lambda: kind.generating(BOUND, None)):
        with pytest.raises(AssertionError, match=rf"^{kind.plural} are scored, not said$"):
            call()
