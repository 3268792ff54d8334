"""How figures are written: shares, intervals, p-values, times, sizes, money, settings. Knows nothing about pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue

    from trimtab.evaluation.interval.interval import Interval
    from trimtab.evaluation.metrics.metric import Metric
    from trimtab.evaluation.scores.texts import Figure
    from trimtab.reports.comparison import Difference


def percent(share: float) -> str:
    """Return a share as `92.1%`; R squared may be negative, `−0.2%`."""
    return f"{100 * share:.1f}%".replace("-", "−")


def interval_text(interval: Interval | None) -> str:
    """Return an interval of a share as `90.8 to 93.3`, in percent, or ""."""
    return "" if interval is None else f"{100 * interval.low:.1f} to {100 * interval.high:.1f}".replace("-", "−")


def points_text(interval: Interval) -> str:
    """Return an interval of a difference as `−0.4 to +1.8`, in points."""
    return " to ".join(f"{100 * end:+.1f}".replace("-", "−") for end in (interval.low, interval.high))


def difference_text(difference: Difference) -> str:
    """Return a difference in points, with its sign: `+0.7`, `−2.1`, `0.0`."""
    points = f"{100 * difference.points:+.1f}".replace("-", "−")
    return "0.0" if points in ("+0.0", "−0.0") else points


def difference_size(share: float, metric: Metric) -> str:
    """Return how large a difference is as `0.7 points`, or in the metric's own unit with four digits."""
    return f"{share:.4g}" if metric.unit in ("own", "ratio") else f"{100 * share:.1f} points"


def plain(value: float | None) -> str:
    """Return a number with four digits; a dash where there is none."""
    return "–" if value is None else f"{value:.4g}"


def between(interval: Interval | None) -> str:
    """Return an interval of numbers as `0.62 to 0.71`, or ""."""
    return f"{plain(interval.low)} to {plain(interval.high)}" if interval else ""


def metric_text(value: float, metric: Metric) -> str:
    """Return a value as `92.1%`, points as `34.2`, a ratio as `1.03`, a number in its own unit with four digits."""
    return bare_text(value, metric) + ("%" if metric.unit == "share" else "")


def bare_text(value: float, metric: Metric) -> str:
    """Return a value as `metric_text` does, shares without the percent sign."""
    match metric.unit:
        case "ratio":
            return f"{value:.2f}"
        case "own":
            return plain(value)
        case _:
            return percent(value).removesuffix("%")


def figure_text(figure: Figure) -> str:
    """Return a figure of texts as `34.2`, `56.0%`, `1.03`."""
    return _in_unit(figure.value, figure) + ("%" if figure.unit == "share" else "")


def figure_interval(figure: Figure) -> str:
    """Return the interval of a figure of texts as `33.1 to 35.4`, or ""."""
    interval = figure.interval
    return f"{_in_unit(interval.low, figure)} to {_in_unit(interval.high, figure)}" if interval else ""


def _in_unit(value: float, figure: Figure) -> str:
    if figure.unit == "ratio":
        return f"{value:.2f}"
    return f"{100 * value if figure.unit == 'share' else value:.1f}"


def p_text(p: float) -> str:
    """Return a p-value as `p = 0.41`, `p = 0.012`, `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def p_cell(p: float | None) -> str:
    """Return a p-value as it stands in a column of them: `0.012`, `<0.001`, or ""."""
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def duration(seconds: float) -> str:
    """Return seconds as `0.4 s`, `12 min`, `2.5 h`."""
    if seconds < 0.1:
        return "under 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def training_text(seconds: float) -> str:
    """Return the time that training took as `12 min`, `< 0.1 s`, or `none` where nothing was trained."""
    if 0 < seconds < 0.1:
        return "< 0.1 s"
    return duration(seconds) if seconds else "none"


def latency_text(seconds: float) -> str:
    """Return the time of a request as `0.8 ms`, `12 ms`, `1.4 s`."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{1000 * seconds:.1f} ms" if seconds < 0.01 else f"{1000 * seconds:.0f} ms"


def money_text(amount: float) -> str:
    """Return an amount as `1,250.00`, `0.38`, `0.042`, `< 0.001`, `0`."""
    if 0 < amount < 0.001:
        return "< 0.001"
    return f"{amount:,.{3 if amount < 0.1 else 2}f}" if amount else "0"


def parameters_text(number: float) -> str:
    """Return a number of values as `0`, `11,520`, `134.5 M`."""
    return f"{number:,.0f}" if number < 1_000_000 else f"{number / 1_000_000:,.1f} M"


def size(number: float) -> str:
    """Return bytes as `46 KB`, `1.8 GB`."""
    for unit in ("bytes", "KB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def big(number: float) -> str:
    """Return a number as `825`, `11.5 thousand`, `135 million`, `1.2 billion`."""
    for unit in ("", " thousand", " million"):
        if number < 1000:
            return f"{number:.0f}{unit}" if not unit or number >= 100 else f"{number:.1f}{unit}"
        number /= 1000
    return f"{number:.1f} billion"


def capital(text: str) -> str:
    """Return a text as it begins a sentence."""
    return text[:1].upper() + text[1:]


def heading(name: str) -> str:
    """Return a metric's name as it begins a heading: `Entity F1`, but `chrF`."""
    return name if any(letter.isupper() for letter in name.split(maxsplit=1)[0]) else capital(name)


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
