"""What the figures of a report on labels or choices say. Knows nothing about HTML, Markdown or drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trimtab.evaluation.scores.classes import ClassScore
from trimtab.evaluation.scores.labels import LabelScores
from trimtab.reports.findings.coverage import answered_sentence, coverage_of
from trimtab.reports.findings.findings import BY_MACRO_F1, Axis, DevScore, Headline, Result, Table
from trimtab.reports.findings.unfound import unfound_sentence
from trimtab.reports.findings.verdict import rival_sentences, that_count, verdict_sentence
from trimtab.reports.format import interval_text, percent
from trimtab.reports.scored import ChoiceReport, LabelBaseline, LabelReport

POOR_RECALL = 0.5
FEW_ROWS_OF_A_CLASS = 10
WIDE_INTERVAL = 0.04
POOR_CALIBRATION = 0.05
MOST_LABELS_NAMED = 3
CLASSES_IN_A_TABLE = 12
CLASSES_IN_A_MAP = 300
CLASSES_LISTED = 20
WEAKEST_LISTED = 12
ANSWERED_OR_NOT = " All other figures count every row, answered or not."


@dataclass(frozen=True)
class Classes:
    """What the classes of a report are.

    Attributes:
        given: what answers are, in words.
        always: what is answered even where nothing fits, as a sentence, or "".
        are_answers: whether each class is an answer, so that its own scores say something of it.
        confused: heading above the confusions.
        note: what to know of them, or "".
        one_by_one: heading above the scores of each class.
        hub_task: what the Hugging Face Hub calls such tasks.
        words: class -> words that stand for it.
    """

    given: str
    always: str
    are_answers: bool
    confused: str
    note: str
    one_by_one: str
    hub_task: str
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)


PLACES_OF_OPTIONS = Classes(
    given="one of the options that stand in the record",
    always="It always chooses one of the options, even where none fits.",
    are_answers=False,
    confused="Where the right option stands",
    note="The places of options say nothing about them: a run that leans towards one of them shows here.",
    one_by_one="Place by place",
    hub_task="multiple-choice",
)


def labels(words: Mapping[str, Sequence[str]]) -> Classes:
    """Return that classes are labels, with the words that stand for each; no words where they are not known."""
    return Classes(
        given=f"one of {len(words)} labels" if words else "an answer",
        always=f"It always gives one of its {len(words)} labels, even where none fits." if words else "",
        are_answers=True,
        confused="What it confuses",
        note="",
        one_by_one="Label by label",
        hub_task="text-classification",
        words=words,
    )


@dataclass(frozen=True)
class LabelFindings:
    """Findings of a report whose answers are one of several classes (see `findings.Findings`)."""

    part: LabelReport | ChoiceReport
    classes: Classes

    axis = Axis("Accuracy")
    columns = ("accuracy", "F1")
    template = "labels.html.j2"

    @property
    def dev_score(self) -> DevScore:
        """Accuracy, or macro F1 where the task asked for it."""
        by_macro_f1 = isinstance(self.part, LabelReport) and self.part.chosen_by == "macro_f1"
        return BY_MACRO_F1 if by_macro_f1 else DevScore("dev accuracy", "Dev accuracy")

    @property
    def given(self) -> str:
        """What answers are."""
        return self.classes.given

    @property
    def hub_task(self) -> str:
        """Depends on whether classes are labels."""
        return self.classes.hub_task

    @property
    def headline(self) -> Headline | None:
        """Accuracy."""
        if not self.part.headline:
            return None
        split, scores = self.part.headline
        return Headline(
            split, scores.rows, percent(scores.accuracy), f"of {scores.rows:,} {split} rows right",
            interval_text(scores.intervals["accuracy"]),
        )  # fmt: skip

    def results(self) -> list[Result]:
        """By accuracy; macro F1 stands beside it where classes are answers, of the run alone."""
        if not self.part.headline:
            return []
        _, scores = self.part.headline
        interval = scores.intervals["accuracy"]
        f1 = percent(scores.macro_f1) if self.classes.are_answers else ""
        run = Result("", scores.accuracy, scores.accuracy, interval, percent(scores.accuracy),
                      interval_text(interval), (f1,))  # fmt: skip
        return [run, *map(_result, self.part.baselines)]

    def beside(self) -> list[tuple[str, str, str]]:
        """Calibration error, after macro F1 where classes are answers."""
        if not self.part.headline:
            return []
        _, scores = self.part.headline
        macro = ("Macro F1", percent(scores.macro_f1), interval_text(scores.intervals["macro_f1"]))
        error = percent(scores.calibration_error), interval_text(scores.intervals["calibration_error"])
        return [*((macro,) if self.classes.are_answers else ()), ("Calibration error", *error)]

    def rivals(self) -> list[Result]:
        """All baselines; majority counts only where no other is as good."""
        return that_count([_result(other) for other in self.part.baselines], "majority")

    def told(self) -> list[str]:
        """How much is left unanswered, where it may be."""
        given = self.part.headline[1].answered if self.part.headline else None
        return [answered_sentence(given) + ANSWERED_OR_NOT] if given else []

    def summary(self) -> str:
        """Accuracy, interval and the baselines beside it."""
        if not (headline := self.headline):
            return "Not scored."
        beside = ", ".join(f"{other.name} {other.text}" for other in self.rivals())
        return f"{headline.figure} {headline.says} (95%: {headline.interval})" + (f"; {beside}." if beside else ".")

    def verdict(self) -> str:
        """By how many points, and McNemar's test."""
        rivals = self.rivals()
        if not self.part.headline or not rivals:
            return ""
        gap = self.part.headline[1].accuracy - rivals[0].value
        return verdict_sentence(
            rivals[0], gap, f"{100 * abs(gap):.1f} points", "McNemar’s exact test", ranked=len(self.part.baselines) > 1
        )

    def limits(self) -> list[str]:
        """Of few rows, of poor or rare classes, of probabilities."""
        if not self.part.headline:
            return []
        split, scores = self.part.headline
        sentences = rival_sentences(self.results()[0], self.rivals()) + _limits_of_accuracy(split, scores)
        if self.classes.are_answers:
            sentences += _limits_of_classes(split, scores.per_class)
        if scores.calibration_error > POOR_CALIBRATION:
            sentences.append(
                f"Its probabilities are off by {100 * scores.calibration_error:.1f} points on average. "
                "Do not use them as thresholds as they are."
            )
        return sentences

    def unfound(self) -> str:
        """Labels of which no row was found; places of options are no answers."""
        if not self.part.headline or not self.classes.are_answers:
            return ""
        split, scores = self.part.headline
        return unfound_sentence(split, scores.per_class)

    def always(self) -> str:
        """A class, whatever the text, unless it may leave rows unanswered."""
        leaves = self.part.headline and self.part.headline[1].answered
        return "" if leaves else self.classes.always

    def caution(self) -> str:
        """How many of a hundred answers are wrong."""
        if not self.part.headline or self.part.headline[1].accuracy == 1:
            return ""
        wrong = max(1, round(100 * (1 - self.part.headline[1].accuracy)))
        return f"About {wrong} in 100 answers are wrong; where an error matters, have a person check."

    def scored_on(self) -> str:
        """Rows."""
        return f"{self.headline.rows:,} {self.headline.split} rows" if self.headline else ""

    def hub_metrics(self) -> dict[str, float]:
        """Accuracy, and macro F1 where classes are answers."""
        if not self.part.headline:
            return {}
        _, scores = self.part.headline
        return {"accuracy": scores.accuracy} | ({"macro F1": scores.macro_f1} if self.classes.are_answers else {})

    def tables(self) -> list[Table]:
        """Accuracy, macro averages, calibration and the baselines; then the classes, where they are answers."""
        if not self.part.headline:
            return []
        _, scores = self.part.headline
        of_classes = [
            ("macro F1", percent(scores.macro_f1), interval_text(scores.intervals["macro_f1"])),
            ("macro precision", percent(scores.macro_precision), ""),
            ("macro recall", percent(scores.macro_recall), ""),
        ]
        whole = [
            ("accuracy", percent(scores.accuracy), interval_text(scores.intervals["accuracy"])),
            *(of_classes if self.classes.are_answers else ()),
            ("calibration error", percent(scores.calibration_error),
             interval_text(scores.intervals["calibration_error"])),
            ("log loss", f"{scores.log_loss:.3f}", ""),
            *((f"{other.name}, accuracy", other.text, other.interval_text)
              for other in sorted(map(_result, self.part.baselines), key=lambda other: -other.goodness)),
        ]  # fmt: skip
        tables = [Table(("", "score", "95% interval"), "<><", whole)]
        if self.classes.are_answers:
            words = {label: ", ".join(own) for label, own in self.classes.words.items()}
            each = [
                (c.label, words.get(c.label, ""), f"{c.support:,}", *map(percent, (c.precision, c.recall, c.f1)))
                for c in scores.per_class
            ]
            tables.append(Table(("label", "words", "rows", "precision", "recall", "F1"), "<<>>>>", each))
        return tables

    def context(self) -> dict[str, Any]:
        """Scores, how classes are shown (their number decides), and what there is to say of confidence."""
        if not self.part.headline:
            return {}
        _, scores = self.part.headline
        names = [c.label for c in scores.per_class]
        few = len(names) <= CLASSES_IN_A_TABLE
        weakest_first = sorted(scores.per_class, key=lambda c: (c.support == 0, c.f1))
        return {
            "scores": scores,
            "classes": self.classes,
            "labels": names,
            "words": {name: _telling_words(self.classes.words, name) for name in names},
            "as_table": few,
            "as_map": not few and len(names) <= CLASSES_IN_A_MAP,
            "short_labels": max(map(len, names)) <= 10 and len(names) <= 5,
            "pairs": [] if few else most_confused(scores),
            "weakest": weakest_first[:WEAKEST_LISTED] if len(names) > CLASSES_LISTED else [],
            "confidence": confidence_sentence(scores),
            "coverage": coverage_of(scores),
        }


