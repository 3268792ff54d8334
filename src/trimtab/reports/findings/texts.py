"""What the figures of a report on free text say, in sentences. Knows nothing about HTML, Markdown or drawing."""

from __future__ import annotations

from trimtab.evaluation.scores.labels import Interval
from trimtab.evaluation.scores.texts import Figure, WrittenScores
from trimtab.reports.findings.verdict import SIGNIFICANT, verdict_sentence
from trimtab.reports.run_report import WrittenBaseline, WrittenReport

MANY_UNFINISHED = 0.05
WIDE_SHARE = 0.2


def headline(written: WrittenReport) -> tuple[str, WrittenScores] | None:
    """Return the part that the report rests on, `test` or else `dev`, with its scores; None without scores."""
    if written.test:
        return "test", written.test
    return ("dev", written.dev) if written.dev else None


def figure_text(figure: Figure) -> str:
    """Return a figure as it is written: `34.2`, `56.0%`, `1.03`."""
    return _text(figure.value, figure)


def interval_text(figure: Figure) -> str:
    """Return a figure's interval as `33.1 to 35.4`, or ""."""
    return between(figure.interval, figure)


def between(interval: Interval | None, figure: Figure) -> str:
    """Return an interval in a figure's unit as `33.1 to 35.4`, or ""."""
    return f"{_bare(interval.low, figure)} to {_bare(interval.high, figure)}" if interval else ""


def rivals(written: WrittenReport) -> list[WrittenBaseline]:
    """Return the baselines, the best first."""
    return sorted(written.baselines, key=lambda b: -_goodness(b.figure))


def summary(written: WrittenReport) -> str:
    """Return the headline as one sentence: figure, interval, the other figures, and the baselines beside it."""
    found = headline(written)
    if not found:
        return "Not scored."
    part, scores = found
    figure = scores.headline
    others = ", ".join(f"{f.name} {figure_text(f)}" for f in scores.figures[1:])
    beside = ", ".join(f"{b.name} {figure_text(b.figure)}" for b in rivals(written))
    return (
        f"{figure.name} {figure_text(figure)} on {scores.rows:,} {part} rows (95%: {interval_text(figure)})"
        + (f"; {others}" if others else "")
        + (f"; {figure.name} of {beside}." if beside else ".")
    )


def verdict(written: WrittenReport) -> str:
    """Return whether the run beats the best baseline by more than chance, or "" without baselines."""
    found, others = headline(written), rivals(written)
    if not found or not others:
        return ""
    best, figure = others[0], found[1].headline
    gap = _goodness(figure) - _goodness(best.figure)
    apart = f"{100 * abs(gap) / (1 if figure.unit == 'share' else figure.scale):.1f} points of {figure.name}"
    ranked = len(written.baselines) > 1
    return verdict_sentence(best.name, gap, apart, best.p_value, "approximate randomisation", ranked=ranked)


def limits(written: WrittenReport) -> list[str]:
    """Return what the scores do not show or warn of, a sentence each, the gravest first."""
    found = headline(written)
    if not found:
        return []
    part, scores = found
    figure, sentences = scores.headline, []
    best = next(iter(rivals(written)), None)
    if best and best.p_value is not None and best.p_value >= SIGNIFICANT:
        sentences.append(f"{best.name.capitalize()} ({figure.name} {figure_text(best.figure)}) does about as well.")
    elif best and _goodness(best.figure) > _goodness(figure):
        sentences.append(f"{best.name.capitalize()} ({figure.name} {figure_text(best.figure)}) does better.")
    if scores.unfinished > MANY_UNFINISHED * scores.rows:
        sentences.append(
            f"{scores.unfinished:,} of {scores.rows:,} answers are as long as they may be, and may lack their end: "
            "raise answer.max_tokens where that matters."
        )
    interval = figure.interval
    if interval and figure.value and (interval.high - interval.low) / abs(figure.value) > WIDE_SHARE:
        sentences.append(
            f"With {scores.rows:,} {part} rows, {figure.name} is known to {between(interval, figure)} only."
        )
    sentences.append(
        "Figures compare words and characters with the answers given: another wording that is right counts as wrong, "
        "and a false statement in the right words as right. Read some answers."
    )
    sentences.append("It may state what the input does not say.")
    return sentences


def _goodness(figure: Figure) -> float:
    """The value, so that more is better; of ratios how near they are to 1."""
    if figure.higher_is_better is None:
        return -abs(figure.value - 1)
    return figure.value if figure.higher_is_better else -figure.value


def _text(value: float, figure: Figure) -> str:
    return _bare(value, figure) + ("%" if figure.unit == "share" else "")


def _bare(value: float, figure: Figure) -> str:
    if figure.unit == "ratio":
        return f"{value:.2f}"
    return f"{100 * value if figure.unit == 'share' else value:.1f}"
