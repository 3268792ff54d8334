"""Metrics with intervals, and texts scored by several of them. Knows nothing about models, or other systems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trimtab.evaluation.interval.bootstrap import RESAMPLES
from trimtab.evaluation.interval.groups import Groups
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.interval.row_sums import intervals
from trimtab.evaluation.interval.shares import share_interval
from trimtab.evaluation.metrics.choose import metric_results
from trimtab.evaluation.metrics.metric import MetricResult, Unit
from trimtab.evaluation.text.words import Language, are_chinese


@dataclass(frozen=True)
class MetricScore:
    """One metric of N rows.

    Attributes:
        name: as the field writes it, e.g. `ROUGE-L`.
        value: over all rows, in `unit`.
        interval: 95% interval over rows: of shares Wilson’s (`interval/shares`), else the percentile bootstrap (Efron
            1979); None for distinct-n, no sum over rows.
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
class MetricScores:
    """Scores of N texts: their number, the language whose rules were followed, and a score a metric, as asked for."""

    rows: int
    language: Literal["en", "zh"]
    scores: list[MetricScore]


def score_texts(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    metrics: Sequence[str],
    language: Language = "auto",
    inputs: Sequence[str] | None = None,
    groups: Groups | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> MetricScores:
    """Score N texts against their references.

    Args:
        predictions: N texts, of which some may be empty.
        references: one or more texts a row, not everywhere the same number.
        metrics: names out of `TEXT_METRICS`, in any case.
        language: whose rules to follow; `auto` goes by the characters of the references.
        inputs: what the answers were asked about, for `copied` alone.
        groups: which rows belong together; each stands alone by default.
        seed: seed of the bootstrap.
        resamples: resamples of the bootstrap.

    Raises:
        TrimtabError: no rows, lists of different lengths, a row without references, an unknown metric, `copied` without
            inputs, a reference without a number for `numeric EM`.
    """
    results = metric_results(predictions, references, metrics=metrics, language=language, inputs=inputs)
    chinese = are_chinese([text for row in references for text in row], language)
    scores = with_intervals(results, groups, seed=seed, resamples=resamples)
    return MetricScores(rows=len(predictions), language="zh" if chinese else "en", scores=scores)


def with_intervals(
    results: Sequence[MetricResult], groups: Groups | None = None, *, seed: int = 0, resamples: int = RESAMPLES
) -> list[MetricScore]:
    """Return the scores of metrics of the same rows, with their 95% intervals; resamples are the same for all."""
    drawn = [r.sums for r in results if r.sums and r.metric.unit != "share"]
    found = iter(intervals(drawn, groups, seed=seed, resamples=resamples))

    def interval(r: MetricResult) -> Interval | None:
        if r.sums and r.metric.unit == "share":
            return share_interval(r.value, r.sums.moves_N, groups)
        return next(found) if r.sums else None

    return [
        MetricScore(
            r.metric.name, r.value, interval(r), r.metric.what, r.metric.unit,
            r.metric.higher_is_better, r.signature, None if r.per_row is None else r.per_row.tolist(),
        )
        for r in results
    ]  # fmt: skip
