"""Whether a run is better than the best other way, as a sentence. Knows nothing about kinds of answer."""

from __future__ import annotations

SIGNIFICANT = 0.05


def verdict_sentence(best: str, gap: float, apart: str, p_value: float | None, test: str, *, ranked: bool) -> str:
    """Return the sentence.

    Args:
        best: name of the best other way.
        gap: how much better the run is, in any unit; below 0 where it is worse.
        apart: the size of the gap in words, e.g. `3.1 points`.
        p_value: of the gap; None where it was not tested.
        test: name of the test.
        ranked: whether there are other ways that `best` is the best of.
    """
    if p_value is not None and p_value >= SIGNIFICANT:
        side = "above" if gap >= 0 else "below"
        return f"No clear difference from {best} ({apart} {side} it, p = {p_value:.2f}): chance could explain it."
    sure = ""
    if p_value is not None:
        sure = f" ({'p < 0.001' if p_value < 0.001 else f'p = {p_value:.3f}'}, {test})"
    if gap == 0:
        return f"As good as {best}{sure}."
    rank = ", the best of the baselines" if ranked else ""
    return f"{apart} {'better' if gap > 0 else 'worse'} than {best}{rank}{sure}."
