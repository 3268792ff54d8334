"""What answers that are given only where they are sure say: risk against coverage. Knows nothing about HTML."""

from __future__ import annotations

from dataclasses import dataclass

from trimtab.evaluation.scores.labels import LabelScores
from trimtab.evaluation.scores.selective import Answered, Selective
from trimtab.reports.format import interval_text, percent

# A coverage of which a sentence tells.
HALF = 0.5


@dataclass(frozen=True)
class Coverage:
    """Risk against coverage as it is shown.

    Attributes:
        sentence: what comes of it.
        area: the area under the curve, in a sentence.
        curve: see `Selective`.
        chosen, most: see `charts.run.coverage_chart`.
        table: of a few coverages (share answered, rows, probability from which on, share right, its interval).
    """

    sentence: str
    area: str
    curve: list[tuple[float, float]]
    chosen: tuple[float, float] | None
    most: float | None
    table: list[tuple[str, str, str, str, str]]


def coverage_of(scores: LabelScores) -> Coverage | None:
    """Return what is shown of risk against coverage; None in reports of older versions."""
    found, given = scores.selective, scores.answered
    if found is None:
        return None
    table = [
        (
            percent(one.coverage),
            f"{one.rows:,}",
            f"{one.answer_from:.3f}",
            percent(one.accuracy),
            interval_text(one.interval),
        )
        for one in found.covered
    ]
    chosen = (given.coverage, 1 - given.accuracy) if given and given.accuracy is not None else None
    return Coverage(
        answered_sentence(given) if given else _might(found),
        f"Area under the curve (AURC) {percent(found.aurc)}; the least with as many mistakes would be "
        f"{percent(found.least)}, if the least sure rows were the wrong ones.",
        found.curve, chosen, 1 - given.wanted if given and given.wanted else None, table,
    )  # fmt: skip


def answered_sentence(given: Answered) -> str:
    """Return how much is answered, and how much of it is right."""
    if given.answer_from > 1 and given.wanted is not None:
        return (
            f"It answers nothing: dev did not show from which probability on {percent(given.wanted)} of answers are "
            "right. Give dev more rows, or want less."
        )
    left = given.rows - given.answered
    sentence = (
        f"It answers {percent(given.coverage)} of the rows (95%: {interval_text(given.coverage_interval)}), and leaves "
        f"{left:,} of {given.rows:,} unanswered, as it is less than {percent(given.answer_from)} sure of them."
    )
    if given.accuracy is None:
        return sentence
    right = f"Of its answers {percent(given.accuracy)} are right (95%: {interval_text(given.accuracy_interval)})"
    return f"{sentence} {right}" + (f"; {percent(given.wanted)} are wanted." if given.wanted is not None else ".")


def _might(found: Selective) -> str:
    """What answering the surest half alone would do."""
    half = next((one for one in found.covered if abs(one.coverage - HALF) < 0.05), None)
    if half is None:
        return "It answers every row."
    return (
        f"It answers every row. Answering the surest {percent(half.coverage)} alone, it would be right on "
        f"{percent(half.accuracy)} of them (95%: {interval_text(half.interval)})."
    )
