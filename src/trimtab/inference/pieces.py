"""Answers in free text in pieces, as they are said: never the beginning of what may end them. Knows no models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trimtab.decoding.answer_text import Top, Written
from trimtab.decoding.generation import Token


@dataclass(frozen=True)
class Piece:
    """More of an answer.

    Attributes:
        answer: which of the request's answers.
        text: what is said; the pieces in turn are the answer's text. May be empty at the end.
        ids: the tokens that are new.
        log_likelihoods: of each, by the backbone as it is.
        tops: the likeliest tokens at the place of each, where they are asked for.
    """

    answer: int
    text: str
    ids: tuple[int, ...] = ()
    log_likelihoods: tuple[float, ...] = ()
    tops: tuple[Top, ...] = ()


class Pieces:
    """One answer as it is said.

    What may yet turn out to be the beginning of a text of `stop`, or half of a character, is held back.

    Args:
        answer: which of the request's answers.
        decode: what tokens read like.
        stops: texts that end it.
    """

    def __init__(self, answer: int, decode: Callable[[Sequence[int]], str], stops: Sequence[str]) -> None:
        self._answer, self._decode = answer, decode
        self._held = max((len(stop) - 1 for stop in stops), default=0)
        self._said, self._told = "", 0
        self._likelihoods: list[float] = []
        self._tops: list[Top] = []

    def after(self, token: Token) -> Piece | None:
        """What there is to tell once a token has been said; None where that is nothing yet."""
        at = len(token.ids) - 1
        self._likelihoods[at:], self._tops[at:] = [token.log_likelihood], [token.top]  # also of what is said anew
        text = self._decode(token.ids).lstrip()
        whole = text[: max(0, len(text) - self._held)].rstrip("\ufffd").rstrip()
        if len(whole) <= len(self._said):
            return None
        return self._piece(whole, token.ids, self._likelihoods, self._tops)

    def rest(self, written: Written) -> Piece:
        """What there is to tell at the end."""
        return self._piece(written.text, written.ids, written.log_likelihoods, written.tops)

    def _piece(self, text: str, ids: Sequence[int], likelihoods: Sequence[float], tops: Sequence[Top]) -> Piece:
        new = slice(self._told, None)
        piece = Piece(self._answer, text[len(self._said) :], tuple(ids[new]), tuple(likelihoods[new]), tuple(tops[new]))
        self._said, self._told = text, len(ids)
        return piece
