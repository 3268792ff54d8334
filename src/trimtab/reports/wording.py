"""How a comparison speaks of answers and of their metric, which is kept with it. Knows nothing about pages."""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.evaluation.metrics.metric import Metric
from trimtab.reports.facts import Part
from trimtab.reports.format import heading

R_SQUARED = (
    "R² is the share of the variance of the right numbers that a way explains, higher is better: 100% is perfect, 0 no "
    "better than always giving their mean, below 0 worse. RMSE is the root mean squared error, lower is better."
)


class Wording(Part):
    """Words and clauses that differ by what answers are.

    Attributes:
        right: what the right answer is called: `right label`.
        by_nobody: what stands beside a right answer that no way gives: `nobody`, `in the data`.
        others_are_wrong: whether every other answer is wrong; of free text another one may be right too.
        divided_first: which rows come first of those that ways disagree on: `the most divided`.
        better: what a way with a better score does: `is more accurate`.
        best: what the way with the best score is called: `most accurate way`.
        score: how a score is named in a sentence, `{}` standing for it: `{}`, `BLEU {}`.
        guess: what a way reaches that gives the same to every row, `{}` standing for the figure.
        guess_metric: the name of the metric that `guess` is told by; None where that is the score.
        caption: what the table of ways shows: `Accuracy and macro F1 in %`.
        caption_of_seeds: what the table of seeds shows.
        reading: how to read the metrics, a sentence or two; "" where their names say it.
    """

    right: str
    by_nobody: str = "nobody"
    others_are_wrong: bool = True
    divided_first: str
    better: str
    best: str
    score: str
    guess: str
    guess_metric: str | None = None
    caption: str
    caption_of_seeds: str
    reading: str = ""


def by_accuracy(right: str, metric: Metric, shown: str, shown_of_seeds: str) -> Wording:
    """Of answers that are right or wrong.

    Args:
        right: what the right answer is called.
        metric: what ways are ranked by.
        shown, shown_of_seeds: what the tables of ways and of seeds show besides it, as the ends of their captions.
    """
    name = heading(metric.name)
    return Wording(
        right=right,
        divided_first="the most divided",
        better="is more accurate",
        best="most accurate way",
        score="{}",
        guess="is right on {} of the rows",
        caption=name + shown,
        caption_of_seeds=name + shown_of_seeds,
    )


def by_r_squared(metric: Metric, others: Sequence[Metric]) -> Wording:
    """R squared of the mean is 0 whatever the data: how far off it is, the error says."""
    [error] = others
    return Wording(
        right="right number",
        by_nobody="in the data",
        divided_first="those furthest apart",
        better="explains more",
        best=_best(metric),
        score=f"{metric.name} {{}}",
        guess="has a root mean squared error of {}",
        guess_metric=error.name,
        caption=f"{heading(metric.name)} in % and {error.what},",
        caption_of_seeds=f"{heading(metric.name)} in %, and the error beside it",
        reading=R_SQUARED,
    )


def by_sums(right: str, metric: Metric, others: Sequence[Metric]) -> Wording:
    """Of answers that are scored over all rows; arguments as of `by_accuracy`, `others` the metrics beside."""
    caption = heading(metric.name) + (" in %" if metric.unit == "share" else "")
    return Wording(
        right=right,
        divided_first="those whose scores are furthest apart",
        better="is better",
        best=_best(metric),
        score=f"{metric.name} {{}}",
        guess=f"has {metric.name} {{}}",
        caption=caption,
        caption_of_seeds=caption,
        reading=_defined([metric, *others]),
    )


def _best(metric: Metric) -> str:
    return f"way of the {'lowest' if metric.higher_is_better is False else 'highest'} {metric.name}"


def _defined(metrics: Sequence[Metric]) -> str:
    """What each metric is, in one sentence, and which are better when lower, in another."""
    listed = "; ".join(f"{heading(m.name)}: {m.what}" for m in metrics if m.what)
    low = [m.name for m in metrics if m.higher_is_better is False]
    return f"{listed}." + (f" Of {' and '.join(low)}, lower is better." if low else "") if listed else ""
