"""Scores of parts of the rows, of every kind of answer: each as its scorer has it of these rows alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made_answers import garbled, spoilt, tagged, written
from scipy.stats import fisher_exact

from trimtab.data.example import Example, MultiLabelExample
from trimtab.evaluation.interval.groups import groups_of
from trimtab.evaluation.interval.shares import wilson
from trimtab.evaluation.scorers.accuracy import Accuracy
from trimtab.evaluation.scorers.multilabel import multilabel_scorer
from trimtab.evaluation.scorers.r_squared import RSquared
from trimtab.evaluation.scorers.scorer import Scorer
from trimtab.evaluation.scorers.tags import tag_scorer
from trimtab.evaluation.scorers.texts import text_scorer
from trimtab.evaluation.slices.divided import Division, Part, divisions
from trimtab.evaluation.slices.sliced import sliced
from trimtab.reports.figures import as_answers


def halves(rows: int, first: int) -> list[Division]:
    return [Division("column", "source", (Part("one", tuple(range(first))), Part("two", tuple(range(first, rows)))))]


def accuracy(right: np.ndarray) -> Accuracy:
    return Accuracy(right, [("no", "yes")] * len(right), 2)


def test_accuracy_with_wilsons_interval_and_fishers_test_by_holm() -> None:
    right, given = np.ones(100, dtype=np.int64), np.ones(100, dtype=np.int64)
    given[:15] = given[40:45] = 0
    found = sliced(accuracy(right), given, halves(100, 40), "right label")
    assert (found.metric.name, found.tested) == ("accuracy", 2)
    [by] = found.divided
    assert (by.by, by.name) == ("column", "source")
    one, two = by.slices
    assert (one.name, one.rows, one.score, one.rest) == ("one", 40, 0.625, 55 / 60)
    assert (one.interval.low, one.interval.high) == pytest.approx(tuple(vars(wilson(0.625, 40)).values()))
    table = [[25, 15], [55, 5]]
    assert one.p_value == pytest.approx(fisher_exact(table, alternative="less").pvalue)
    assert two.p_value == pytest.approx(fisher_exact(table[::-1], alternative="less").pvalue)
    assert one.p_value is not None
    assert one.p_adjusted == pytest.approx(2 * one.p_value)
    assert (one.worse, two.worse) == (True, False)


def test_of_numbers_the_error_is_told_and_a_larger_one_is_worse() -> None:
    random = np.random.default_rng(0)
    right = random.normal(size=100)
    given = right + random.normal(size=100) * np.where(np.arange(100) < 30, 3.0, 0.5)
    found = sliced(RSquared(right), given, halves(100, 30), "right number")
    one, two = found.divided[0].slices
    assert found.metric.name == "RMSE"
    assert one.score == pytest.approx(np.sqrt(np.mean((given[:30] - right[:30]) ** 2)))
    assert one.rest == two.score == pytest.approx(np.sqrt(np.mean((given[30:] - right[30:]) ** 2)))
    assert one.interval.low < one.score < one.interval.high
    assert (one.worse, two.worse) == (True, False)


def of_tags() -> tuple[Scorer, Any, Scorer, Any]:
    examples = tagged(80)
    given = [*spoilt(examples[:30], 0.8, 1), *spoilt(examples[30:], 0.1, 2)]
    return tag_scorer(examples), as_answers(given), tag_scorer(examples[:30]), as_answers(given[:30])


def of_texts() -> tuple[Scorer, Any, Scorer, Any]:
    examples = written(80)
    given = [*garbled(examples[:30], 0.8, 1), *garbled(examples[30:], 0.1, 2)]
    how: Any = (["BLEU"], "en")
    return text_scorer(examples, *how), as_answers(given), text_scorer(examples[:30], *how), as_answers(given[:30])


def of_label_sets() -> tuple[Scorer, Any, Scorer, Any]:
    random, names = np.random.default_rng(0), ["a", "b", "c"]
    right = [tuple(name for name in names if random.random() < 0.5) for _ in range(80)]
    given = [("a",) if i < 30 else own for i, own in enumerate(right)]
    examples = [MultiLabelExample({"text": "x"}, "", "r", labels=own) for own in right]
    return (
        multilabel_scorer(examples, names), as_answers(given),
        multilabel_scorer(examples[:30], names), as_answers(given[:30]),
    )  # fmt: skip


@pytest.mark.parametrize("made", [of_tags, of_texts, of_label_sets])
def test_sums_are_those_of_the_rows_alone(made: Any) -> None:
    scorer, answers, alone, own = made()
    found = sliced(scorer, answers, halves(80, 30), "right answer")
    one, two = found.divided[0].slices
    rows = alone.rows(own)
    assert found.metric == alone.metric
    assert one.score == pytest.approx(alone.score(rows))
    theirs = alone.interval(rows[None], 0)
    assert (one.interval.low, one.interval.high) == pytest.approx((theirs.low, theirs.high))
    assert (one.worse, two.worse) == (True, False)


def test_small_parts_are_told_and_not_tested() -> None:
    found = sliced(accuracy(np.ones(30, dtype=np.int64)), np.zeros(30, dtype=np.int64), halves(30, 9), "right label")
    assert [(own.rows, own.p_value, own.p_adjusted, own.worse) for own in found.divided[0].slices] == [
        (9, None, None, False), (21, None, None, False),
    ]  # fmt: skip
    assert found.tested == 0


def test_a_part_that_is_all_rows_has_no_rest() -> None:
    every = [Division("answer", "", (Part("a", (0, 1)), Part("b", (0,))))]
    found = sliced(accuracy(np.ones(2, dtype=np.int64)), np.ones(2, dtype=np.int64), every, "right label")
    assert (found.divided[0].name, found.divided[0].slices[0].rest) == ("right label", None)


def test_rows_of_a_group_count_as_one() -> None:
    right, given = np.ones(200, dtype=np.int64), np.ones(200, dtype=np.int64)
    given[:20] = 0
    found = {
        size: sliced(
            Accuracy(right, [("no", "yes")] * 200, 2, groups_of([str(i // size) for i in range(200)])), given,
            halves(200, 100), "right label",
        )
        for size in (1, 10, 20)
    }  # fmt: skip
    assert {size: own.divided[0].slices[0].worse for size, own in found.items()} == {1: True, 10: False, 20: False}
    assert {size: own.tested for size, own in found.items()} == {1: 2, 10: 2, 20: 0}
    alone, together = (found[size].divided[0].slices[0].interval for size in (1, 10))
    assert together.low < alone.low


def test_one_false_call_among_all_parts_in_five_of_a_hundred_cases() -> None:
    random, called = np.random.default_rng(3), 0
    for _ in range(100):
        answers = (random.random(120) < 0.8).astype(np.int64)
        examples = [
            Example({"text": "x" * int(random.integers(1, 60))}, "a", "r", slices={"k": str(random.integers(4))})
            for _ in range(120)
        ]
        found = sliced(accuracy(np.ones(120, dtype=np.int64)), answers, divisions(examples, []), "right label")
        called += any(own.worse for by in found.divided for own in by.slices)
    assert called <= 11
