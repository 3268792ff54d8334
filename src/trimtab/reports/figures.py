"""From the answers of several ways to the figures of a comparison. Knows nothing about what the ways are.

N rows, S seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.evaluation.chance.all_pairs import Contender, Family, all_pairs
from trimtab.evaluation.interval.groups import each_alone
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.scorers.scorer import OF_GROUPS, SEVERAL_SEEDS, Scorer
from trimtab.evaluation.text.shortening import shortened
from trimtab.reports.comparison import CurveLine, Difference, Disagreement, Way, WayGroup

# Rows shown on which ways disagree, and the ways whose answers decide which rows these are.
SHOWN, RIVALS = 12, 4
# How far the scores of two ways can be told apart, as a share.
MOST_APART = 1.0


def as_answers(given: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
    """Answers as an array [N]; texts are kept as they are, and the tags of a row become a tuple."""
    if not isinstance(given[0], str | list | tuple):
        return np.asarray(given)
    return np.fromiter((one if isinstance(one, str) else tuple(one) for one in given), dtype=object, count=len(given))


@dataclass(frozen=True)
class Cell:
    """One way measured once: with one seed, on one number of training rows.

    Attributes:
        seed: the seed.
        answers: what is given to each row [N]: index of the label, place of the option, the number, the tags, or
            the text.
        dev_score: what the run reached on dev, by whatever its steps are chosen by; None where nothing is chosen on it.
        train_seconds, peak_memory_bytes, latency_seconds, batch_rows_per_second, trained_parameters, bytes_on_disk,
        without_prompt: as in `Way`.
        notes: a sentence each.
        seconds: what measuring took, answering included.
    """

    seed: int
    answers: NDArray[Any]
    dev_score: float | None = None
    train_seconds: float = 0.0
    peak_memory_bytes: int | None = None
    latency_seconds: float | None = None
    batch_rows_per_second: float | None = None
    trained_parameters: int = 0
    bytes_on_disk: int = 0
    without_prompt: float | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Measured:
    """A way and its cells, one a seed; `always` as in `Way`, `by_seed` whether another seed would answer otherwise."""

    key: str
    name: str
    kind: WayGroup
    cells: list[Cell] = field(default_factory=list)
    always: str | None = None
    by_seed: bool = False

    def rows(self, scorer: Scorer) -> NDArray[Any]:
        """How each row is answered, [S, N] or [S, N, K]."""
        return np.stack([scorer.rows(cell.answers) for cell in self.cells])

    def score(self, scorer: Scorer) -> float:
        """The mean score over seeds."""
        return float(np.mean([scorer.score(row_N) for row_N in self.rows(scorer)]))


@dataclass(frozen=True)
class Figures:
    """What answers come to.

    Attributes:
        ways: the best first.
        against_best: key of a way -> its difference to the best.
        luck: see `Comparison.luck`.
    """

    ways: list[Way]
    against_best: dict[str, Difference]
    luck: float | None


def compare(
    measured: Sequence[Measured],
    scorer: Scorer,
    reference: str,
    *,
    price_an_hour: float | None = None,
    seed: int = 0,
) -> Figures:
    """Figures of every way.

    All pairs of ways are tested together (see `chance/all_pairs`), so that what is said of the best, which is picked on
    these rows, holds as what is said of the reference does.

    Args:
        measured: the ways, each with at least one cell.
        scorer: what answers are scored by.
        reference: key of the way that the others are compared with.
        price_an_hour: what an hour costs.
        seed: of the bootstrap.
    """
    rows = {way.key: way.rows(scorer) for way in measured}
    scores = {key: [scorer.score(row_N) for row_N in rows_SN] for key, rows_SN in rows.items()}
    ranked = sorted(measured, key=lambda way: -scorer.metric.goodness(float(np.mean(scores[way.key]))))
    family = _family(measured, scorer, seed)
    differences = _differences(measured, scores, family, scorer, reference)
    against_best = _differences(measured, scores, family, scorer, ranked[0].key)
    ways = []
    for way in ranked:
        cells = way.cells
        mean = _means(cells)
        ways.append(
            Way(
                key=way.key,
                name=way.name,
                kind=way.kind,
                always=way.always,
                seeds=[cell.seed for cell in cells],
                scores=scores[way.key],
                score=float(np.mean(scores[way.key])),
                beside=_beside(cells, scorer),
                interval=scorer.interval(rows[way.key], seed),
                dev_score=mean["dev_score"],
                difference=differences.get(way.key),
                trained_parameters=cells[0].trained_parameters,
                bytes_on_disk=cells[0].bytes_on_disk,
                train_seconds=mean["train_seconds"] or 0.0,
                peak_memory_bytes=max((c.peak_memory_bytes for c in cells if c.peak_memory_bytes), default=None),
                latency_seconds=mean["latency_seconds"],
                batch_rows_per_second=mean["batch_rows_per_second"],
                cost=None if price_an_hour is None else price_an_hour * (mean["train_seconds"] or 0.0) / 3600,
                without_prompt=mean["without_prompt"],
                notes=list(dict.fromkeys(note for cell in cells for note in cell.notes)),
            )
        )
    return Figures(ways, against_best, family.luck if len(ways) > 1 else None)


def _beside(cells: Sequence[Cell], scorer: Scorer) -> dict[str, list[float]]:
    """The values of the other metrics, one a seed."""
    values = [scorer.beside(cell.answers) for cell in cells]
    return {metric.name: [of_seed[metric.name] for of_seed in values] for metric in scorer.others}


def _means(cells: Sequence[Cell]) -> dict[str, float | None]:
    out: dict[str, float | None] = {}
    for name in ("dev_score", "train_seconds", "latency_seconds", "batch_rows_per_second", "without_prompt"):
        values = [value for cell in cells if (value := getattr(cell, name)) is not None]
        out[name] = float(np.mean(values)) if values else None
    return out


def _family(measured: Sequence[Measured], scorer: Scorer, seed: int) -> Family:
    """All pairs of ways, in the order of `measured`; scores are turned so that more is better."""
    sign = -1.0 if scorer.metric.higher_is_better is False else 1.0
    contenders = []
    for way in measured:
        rows = way.rows(scorer)
        moves_SN = sign * np.stack([scorer.moves(rows_N) for rows_N in rows])
        contenders.append(Contender([sign * scorer.score(rows_N) for rows_N in rows], moves_SN, way.by_seed))
    groups = scorer.groups or each_alone(len(measured[0].cells[0].answers))
    return all_pairs(contenders, groups, whole_row=scorer.whole_row, seed=seed)


def _differences(
    measured: Sequence[Measured], scores: dict[str, list[float]], family: Family, scorer: Scorer, to: str
) -> dict[str, Difference]:
    """Differences of all other ways to one of them."""
    keys = [way.key for way in measured]
    other = keys.index(to)
    return {
        way.key: _difference(family, scorer, at, other, measured, float(np.mean(scores[way.key]) - np.mean(scores[to])))
        for at, way in enumerate(measured)
        if at != other
    }


def _difference(
    family: Family, scorer: Scorer, at: int, other: int, measured: Sequence[Measured], points: float
) -> Difference:
    found = family.of(at, other)
    if scorer.metric.higher_is_better is False:
        found = found.turned()
    if len(measured[at].cells) > 1 or len(measured[other].cells) > 1:
        test = SEVERAL_SEEDS
    else:
        test = scorer.test if scorer.groups is None or scorer.groups.alone else OF_GROUPS
    # Two shares are never further apart than 1; where nothing is ruled out, an end would be infinite.
    interval = Interval(max(found.interval.low, -MOST_APART), min(found.interval.high, MOST_APART))
    return Difference(points=points, interval=interval, p_value=found.p_value, p_adjusted=found.p_adjusted, test=test)


def curve_lines(points: Sequence[tuple[Measured, int]], scorer: Scorer, *, seed: int = 0) -> list[CurveLine]:
    """Learning curves out of (way as measured on so many training rows, training rows)."""
    lines: dict[str, CurveLine] = {}
    for way, rows in sorted(points, key=lambda point: point[1]):
        point = (rows, way.score(scorer), scorer.interval(way.rows(scorer), seed))
        before = lines.get(way.key)
        lines[way.key] = CurveLine(key=way.key, name=way.name, points=[*(before.points if before else []), point])
    return list(lines.values())


def disagreements(
    measured: Sequence[Measured], examples: Sequence[Example], scorer: Scorer, reference: str
) -> list[Disagreement]:
    """Rows on which the reference and its best rivals differ, the most divided first (see `Scorer.divided`)."""
    ranked = sorted(measured, key=lambda way: -scorer.metric.goodness(way.score(scorer)))
    rivals = [way for way in ranked if way.key != reference][:RIVALS]
    chosen = [way for way in ranked if way.key == reference] + rivals
    answers = np.stack([way.cells[0].answers for way in chosen])
    scores = {way.key: scorer.each(own) for way, own in zip(chosen, answers, strict=True)}
    return [
        Disagreement(
            where=examples[i].where,
            fields={name: shortened(text) for name, text in examples[i].fields.items()},
            answer=scorer.right(i),
            answers={way.key: scorer.said(i, given[i]) for way, given in zip(chosen, answers, strict=True)},
            scores={key: float(own[i]) for key, own in scores.items() if own is not None},
        )
        for i in scorer.divided(answers)[:SHOWN]
    ]
