"""Texts of two systems beside each other, metric by metric. Knows nothing about models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trimtab.evaluation.chance.coins import THROWS
from trimtab.evaluation.chance.randomisation import randomisation_tests
from trimtab.evaluation.interval.bootstrap import RESAMPLES
from trimtab.evaluation.interval.groups import Groups
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.interval.row_sums import difference_intervals
from trimtab.evaluation.metrics.choose import metric_results
from trimtab.evaluation.metrics.metric import Unit
from trimtab.evaluation.text.words import Language


@dataclass(frozen=True)
class TextDifference:
    """One metric of two systems on the same rows.

    Attributes:
        name, unit, higher_is_better, signature: as in `MetricScore`.
        a, b: the values of the two.
        difference: a - b.
        interval: 95% interval of the difference, by the paired bootstrap over rows; None for distinct-n.
        p_value: two-sided, by approximate randomisation; None for distinct-n. Not adjusted for the number of metrics.
    """

    name: str
    unit: Unit
    higher_is_better: bool | None
    signature: str
    a: float
    b: float
    difference: float
    interval: Interval | None
    p_value: float | None


def compare_texts(
    predictions_a: Sequence[str],
    predictions_b: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    metrics: Sequence[str],
    language: Language = "auto",
    inputs: Sequence[str] | None = None,
    groups: Groups | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    exchanges: int = THROWS,
) -> list[TextDifference]:
    """Compare the texts of two systems for the same N rows, metric by metric.

    Intervals are those of the paired bootstrap (Koehn 2004), p-values those of approximate randomisation (Riezler &
    Maxwell 2005). Where several metrics are looked at, `holm` adjusts their p-values.

    Args:
        predictions_a, predictions_b: N texts each.
        references, metrics, language, inputs: as for `score_texts`.
        groups: which rows belong together; each stands alone by default.
        seed: seed of the draws.
        resamples: resamples of the bootstrap.
        exchanges: throws of the test.

    Raises:
        TrimtabError: as `score_texts`.
    """
    results_a, results_b = (
        metric_results(predictions, references, metrics=metrics, language=language, inputs=inputs)
        for predictions in (predictions_a, predictions_b)
    )
    both = list(zip(results_a, results_b, strict=True))
    pairs = [(a.sums, b.sums) for a, b in both if a.sums and b.sums]
    apart = iter(difference_intervals(pairs, groups, seed=seed, resamples=resamples))
    p_values = iter(randomisation_tests(pairs, groups, seed=seed, exchanges=exchanges))
    return [
        TextDifference(
            a.metric.name, a.metric.unit, a.metric.higher_is_better, a.signature, a.value, b.value, a.value - b.value,
            next(apart) if a.sums else None, next(p_values) if a.sums else None,
        )
        for a, b in both
    ]  # fmt: skip
