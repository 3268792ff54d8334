"""Requests that a scheduler has taken, and what is told of them. Knows nothing about when they are worked at."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from trimtab.data.example import Example
from trimtab.decoding.answer_text import Ask
from trimtab.errors import TrimtabError
from trimtab.inference.loaded import Loaded
from trimtab.inference.pieces import Piece, Pieces
from trimtab.inference.request import Request
from trimtab.kinds.prediction import Prediction
from trimtab.prompts import EncodedRow


class QueueFullError(TrimtabError):
    """As many requests wait as may."""


class LateError(TrimtabError):
    """A request was not answered by its deadline."""


class CancelledError(TrimtabError):
    """A request was taken back."""


@dataclass(frozen=True)
class Answered:
    """A request's answer; the last of its events."""

    prediction: Prediction


@dataclass(frozen=True)
class Failed:
    """Why a request has no answer; the last of its events. Others are not concerned."""

    error: Exception


Event = Piece | Answered | Failed


@dataclass(eq=False)
class Ticket:
    """A request that was taken, and what has become of it. Times are by the scheduler's clock; None before.

    Attributes:
        request: what was asked.
        deadline: when it is given up.
        submitted: when it was taken.
        begun: when it was first worked at.
        first: when the first of its answer was there.
        ended: when all of it was, or none will be.
        prompt_tokens: tokens of its prompt and row.
        cached_tokens: those of the prompt, which was read before.
        answer_tokens: tokens said so far.
        end: the last event.
        loaded, example, row: the run, and the request as it reads it.
        ask: how its answer is said; None where it is scored.
        ends: tokens that end what is said.
        tell: called with each event.
        cancelled: whether it was taken back.
    """

    request: Request
    deadline: float | None
    submitted: float
    prompt_tokens: int
    cached_tokens: int
    loaded: Loaded = field(repr=False)
    example: Example = field(repr=False)
    row: EncodedRow = field(repr=False)
    ask: Ask | None = field(repr=False)
    ends: tuple[int, ...] = field(repr=False)
    tell: Callable[[Event], None] | None = field(repr=False)
    begun: float | None = None
    first: float | None = None
    ended: float | None = None
    answer_tokens: int = 0
    end: Answered | Failed | None = None
    cancelled: bool = False
    _pieces: dict[int, Pieces] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """Tokens of the passes that it is scored in, or that its texts may have with their row."""
        if self.ask is None:
            return sum(len(window.ids) + 1 for window in self.row.windows) * len(self.loaded.members)
        return len(self.row.ids) + self.ask.most

    @property
    def texts(self) -> int:
        """How many texts are gone on with at once."""
        return self.ask.settings.answers * self.ask.settings.beams if self.ask else 0

    @property
    def group(self) -> Hashable:
        """Texts of tickets of the same group are said in the same passes."""
        return self.loaded.members[0].passes_with, self.ends

    def over(self, now: float) -> bool:
        """Whether it is to be given up."""
        return self.cancelled or (self.deadline is not None and now >= self.deadline)

    def pieces(self, answer: int, decode: Callable[[Sequence[int]], str]) -> Pieces:
        """What was told of one of its answers; `decode` says what tokens read like."""
        assert self.ask is not None
        return self._pieces.setdefault(answer, Pieces(answer, decode, self.ask.settings.stop))
