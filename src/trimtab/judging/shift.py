"""How far the rows that a report rests on are from those that were trained on. Knows nothing about kinds of answer."""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.backbones.open import Progress
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example, Splits
from trimtab.evaluation.interval.bootstrap import Floats
from trimtab.evaluation.shift.drawn import drawn
from trimtab.evaluation.shift.measures import nearest_distance, unknown_words
from trimtab.evaluation.shift.shift import Measure, Shift, distances
from trimtab.evaluation.text.words import Language, joined_fields
from trimtab.inference.text_states import text_states
from trimtab.settings.task import DataSettings

# Rows that stand for train, and that are held out or judged: of words, which are counted at once, and of hidden states,
# for which each row is read.
WORDS, STATES = (2_000, 500), (300, 100)


def shift_of(
    splits: Splits, settings: DataSettings, language: Language, pretrained: Pretrained, progress: Progress | None
) -> Shift | None:
    """Return how far test, or else dev, is from train; None where that is not asked for, or rows are too few.

    Args:
        splits: the examples.
        settings: says by what (`data.shift`).
        language: of the texts.
        pretrained: reads rows, where hidden states are asked for.
        progress: told what is being done.
    """
    judged = splits.test or splits.dev
    rows = drawn(splits.train, judged, most_known=WORDS[0], most=WORDS[1]) if settings.shift != "none" else None
    if rows is None:
        return None
    cut = len(rows.held_out)
    by_words = unknown_words(rows.known, [*rows.held_out, *rows.judged], language)
    measured: dict[Measure, tuple[Floats, Floats]] = {"words": (by_words[:cut], by_words[cut:])}
    if settings.shift == "states":
        measured["states"] = _by_states(rows.known, rows.held_out, rows.judged, pretrained, progress)
    return Shift(len(rows.known), len(rows.held_out), len(rows.judged), distances(measured))


def _by_states(
    known: Sequence[Example], held_out: Sequence[Example], judged: Sequence[Example], pretrained: Pretrained,
    progress: Progress | None,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Distances of the hidden states of a sample of the rows."""
    most_known, most = STATES
    known, held_out, judged = known[:most_known], held_out[:most], judged[:most]
    texts = [joined_fields(example) for example in [*known, *held_out, *judged]]
    states = text_states(pretrained, texts, progress)
    found = nearest_distance(states[: len(known)], states[len(known) :])
    return found[: len(held_out)], found[len(held_out) :]
