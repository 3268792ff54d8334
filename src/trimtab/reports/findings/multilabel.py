"""What the figures of a report on sets of labels say. Knows nothing about HTML, Markdown or drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trimtab.evaluation.scores.multilabel import MultiLabelScores
from trimtab.reports.findings.findings import BY_MACRO_F1, Axis, DevScore, Headline, Result, Table
from trimtab.reports.findings.unfound import unfound_sentence
from trimtab.reports.findings.verdict import rival_sentences, that_count, verdict_sentence
from trimtab.reports.format import capital, interval_text, percent
from trimtab.reports.scored import MultiLabelBaseline, MultiLabelReport

POOR_RECALL = 0.5
FEW_ROWS_OF_A_LABEL = 10
WIDE_INTERVAL = 0.06
MOST_NAMED = 3


@dataclass(frozen=True)
class MultiLabelFindings:
    """Findings of a report whose answers are sets of labels (see `findings.Findings`)."""

    part: MultiLabelReport

    axis = Axis("Micro F1")
    columns = ("micro F1", "macro F1", "subset accuracy")
    hub_task = "text-classification"
    template = "multilabel.html.j2"

    @property
    def dev_score(self) -> DevScore:
        """Micro F1, or macro F1 where the task asked for it."""
        usual = DevScore("micro F1 on dev", "Micro F1 on dev", of_several=" micro F1")
        return BY_MACRO_F1 if self.part.chosen_by == "macro_f1" else usual

    @property
    def given(self) -> str:
        """How many labels there are."""
        count = len(self.part.thresholds)
        return f"any number of {count} labels" if count else "any number of labels"

    @property
    def headline(self) -> Headline | None:
        """Micro F1."""
        if not self.part.headline:
            return None
        split, scores = self.part.headline
        says, interval = f"micro F1 on {scores.rows:,} {split} rows", interval_text(scores.intervals["micro_f1"])
        return Headline(split, scores.rows, percent(scores.micro_f1), says, interval)

    def results(self) -> list[Result]:
        """By micro F1; macro F1 and subset accuracy stand beside it."""
        if not self.part.headline:
            return []
        _, scores = self.part.headline
        interval, text = scores.intervals["micro_f1"], percent(scores.micro_f1)
        run = Result("", scores.micro_f1, scores.micro_f1, interval, text, interval_text(interval), _beside(scores))
        return [run, *map(_result, self.part.baselines)]

    def beside(self) -> list[tuple[str, str, str]]:
        """Macro F1, subset accuracy and the Hamming loss."""
        left_out = ("micro F1", "precision", "recall")
        return [(capital(name), figure, interval) for name, figure, interval in self._figures() if name not in left_out]

    def rivals(self) -> list[Result]:
        """All baselines; the commonest labels count only where no other is as good."""
        return that_count([_result(other) for other in self.part.baselines], "commonest labels")

    def told(self) -> list[str]:
        """Nothing: every row is answered."""
        return []

    def summary(self) -> str:
        """Micro F1, interval, macro F1, subset accuracy and the baselines beside it."""
        if not self.part.headline:
            return "Not scored."
        split, scores = self.part.headline
        beside = ", ".join(f"{other.name} {other.text}" for other in self.rivals())
        return (
            f"Micro F1 {percent(scores.micro_f1)} on {scores.rows:,} {split} rows "
            f"(95%: {interval_text(scores.intervals['micro_f1'])}), macro F1 {percent(scores.macro_f1)}, all labels "
            f"right in {percent(scores.subset_accuracy)} of the rows" + (f"; {beside}." if beside else ".")
        )

    def verdict(self) -> str:
        """By how many points, and a randomisation test."""
        rivals = self.rivals()
        if not self.part.headline or not rivals:
            return ""
        gap = self.part.headline[1].micro_f1 - rivals[0].value
        apart, ranked = f"{100 * abs(gap):.1f} points", len(self.part.baselines) > 1
        return verdict_sentence(rivals[0], gap, apart, "paired randomisation test", ranked=ranked)

    def limits(self) -> list[str]:
        """Of few rows, of poor or rare labels, of rows that need all labels right."""
        if not self.part.headline:
            return []
        split, scores = self.part.headline
        sentences = rival_sentences(self.results()[0], self.rivals())
        interval = scores.intervals["micro_f1"]
        if interval.high - interval.low > WIDE_INTERVAL:
            sentences.append(f"With {scores.rows:,} {split} rows, micro F1 is known to {interval_text(interval)} only.")
        poor = [c for c in scores.per_label if c.support >= FEW_ROWS_OF_A_LABEL and c.recall < POOR_RECALL]
        if poor:
            named = [f"“{c.label}” (given to {percent(c.recall)})" for c in sorted(poor, key=lambda c: c.recall)]
            sentences.append(f"It misses most rows of {_listed(named)}.")
        few = [f"“{c.label}”" for c in scores.per_label if c.support < FEW_ROWS_OF_A_LABEL]
        if few:
            rows = f"Fewer than {FEW_ROWS_OF_A_LABEL} {split} rows have the label"
            sentences.append(f"{rows} {_listed(few)}: read their scores with care.")
        sentences.append("It says yes or no to each label by itself, and knows no labels but its own.")
        return sentences

    def unfound(self) -> str:
        """Labels that were given to none of the rows that they fit."""
        if not self.part.headline:
            return ""
        split, scores = self.part.headline
        return unfound_sentence(split, scores.per_label)

    def always(self) -> str:
        """Nothing: it may give no label."""
        return ""

    def caution(self) -> str:
        """How many labels are found and are right."""
        if not self.part.headline:
            return ""
        _, scores = self.part.headline
        return (
            f"It finds {percent(scores.micro_recall)} of the labels, and {percent(scores.micro_precision)} of those it "
            "gives are right; where an error matters, have a person check."
        )

    def scored_on(self) -> str:
        """Rows and labels."""
        if not self.part.headline:
            return ""
        split, scores = self.part.headline
        return f"{scores.rows:,} {split} rows, {scores.there:,} labels"

    def hub_metrics(self) -> dict[str, float]:
        """Micro and macro F1, and subset accuracy."""
        if not self.part.headline:
            return {}
        _, scores = self.part.headline
        return {"micro F1": scores.micro_f1, "macro F1": scores.macro_f1, "accuracy": scores.subset_accuracy}

    def tables(self) -> list[Table]:
        """Micro F1 and what it is made of, what stands beside it, the baselines; then the labels."""
        if not self.part.headline:
            return []
        _, scores = self.part.headline
        whole = self._figures()
        for other in sorted(map(_result, self.part.baselines), key=lambda other: -other.goodness):
            whole.append((f"{other.name}, micro F1", other.text, other.interval_text))
        each = [
            (c.label, f"{c.support:,}", *map(percent, (c.precision, c.recall, c.f1)), self._threshold(c.label))
            for c in scores.per_label
        ]
        return [
            Table(("", "score", "95% interval"), "<><", whole),
            Table(("label", "rows", "precision", "recall", "F1", "from"), "<>>>>>", each),
        ]

    def context(self) -> dict[str, Any]:
        """The scores, and the thresholds as written."""
        if not self.part.headline:
            return {}
        _, scores = self.part.headline
        return {"scores": scores, "thresholds": {c.label: self._threshold(c.label) for c in scores.per_label}}

    def _threshold(self, label: str) -> str:
        found = self.part.thresholds.get(label)
        return "" if found is None else percent(found)

    def _figures(self) -> list[tuple[str, str, str]]:
        """Every figure, with its interval, as written."""
        if not self.part.headline:
            return []
        _, scores = self.part.headline
        named = {
            "micro F1": "micro_f1", "precision": "micro_precision", "recall": "micro_recall", "macro F1": "macro_f1",
            "subset accuracy": "subset_accuracy", "Hamming loss": "hamming_loss",
        }  # fmt: skip
        return [
            (name, percent(getattr(scores, key)), interval_text(scores.intervals[key])) for name, key in named.items()
        ]


def _result(other: MultiLabelBaseline) -> Result:
    text, interval = percent(other.micro_f1), interval_text(other.interval)
    return Result(other.name, other.micro_f1, other.micro_f1, other.interval, text, interval, _beside(other),
                  other.seconds, other.p_value)  # fmt: skip


def _beside(of: MultiLabelScores | MultiLabelBaseline) -> tuple[str, ...]:
    """Return the figures beside micro F1."""
    return percent(of.macro_f1), percent(of.subset_accuracy)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return " or ".join(names[:MOST_NAMED]) + more
