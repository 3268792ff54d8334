"""What the figures of a report on generated texts say. Knows nothing about HTML, Markdown or drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from trimtab.evaluation.scores.texts import Figure, TextScores
from trimtab.reports.findings.findings import Axis, DevScore, Headline, Result, Table
from trimtab.reports.findings.verdict import rival_sentences, verdict_sentence
from trimtab.reports.format import figure_interval, figure_text
from trimtab.reports.scored import TextBaseline, TextReport

MANY_UNFINISHED = 0.05
WIDE_SHARE = 0.2
# Metrics beside the headline's that fit into a line of a terminal, and on the head of a page.
MOST_BESIDE, MOST_BESIDE_ON_PAGE = 2, 3


@dataclass(frozen=True)
class TextFindings:
    """Findings of a report whose answers are free text (see `findings.Findings`)."""

    part: TextReport

    given = "an answer in free text"
    dev_score = DevScore(
        "mean probability of a token on dev", "Mean probability of a token on dev",
        of_several=", mean probability of a token",
    )  # fmt: skip
    hub_task = "text-generation"
    template = "texts.html.j2"

    @property
    def axis(self) -> Axis:
        """The first metric; a ratio has no bound."""
        figure = self._scores().headline
        highest = {"points": 100.0, "share": 1.0}.get(figure.unit, inf)
        return Axis(figure.name, highest, 100.0 if figure.unit == "share" else 1.0)

    @property
    def columns(self) -> tuple[str, ...]:
        """The first metrics."""
        return tuple(figure.name for figure in self._scores().figures[: 1 + MOST_BESIDE])

    @property
    def headline(self) -> Headline | None:
        """The first metric."""
        if not self.part.headline:
            return None
        split, scores = self.part.headline
        figure = scores.headline
        says = f"{figure.name} on {scores.rows:,} {split} rows"
        return Headline(split, scores.rows, figure_text(figure), says, figure_interval(figure))

    def results(self) -> list[Result]:
        """By the first metric; the next ones stand beside it."""
        if not self.part.headline:
            return []
        return [_result("", self.part.headline[1].figures), *map(_of_baseline, self.part.baselines)]

    def beside(self) -> list[tuple[str, str, str]]:
        """The next metrics."""
        figures = self.part.headline[1].figures[1 : 1 + MOST_BESIDE_ON_PAGE] if self.part.headline else []
        return [(figure.name, figure_text(figure), figure_interval(figure)) for figure in figures]

    def rivals(self) -> list[Result]:
        """All baselines."""
        return sorted(map(_of_baseline, self.part.baselines), key=lambda other: -other.goodness)

    def told(self) -> list[str]:
        """Nothing: every row is answered."""
        return []

    def summary(self) -> str:
        """The first metric, its interval, the other metrics, and the baselines beside it."""
        if not self.part.headline:
            return "Not scored."
        split, scores = self.part.headline
        figure = scores.headline
        others = ", ".join(f"{f.name} {figure_text(f)}" for f in scores.figures[1:])
        beside = ", ".join(f"{other.name} {other.text}" for other in self.rivals())
        return (
            f"{figure.name} {figure_text(figure)} on {scores.rows:,} {split} rows (95%: {figure_interval(figure)})"
            + (f"; {others}" if others else "")
            + (f"; {figure.name} of {beside}." if beside else ".")
        )

    def verdict(self) -> str:
        """By how many points of the first metric, and a randomisation test."""
        rivals = self.rivals()
        if not self.part.headline or not rivals:
            return ""
        best, figure = rivals[0], self.part.headline[1].headline
        gap = _goodness(figure) - best.goodness
        apart = f"{100 * abs(gap) / (1 if figure.unit == 'share' else figure.scale):.1f} points of {figure.name}"
        ranked = len(self.part.baselines) > 1
        return verdict_sentence(best, gap, apart, "approximate randomisation", ranked=ranked)

    def limits(self) -> list[str]:
        """Of answers cut short, of few rows, of what such metrics compare."""
        if not self.part.headline:
            return []
        split, scores = self.part.headline
        figure = scores.headline
        sentences = rival_sentences(self.results()[0], self.rivals(), figure.name)
        if scores.unfinished > MANY_UNFINISHED * scores.rows:
            sentences.append(
                f"{scores.unfinished:,} of {scores.rows:,} answers are as long as they may be, and may lack their end: "
                "raise answer.max_tokens where that matters."
            )
        interval = figure.interval
        if interval and figure.value and (interval.high - interval.low) / abs(figure.value) > WIDE_SHARE:
            known = f"{figure.name} is known to {figure_interval(figure)} only"
            sentences.append(f"With {scores.rows:,} {split} rows, {known}.")
        sentences.append(
            "Figures compare words and characters with the answers given: another wording that is right counts as "
            "wrong, and a false statement in the right words as right. Read some answers."
        )
        sentences.append("It may state what the input does not say.")
        return sentences

    def unfound(self) -> str:
        """Nothing: texts are no classes."""
        return ""

    def always(self) -> str:
        """Nothing beyond its limits."""
        return ""

    def caution(self) -> str:
        """That it can be false."""
        return "It can state what is false; where an error matters, have a person check." if self.part.headline else ""

    def scored_on(self) -> str:
        """Rows."""
        return f"{self.headline.rows:,} {self.headline.split} rows" if self.headline else ""

    def hub_metrics(self) -> dict[str, float]:
        """Every metric."""
        return {f.name: f.value for f in self.part.headline[1].figures} if self.part.headline else {}

    def tables(self) -> list[Table]:
        """Every metric with its signature, and the baselines by the first."""
        if not self.part.headline:
            return []
        figures = self.part.headline[1].figures
        rows = [(f.name, figure_text(f), figure_interval(f), f.signature) for f in figures]
        for b in self.part.baselines:
            rows.append((f"{b.name}, {b.figure.name}", figure_text(b.figure), figure_interval(b.figure), ""))
        return [Table(("", "score", "95% interval", "signature"), "<><<", rows)]

    def context(self) -> dict[str, Any]:
        """The scores."""
        return {"scores": self._scores()} if self.part.headline else {}

    def _scores(self) -> TextScores:
        assert self.part.headline is not None, "nothing was scored"
        return self.part.headline[1]


def _result(
    name: str, figures: Sequence[Figure], seconds: float | None = None, p_value: float | None = None
) -> Result:  # fmt: skip
    figure, *others = figures
    return Result(
        name, figure.value, _goodness(figure), figure.interval, figure_text(figure), figure_interval(figure),
        tuple(map(figure_text, others[:MOST_BESIDE])), seconds, p_value,
    )  # fmt: skip


def _of_baseline(other: TextBaseline) -> Result:
    return _result(other.name, other.figures, other.seconds, other.p_value)


def _goodness(figure: Figure) -> float:
    """The value, so that more is better; of ratios how near they are to 1."""
    if figure.higher_is_better is None:
        return -abs(figure.value - 1)
    return figure.value if figure.higher_is_better else -figure.value
