"""A run judged, by an engine that answers from a list: what is asked of it, in which order, and what is made of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from sklearn.metrics import accuracy_score

from trimtab.data import Example, Splits
from trimtab.data.leakage import Seen
from trimtab.inference.engine import Engine
from trimtab.judging.judge import CHUNK, RUN, ZERO_SHOT, Judged, judge
from trimtab.kinds.choose import kind_of
from trimtab.kinds.prediction import LabelPrediction
from trimtab.reports.scored import LabelReport
from trimtab.settings.answers import LABEL
from trimtab.settings.file import make_task

CLASSES = ["bad", "good"]


class Answering:
    """Stands in for an engine: a run and the backbone itself, which say the label that stands in the text, or `bad`."""

    def __init__(self, *, zero_shot: bool = True) -> None:
        task = make_task({"task": "good ?", "data": {"train": "a.jsonl"}})
        bound = SimpleNamespace(kind=kind_of(LABEL), task=task, label_words=dict)
        self.runs = {RUN: bound, **({ZERO_SHOT: bound} if zero_shot else {})}
        self.asked: list[tuple[str, int]] = []

    def answer_examples(self, name: str, examples: list[Example]) -> list[LabelPrediction]:
        self.asked.append((name, len(examples)))
        return [self._answer(name, example.fields["text"]) for example in examples]

    def _answer(self, name: str, text: str) -> LabelPrediction:
        label = "good" if name == RUN and "good" in text else "bad"
        return LabelPrediction(label, int("long" in text), {name: 0.75 if name == label else 0.25 for name in CLASSES})


def rows(*texts: str, split: str = "test") -> list[Example]:
    return [Example({"text": t}, "good" if "+" in t else "bad", f"{split}.jsonl:{i}") for i, t in enumerate(texts, 1)]


TRAIN = rows("good film +", "poor plot", "fine cast +", "cold", split="train")
DEV = rows("good +", "weak", split="dev")
TEST = rows("a good one +", "so good, so false", "a hidden gem +", "long and dull")


def judged(engine: Answering, splits: Splits, **how: Any) -> Judged:
    how = {"beside": True, "progress": None} | how
    return judge(cast(Engine, engine), CLASSES, splits, **how)


def test_both_splits_are_scored_and_other_ways_on_test() -> None:
    engine = Answering()
    found = judged(engine, Splits(TRAIN, DEV, TEST))
    assert engine.asked == [(RUN, 2), (RUN, 4), (ZERO_SHOT, 4)]
    scored = found.scored
    assert isinstance(scored, LabelReport)
    assert scored.dev is not None
    assert scored.test is not None
    gold = [example.answer for example in TEST]
    assert scored.dev.accuracy == 1.0
    assert scored.test.accuracy == accuracy_score(gold, ["good", "good", "bad", "bad"])
    beside = {baseline.name: baseline.accuracy for baseline in scored.baselines}
    assert list(beside) == ["majority", "naive Bayes", "zero-shot"]
    assert beside["zero-shot"] == accuracy_score(gold, ["bad"] * 4)
    assert (found.cut, found.leaks) == (1, ())
    assert found.seconds is not None


def test_without_test_other_ways_are_scored_on_dev_and_no_time_is_given() -> None:
    engine = Answering()
    found = judged(engine, Splits(TRAIN, DEV, []))
    assert engine.asked == [(RUN, 2), (ZERO_SHOT, 2)]
    assert isinstance(found.scored, LabelReport)
    assert found.scored.test is None
    assert [baseline.accuracy for baseline in found.scored.baselines if baseline.name == ZERO_SHOT] == [0.5]
    assert found.seconds is None


def test_nothing_beside_where_that_is_not_wanted_and_nothing_learnt_where_there_is_no_train() -> None:
    engine = Answering()
    assert judged(engine, Splits(TRAIN, DEV, TEST), beside=False).scored.baselines == []
    assert engine.asked == [(RUN, 2), (RUN, 4)]
    found = judged(Answering(), Splits([], [], TEST))
    assert [baseline.name for baseline in found.scored.baselines] == [ZERO_SHOT]
    assert judged(Answering(zero_shot=False), Splits([], [], TEST)).scored.baselines == []


def test_rows_are_answered_in_chunks_and_each_is_told() -> None:
    told: list[tuple[str, int, int | None]] = []
    engine = Answering(zero_shot=False)
    many = rows(*(f"row {i}" for i in range(CHUNK + 3)))
    judged(engine, Splits([], DEV, many), progress=lambda *what: told.append(what))
    assert engine.asked == [(RUN, 2), (RUN, CHUNK), (RUN, 3)]
    whole = CHUNK + 3
    assert told == [
        ("scoring dev", 0, 2), ("scoring dev", 2, 2),
        ("scoring test", 0, whole), ("scoring test", CHUNK, whole), ("scoring test", whole, whole),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ([TEST[1]], ["1 of the 4 test rows stands in train too (1 word for word): on the other 3 it reaches accuracy "
                     "66.7%."]),
        ([*DEV, TEST[1]], ["1 of the 4 test rows stands in train too (1 word for word): on the other 3 it reaches "
                           "accuracy 66.7%.",
                           "All 2 dev rows stand in train too (2 word for word): its score says nothing of rows that "
                           "are new."]),
        (TRAIN, []),
    ],
)  # fmt: skip
def test_rows_that_were_trained_on_are_told_with_the_score_of_the_others(seen: list[Example], said: list[str]) -> None:
    found = judged(Answering(zero_shot=False), Splits([], DEV, TEST), seen=Seen.of(seen))
    assert list(found.leaks) == said
