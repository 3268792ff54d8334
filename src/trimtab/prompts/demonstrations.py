"""Worked examples put before a row (few-shot): which ones, and as which token ids. Knows nothing about models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trimtab.data import Example, stratified_sample
from trimtab.errors import DataError, TaskError
from trimtab.prompts.control import breaker
from trimtab.prompts.encoding import Encoder
from trimtab.prompts.template import Template
from trimtab.prompts.tokens import tokenize
from trimtab.prompts.verbalizer import Verbalizer, spaced
from trimtab.settings.methods import FewShotSettings

SEPARATOR = "\n\n"
# Demonstrations by default, and the most labels that get one each.
USUAL, MOST_LABELS = 8, 32


@dataclass(frozen=True)
class Demonstrations:
    """Worked examples as token ids.

    Attributes:
        examples: those shown to every row, in order; or those to choose from, where each row gets its nearest.
        rows: token ids of each: the template filled in, the first word of its label, a blank line.
        notes: what was done to make them fit, a sentence each.
    """

    examples: tuple[Example, ...] = ()
    rows: tuple[tuple[int, ...], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[int, ...]:
        """Token ids of all of them, one after another."""
        return tuple(i for row in self.rows for i in row)


def usual_count(settings: FewShotSettings, labels: int, rows: int) -> int:
    """How many demonstrations of this many rows are shown by default.

    One of each label, so that all are seen answered; where each row gets its nearest, labels do not matter.
    """
    each = 0 if settings.choice == "nearest" else min(labels, MOST_LABELS)
    return min(rows, max(USUAL, each))


def choose_demonstrations(
    train: Sequence[Example], labels: Sequence[str], settings: FewShotSettings, seed: int, draw: int = 0
) -> list[Example]:
    """The examples to show, or, for `nearest`, to choose from.

    Args:
        train: labelled examples.
        labels: label names, in order.
        settings: how many and which.
        seed: of the draws.
        draw: which of the draws from this seed; only `random` has more than one.

    Raises:
        TaskError: fewer examples than are to be shown.
        DataError: a label without any.
    """
    k = settings.demonstrations or usual_count(settings, len(labels), len(train))
    if k > len(train):
        raise TaskError(
            f"method.demonstrations is {k}, but there are {len(train)} training rows.",
            f"Set it to {len(train)} or less, or add rows.",
        )
    match settings.choice:
        case "fixed":
            return list(train[:k])
        case "random":
            return _balanced(train, labels, k, [seed, 3, *([draw] if draw else [])])
        case "nearest":
            if k > settings.pool:
                raise TaskError(
                    f"method.demonstrations is {k}, but method.pool holds {settings.pool} rows to choose from.",
                    f"Raise method.pool to {k} or more.",
                )
            return stratified_sample(train, settings.pool, seed)


def _balanced(train: Sequence[Example], labels: Sequence[str], k: int, seed: list[int]) -> list[Example]:
    """Draw one row of each label in turn until there are `k`, then put them in any order; without labels any `k`."""
    generator = np.random.default_rng(seed)
    if not labels:
        return [train[i] for i in generator.permutation(len(train))[:k]]
    drawn = []
    for label in labels:
        rows = [i for i, example in enumerate(train) if example.answer == label]
        if not rows:
            raise DataError(
                f"there is no training row of the label '{label}' to show.",
                "Add one, take the label out of `labels`, or set method.choice to fixed.",
            )
        drawn.append(generator.permutation(rows))
    generator.shuffle(drawn)
    turns = [rows[turn] for turn in range(max(map(len, drawn))) for rows in drawn if turn < len(rows)]
    return [train[i] for i in generator.permutation(turns[:k])]


def fit_demonstrations(
    examples: Sequence[Example],
    template: Template,
    tokenizer: Any,
    verbalizer: Verbalizer,
    *,
    room: int,
    nearest: int | None = None,
) -> Demonstrations:
    """Demonstrations as token ids, each within an even share of the room, the row's own share left free.

    Long ones are shortened as rows are. Where that is not enough, fewer are shown to every row, the last left out
    first; of those to choose from, the ones too long for their share are left out.

    Args:
        examples: what `choose_demonstrations` gave.
        template, tokenizer, verbalizer: of the task; without labels the examples' own answers are shown.
        room: tokens for demonstrations and row together.
        nearest: how many each row gets; None where all are shown to every row.

    Raises:
        TaskError: not one fits.
    """
    fitting: list[tuple[Example, tuple[int, ...], int]] = []
    plain = breaker(tokenizer)
    if nearest is not None:
        fitting = _within(examples, template, tokenizer, verbalizer, plain, room // (nearest + 1))
    else:
        for count in range(len(examples), 0, -1):
            fitting = _within(examples[:count], template, tokenizer, verbalizer, plain, room // (count + 1))
            if len(fitting) == count:
                break
    if not fitting:
        raise TaskError(
            f"not one of {len(examples)} demonstrations fits beside a row within {room} tokens.",
            "Raise template.max_tokens, lower method.demonstrations, or add the long fields to template.truncate.",
        )
    notes = []
    if len(fitting) < len(examples):
        notes.append(f"{len(fitting)} of {len(examples)} demonstrations fit beside a row; the others are left out.")
    cut = [tokens for _, _, tokens in fitting if tokens]
    if cut:
        notes.append(f"{len(cut)} of {len(fitting)} demonstrations were shortened to fit, by {sum(cut)} tokens in all.")
    return Demonstrations(tuple(e for e, _, _ in fitting), tuple(ids for _, ids, _ in fitting), tuple(notes))


def _within(
    examples: Sequence[Example],
    template: Template,
    tokenizer: Any,
    verbalizer: Verbalizer,
    plain: Callable[[str], str],
    share: int,
) -> list[tuple[Example, tuple[int, ...], int]]:
    """Those that fit into `share` tokens: example, token ids, tokens cut off."""
    blank = tokenize(tokenizer, SEPARATOR)
    lead, before = template.answer_lead, template.before_answer
    texts = {label: verbalizer.trained_word(i).text for i, label in enumerate(verbalizer.labels)} or {
        example.answer or "": spaced(plain(example.answer or ""), lead, before) for example in examples
    }
    answers = {answer: [*tokenize(tokenizer, text), *blank] for answer, text in texts.items()}
    out = []
    try:
        longest = max(map(len, answers.values()))
        encoder = Encoder(template, tokenizer, budget=share, answer_tokens=longest, plain=plain)
    except TaskError:  # not even the template's own text
        return []
    for example in examples:
        try:
            row = encoder.encode(example.fields, example.where)
        except DataError:
            continue
        out.append((example, (*encoder.head_ids, *row.ids, *answers[example.answer or ""]), row.cut))
    return out
