"""A report as a web page and as a model card. Knows nothing about files or how figures came about."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from pydantic import JsonValue

from trimtab.evaluation.scores.labels import Interval, Scores
from trimtab.evaluation.scores.numbers import NumberScores
from trimtab.evaluation.scores.tags import TagScores
from trimtab.evaluation.scores.texts import WrittenScores
from trimtab.evaluation.text.words import are_chinese
from trimtab.reports import charts
from trimtab.reports.findings import labels as findings
from trimtab.reports.findings import numbers as number_findings
from trimtab.reports.findings import tags as tag_findings
from trimtab.reports.findings import texts as written_findings
from trimtab.reports.run_report import RunReport, WrittenBaseline

CLASSES_IN_A_TABLE = 12
CLASSES_IN_A_MAP = 300
CLASSES_LISTED = 20
WEAKEST_LISTED = 12
MISTAKES_OPEN = 8
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&])")


def render_page(report: RunReport) -> str:
    """Return the report as one self-contained HTML page: no request leaves it, and no script runs in it."""
    headline, numbers = findings.headline_scores(report), _numbers(report)
    context: dict[str, Any] = {
        **_scored(report),
        "rivals": _rivals(report),
        "verdict": findings.verdict(report),
        "limits": findings.limits(report),
        "settings": list(flat_settings(report.settings)),
        "curves": _curves(report),
        "standing": _standing(report),
        "classes_in_a_table": CLASSES_IN_A_TABLE,
        "mistakes_open": MISTAKES_OPEN,
    }
    if numbers:
        context["scatter"] = Markup(charts.scatter_chart("Predicted against right", numbers[1].points))
    if headline:
        context |= _score_context(headline[1])
        context["words"] = {c.label: _telling_words(report, c.label) for c in headline[1].per_class}
    return environment().get_template("report.html.j2").render(context)


def render_card(report: RunReport) -> str:
    """Return the model card of the run as Markdown (Mitchell et al. 2019)."""
    return (
        environment()
        .get_template("card.md.j2")
        .render(
            **_scored(report),
            given=_given(report),
            summary=findings.summary(report),
            verdict=findings.verdict(report),
            limits=findings.limits(report),
            settings=list(flat_settings(report.settings)),
            baselines=sorted(report.baselines, key=lambda b: -b.accuracy),
            fence=_fence(report.template_example),
        )
    )


def _numbers(report: RunReport) -> tuple[str, NumberScores] | None:
    return number_findings.headline(report.number) if report.number else None


def _tags(report: RunReport) -> tuple[str, TagScores] | None:
    return tag_findings.headline(report.tags) if report.tags else None


def _written(report: RunReport) -> tuple[str, WrittenScores] | None:
    return written_findings.headline(report.written) if report.written else None


def _scored(report: RunReport) -> dict[str, Any]:
    """Return the report, the part that it rests on, and its scores under the name of their kind."""
    headline, numbers, tags = findings.headline_scores(report), _numbers(report), _tags(report)
    written = _written(report)
    part, _ = headline or numbers or tags or written or ("", None)
    kinds = {"scores": headline, "numbers": numbers, "tags": tags, "written": written}
    return {"report": report, "part": part, **{name: found[1] if found else None for name, found in kinds.items()}}


def _rivals(report: RunReport) -> list[tuple[str, str]]:
    """Return the baselines' names and figures, the best first."""
    if report.number:
        return [(b.name, number_findings.plain(b.rmse)) for b in number_findings.rivals(report.number)]
    if report.tags:
        return [(b.name, findings.percent(b.f1)) for b in tag_findings.rivals(report.tags)]
    if report.written:
        return [(b.name, written_findings.figure_text(b.figure)) for b in written_findings.rivals(report.written)]
    return [(b.name, findings.percent(b.accuracy)) for b in findings.rivals(report)]


def _given(report: RunReport) -> str:
    """Return what answers are, in words."""
    match report.answer:
        case "choice":
            return "one of the options that stand in the record"
        case "number":
            return "a number"
        case "tags":
            return "a tag for each token"
        case "text":
            return "an answer in free text"
        case _:
            return f"one of {len(report.label_words)} labels" if report.label_words else "an answer"


