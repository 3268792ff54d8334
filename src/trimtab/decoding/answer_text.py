"""Texts in the making: what is asked of one, how tokens are put behind it, and what ends it. Knows no models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from trimtab.backbones.layout import Row
from trimtab.decoding.constraints import Constraint
from trimtab.settings.answers import TextAnswer

# The likeliest tokens at a place, with their log-likelihoods by the backbone as it is.
Top = tuple[tuple[int, float], ...]
# How an answer ended: with the end token, at a text of `stop`, or because it was as long as it may be.
Ended = Literal["end", "stop", "length"]


@dataclass(frozen=True)
class Ask:
    """One row to be answered in free text.

    Attributes:
        row: its tokens, and the prompt they are read with.
        settings: how the answer is found.
        most: tokens it may have, its end included.
        constraint: what it must be like; or None.
        lead: white space that the template puts before an answer: it belongs to the template, and no text of `stop` is
            looked for in it.
        top: how many of the likeliest tokens are told beside each one.
    """

    row: Row
    settings: TextAnswer
    most: int
    constraint: Constraint | None = None
    lead: str = ""
    top: int = 0


@dataclass(frozen=True)
class Written:
    """An answer.

    Attributes:
        ids: its tokens, without the end token.
        text: what they say, cut where a text of `stop` begins, without white space around it.
        log_likelihood: of the tokens, the end token included, by the backbone as it is (no temperature, no penalties).
        ended: how it ended.
        log_likelihoods: of each token, without the end token.
        tops: the likeliest tokens at the place of each.
    """

    ids: tuple[int, ...]
    text: str
    log_likelihood: float
    ended: Ended
    log_likelihoods: tuple[float, ...] = ()
    tops: tuple[Top, ...] = ()


@dataclass
class Line:
    """One text in the making.

    Attributes:
        answer: which of its row's answers it is.
        generator: what its tokens are drawn with; None where none are drawn.
        constraint: what it must be like, and how much of that is there; or None.
        ids: its tokens so far.
        log_likelihoods: of each.
        tops: the likeliest tokens at the place of each, with their log-likelihoods, where they are asked for.
        ending: log-likelihood of the token that ended it, if one has.
    """

    answer: int
    generator: torch.Generator | None = None
    constraint: Constraint | None = None
    ids: list[int] = field(default_factory=list)
    log_likelihoods: list[float] = field(default_factory=list)
    tops: list[Top] = field(default_factory=list)
    ending: float = 0.0

    def again(self) -> Line:
        """The same text, to be gone on with apart."""
        return Line(
            self.answer, None, self.constraint and self.constraint.again(), list(self.ids),
            list(self.log_likelihoods), list(self.tops),
        )  # fmt: skip

    def after(self, token: int, log_likelihood: float, ask: Ask, words: Words, top: Top = ()) -> Written | None:
        """Put a token behind it; what it is, where that ends it."""
        if token in words.ends:
            self.ending = log_likelihood
            return self._written(words.text(self.ids).strip(), "end")
        self.ids.append(token)
        self.log_likelihoods.append(log_likelihood)
        self.tops.append(top)
        if self.constraint is not None:
            self.constraint.took(token)
        if ask.settings.stop:
            text = words.text(self.ids)
            at = stopped_at(text, ask.settings.stop, ask.lead)
            if at is not None:
                return self._written(text[:at].strip(), "stop")
        if len(self.ids) >= ask.most:
            return self._written(words.text(self.ids).strip(), "length")
        return None

    def _written(self, text: str, ended: Ended) -> Written:
        each = tuple(self.log_likelihoods)
        return Written(tuple(self.ids), text, sum(each) + self.ending, ended, each, tuple(self.tops))


@dataclass(frozen=True)
class Words:
    """What tokens read like, and which of them end an answer.

    Attributes:
        tokenizer: a transformers tokenizer.
        ends: tokens that end an answer.
    """

    tokenizer: Any
    ends: tuple[int, ...]

    def text(self, ids: Sequence[int]) -> str:
        """What tokens read like."""
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        return text


def stopped_at(text: str, stop: Sequence[str], lead: str = "") -> int | None:
    """Where the first text of `stop` begins behind the template's own white space; None where there is none yet.

    Args:
        text: what was said so far.
        stop: the texts.
        lead: what the template puts before an answer, which may not have been said to its end yet.
    """
    if lead.startswith(text):
        return None
    begun = len(lead) if text.startswith(lead) else 0
    return min((at for each in stop if (at := text.find(each, begun)) >= 0), default=None)
