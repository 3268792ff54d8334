"""Texts of several requests said in the same passes. Knows nothing about queues."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

from trimtab.backbones.backbone import Backbone
from trimtab.decoding.answer_text import Ask
from trimtab.decoding.generation import Done, Token, Writing
from trimtab.inference.passes import Passes
from trimtab.inference.tickets import Ticket


class TextGroup:
    """Texts that share passes, as their backbone and the tokens that end them are the same.

    Args:
        backbone: what says them.
        tokenizer: says what tokens read like.
        ends: tokens that end a text.

    Attributes:
        new: tickets that are to be taken in.
    """

    def __init__(self, backbone: Backbone, tokenizer: Any, ends: tuple[int, ...]) -> None:
        self._made_of = backbone, tokenizer, ends
        self._writing = Writing(backbone, tokenizer, ends)
        self._said: dict[Hashable, Ticket] = {}
        self.new: list[Ticket] = []

    @property
    def tickets(self) -> list[Ticket]:
        """Those whose texts are being said."""
        return list(self._said.values())

    @property
    def reserved(self) -> tuple[int, int]:
        """Texts, and tokens of the longest that there may be."""
        own = [*self._said.values(), *self.new]
        return sum(ticket.texts for ticket in own), max((ticket.size for ticket in own), default=0)

    def admit(self, passes: Passes) -> list[tuple[Ticket, Exception]]:
        """Read the rows of what is new; what could not be read."""
        new, self.new = self.new, []
        try:
            self._admit(new, passes)
        except Exception as error:
            if len(new) == 1:
                return [(new[0], error)]
        else:
            return []
        failures = []  # whose fault it was shows when each is alone
        for ticket in new:
            try:
                self._admit([ticket], passes)
            except Exception as error:
                failures.append((ticket, error))
        return failures

    def _admit(self, new: Sequence[Ticket], passes: Passes) -> None:
        state, places = passes.before([ticket.loaded.members[0] for ticket in new])
        placed: dict[Hashable, Ask] = {}
        for ticket, k in zip(new, places, strict=True):
            assert ticket.ask is not None
            placed[id(ticket)] = replace(ticket.ask, row=replace(ticket.ask.row, prompt=k))
        self._writing.admit(placed, state)
        self._said |= {id(ticket): ticket for ticket in new}

    def step(self) -> list[tuple[Ticket, Token | Done]]:
        """One token of each text; what was said, and of whom."""
        told = []
        for event in self._writing.step():
            told.append((self._said[event.row], event))
            if isinstance(event, Done):
                del self._said[event.row]
        return told

    def apart(self) -> list[TextGroup]:
        """A group for each ticket, from the beginning of its texts; this one is left empty."""
        groups = []
        for ticket in self._said.values():
            groups.append(TextGroup(*self._made_of))
            groups[-1].new.append(ticket)
        self._said = {}
        return groups

    def drop(self, tickets: Sequence[Ticket]) -> None:
        """Take texts out."""
        gone = {id(ticket) for ticket in tickets}
        if gone:
            self._writing.drop(gone)
            self._said = {key: ticket for key, ticket in self._said.items() if key not in gone}
