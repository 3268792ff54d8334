"""Metrics over all rows in a comparison: against scipy, sacrebleu and by hand; seeds, speed, and what is better."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import sacrebleu
from scipy.stats import bootstrap
from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score

from trimtab.data.example import Example
from trimtab.evaluation.chance.tests import paired_sums, sums_interval
from trimtab.evaluation.metrics.choose import compare_texts
from trimtab.evaluation.scorers.sums import measure_of_tags, measure_of_texts
from trimtab.evaluation.scores.labels import Interval
from trimtab.reports.figures import Cell, Measured, as_answers, compare, disagreements
from trimtab.settings.answers import TagsAnswer, TextAnswer

TAGS = ("O", "B-x", "I-x", "B-y")
WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "it", "rained", "in", "the", "old", "town", "by", "the", "sea"]


def tagged(rows: int, seed: int = 0) -> list[Example]:
    random = np.random.default_rng(seed)
    out = []
    for i in range(rows):
        tags = mended(random.choice(TAGS, size=random.integers(1, 9)).tolist())
        tokens = tuple(f"w{j}" for j in range(len(tags)))
        out.append(Example({"tokens": " ".join(tokens)}, " ".join(tags), f"t:{i}", tokens=tokens, tags=tuple(tags)))
    return out


def mended(tags: list[str]) -> list[str]:
    """Tags in valid BIO."""
    before = ["O", *tags[:-1]]
    return ["B-x" if tag == "I-x" and last in ("O", "B-y") else tag for tag, last in zip(tags, before, strict=True)]


def spoilt(examples: Sequence[Example], share: float, seed: int) -> list[list[str]]:
    """The right tags, but for a share of the tokens."""
    random = np.random.default_rng(seed)
    return [
        mended([str(random.choice(TAGS)) if random.random() < share else tag for tag in e.tags or ()]) for e in examples
    ]


def written(rows: int, seed: int = 0) -> list[Example]:
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(WORDS, size=random.integers(5, 15))) for _ in range(rows)]
    return [Example({"text": "?"}, text, f"w:{i}", references=(text,)) for i, text in enumerate(texts)]


def garbled(examples: Sequence[Example], share: float, seed: int) -> list[str]:
    """The right texts, but for a share of the words."""
    random = np.random.default_rng(seed)
    return [
        " ".join(str(random.choice(WORDS)) if random.random() < share else word for word in (e.answer or "").split())
        for e in examples
    ]


def test_tags_are_scored_as_seqeval_scores_them() -> None:
    examples = tagged(60)
    measure, given = measure_of_tags(examples, TagsAnswer()), as_answers(spoilt(examples, 0.4, 1))
    right, found = [list(e.tags or ()) for e in examples], [list(tags) for tags in given]
    beside = measure.beside(given)
    assert measure.score(measure.rows(given)) == pytest.approx(f1_score(right, found))
    assert beside["precision"] == pytest.approx(precision_score(right, found))
    assert beside["recall"] == pytest.approx(recall_score(right, found))
    assert beside["macro F1"] == pytest.approx(f1_score(right, found, average="macro"))
    assert beside["token accuracy"] == pytest.approx(accuracy_score(right, found))
    assert measure.each(given)[7] == pytest.approx(f1_score(right[7:8], found[7:8], zero_division=1))


def test_plain_tags_are_scored_by_the_accuracy_of_tokens() -> None:
    examples = tagged(40)
    measure, given = measure_of_tags(examples, TagsAnswer(scheme="plain")), as_answers(spoilt(examples, 0.3, 1))
    hits = [
        tag == own for e, tags in zip(examples, given, strict=True) for tag, own in zip(tags, e.tags or (), strict=True)
    ]
    assert (measure.metric.name, [other.name for other in measure.others]) == ("token accuracy", ["macro F1"])
    assert measure.score(measure.rows(given)) == pytest.approx(np.mean(hits))
    assert measure.said(0, ["O"] * len(examples[0].tokens)).startswith("w0/O")


def f1_of(right: Any, found: Any, there: Any) -> float:
    return float(2 * right.sum() / (found.sum() + there.sum()))


def test_intervals_are_scipys_bootstrap() -> None:
    examples = tagged(200)
    measure = measure_of_tags(examples, TagsAnswer())
    one, other = (measure.rows(as_answers(spoilt(examples, share, seed))) for share, seed in ((0.3, 1), (0.5, 2)))
    how: dict[str, Any] = {"paired": True, "vectorized": False, "n_resamples": 1999, "method": "percentile"}
    theirs = bootstrap(tuple(one.T), f1_of, rng=np.random.default_rng(0), **how).confidence_interval
    ours = measure.interval(one[None], 0)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.12 * (theirs.high - theirs.low))
    theirs = bootstrap(
        (*one.T, *other.T), lambda *s: f1_of(*s[:3]) - f1_of(*s[3:]), rng=np.random.default_rng(0), **how
    ).confidence_interval
    ours, p_value, test = measure.test(one[None], other[None], 0)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.12 * (theirs.high - theirs.low))
    assert (p_value, test) == (pytest.approx(1e-4), "randomisation")


def test_texts_are_scored_over_all_rows_in_shares() -> None:
    examples = written(50)
    measure = measure_of_texts(examples, TextAnswer(metrics=["bleu", "length ratio", "empty", "BLEU"]), "en")
    given = as_answers(garbled(examples, 0.3, 1))
    expected = sacrebleu.corpus_bleu(list(given), [[e.answer for e in examples]]).score
    assert (measure.metric.name, measure.metric.unit) == ("BLEU", "points")
    assert measure.score(measure.rows(given)) == pytest.approx(expected / 100)
    assert [other.name for other in measure.others] == ["length ratio", "empty"]
    assert measure.beside(given) == {"length ratio": 1.0, "empty": 0.0}
    assert max(measure.each(given)) <= 1


def test_p_values_are_those_of_two_systems_beside_each_other() -> None:
    examples = written(60)
    measure = measure_of_texts(examples, TextAnswer(metrics=["chrF"]), "en")
    one, other = garbled(examples, 0.3, 1), garbled(examples, 0.34, 2)
    [expected] = compare_texts(one, other, [[e.answer or ""] for e in examples], metrics=["chrF"])
    a, b = (measure.rows(as_answers(given))[None] for given in (one, other))
    assert measure.test(a, b, 0)[1] == expected.p_value


def simulated(random: np.random.Generator, of_seeds: float, rows: int = 300) -> np.ndarray:
    """Sums (right, given, there) of three seeds whose chance to be right differs, about which rows agree in part."""
    easy_N = random.random(rows)
    chances = 0.7 + of_seeds * random.standard_normal(3)
    right = 0.5 * easy_N[None] + 0.5 * random.random((3, rows)) < chances[:, None]
    return np.stack([right, np.ones_like(right), np.ones_like(right)], axis=-1).astype(float)


def f1(sums: np.ndarray) -> np.ndarray:
    return 2 * sums[..., 0] / (sums[..., 1] + sums[..., 2])


@pytest.mark.parametrize(("of_seeds", "most"), [(0.0, 0.09), (0.015, 0.15)])
def test_several_seeds_without_a_difference_are_seldom_told_apart(of_seeds: float, most: float) -> None:
    """Two methods of three seeds each, drawn alike: p falls below 0.05 about as seldom as it says."""
    random = np.random.default_rng(0)
    false = 0
    for trial in range(200):
        a, b = simulated(random, of_seeds), simulated(random, of_seeds)
        false += paired_sums(a, b, f1, trial, resamples=400)[1] < 0.05
    assert 0.005 <= false / 200 <= most


def test_seeds_that_differ_widen_the_interval_by_what_rows_do_not_explain() -> None:
    random = np.random.default_rng(3)
    alike, apart = simulated(random, 0.0), simulated(random, 0.1)

    def width(interval: Interval) -> float:
        return interval.high - interval.low

    rows_alone = width(sums_interval(apart[:1], f1, 0))
    assert width(sums_interval(alike, f1, 0)) < 1.1 * rows_alone
    assert width(sums_interval(apart, f1, 0)) > 1.5 * rows_alone


def test_a_metric_that_is_better_when_lower_ranks_the_lower_first() -> None:
    examples = written(40)
    measure = measure_of_texts(examples, TextAnswer(metrics=["empty", "chrF"]), "en")
    texts = {"few": garbled(examples, 0.2, 1), "many": garbled(examples, 0.2, 2)}
    texts["few"][:3], texts["many"][:20] = [""] * 3, [""] * 20
    measured = [Measured(key, key, "tuned", [Cell(0, as_answers(given))]) for key, given in texts.items()]
    ways, against_best = compare(measured, measure, "many")
    assert [(way.key, way.score) for way in ways] == [("few", 3 / 40), ("many", 0.5)]
    assert ways[0].difference is not None
    assert ways[0].difference.points == pytest.approx(3 / 40 - 0.5)
    assert against_best["many"] < 0.001


def test_rows_whose_scores_are_furthest_apart_come_first() -> None:
    examples = written(6)
    measure = measure_of_texts(examples, TextAnswer(metrics=["chrF"]), "en")
    right, other = [e.answer or "" for e in examples], [e.answer or "" for e in examples]
    other[4], other[2] = "", f"{other[2]} sea"
    measured = [
        Measured(key, key, "tuned", [Cell(0, as_answers(given))]) for key, given in (("a", right), ("b", other))
    ]
    found = disagreements(measured, examples, measure, "a")
    assert [row.where for row in found] == ["w:4", "w:2"]
    assert found[0].answers == {"a": right[4], "b": "(nothing)"}
    assert found[0].scores == {"a": pytest.approx(1), "b": 0}


def test_rows_that_are_tagged_alike_are_not_divided_however_their_tags_are_kept() -> None:
    examples = tagged(5)
    measure = measure_of_tags(examples, TagsAnswer())
    tags = [list(e.tags or ()) for e in examples]
    kept, fresh = as_answers(tags), as_answers([tuple(own) for own in tags])
    assert measure.divided(np.stack([kept, fresh])) == []
    fresh[3] = mended(["B-y", *tags[3][1:]] if tags[3][0] != "B-y" else ["O", *tags[3][1:]])
    assert measure.divided(np.stack([kept, as_answers(list(fresh))])) == [3]


def test_ten_ways_on_two_thousand_rows_take_seconds() -> None:
    """The tests and intervals alone: counting n-grams takes the time that sacrebleu takes."""
    examples = written(2000)
    measure = measure_of_texts(examples, TextAnswer(metrics=["BLEU"]), "en")
    measured = [
        Measured(str(i), str(i), "tuned", [Cell(0, as_answers(garbled(examples, 0.2 + 0.02 * i, i)))])
        for i in range(10)
    ]
    for way in measured:
        way.rows(measure)
    began = time.process_time()
    ways, _ = compare(measured, measure, "3")
    assert [way.key for way in ways] == [str(i) for i in range(10)]
    assert time.process_time() - began < 30