@cache
def environment() -> Environment:
    """Return the surroundings of the templates in this folder: escaping, and the filters that write figures."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "percent": findings.percent,
        "interval": findings.interval_text,
        "points": findings.points_text,
        "plain": number_findings.plain,
        "between": number_findings.between,
        "figure": written_findings.figure_text,
        "figure_between": written_findings.interval_text,
        "hundredths": lambda share: findings.percent(share).removesuffix("%"),
        "count": lambda number: f"{number:,}",
        "size": size,
        "big": _big,
        "duration": findings.duration,
        "lang": _lang,
        "label": lambda label: escape(label).replace("_", Markup("_<wbr>")),
        "md": lambda text: _MARKDOWN.sub(r"\\\1", " ".join(str(text).split())),
    }
    return environment


def _score_context(scores: Scores) -> dict[str, Any]:
    labels = [c.label for c in scores.per_class]
    few = len(labels) <= CLASSES_IN_A_TABLE
    weakest_first = sorted(scores.per_class, key=lambda c: (c.support == 0, c.f1))
    drawn = not few and len(labels) <= CLASSES_IN_A_MAP
    return {
        "labels": labels,
        "short_labels": max(map(len, labels)) <= 10 and len(labels) <= 5,
        "pairs": [] if few else findings.most_confused(scores),
        "map": Markup(charts.confusion_map("Confusion matrix", scores.confusion, labels)) if drawn else "",
        "weakest": weakest_first[:WEAKEST_LISTED] if len(labels) > CLASSES_LISTED else [],
        "calibration": Markup(charts.calibration_chart("Accuracy over confidence", scores.calibration_bins)),
        "confidence": findings.confidence_sentence(scores),
    }


def _telling_words(report: RunReport, label: str) -> str:
    """Return the words that stand for a label, or "" where they are just its own name."""
    words = report.label_words.get(label, [])
    return "" if words in ([label], [label.replace("_", " ")]) else ", ".join(words)


def _standing(report: RunReport) -> dict[str, Any] | None:
    """Return the rows of the comparison, the best first, and what its axis spans; None without scores."""
    headline, numbers, tags = findings.headline_scores(report), _numbers(report), _tags(report)
    written = _written(report)
    others: list[tuple[str, float, Interval | None, float | None]]
    if headline:
        ours = headline[1].accuracy, headline[1].intervals["accuracy"]
        others = [(b.name, b.accuracy, b.interval, b.seconds) for b in report.baselines]
    elif numbers and report.number:
        ours = numbers[1].rmse, numbers[1].intervals["rmse"]
        others = [(b.name, b.rmse, b.interval, b.seconds) for b in report.number.baselines]
    elif tags and report.tags:
        ours = tags[1].f1, tags[1].intervals["f1"]
        others = [(b.name, b.f1, b.interval, b.seconds) for b in report.tags.baselines]
    elif written and report.written:
        return _standing_of_texts(report, written[1], written_findings.rivals(report.written))
    else:
        return None
    tuned = "tuned " if report.method.trained_parameters else ""
    given = [(f"{tuned}{report.method.name}", *ours, report.cost.train_seconds), *others]
    rows: list[dict[str, Any]] = [
        {"name": name, "value": value, "interval": interval, "seconds": seconds, "ours": i == 0,
         "text": number_findings.plain(value) if numbers else findings.percent(value),
         "interval_text": number_findings.between(interval) if numbers else findings.interval_text(interval)}
        for i, (name, value, interval, seconds) in enumerate(given)
    ]  # fmt: skip
    rows.sort(key=lambda row: row["value"] if numbers else -row["value"])
    ends = [end for row in rows for end in _ends(row["value"], row["interval"])]
    marks = charts.ticks(max(min(ends), 0), max(ends) if numbers else min(max(ends), 1), 4)
    low, high = max(marks[0], 0.0), marks[-1] if numbers else min(marks[-1], 1.0)
    texts = [(m, f"{m if numbers else 100 * m:g}") for m in marks if low <= m <= high]
    figure = tag_findings.figure(tags[1]) if tags else "accuracy"
    what = "Root mean squared error" if numbers else _capital(figure)
    return {"rows": rows, "low": low, "high": high, "marks": texts, "what": what}


def _standing_of_texts(report: RunReport, scores: WrittenScores, others: Sequence[WrittenBaseline]) -> dict[str, Any]:
    """Return the same for free text, by the headline's metric."""
    tuned = "tuned " if report.method.trained_parameters else ""
    given = [(f"{tuned}{report.method.name}", scores.headline, report.cost.train_seconds)]
    given += [(b.name, b.figure, b.seconds) for b in others]
    rows: list[dict[str, Any]] = [
        {"name": name, "value": figure.value, "interval": figure.interval, "seconds": seconds, "ours": i == 0,
         "text": written_findings.figure_text(figure), "interval_text": written_findings.interval_text(figure)}
        for i, (name, figure, seconds) in enumerate(given)
    ]  # fmt: skip
    rows.sort(key=lambda row: -row["value"])
    ends = [end for row in rows for end in _ends(row["value"], row["interval"])]
    top = {"points": 100.0, "share": 1.0}.get(scores.headline.unit, max(ends))
    marks = charts.ticks(max(min(ends), 0), min(max(ends), top), 4)
    low, high = max(marks[0], 0.0), min(marks[-1], top)
    if low == high:
        high = low + 1
    times = 100 if scores.headline.unit == "share" else 1
    texts = [(m, f"{times * m:g}") for m in marks if low <= m <= high]
    return {"rows": rows, "low": low, "high": high, "marks": texts, "what": scores.headline.name}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _ends(value: float, interval: Interval | None) -> tuple[float, float]:
    return (interval.low, interval.high) if interval else (value, value)


