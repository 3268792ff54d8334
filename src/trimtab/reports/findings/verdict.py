"""How a run stands to the best other way, in sentences. Knows nothing about kinds of answer."""

from __future__ import annotations

from trimtab.reports.findings.findings import Result
from trimtab.reports.format import capital

SIGNIFICANT = 0.05


def verdict_sentence(best: Result, gap: float, apart: str, test: str, *, ranked: bool) -> str:
    """Return whether the run beats the best other way by more than chance.

    Args:
        best: the best other way.
        gap: how much better the run is, in any unit; below 0 where it is worse.
        apart: the size of the gap in words, e.g. `3.1 points`.
        test: name of the test that gave the p-value.
        ranked: whether there are other ways that `best` is the best of.
    """
    if is_chance(best):
        side = "above" if gap >= 0 else "below"
        p = f"p = {best.p_value:.2f}"
        if gap == 0:
            return f"No clear difference from {best.name}: both reach the same ({p})."
        return f"No clear difference from {best.name} ({apart} {side} it, {p}): chance could explain it."
    if gap == 0:
        return f"As good as {best.name}{proof(best.p_value, test)}."
    rank = ", the best of the baselines" if ranked else ""
    return f"{apart} {'better' if gap > 0 else 'worse'} than {best.name}{rank}{proof(best.p_value, test)}."


def proof(p_value: float | None, test: str) -> str:
    """Return ` (p = 0.012, the test)`, or "" where nothing was tested."""
    if p_value is None:
        return ""
    return f" ({'p < 0.001' if p_value < 0.001 else f'p = {p_value:.3f}'}, {test})"


def is_chance(best: Result) -> bool:
    """Whether chance could explain the difference of the run to another way."""
    return best.p_value is not None and best.p_value >= SIGNIFICANT


def that_count(others: list[Result], guess: str) -> list[Result]:
    """Return the other ways, the best first, without the one that answers blindly unless that is the best of them.

    Args:
        others: all of them.
        guess: name of the one that gives the same to every row.
    """
    ranked = sorted(others, key=lambda other: (-other.goodness, other.name == guess))
    return [other for at, other in enumerate(ranked) if other.name != guess or at == 0]


def rival_sentences(run: Result, rivals: list[Result], metric: str = "") -> list[str]:
    """Return that the best other way does as well or better, where it does.

    Args:
        run: the run.
        rivals: the other ways, the best first.
        metric: what stands before the other way's figure.
    """
    if not rivals:
        return []
    best, named = rivals[0], f"{metric} " if metric else ""
    if is_chance(best):
        return [f"{capital(best.name)} ({named}{best.text}) does about as well."]
    return [f"{capital(best.name)} ({named}{best.text}) does better."] if best.goodness > run.goodness else []
