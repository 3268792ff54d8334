"""What the figures of a report on numbers say. Knows nothing about HTML, Markdown or drawing."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

from trimtab.reports.findings.findings import Axis, DevScore, Headline, Result, Table
from trimtab.reports.findings.verdict import is_chance, proof, rival_sentences, that_count
from trimtab.reports.format import between, plain
from trimtab.reports.scored import NumberBaseline, NumberReport

POOR_CORRELATION = 0.5
WIDE_SHARE = 0.2


@dataclass(frozen=True)
class NumberFindings:
    """Findings of a report whose answers are numbers (see `findings.Findings`)."""

    part: NumberReport

    given = "a number"
    dev_score = DevScore(
        "the share of dev's variance explained", "Share of the variance on dev explained",
        of=" of the variance", of_several=" of the variance",
    )  # fmt: skip
    axis = Axis("Root mean squared error", highest=inf, written_times=1)
    columns = ("RMSE", "MAE", "Pearson", "Spearman")
    hub_task = "text-classification"  # the Hub has no task of its own for numbers, and lists regression under this
    template = "numbers.html.j2"

    @property
    def headline(self) -> Headline | None:
        """Root mean squared error."""
        if not self.part.headline:
            return None
        split, scores = self.part.headline
        says = f"root mean squared error on {scores.rows:,} {split} rows"
        return Headline(split, scores.rows, plain(scores.rmse), says, between(scores.intervals["rmse"]))

    def results(self) -> list[Result]:
        """By error; mean absolute error and correlations stand beside it."""
        if not self.part.headline:
            return []
        _, scores = self.part.headline
        interval = scores.intervals["rmse"]
        beside = (plain(scores.mae), plain(scores.pearson), plain(scores.spearman))
        run = Result("", scores.rmse, -scores.rmse, interval, plain(scores.rmse), between(interval), beside)
        return [run, *map(_result, self.part.baselines)]

    def beside(self) -> list[tuple[str, str, str]]:
        """Correlations; the intervals of those that a constant side leaves undefined are empty."""
        if not self.part.headline:
            return []
        _, scores = self.part.headline
        named = {"Pearson correlation": "pearson", "Spearman correlation": "spearman"}
        return [
            (name, plain(getattr(scores, key)), between(scores.intervals.get(key))) for name, key in named.items()
        ]  # fmt: skip

    def rivals(self) -> list[Result]:
        """All baselines; the mean counts only where no other is as good."""
        return that_count([_result(other) for other in self.part.baselines], "mean")

    def told(self) -> list[str]:
        """Nothing: every row is answered."""
        return []

    def summary(self) -> str:
        """Error, interval, correlation and the baselines beside it."""
        if not self.part.headline:
            return "Not scored."
        split, scores = self.part.headline
        beside = ", ".join(f"{other.name} {other.text}" for other in self.rivals())
        return (
            f"Root mean squared error {plain(scores.rmse)} on {scores.rows:,} {split} rows "
            f"(95%: {between(scores.intervals['rmse'])}), Pearson correlation {plain(scores.pearson)}"
            + (f"; error of {beside}." if beside else ".")
        )

    def verdict(self) -> str:
        """By how many percent of the rival's error, and a permutation test."""
        rivals = self.rivals()
        if not self.part.headline or not rivals:
            return ""
        best = rivals[0]
        gap = best.value - self.part.headline[1].rmse
        if is_chance(best):
            side, p = "below" if gap >= 0 else "above", f"p = {best.p_value:.2f}"
            return (
                f"No clear difference from {best.name} (its error is {best.text}, ours {side} it; {p}): chance could "
                "explain it."
            )
        share = 100 * abs(gap) / best.value if best.value else 0.0
        rank = ", the best of the baselines" if len(self.part.baselines) > 1 else ""
        sure = proof(best.p_value, "paired permutation test")
        return f"{share:.0f}% {'less' if gap >= 0 else 'more'} error than {best.name}{rank}{sure}."

    def limits(self) -> list[str]:
        """Of a loose fit, of few rows, of numbers beyond those scored."""
        if not self.part.headline:
            return []
        split, scores = self.part.headline
        sentences = rival_sentences(self.results()[0], self.rivals(), "error")
        if scores.pearson is None or scores.pearson < POOR_CORRELATION:
            sentences.append("What it predicts hangs together with what is right only loosely: look at the plot.")
        interval = scores.intervals["rmse"]
        if scores.rmse and (interval.high - interval.low) / scores.rmse > WIDE_SHARE:
            sentences.append(f"With {scores.rows:,} {split} rows, the error is known to {between(interval)} only.")
        if scores.points:
            low, high = min(right for right, _ in scores.points), max(right for right, _ in scores.points)
            sentences.append(f"The right numbers run from {plain(low)} to {plain(high)}; nothing is known beyond.")
        sentences.append("It gives a number for any text, even where none makes sense.")
        return sentences

    def unfound(self) -> str:
        """Nothing: numbers are near or far."""
        return ""

    def always(self) -> str:
        """Nothing beyond its limits."""
        return ""

    def caution(self) -> str:
        """How far off numbers are."""
        if not self.part.headline:
            return ""
        off = plain(self.part.headline[1].mae)
        return f"Its numbers are off by {off} on average; where an error matters, have a person check."

    def scored_on(self) -> str:
        """Rows."""
        return f"{self.headline.rows:,} {self.headline.split} rows" if self.headline else ""

    def hub_metrics(self) -> dict[str, float]:
        """Errors, and the correlations that are defined."""
        if not self.part.headline:
            return {}
        _, scores = self.part.headline
        found = {"RMSE": scores.rmse, "MAE": scores.mae, "Pearson": scores.pearson, "Spearman": scores.spearman}
        return {name: value for name, value in found.items() if value is not None}

    def tables(self) -> list[Table]:
        """Errors, correlations and the baselines."""
        if not self.part.headline:
            return []
        _, scores = self.part.headline
        named = {"rmse": "root mean squared error", "mae": "mean absolute error", "pearson": "Pearson correlation",
                 "spearman": "Spearman correlation"}  # fmt: skip
        rows = [
            (name, plain(getattr(scores, key)), between(scores.intervals.get(key))) for key, name in named.items()
        ]  # fmt: skip
        for other in sorted(map(_result, self.part.baselines), key=lambda other: -other.goodness):
            rows.append((f"{other.name}, {named['rmse']}", other.text, other.interval_text))
        return [Table(("", "score", "95% interval"), "<><", rows)]

    def context(self) -> dict[str, Any]:
        """The scores."""
        return {"scores": self.part.headline[1]} if self.part.headline else {}


def _result(other: NumberBaseline) -> Result:
    return Result(
        other.name, other.rmse, -other.rmse, other.interval, plain(other.rmse), between(other.interval),
        (plain(other.mae), plain(other.pearson), plain(other.spearman)), other.seconds, other.p_value,
    )  # fmt: skip
