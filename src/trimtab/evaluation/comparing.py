"""From the answers of several ways to the figures of a comparison. Knows nothing about what the ways are.

N rows, C labels, S seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.evaluation.comparison import CurveLine, Difference, Disagreement, Way
from trimtab.evaluation.metrics import Interval, macro_f1, shortened
from trimtab.evaluation.significance import accuracy_interval, holm, paired_bootstrap, paired_test

# Rows shown on which ways disagree, and the ways whose answers decide which rows these are.
SHOWN, RIVALS = 12, 4


@dataclass(frozen=True)
class Cell:
    """One way measured once: with one seed, on one number of training rows.

    Attributes:
        seed: the seed.
        answers: index of the label given to each row [N].
        train_seconds, peak_memory_bytes, latency_seconds, batch_rows_per_second, trained_parameters, bytes_on_disk,
        without_prompt: as in `Way`.
        notes: a sentence each.
        seconds: what measuring took, answering included.
    """

    seed: int
    answers: NDArray[np.int64]
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
    """A way and its cells, one a seed."""

    key: str
    name: str
    kind: str
    cells: list[Cell] = field(default_factory=list)

    def correct(self, gold_N: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each row is answered rightly, [S, N]."""
        return np.stack([cell.answers == gold_N for cell in self.cells])


def compare(
    measured: Sequence[Measured],
    gold_N: NDArray[np.int64],
    classes: int,
    reference: str,
    *,
    price_an_hour: float | None = None,
    seed: int = 0,
) -> tuple[list[Way], dict[str, float]]:
    """Figures of every way, by falling accuracy, and each one's adjusted p-value against the most accurate.

    Differences are tested pairwise on the same rows: McNemar's exact test where both have one seed, else a paired
    bootstrap over rows and seeds; Holm's correction over all ways but the reference.

    Args:
        measured: the ways, each with at least one cell.
        gold_N: the right labels.
        classes: C.
        reference: key of the way that the others are compared with.
        price_an_hour: what an hour costs.
        seed: of the bootstrap.
    """
    correct = {way.key: way.correct(gold_N) for way in measured}
    ranked = sorted(measured, key=lambda way: -float(correct[way.key].mean()))
    differences = _differences(correct, reference, seed)
    against_best = {key: made.p_adjusted for key, made in _differences(correct, ranked[0].key, seed).items()}
    ways = []
    for way in ranked:
        cells = way.cells
        mean = _means(cells)
        f1s = [macro_f1(gold_N, cell.answers, classes) for cell in cells]
        ways.append(
            Way(
                key=way.key,
                name=way.name,
                kind=way.kind,
                seeds=[cell.seed for cell in cells],
                accuracies=[float(row.mean()) for row in correct[way.key]],
                macro_f1s=f1s,
                accuracy=float(correct[way.key].mean()),
                macro_f1=float(np.mean(f1s)),
                interval=accuracy_interval(correct[way.key], seed),
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
    return ways, against_best


def _means(cells: Sequence[Cell]) -> dict[str, float | None]:
    out: dict[str, float | None] = {}
    for name in ("train_seconds", "latency_seconds", "batch_rows_per_second", "without_prompt"):
        values = [value for cell in cells if (value := getattr(cell, name)) is not None]
        out[name] = float(np.mean(values)) if values else None
    return out


def _differences(correct: dict[str, NDArray[np.bool_]], reference: str, seed: int) -> dict[str, Difference]:
    """Differences of all ways to the reference, corrected together."""
    keys = [key for key in correct if key != reference]
    tested: dict[str, tuple[Interval, float, str]] = {}
    for key in keys:
        interval, p_value = paired_bootstrap(correct[key], correct[reference], seed)
        name = "paired bootstrap"
        if len(correct[key]) == len(correct[reference]) == 1:
            p_value, name = paired_test(correct[key][0], correct[reference][0]), "McNemar"
        tested[key] = (interval, p_value, name)
    adjusted = holm([tested[key][1] for key in keys])
    return {
        key: Difference(
            points=float(correct[key].mean() - correct[reference].mean()),
            interval=tested[key][0],
            p_value=tested[key][1],
            p_adjusted=p_adjusted,
            test=tested[key][2],
        )
        for key, p_adjusted in zip(keys, adjusted, strict=True)
    }


def curve_lines(points: Sequence[tuple[Measured, int]], gold_N: NDArray[np.int64], *, seed: int = 0) -> list[CurveLine]:
    """Learning curves out of (way as measured on so many training rows, training rows)."""
    lines: dict[str, CurveLine] = {}
    for way, rows in sorted(points, key=lambda point: point[1]):
        correct = way.correct(gold_N)
        point = (rows, float(correct.mean()), accuracy_interval(correct, seed))
        before = lines.get(way.key)
        lines[way.key] = CurveLine(key=way.key, name=way.name, points=[*(before.points if before else []), point])
    return list(lines.values())


def disagreements(
    measured: Sequence[Measured], examples: Sequence[Example], gold_N: NDArray[np.int64], labels: Sequence[str],
    reference: str,
) -> list[Disagreement]:  # fmt: skip
    """Rows on which the reference and its best rivals differ: the most divided first, then in the order of the data."""
    ranked = sorted(measured, key=lambda way: -float(way.correct(gold_N).mean()))
    rivals = [way for way in ranked if way.key != reference][:RIVALS]
    chosen = [way for way in ranked if way.key == reference] + rivals
    answers = np.stack([way.cells[0].answers for way in chosen])
    divided = np.array([len(np.unique(column)) for column in answers.T])
    even = np.array([np.bincount(column).max() for column in answers.T])
    rows = sorted(np.flatnonzero(divided > 1).tolist(), key=lambda i: (-divided[i], even[i], i))
    return [
        Disagreement(
            where=examples[i].where,
            fields={name: shortened(text) for name, text in examples[i].fields.items()},
            answer=labels[int(gold_N[i])],
            answers={way.key: labels[int(given[i])] for way, given in zip(chosen, answers, strict=True)},
        )
        for i in rows[:SHOWN]
    ]
