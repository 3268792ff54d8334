"""What the figures of a report on answers in a context say. Knows nothing about HTML, Markdown or drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trimtab.evaluation.scores.spans import SpanScores
from trimtab.reports.findings.findings import Axis, DevScore, Headline, Result, Table
from trimtab.reports.findings.verdict import rival_sentences, that_count, verdict_sentence
from trimtab.reports.format import interval_text, percent
from trimtab.reports.scored import SpanBaseline, SpanReport

WIDE_INTERVAL = 0.06
# Share of rows without an answer that are given one, from which on that is said.
MANY_ANSWERED = 0.3
RULES = {"en": "SQuAD’s rules: words, but for case, punctuation and articles", "zh": "CMRC 2018’s rules: characters"}


@dataclass(frozen=True)
class SpanFindings:
    """Findings of a report whose answers are stretches of a context (see `findings.Findings`)."""

    part: SpanReport

    dev_score = DevScore("F1 on dev", "F1 on dev", of_several=" F1")
    axis = Axis("F1")
    columns = ("F1", "exact match")
    hub_task = "question-answering"
    template = "spans.html.j2"

    @property
    def given(self) -> str:
        """A stretch, or none where the run may give none."""
        return "a stretch of the context" + (", or no answer" if self.part.threshold else "")

    @property
    def headline(self) -> Headline | None:
        """F1."""
        if not self.part.headline:
            return None
        split, scores = self.part.headline
        says = f"F1 on {scores.rows:,} {split} rows"
        return Headline(split, scores.rows, percent(scores.f1), says, interval_text(scores.intervals["f1"]))

    def results(self) -> list[Result]:
        """By F1; exact match stands beside it."""
        if not self.part.headline:
            return []
        _, scores = self.part.headline
        interval = scores.intervals["f1"]
        run = Result(
            "", scores.f1, scores.f1, interval, percent(scores.f1), interval_text(interval), (percent(scores.exact),)
        )
        return [run, *map(_result, self.part.baselines)]

    def beside(self) -> list[tuple[str, str, str]]:
        """Exact match; where some rows have no answer, F1 of the others and the share of these that is right."""
        return self._figures()[1:]

    def rivals(self) -> list[Result]:
        """All baselines; the first words count only where no other is as good."""
        return that_count(list(map(_result, self.part.baselines)), "first words")

    def told(self) -> list[str]:
        """Nothing: every row is answered."""
        return []

    def summary(self) -> str:
        """F1, interval, exact match and the baselines beside it."""
        if not self.part.headline:
            return "Not scored."
        split, scores = self.part.headline
        beside = ", ".join(f"{other.name} {other.text}" for other in self.rivals())
        return (
            f"F1 {percent(scores.f1)} on {scores.rows:,} {split} rows (95%: {interval_text(scores.intervals['f1'])}), "
            f"exact match {percent(scores.exact)}" + (f"; {beside}." if beside else ".")
        )

    def verdict(self) -> str:
        """By how many points of F1, and a randomisation test."""
        rivals = self.rivals()
        if not self.part.headline or not rivals:
            return ""
        gap = self.part.headline[1].f1 - rivals[0].value
        apart, ranked = f"{100 * abs(gap):.1f} points of F1", len(self.part.baselines) > 1
        return verdict_sentence(rivals[0], gap, apart, "paired randomisation test", ranked=ranked)

    def limits(self) -> list[str]:
        """Of answers where there are none, of few rows, of what counts as right."""
        if not self.part.headline:
            return []
        split, scores = self.part.headline
        sentences = rival_sentences(self.results()[0], self.rivals(), "F1")
        if scores.without and not self.part.threshold:
            sentences.append(
                f"It always gives an answer: {scores.without:,} of {scores.rows:,} {split} rows have none, and "
                "no training row that says so was seen."
            )
        elif scores.without_right is not None and 1 - scores.without_right > MANY_ANSWERED:
            sentences.append(
                f"It answers {percent(1 - scores.without_right)} of the questions that the context does not answer: "
                "raise answer.threshold where that matters."
            )
        interval = scores.intervals["f1"]
        if interval.high - interval.low > WIDE_INTERVAL:
            sentences.append(f"With {scores.rows:,} {split} rows, F1 is known to {interval_text(interval)} only.")
        sentences.append(
            "An answer counts by the words it shares with the best right one; another that is right may not."
        )
        sentences.append("It gives words of the context and no others, and does not know whether they are true.")
        return sentences

    def unfound(self) -> str:
        """Nothing: spans have no classes."""
        return ""

    def always(self) -> str:
        """That it answers whatever is asked."""
        if self.part.threshold:
            return ""
        return "It gives a stretch of the context even where that does not hold the answer."

    def caution(self) -> str:
        """How often it is right."""
        if not self.part.headline:
            return ""
        _, scores = self.part.headline
        return (
            f"Its answer is exactly right in {percent(scores.exact)} of the rows; where an error matters, have a "
            "person check."
        )

    def scored_on(self) -> str:
        """Rows, and how many of them have no answer."""
        if not self.part.headline:
            return ""
        split, scores = self.part.headline
        without = f", {scores.without:,} of them without an answer" if scores.without else ""
        return f"{scores.rows:,} {split} rows{without}"

    def hub_metrics(self) -> dict[str, float]:
        """F1 and exact match."""
        if not self.part.headline:
            return {}
        _, scores = self.part.headline
        return {"F1": scores.f1, "exact match": scores.exact}

    def tables(self) -> list[Table]:
        """Every figure, and the baselines by F1."""
        if not self.part.headline:
            return []
        rows = [*self._figures(), *((f"{other.name}, F1", other.text, other.interval_text) for other in self.rivals())]
        return [Table(("", "score", "95% interval"), "<><", rows)]

    def context(self) -> dict[str, Any]:
        """The scores, the rules, and the threshold."""
        if not self.part.headline:
            return {}
        scores = self._scores()
        return {
            "scores": scores, "figures": self._figures(), "rules": RULES[scores.language],
            "threshold": self.part.threshold,
        }  # fmt: skip

    def _figures(self) -> list[tuple[str, str, str]]:
        """What was measured, as written, the headline first."""
        if not self.part.headline:
            return []
        scores = self._scores()
        named = {
            "F1": ("f1", scores.f1),
            "Exact match": ("exact", scores.exact),
            "F1 where there is an answer": ("answered_f1", scores.answered_f1),
            "Exact match where there is an answer": ("answered_exact", scores.answered_exact),
            "No answer where there is none": ("without_right", scores.without_right),
        }
        return [
            (name, percent(value), interval_text(scores.intervals.get(key)))
            for name, (key, value) in named.items()
            if value is not None
        ]

    def _scores(self) -> SpanScores:
        assert self.part.headline is not None, "nothing was scored"
        return self.part.headline[1]


def _result(other: SpanBaseline) -> Result:
    return Result(
        other.name, other.f1, other.f1, other.interval, percent(other.f1), interval_text(other.interval),
        (percent(other.exact),), other.seconds, other.p_value,
    )  # fmt: skip
