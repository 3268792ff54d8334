"""What a metric of texts measured, row by row, and what follows from it. Knows nothing about how it was measured.

Nearly every metric is a function of a few sums over rows, so that a resample of the rows, or an exchange of answers
between two systems, is a matrix product and no text is looked at again (Koehn 2004; Riezler & Maxwell 2005).

N rows, S sums of a metric, B resamples or exchanges, K systems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.scores.labels import Interval

Unit = Literal["points", "share", "ratio"]
Floats = NDArray[np.float64]

RESAMPLES = 1000
EXCHANGES = 9_999
# Numbers drawn at once.
MOST_DRAWN = 1_000_000
_PERCENTILES = (2.5, 97.5)


def first_by_second(sums: Floats) -> Floats:
    """Return the first of two sums divided by the second, 0 where that is 0; shapes (..., 2) -> (...)."""
    quotient: Floats = sums[..., 0] / np.where(sums[..., 1] == 0, 1, sums[..., 1])
    return np.where(sums[..., 1] == 0, 0.0, quotient)


def f1_of_sums(sums: Floats, *, of_none: float = 1.0) -> Floats:
    """Return F1 of (right, given, right to give), `of_none` where nothing is either; shapes (..., 3) -> (...)."""
    both, either = sums[..., 0], sums[..., 1] + sums[..., 2]
    return np.where(either == 0, of_none, 2 * both / np.where(either == 0, 1, either))


@dataclass(frozen=True)
class TextScore:
    """One metric of N texts.

    Attributes:
        name: as the field writes it, e.g. `ROUGE-L`.
        value: over all rows, in `unit`.
        interval: 95% percentile bootstrap interval over rows (Efron 1979); None for distinct-n, no sum over rows.
        what: what it is, in one sentence.
        unit: `points` from 0 to 100, `share` from 0 to 1, or `ratio`.
        higher_is_better: None where neither direction is.
        signature: what has to be the same for figures to be compared.
        per_row: a value a row; None where a single row has none.
    """

    name: str
    value: float
    interval: Interval | None
    what: str
    unit: Unit
    higher_is_better: bool | None
    signature: str
    per_row: list[float] | None


@dataclass(frozen=True)
class Measured:
    """One metric of N texts, with what its interval is made from.

    Attributes:
        name, what, unit, higher_is_better, signature: as in `TextScore`.
        per_row: a value a row (N,), or None where a single row has none.
        sums_NS: what each row adds to the S sums, shape (N, S), or None where the metric is no function of sums.
        of_sums: sums of shape (..., S) -> values of shape (...).
        whole: the value over all rows where `sums_NS` is None.
    """

    name: str
    what: str
    unit: Unit
    higher_is_better: bool | None
    signature: str
    per_row: Floats | None
    sums_NS: Floats | None
    of_sums: Callable[[Floats], Floats] = first_by_second
    whole: float = 0.0

    @property
    def value(self) -> float:
        """The metric over all rows."""
        return self.whole if self.sums_NS is None else float(self.of_sums(self.sums_NS.sum(axis=0)))


def mean_of_rows(
    name: str, what: str, values: Sequence[float], *, signature: str, higher_is_better: bool | None = True
) -> Measured:
    """Return a metric that is the mean of its rows, each in [0, 1]."""
    values_N = np.asarray(values, dtype=np.float64)
    sums_N2 = np.stack([values_N, np.ones_like(values_N)], axis=1)
    return Measured(name, what, "share", higher_is_better, signature, values_N, sums_N2)


def with_intervals(metrics: Sequence[Measured], *, seed: int = 0, resamples: int = RESAMPLES) -> list[TextScore]:
    """Return the scores of metrics of the same rows, with their 95% bootstrap intervals."""
    return [
        TextScore(
            m.name, m.value, interval, m.what, m.unit, m.higher_is_better, m.signature,
            None if m.per_row is None else m.per_row.tolist(),
        )
        for m, interval in zip(metrics, _intervals(metrics, seed=seed, resamples=resamples), strict=True)
    ]  # fmt: skip


def _intervals(metrics: Sequence[Measured], *, seed: int, resamples: int) -> list[Interval | None]:
    """Return the 95% percentile bootstrap interval (Efron 1979) of each metric, all from the same resamples.

    A metric that is no function of sums has none. One row has an interval of no width.
    """
    values = [np.empty(resamples) for _ in metrics]
    for part, drawn_BN in _drawn(_rows(metrics), resamples, seed):
        for metric, values_B in zip(metrics, values, strict=True):
            if metric.sums_NS is not None:
                values_B[part] = metric.of_sums(drawn_BN @ metric.sums_NS)
    return [
        None if metric.sums_NS is None else _interval(values_B)
        for metric, values_B in zip(metrics, values, strict=True)
    ]


def resampled(
    sums_KNS: Floats, of_sums: Callable[[Floats], Floats], *, seed: int = 0, resamples: int = RESAMPLES
) -> Floats:
    """Return the values of K systems over B draws of their N rows, the same for all, shape (K, B)."""
    values_KB = np.empty((len(sums_KNS), resamples))
    for part, drawn_BN in _drawn(sums_KNS.shape[1], resamples, seed):
        values_KB[:, part] = of_sums(drawn_BN @ sums_KNS)
    return values_KB


def differences(
    metrics_a: Sequence[Measured], metrics_b: Sequence[Measured], *, seed: int, resamples: int = RESAMPLES
) -> list[Interval | None]:
    """Return the 95% interval of each difference a - b, the same rows drawn for both (paired bootstrap; Koehn 2004)."""
    values = [np.empty(resamples) for _ in metrics_a]
    for part, drawn_BN in _drawn(_rows(metrics_a), resamples, seed):
        for a, b, values_B in zip(metrics_a, metrics_b, values, strict=True):
            if a.sums_NS is not None and b.sums_NS is not None:
                values_B[part] = a.of_sums(drawn_BN @ a.sums_NS) - b.of_sums(drawn_BN @ b.sums_NS)
    return [None if a.sums_NS is None else _interval(values_B) for a, values_B in zip(metrics_a, values, strict=True)]


def exchange_test(
    metrics_a: Sequence[Measured], metrics_b: Sequence[Measured], *, seed: int, exchanges: int = EXCHANGES
) -> list[float | None]:
    """Return two-sided p-values by approximate randomisation (Noreen 1989; Riezler & Maxwell 2005).

    If the systems were equally good, which of them gave which answer would be a coin's throw on each row; p is the
    share of throws, what was seen among them, whose difference is at least as large as that seen.
    """
    extreme = np.zeros(len(metrics_a), dtype=np.int64)
    for swapped_BN in _coins(_rows(metrics_a), exchanges, seed):
        for m, (a, b) in enumerate(zip(metrics_a, metrics_b, strict=True)):
            if a.sums_NS is None or b.sums_NS is None:
                continue
            gained_BS = swapped_BN @ (b.sums_NS - a.sums_NS)
            found_B = a.of_sums(a.sums_NS.sum(axis=0) + gained_BS) - b.of_sums(b.sums_NS.sum(axis=0) - gained_BS)
            # Sums of fractions differ in the last digits with the order they are added in.
            seen = abs(a.value - b.value)
            extreme[m] += int((np.abs(found_B) >= seen - 1e-9 * max(1.0, seen)).sum())
    return [
        None if a.sums_NS is None else (int(more) + 1) / (exchanges + 1)
        for a, more in zip(metrics_a, extreme, strict=True)
    ]


def _rows(metrics: Sequence[Measured]) -> int:
    """N, or 0 where no metric has sums: then nothing is drawn."""
    return max((len(metric.sums_NS) for metric in metrics if metric.sums_NS is not None), default=0)


def _drawn(rows: int, resamples: int, seed: int) -> Iterator[tuple[slice, Floats]]:
    """Yield how often each row is drawn, shape (b, N), for parts of the B resamples."""
    random = np.random.default_rng(seed)
    for part in _parts(rows, resamples):
        size = part.stop - part.start
        places = random.integers(rows, size=(size, rows)) + rows * np.arange(size)[:, None]
        yield part, np.bincount(places.ravel(), minlength=size * rows).reshape(size, rows).astype(np.float64)


def _coins(rows: int, exchanges: int, seed: int) -> Iterator[Floats]:
    """Yield which rows are exchanged, shape (b, N) of 0 and 1, for parts of the B exchanges."""
    random = np.random.default_rng(seed)
    for part in _parts(rows, exchanges):
        yield random.integers(0, 2, size=(part.stop - part.start, rows), dtype=np.int8).astype(np.float64)


def _parts(rows: int, times: int) -> Iterator[slice]:
    at_once = max(1, MOST_DRAWN // max(1, rows))
    return (slice(start, min(start + at_once, times)) for start in range(0, times if rows else 0, at_once))


def _interval(values_B: Floats) -> Interval:
    low, high = np.percentile(values_B, _PERCENTILES)
    return Interval(float(low), float(high))