def confidence_sentence(scores: LabelScores) -> str:
    """Return how sure the answers are on average beside how often they are right."""
    confidence = sum(b.confidence * b.rows for b in scores.calibration_bins) / scores.rows
    gap = confidence - scores.accuracy
    sentence = f"On average {percent(confidence)} sure and right {percent(scores.accuracy)} of the time"
    if abs(gap) < 0.01:
        return sentence + ": neither over- nor underconfident overall."
    return sentence + f": {'over' if gap > 0 else 'under'}confident by {100 * abs(gap):.1f} points."


def most_confused(scores: LabelScores, most: int = 15) -> list[tuple[str, str, int, float]]:
    """Return (answer, predicted, rows, share of the answer's rows) of the commonest confusions."""
    names = [c.label for c in scores.per_class]
    pairs = [
        (names[a], names[p], count, count / scores.per_class[a].support)
        for a, row in enumerate(scores.confusion)
        for p, count in enumerate(row)
        if a != p and count
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], -pair[3]))[:most]


def _result(other: LabelBaseline) -> Result:
    return Result(
        other.name, other.accuracy, other.accuracy, other.interval, percent(other.accuracy),
        interval_text(other.interval), ("",), other.seconds, other.p_value,
    )  # fmt: skip


def _telling_words(words: Mapping[str, Sequence[str]], label: str) -> str:
    """Return the words that stand for a label, or "" where they are just its own name."""
    own = list(words.get(label, []))
    return "" if own in ([label], [label.replace("_", " ")]) else ", ".join(own)


