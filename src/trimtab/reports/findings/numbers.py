"""What the figures of a report on numbers say, in sentences. Knows nothing about HTML, Markdown or drawing."""

from __future__ import annotations

from trimtab.evaluation.scores.labels import Interval
from trimtab.evaluation.scores.numbers import NumberScores
from trimtab.reports.findings.verdict import SIGNIFICANT
from trimtab.reports.run_report import NumberBaseline, NumberReport

POOR_CORRELATION = 0.5
WIDE_SHARE = 0.2


def headline(number: NumberReport) -> tuple[str, NumberScores] | None:
    """Return the part that the report rests on, `test` or else `dev`, with its scores; None without scores."""
    if number.test:
        return "test", number.test
    return ("dev", number.dev) if number.dev else None


def plain(value: float | None) -> str:
    """Return a number with four digits; a dash where there is none."""
    return "–" if value is None else f"{value:.4g}"


def between(interval: Interval | None) -> str:
    """Return an interval as `0.62 to 0.71`, or ""."""
    return f"{plain(interval.low)} to {plain(interval.high)}" if interval else ""


def rivals(number: NumberReport) -> list[NumberBaseline]:
    """Return the baselines, the best first; the mean counts only where it is the only one."""
    others = [b for b in number.baselines if b.name != "mean"] or number.baselines
    return sorted(others, key=lambda b: b.rmse)


def summary(number: NumberReport) -> str:
    """Return the headline as one sentence: error, interval, correlation and the baselines beside it."""
    found = headline(number)
    if not found:
        return "Not scored."
    part, scores = found
    beside = ", ".join(f"{b.name} {plain(b.rmse)}" for b in rivals(number))
    return (
        f"Root mean squared error {plain(scores.rmse)} on {scores.rows:,} {part} rows "
        f"(95%: {between(scores.intervals['rmse'])}), Pearson correlation {plain(scores.pearson)}"
        + (f"; error of {beside}." if beside else ".")
    )


def verdict(number: NumberReport) -> str:
    """Return whether the run beats the best baseline by more than chance, or "" without baselines."""
    found, others = headline(number), rivals(number)
    if not found or not others:
        return ""
    best, scores = others[0], found[1]
    gap = best.rmse - scores.rmse
    p_value = best.p_value
    if p_value is not None and p_value >= SIGNIFICANT:
        side = "below" if gap >= 0 else "above"
        return (
            f"No clear difference from {best.name} (its error is {plain(best.rmse)}, ours {side} it; p = "
            f"{p_value:.2f}): chance could explain it."
        )
    sure = ""
    if p_value is not None:
        sure = f" ({'p < 0.001' if p_value < 0.001 else f'p = {p_value:.3f}'}, paired permutation test)"
    share = 100 * abs(gap) / best.rmse if best.rmse else 0.0
    rank = ", the best of the baselines" if len(number.baselines) > 1 else ""
    return f"{share:.0f}% {'less' if gap >= 0 else 'more'} error than {best.name}{rank}{sure}."


def limits(number: NumberReport) -> list[str]:
    """Return what the scores do not show or warn of, a sentence each, the gravest first."""
    found = headline(number)
    if not found:
        return []
    part, scores = found
    sentences = []
    best = next(iter(rivals(number)), None)
    if best and best.p_value is not None and best.p_value >= SIGNIFICANT:
        sentences.append(f"{best.name.capitalize()} (error {plain(best.rmse)}) does about as well.")
    elif best and best.rmse < scores.rmse:
        sentences.append(f"{best.name.capitalize()} (error {plain(best.rmse)}) does better.")
    if scores.pearson is None or scores.pearson < POOR_CORRELATION:
        sentences.append("What it predicts hangs together with what is right only loosely: look at the plot.")
    interval = scores.intervals["rmse"]
    if scores.rmse and (interval.high - interval.low) / scores.rmse > WIDE_SHARE:
        sentences.append(f"With {scores.rows:,} {part} rows, the error is known to {between(interval)} only.")
    if scores.points:
        low, high = min(right for right, _ in scores.points), max(right for right, _ in scores.points)
        sentences.append(f"The right numbers run from {plain(low)} to {plain(high)}; nothing is known beyond.")
    sentences.append("It gives a number for any text, even where none makes sense.")
    return sentences
