"""What the distance between train and the rows of a report says. Knows nothing about how it is measured or shown."""

from __future__ import annotations

from trimtab.evaluation.shift.shift import Distance, Shift
from trimtab.reports.format import p_text, percent


def shift_sentence(shift: Shift | None, split: str) -> str:
    """Return that the rows of a split are not like train, and by what; "" where chance could explain it.

    Args:
        shift: how far they are from train; None where that is not known.
        split: `test` or `dev`.
    """
    real = [distance for distance in shift.distances if distance.real] if shift else []
    if not real:
        return ""
    return (
        f"The {split} rows are not like the rows that were trained on: {'; '.join(map(_said, real))}. "
        "Train on some rows like these, if they are what will be asked."
    )


def _said(distance: Distance) -> str:
    p = p_text(distance.p_adjusted)
    if distance.measure == "words":
        return (
            f"{percent(distance.judged)} of the words of a row do not stand in train, of train's own rows, held out, "
            f"{percent(distance.held_out)} ({p})"
        )
    return (
        f"the cosine distance of a row's hidden state to the nearest of train is {distance.judged:.2f}, of train's own "
        f"rows, held out, {distance.held_out:.2f} ({p})"
    )
