"""Answers in free text, token by token: greedy, drawn, or by beam search. Knows nothing about runs or templates.

Rows join at any step and leave when they have ended or are taken out; the others notice nothing of it.

N texts being gone on with, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from trimtab.backbones.backbone import Backbone, Decoding
from trimtab.backbones.prefix import PrefixState
from trimtab.decoding.answer_text import Ask, Line, Top, Words, Written
from trimtab.decoding.beams import BeamSearch
from trimtab.decoding.next_token import changed, drawn, generator_of


@dataclass(frozen=True)
class Token:
    """A token as it was said.

    Attributes:
        row: what it belongs to.
        answer: which of the row's answers.
        ids: the answer's tokens up to it.
        log_likelihood: of it, by the backbone as it is.
        top: the likeliest tokens at its place, where they are asked for.
    """

    row: Hashable
    answer: int
    ids: tuple[int, ...]
    log_likelihood: float = 0.0
    top: Top = ()


@dataclass(frozen=True)
class Done:
    """All answers of a row, the best first, or in the order drawn."""

    row: Hashable
    answers: tuple[Written, ...]


def write(
    backbone: Backbone, asks: Sequence[Ask], prefix: PrefixState | None, tokenizer: Any, ends: Sequence[int]
) -> Iterator[Token | Done]:
    """Answer rows, those of different prompts and settings in one batch; a row's answer does not depend on the others.

    Args:
        backbone: a causal one, or an encoder-decoder.
        asks: the rows.
        prefix: the prompts, read before; None where rows stand alone.
        tokenizer: says what tokens read like.
        ends: tokens that end an answer.

    Yields:
        Tokens as they are said (not an answer's last, nor those of beams), and each row's answers once they are there.
    """
    writing = Writing(backbone, tokenizer, ends)
    writing.admit(dict(enumerate(asks)), prefix)
    while writing.rows:
        yield from writing.step()


class _Draws:
    """Greedy and drawn answers to a row."""

    def __init__(self, ask: Ask) -> None:
        self.lines = [
            Line(k, generator_of(ask, k), ask.constraint and ask.constraint.again())
            for k in range(ask.settings.answers)
        ]
        self.answers: dict[int, Written] = {}


@dataclass
class _Saying:
    """A row, how its texts are found, and the slot that each of the live ones has in the decoding."""

    ask: Ask
    search: _Draws | BeamSearch
    slots: list[int]


class Writing:
    """Rows being answered by one backbone, a token of each a step.

    Args:
        backbone: a causal one, or an encoder-decoder.
        tokenizer: says what tokens read like.
        ends: tokens that end an answer.
    """

    def __init__(self, backbone: Backbone, tokenizer: Any, ends: Sequence[int]) -> None:
        self._backbone, self._words = backbone, Words(tokenizer, tuple(ends))
        self._cohorts: list[_Cohort] = []  # of rows that are decoded together

    @property
    def rows(self) -> list[Hashable]:
        """What is being answered."""
        return [key for cohort in self._cohorts for key in cohort.sayings]

    def admit(self, asks: Mapping[Hashable, Ask], prefix: PrefixState | None) -> None:
        """Take rows in, each under a name of its own, and read them.

        Args:
            asks: at least one row.
            prefix: the prompts, read before; None where rows stand alone.

        Raises:
            BackboneError: a row that is longer than the context; none is taken in.
        """
        rows = [ask.row for ask in asks.values()]
        for cohort in self._cohorts:
            if cohort.decoding.admit(rows, prefix):
                break
        else:
            cohort = _Cohort(self._backbone.prefill(rows, prefix), {})
            self._cohorts.append(cohort)
        cohort.begin(asks)

    def drop(self, rows: Collection[Hashable]) -> None:
        """Take rows out, wherever they are."""
        for cohort in self._cohorts:
            if any(key in cohort.sayings for key in rows):
                cohort.keep([key for key in cohort.sayings if key not in rows])
        self._cohorts = [cohort for cohort in self._cohorts if cohort.sayings]

    def step(self) -> list[Token | Done]:
        """Put one token behind every text; the tokens that were said, and rows that are answered."""
        events = [event for cohort in self._cohorts for event in cohort.step(self._backbone, self._words)]
        self._cohorts = [cohort for cohort in self._cohorts if cohort.sayings]
        return events


class _Cohort:
    """Rows that are decoded together."""

    def __init__(self, decoding: Decoding, sayings: dict[Hashable, _Saying]) -> None:
        self.decoding, self.sayings = decoding, sayings

    def begin(self, asks: Mapping[Hashable, Ask]) -> None:
        """Rows have been read behind those there are: each gets as many slots as it has texts."""
        N = sum(len(saying.slots) for saying in self.sayings.values())
        came_from = list(range(N + len(asks)))
        for at, (key, ask) in enumerate(asks.items(), start=N):
            search = BeamSearch(ask) if ask.settings.beams > 1 else _Draws(ask)
            more = range(len(came_from), len(came_from) + len(search.lines) - 1)
            came_from += [at] * len(more)
            self.sayings[key] = _Saying(ask, search, [at, *more])
        if len(came_from) > N + len(asks):
            self.decoding.select(torch.tensor(came_from, device=self.decoding.hidden.device))

    def keep(self, keys: Collection[Hashable]) -> None:
        """Go on with these rows alone."""
        self.sayings = {key: self.sayings[key] for key in keys}
        if self.sayings:
            self._move([(saying, at) for saying in self.sayings.values() for at in saying.slots])

    def step(self, backbone: Backbone, words: Words) -> Iterator[Token | Done]:
        """One token of each text."""
        order: list[tuple[_Saying, Line]] = [None] * len(self.decoding.hidden)  # type: ignore[list-item]
        for saying in self.sayings.values():
            for at, line in zip(saying.slots, saying.search.lines, strict=True):
                order[at] = saying, line
        logits_NV = backbone.logits(self.decoding.hidden)
        settings = [saying.ask.settings for saying, _ in order]
        beams = [at for at, own in enumerate(settings) if own.beams > 1]
        whole_N = torch.logsumexp(logits_NV, -1)
        if beams:  # their scores are those of texts, and add up
            logits_NV[beams] -= whole_N[beams, None]
            whole_N[beams] = 0
        scores_NV = changed(logits_NV, [line for _, line in order], settings, words.ends)
        chosen = scores_NV.argmax(-1).tolist()
        for at, (_, line) in enumerate(order):
            if line.generator is not None:
                chosen[at] = drawn(scores_NV[at], line.generator)
        chosen_N = torch.tensor(chosen, device=logits_NV.device)
        found = (logits_NV.gather(-1, chosen_N[:, None])[:, 0] - whole_N).tolist()
        tops = _tops(logits_NV, whole_N, [saying.ask.top for saying, _ in order])
        going: list[tuple[_Saying, int]] = []
        for key, saying in list(self.sayings.items()):
            if isinstance(saying.search, BeamSearch):
                parents = saying.search.grow(scores_NV[saying.slots], logits_NV[saying.slots], words)
                left = [saying.slots[parent] for parent in parents]
                answers = saying.search.best
            else:
                left = []
                for at, line in zip(saying.slots, list(saying.search.lines), strict=True):
                    written = line.after(chosen[at], found[at], saying.ask, words, tops[at])
                    if written is None:
                        left.append(at)
                        yield Token(key, line.answer, tuple(line.ids), found[at], tops[at])
                    else:
                        saying.search.lines.remove(line)
                        saying.search.answers[line.answer] = written
                answers = tuple(written for _, written in sorted(saying.search.answers.items()))
            if left:
                going += [(saying, at) for at in left]
            else:
                del self.sayings[key]
                yield Done(key, answers)
        if self.sayings:
            self._move(going)
            tokens = [0] * len(going)
            for saying in self.sayings.values():
                for at, line in zip(saying.slots, saying.search.lines, strict=True):
                    tokens[at] = line.ids[-1]
            self.decoding.step(torch.tensor(tokens, device=logits_NV.device))

    def _move(self, going: Sequence[tuple[_Saying, int]]) -> None:
        """Give the texts that are gone on with the first slots; whoever can stays where it is.

        Args:
            going: of each text, in order, its row, and the slot of the text that it goes on with.
        """
        came_from = [-1] * len(going)
        slots: list[int | None] = []
        for _, at in going:
            stays = at < len(going) and came_from[at] < 0
            if stays:
                came_from[at] = at
            slots.append(at if stays else None)
        free = iter([at for at, source in enumerate(came_from) if source < 0])
        for saying in self.sayings.values():
            saying.slots = []
        for (saying, source), slot in zip(going, slots, strict=True):
            to = next(free) if slot is None else slot
            came_from[to] = source
            saying.slots.append(to)
        if came_from != list(range(len(self.decoding.hidden))):
            self.decoding.select(torch.tensor(came_from, device=self.decoding.hidden.device))


def _tops(logits_NV: torch.Tensor, whole_N: torch.Tensor, wanted: Sequence[int]) -> list[Top]:
    """The likeliest tokens of each text, as many as are wanted."""
    most = max(wanted, default=0)
    if not most:
        return [()] * len(wanted)
    best = logits_NV.topk(min(most, logits_NV.shape[1]))
    likelihoods = (best.values - whole_N[:, None]).tolist()
    return [
        tuple(zip(ids[:k], own[:k], strict=True))
        for ids, own, k in zip(best.indices.tolist(), likelihoods, wanted, strict=True)
    ]
