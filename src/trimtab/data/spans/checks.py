"""Rows whose answers stand in their context, looked through as a whole. Knows nothing about templates or models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from trimtab.data.example import SpanExample
from trimtab.data.spans.answers import SpanAnswers
from trimtab.data.spans.context import cut_context, tokens_of
from trimtab.errors import DataError

# Characters of an answer that a message shows.
SHOWN = 60


def place_notes(rows: Sequence[tuple[str, SpanAnswers | None]]) -> list[str]:
    """What is to be said of answers that do not stand where they are said to, a sentence each.

    Args:
        rows: where each row is from, and its answers; None where it has none to look at.
    """
    moved, alike, astray = [], [], []
    for where, answers in rows:
        how = {one.how if one else "" for one in answers.found} if answers else set()
        moved += [where] if "moved" in how else []
        alike += [where] if "alike" in how else []
        astray += [where] if how == {""} else []
    notes = [
        (moved, "an answer does not stand where its start says; it is read at the nearest place where it does"),
        (alike, "an answer stands in the context with other case, width, marks or white space; it is read there"),
        (astray, "no answer stands in the context; such rows are not trained on, and are scored by their words"),
    ]
    return [f"in {len(own)} of {len(rows)} rows ({own[0]}) {what}" for own, what in notes if own]


def check_spans(train: Sequence[SpanExample], source: str, label: str) -> None:
    """Check that answers can be learnt.

    Args:
        train: training rows.
        source: what they are called.
        label: column of their answers.

    Raises:
        DataError: no row has an answer, or those of most do not stand in their context.
    """
    answered = [example for example in train if example.references]
    if not answered:
        raise DataError(
            f"{source}: no row has an answer.", f"Add rows with answers, or set data.label (now '{label}')."
        )
    astray = [example for example in answered if not example.spans]
    if 2 * len(astray) > len(answered):
        where, shown = astray[0].where, astray[0].references[0][:SHOWN]
        raise DataError(
            f"{where}: the answer '{shown}' does not stand in the context ({len(astray)} of {len(answered)} rows).",
            f"Set answer.context to the field that answers stand in, or data.label (now '{label}') to the column of "
            "the answers; where answers are in other words than the context's, set answer to text.",
        )


def longest_answer(train: Sequence[SpanExample]) -> int | None:
    """Tokens of the longest answer of train; None where none stands in its context."""
    found = (tokens_of(example.spans[0], cut_context(example.context)) for example in train if example.spans)
    return max((own[1] - own[0] for own in found if own), default=None)


def merged(examples: list[SpanExample]) -> list[SpanExample]:
    """Rows with the same input as one: where some have an answer, right with any of these."""
    groups: dict[tuple[str, ...], list[SpanExample]] = defaultdict(list)
    for example in examples:
        groups[tuple(example.fields.values())].append(example)
    return examples if len(groups) == len(examples) else [_together(own) for own in groups.values()]


def _together(rows: Sequence[SpanExample]) -> SpanExample:
    first = next((row for row in rows if row.references), rows[0])
    references = tuple(dict.fromkeys(text for row in rows for text in row.references))
    spans = tuple(dict.fromkeys(place for row in rows for place in row.spans))
    return replace(first, references=references, spans=spans)
