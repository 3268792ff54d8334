"""What the figures of a report say, in sentences. Knows nothing about HTML, Markdown or how figures are drawn."""

from __future__ import annotations

from trimtab.evaluation.scores.labels import ClassScore, Interval, Scores
from trimtab.reports.comparison import Metric
from trimtab.reports.findings import numbers as number_findings
from trimtab.reports.findings import tags as tag_findings
from trimtab.reports.findings import texts as written_findings
from trimtab.reports.findings.verdict import SIGNIFICANT, verdict_sentence
from trimtab.reports.run_report import Baseline, RunReport

POOR_RECALL = 0.5
FEW_ROWS_OF_A_CLASS = 10
FEW_TRAIN_ROWS = 100
WIDE_INTERVAL = 0.04
POOR_CALIBRATION = 0.05
MOST_LABELS_NAMED = 3
LANGUAGES = {"en": "English", "zh": "Chinese", "mixed": "English and Chinese"}


def headline_scores(report: RunReport) -> tuple[str, Scores] | None:
    """Return the part that the report rests on, `test` or else `dev`, with its scores; None without scores."""
    if report.test:
        return "test", report.test
    return ("dev", report.dev) if report.dev else None


def percent(share: float) -> str:
    """Return a share as `92.1%`; R squared may be negative, `−0.2%`."""
    return f"{100 * share:.1f}%".replace("-", "−")


def metric_text(value: float, metric: Metric) -> str:
    """Return a value as `92.1%`, points as `34.2`, a ratio as `1.03`, a number in its own unit with four digits."""
    return bare_text(value, metric) + ("%" if metric.unit == "share" else "")


def bare_text(value: float, metric: Metric) -> str:
    """Return a value as `metric_text` does, shares without the percent sign."""
    match metric.unit:
        case "ratio":
            return f"{value:.2f}"
        case "own":
            return number_findings.plain(value)
        case _:
            return percent(value).removesuffix("%")


def interval_text(interval: Interval | None) -> str:
    """Return an interval of a share as `90.8 to 93.3`, in percent, or ""."""
    return "" if interval is None else f"{100 * interval.low:.1f} to {100 * interval.high:.1f}".replace("-", "−")


def points_text(interval: Interval) -> str:
    """Return an interval of a difference as `−0.4 to +1.8`, in points."""
    return " to ".join(f"{100 * end:+.1f}".replace("-", "−") for end in (interval.low, interval.high))


def duration(seconds: float) -> str:
    """Return seconds as `0.4 s`, `12 min`, `2.5 h`."""
    if seconds < 0.1:
        return "under 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def rivals(report: RunReport) -> list[Baseline]:
    """Return the baselines, the best first; majority counts only where it is the only one."""
    others = [b for b in report.baselines if b.name != "majority"] or report.baselines
    return sorted(others, key=lambda b: -b.accuracy)


def summary(report: RunReport) -> str:
    """Return the headline as one sentence: accuracy, interval and the baselines beside it."""
    if report.number:
        return number_findings.summary(report.number)
    if report.tags:
        return tag_findings.summary(report.tags)
    if report.written:
        return written_findings.summary(report.written)
    headline = headline_scores(report)
    if not headline:
        return "Not scored."
    part, scores = headline
    beside = ", ".join(f"{b.name} {percent(b.accuracy)}" for b in rivals(report))
    return (
        f"{percent(scores.accuracy)} of {scores.rows:,} {part} rows right "
        f"(95%: {interval_text(scores.intervals['accuracy'])})" + (f"; {beside}." if beside else ".")
    )


def figure_on_dev(report: RunReport) -> str:
    """Return what a run is chosen by, as it stands in a sentence."""
    if report.number:
        return "the share of dev's variance explained"
    if report.tags and report.tags.dev:
        return f"{tag_findings.figure(report.tags.dev)} on dev"
    if report.written:
        return "mean probability of a token on dev"
    return "dev accuracy"


def verdict(report: RunReport) -> str:
    """Return whether the tuned prompt beats the best baseline by more than chance, or "" without baselines."""
    if report.number:
        return number_findings.verdict(report.number)
    if report.tags:
        return tag_findings.verdict(report.tags)
    if report.written:
        return written_findings.verdict(report.written)
    headline, others = headline_scores(report), rivals(report)
    if not headline or not others:
        return ""
    best, scores = others[0], headline[1]
    gap = scores.accuracy - best.accuracy
    return verdict_sentence(
        best.name, gap, f"{100 * abs(gap):.1f} points", best.p_value, "McNemar’s exact test",
        ranked=len(report.baselines) > 1,
    )  # fmt: skip


def confidence_sentence(scores: Scores) -> str:
    """Return how sure the answers are on average beside how often they are right."""
    confidence = sum(b.confidence * b.rows for b in scores.calibration_bins) / scores.rows
    gap = confidence - scores.accuracy
    sentence = f"On average {percent(confidence)} sure and right {percent(scores.accuracy)} of the time"
    if abs(gap) < 0.01:
        return sentence + ": neither over- nor underconfident overall."
    return sentence + f": {'over' if gap > 0 else 'under'}confident by {100 * abs(gap):.1f} points."