def _curves(report: RunReport) -> dict[str, Markup]:
    """Return the charts of loss and dev accuracy by title, one line a run; none where nothing was recorded."""
    kept = {run.seed for run in report.runs if run.kept} or {point.seed for point in report.curve}
    losses, accuracies = defaultdict(list), defaultdict(list)
    for point in report.curve:
        losses[point.seed].append((float(point.step), point.loss))
        if point.dev_accuracy is not None:
            accuracies[point.seed].append((float(point.step), point.dev_accuracy))

    def chart(title: str, points: dict[int, list[tuple[float, float]]], unit: str) -> Markup:
        lines = [charts.Line(f"seed {seed}", of_seed, seed in kept) for seed, of_seed in sorted(points.items())]
        last = max((point.step for point in report.curve), default=0)
        return Markup(charts.line_chart(title, lines, x_end=last, x_name="step", unit=unit))

    judged = _capital(findings.figure_on_dev(report))
    if report.number:
        judged = "Share of the variance on dev explained"
    drawn = {
        "Training loss": chart("Training loss", losses, ""),
        judged: chart(judged, accuracies, "%"),
    }
    return {title: svg for title, svg in drawn.items() if svg}


def flat_settings(settings: dict[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield settings as (`train.epochs`, `3`), the names that `--set` takes; those left at null are left out."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from flat_settings(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield prefix + name, ", ".join(str(item) for item in value)
        elif value is not None:
            yield (
                prefix + name,
                {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else str(value),
            )


def _fence(text: str) -> str:
    """Return a Markdown fence longer than any run of backticks in the text."""
    return "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))


def _lang(text: str) -> Markup:
    """Return the `lang` attribute of a text, so that Chinese is set in a Chinese face."""
    return Markup(' lang="zh"') if are_chinese([text], "auto") else Markup("")


def size(number: float) -> str:
    """Return bytes as `46 KB`, `1.8 GB`."""
    for unit in ("bytes", "KB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def _big(number: float) -> str:
    for unit in ("", " thousand", " million"):
        if number < 1000:
            return f"{number:.0f}{unit}" if not unit or number >= 100 else f"{number:.1f}{unit}"
        number /= 1000
    return f"{number:.1f} billion"
