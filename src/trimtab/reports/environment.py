"""The surroundings of the templates of pages and cards: escaping, figures, charts. Knows nothing about reports."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from trimtab.errors import visible
from trimtab.evaluation.text.words import are_chinese
from trimtab.reports.charts.run import calibration_chart, confusion_map, coverage_chart, scatter_chart
from trimtab.reports.format import (
    between,
    big,
    duration,
    figure_interval,
    figure_text,
    interval_text,
    percent,
    plain,
    points_text,
    size,
)

TEMPLATES = Path(__file__).parent / "templates"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&$]|:(?=//))")
# What makes a list, a rule or a heading where it begins a line.
_FIRST = re.compile(r"^(\d*)(?=[-+.)](?: |$)|(?:- ?)+$|=+$)")


@cache
def environment() -> Environment:
    """Return the templates' surroundings; what they do not know is an error, and pages are escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "percent": percent,
        "interval": interval_text,
        "points": points_text,
        "plain": plain,
        "between": between,
        "figure": figure_text,
        "figure_between": figure_interval,
        "hundredths": lambda share: percent(share).removesuffix("%"),
        "count": lambda number: f"{number:,}",
        "size": size,
        "big": big,
        "duration": duration,
        "lang": _lang,
        "label": lambda label: escape(label).replace("_", Markup("_<wbr>")),
        "md": markdown,
        "code": code,
        "fenced": _fenced,
    }
    environment.globals |= {
        "calibration_chart": _drawn(calibration_chart),
        "confusion_map": _drawn(confusion_map),
        "coverage_chart": _drawn(coverage_chart),
        "scatter_chart": _drawn(scatter_chart),
    }
    return environment


def markdown(text: object) -> str:
    """Return a text as it stands within a line of Markdown, with nothing in it read as markup."""
    return _FIRST.sub(r"\1\\", _MARKDOWN.sub(r"\\\1", visible(" ".join(str(text).split()))))


def code(text: str) -> str:
    """Return a text as code within a line of Markdown, in more backticks than it holds one after another."""
    text = visible(text)
    stripped = "`" in text or (text.strip() and text[0] == text[-1] == " ")  # of a space on either side
    ticks, room = "`" * (1 + _longest_run(text)), " " if stripped else ""
    return f"{ticks}{room}{text}{room}{ticks}"


def _drawn(draw: Callable[..., str]) -> Callable[..., Markup]:
    """A chart, which escapes what comes from outside itself, as a piece of a page."""
    return lambda *given: Markup(draw(*given))


def _fenced(text: str, language: str) -> str:
    """Return a text as a block of Markdown, in a fence longer than any run of backticks in it."""
    text, fence = visible(text, but="\n\t"), "`" * max(3, 1 + _longest_run(text))
    return f"{fence}{language}\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _lang(text: str) -> Markup:
    """Return the `lang` attribute of a text, so that Chinese is set in a Chinese face."""
    return Markup(' lang="zh"') if are_chinese([text], "auto") else Markup("")