def most_confused(scores: Scores, most: int = 15) -> list[tuple[str, str, int, float]]:
    """Return (answer, predicted, rows, share of the answer's rows) of the commonest confusions."""
    labels = [c.label for c in scores.per_class]
    pairs = [
        (labels[a], labels[p], count, count / scores.per_class[a].support)
        for a, row in enumerate(scores.confusion)
        for p, count in enumerate(row)
        if a != p and count
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], -pair[3]))[:most]


def limits(report: RunReport) -> list[str]:
    """Return what the figures do not show or warn of, a sentence or two each, the gravest first."""
    sentences = _limits_of_data(report)
    headline = headline_scores(report)
    if headline:
        sentences += _limits_of_scores(report, *headline)
    if report.number:
        sentences += number_findings.limits(report.number)
    if report.tags:
        sentences += tag_findings.limits(report.tags)
    if report.written:
        sentences += written_findings.limits(report.written)
    own = report.number or report.tags or report.written  # scores of a kind that has its own
    if headline or (own and (own.test or own.dev)):
        sentences.append("Scores hold for texts like those scored: another source, time or style needs its own test.")
    language = LANGUAGES.get(report.data.language)
    if language:
        sentences.append(f"The texts are {language}; nothing is known about other languages.")
    if report.answer == "choice":
        sentences.append("It always chooses one of the options, even where none fits.")
    elif report.label_words:
        sentences.append(f"It always gives one of its {len(report.label_words)} labels, even where none fits.")
    sentences.append("The backbone is frozen: whatever bias it has, the prompt inherits.")
    return sentences


def _limits_of_data(report: RunReport) -> list[str]:
    sentences = []
    own = report.number or report.tags or report.written or report
    if not own.test and own.dev:
        sentences.append(
            "There is no test set. The scores are on dev, which also served to choose: expect a little less."
        )
    if report.data.train_rows < FEW_TRAIN_ROWS:
        rows = report.data.train_rows
        sentences.append(f"Tuned on {rows:,} rows only; another {rows:,} could give a noticeably different prompt.")
    reached = [run.dev_accuracy for run in report.runs if run.dev_accuracy is not None]
    if len(reached) > 1 and max(reached) - min(reached) >= 0.01:
        sentences.append(
            f"Over {len(reached)} seeds {figure_on_dev(report)} ranged from {percent(min(reached))} to "
            f"{percent(max(reached))}."
        )
    return sentences


def _limits_of_scores(report: RunReport, part: str, scores: Scores) -> list[str]:
    sentences = []
    interval = scores.intervals["accuracy"]
    best = next(iter(rivals(report)), None)
    if best and best.p_value is not None and best.p_value >= SIGNIFICANT:
        sentences.append(f"{_capital(best.name)} ({percent(best.accuracy)}) does about as well.")
    elif best and best.accuracy > scores.accuracy:
        sentences.append(f"{_capital(best.name)} ({percent(best.accuracy)}) does better.")
    if scores.accuracy == 1:
        bound = percent(min(1.0, 3 / scores.rows))
        sentences.append(
            f"Not one of {scores.rows:,} rows was wrong; with so many rows, up to {bound} of new rows may still be."
        )
    elif interval.high - interval.low > WIDE_INTERVAL:
        spread = 50 * (interval.high - interval.low)
        sentences.append(f"With {scores.rows:,} {part} rows, accuracy is known to about ±{spread:.1f} points only.")
    if report.answer == "label":
        sentences += _limits_of_classes(part, scores.per_class)
    if scores.calibration_error > POOR_CALIBRATION:
        sentences.append(
            f"Its probabilities are off by {100 * scores.calibration_error:.1f} points on average. "
            "Do not use them as thresholds as they are."
        )
    return sentences


def _limits_of_classes(part: str, per_class: list[ClassScore]) -> list[str]:
    sentences = []
    poor = sorted(
        (c for c in per_class if c.support >= FEW_ROWS_OF_A_CLASS and c.recall < POOR_RECALL), key=lambda c: c.recall
    )
    if poor:
        found = ", ".join(f"“{c.label}” (finds {percent(c.recall)})" for c in poor[:MOST_LABELS_NAMED])
        sentences.append(f"It misses most rows of {found}{_more(len(poor))}.")
    absent = [c.label for c in per_class if c.support == 0]
    if absent:
        sentences.append(f"No {part} row has the answer {_named(absent)}: how well it is found is not known.")
    few = [c.label for c in per_class if 0 < c.support < FEW_ROWS_OF_A_CLASS]
    if few:
        sentences.append(
            f"Fewer than {FEW_ROWS_OF_A_CLASS} {part} rows have the answer {_named(few)}: read these scores with care."
        )
    return sentences


def _named(labels: list[str]) -> str:
    return " or ".join(f"“{label}”" for label in labels[:MOST_LABELS_NAMED]) + _more(len(labels))


def _more(count: int) -> str:
    return f" and {count - MOST_LABELS_NAMED} more labels" if count > MOST_LABELS_NAMED else ""


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