def _limits_of_accuracy(split: str, scores: LabelScores) -> list[str]:
    interval = scores.intervals["accuracy"]
    if scores.accuracy == 1:
        bound = percent(min(1.0, 3 / scores.rows))
        return [
            f"Not one of {scores.rows:,} rows was wrong; with so many rows, up to {bound} of new rows may still be."
        ]
    if interval.high - interval.low > WIDE_INTERVAL:
        spread = 50 * (interval.high - interval.low)
        return [f"With {scores.rows:,} {split} rows, accuracy is known to about ±{spread:.1f} points only."]
    return []


def _limits_of_classes(split: str, per_class: list[ClassScore]) -> list[str]:
    sentences = []
    poor = sorted(
        (c for c in per_class if c.support >= FEW_ROWS_OF_A_CLASS and c.recall < POOR_RECALL), key=lambda c: c.recall
    )
    if poor:
        found = ", ".join(f"“{c.label}” (finds {percent(c.recall)})" for c in poor[:MOST_LABELS_NAMED])
        sentences.append(f"It misses most rows of {found}{_more(len(poor))}.")
    absent = [c.label for c in per_class if c.support == 0]
    if absent:
        sentences.append(f"No {split} row has the answer {_named(absent)}: how well it is found is not known.")
    few = [c.label for c in per_class if 0 < c.support < FEW_ROWS_OF_A_CLASS]
    if few:
        sentences.append(
            f"Fewer than {FEW_ROWS_OF_A_CLASS} {split} rows have the answer {_named(few)}: read these scores with care."
        )
    return sentences


def _named(names: list[str]) -> str:
    return " or ".join(f"“{name}”" for name in names[:MOST_LABELS_NAMED]) + _more(len(names))


def _more(count: int) -> str:
    return f" and {count - MOST_LABELS_NAMED} more labels" if count > MOST_LABELS_NAMED else ""
