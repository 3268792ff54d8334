"""Requests to many runs answered by one backbone: they come and go at any step. Knows nothing about files or HTTP.

Each step reads rows that are scored, of whatever runs, in shared passes, takes texts in as far as there is room, and
says one token of each. The runs take turns by the tokens that they have had (Sheng et al. 2024, "Fairness in serving
large language models"), so that one with many requests does not keep the others waiting.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from trimtab.backbones.backbone import AnswerPlace
from trimtab.backbones.layout import Row
from trimtab.backbones.pretrained import Pretrained
from trimtab.data.example import Example
from trimtab.decoding.answer_text import Ask
from trimtab.decoding.constraints import Constraint
from trimtab.decoding.generation import Token, Writing
from trimtab.decoding.scoring import PASS_TOKENS
from trimtab.errors import TaskError, TrimtabError, did_you_mean
from trimtab.inference.loaded import Loaded
from trimtab.inference.passes import Passes
from trimtab.inference.pieces import Piece, Pieces
from trimtab.inference.request import Request
from trimtab.kinds.kind import Generating
from trimtab.kinds.prediction import Prediction
from trimtab.prompts import EncodedRow
from trimtab.settings.answers import TextAnswer

_log = logging.getLogger(__name__)


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


class Runs(Protocol):
    """What requests are answered with: an engine."""

    pretrained: Pretrained
    passes: Passes

    def find(self, name: str) -> Loaded:
        """A run. Raises RunError where there is none of that name."""
        ...

    def sought(self, settings: TextAnswer, ends: tuple[int, ...]) -> tuple[TextAnswer, Constraint | None]:
        """The same settings and constraint for all that ask alike."""
        ...


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
    """

    request: Request
    deadline: float | None
    submitted: float
    prompt_tokens: int
    cached_tokens: int
    loaded: Loaded = field(repr=False)
    example: Example = field(repr=False)
    row: EncodedRow = field(repr=False)
    how: Generating | None = field(repr=False)
    tell: Callable[[Event], None] | None = field(repr=False)
    begun: float | None = None
    first: float | None = None
    ended: float | None = None
    answer_tokens: int = 0
    end: Answered | Failed | None = None
    cancelled: bool = False
    pieces: dict[int, Pieces] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """Tokens of the passes that it is scored in, or that its texts may have with their row."""
        if self.how is None:
            return sum(len(window.ids) + 1 for window in self.row.windows) * len(self.loaded.members)
        return len(self.row.ids) + self.how.most

    @property
    def texts(self) -> int:
        """How many texts are gone on with at once."""
        return self.how.settings.answers * self.how.settings.beams if self.how else 0


class Scheduler:
    """Requests in a queue, and those being answered.

    `submit` and `cancel` are for any thread, `step` for one at a time.

    Args:
        runs: what answers, an engine.
        waiting: how many requests may wait; `submit` refuses more.
        tokens: how many tokens of texts being said, with their rows, are held at once: keys and values of so many.
        clock: tells seconds.
    """

    def __init__(
        self,
        runs: Runs,
        *,
        waiting: int = 1024,
        tokens: int = 2 * PASS_TOKENS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runs, self._most_waiting, self._tokens, self._clock = runs, waiting, tokens, clock
        self._lock = threading.Lock()
        self._queues: dict[str, deque[Ticket]] = {}  # by run
        self._served: dict[str, float] = {}  # tokens that each run has had
        self._writings: dict[Hashable, _Group] = {}
        self._stepping = threading.Lock()

    @property
    def waiting(self) -> int:
        """Requests that nothing has been done for yet."""
        with self._lock:
            return sum(map(len, self._queues.values()))

    @property
    def running(self) -> int:
        """Requests whose text is being said."""
        return sum(len(group.tickets) for group in list(self._writings.values()))

    def submit(
        self, request: Request, *, deadline: float | None = None, tell: Callable[[Event], None] | None = None
    ) -> Ticket:
        """Take a request.

        Args:
            request: what to answer.
            deadline: when it is given up, by the clock.
            tell: called with each event, in the thread of `step`.

        Raises:
            TrimtabError: an unknown run, a missing field, a row or an answer that does not fit.
            QueueFullError: too many wait.
        """
        loaded = self._runs.find(request.run)
        example = loaded.bound.kind.example(request)
        check_fields(loaded, request)
        [row] = loaded.bound.encode([example])
        return self.enter(request, loaded, example, row, deadline=deadline, tell=tell)

    def enter(
        self,
        request: Request,
        loaded: Loaded,
        example: Example,
        row: EncodedRow,
        *,
        deadline: float | None = None,
        tell: Callable[[Event], None] | None = None,
    ) -> Ticket:
        """Take a request that has been encoded; see `submit`."""
        bound = loaded.bound
        how = bound.kind.generating(bound, request.decoding) if bound.kind.generates else None
        cached = loaded.members[0].prompt.length
        read = sum(len(window.ids) for window in row.windows)
        if how is not None:
            _check_fits(loaded, request, row, how, cached)
            self._runs.sought(how.settings, how.ends)  # tells now what cannot be constrained
        now = self._clock()
        ticket = Ticket(request, deadline, now, cached + read, cached, loaded, example, row, how, tell)
        with self._lock:
            queue = self._queues.get(request.run)
            if sum(map(len, self._queues.values())) >= self._most_waiting:
                raise QueueFullError(f"{self._most_waiting} requests wait already.", "Ask again in a moment.")
            if queue is None:
                queue = self._queues[request.run] = deque()
            if not queue:  # whoever has asked for nothing has saved nothing up
                others = [self._served.get(name, 0.0) for name, own in self._queues.items() if own]
                self._served[request.run] = max(self._served.get(request.run, 0.0), min(others, default=0.0))
            queue.append(ticket)
        return ticket

    def cancel(self, ticket: Ticket) -> None:
        """Take a request back; it leaves at the next step."""
        ticket.cancelled = True

    def step(self) -> bool:
        """Do the next piece of work; False where there was none.

        Nothing is raised for a request's sake: what goes wrong with one is told to it (`Failed`).
        """
        with self._stepping:
            gone = self._clear_away()
            scored, said = self._next()
            if scored:
                self._score(scored)
            for ticket in said:
                self._take_in(ticket)
            admitted = [group.admit(self._runs.passes) for group in self._writings.values() if group.new]
            for failures in admitted:
                self._fail(failures)
            talking = list(self._writings.values())
            for group in talking:
                self._say(group)
            self._writings = {key: group for key, group in self._writings.items() if group.tickets or group.new}
            return bool(gone or scored or said or talking)

    def _clear_away(self) -> int:
        """End requests that were taken back, or are late."""
        now, gone = self._clock(), []
        with self._lock:
            for name, queue in self._queues.items():
                left = deque(ticket for ticket in queue if not _over(ticket, now))
                gone += [ticket for ticket in queue if _over(ticket, now)]
                self._queues[name] = left
            self._queues = {name: queue for name, queue in self._queues.items() if queue}
        for group in self._writings.values():
            late = [ticket for ticket in group.tickets.values() if _over(ticket, now)]
            group.drop(late)
            gone += late
        for ticket in gone:
            if ticket.cancelled:
                self._end(ticket, Failed(CancelledError("the request was taken back.")))
            else:
                seconds = now - ticket.submitted
                self._end(
                    ticket,
                    Failed(
                        LateError(
                            f"{ticket.request.where}: no answer by the deadline, after {seconds:.1f} s.",
                            "Allow more time, or ask for less.",
                        )
                    ),
                )
        self._writings = {key: group for key, group in self._writings.items() if group.tickets or group.new}
        return len(gone)

    def _next(self) -> tuple[list[Ticket], list[Ticket]]:
        """Requests to score in the next pass, and texts there is room for; the runs take turns."""
        scored: list[Ticket] = []
        said: list[Ticket] = []
        # While texts are being said, passes are short: whoever reads along does not wait long for a token.
        most, tokens = (PASS_TOKENS // 4 if self._writings else PASS_TOKENS), 0
        full: set[str] = set()
        room = {key: group.reserved for key, group in self._writings.items()}
        with self._lock:
            while True:
                open_ = [name for name, queue in self._queues.items() if queue and name not in full]
                if not open_:
                    break
                name = min(open_, key=lambda name: self._served.get(name, 0.0))
                ticket = self._queues[name][0]
                if ticket.how is None:
                    if scored and tokens + ticket.size > most:
                        full.add(name)
                        continue
                    tokens += ticket.size
                    scored.append(ticket)
                else:
                    key = _group_of(ticket)
                    texts, longest = room.get(key, (0, 0))
                    with_it = (texts + ticket.texts, max(longest, ticket.size))
                    others = sum(n * size for other, (n, size) in room.items() if other != key)
                    if any(n for n, _ in room.values()) and others + with_it[0] * with_it[1] > self._tokens:
                        full |= {name for name in open_ if self._queues[name][0].how is not None}  # first come
                        continue
                    room[key] = with_it
                    said.append(ticket)
                self._queues[name].popleft()
                self._served[name] = self._served.get(name, 0.0) + ticket.size
        return scored, said

    def _score(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            ticket.begun = self._clock()
        try:
            totals = self._runs.passes.scores([t.loaded for t in tickets], [t.row for t in tickets])
        except Exception as error:
            if len(tickets) == 1:
                self._end(tickets[0], Failed(error))
            else:  # whose fault it is shows when each is alone
                for ticket in tickets:
                    self._score([ticket])
            return
        for ticket, total in zip(tickets, totals, strict=True):
            bound = ticket.loaded.bound
            try:
                end: Answered | Failed = Answered(bound.kind.prediction(bound, ticket.example, ticket.row, total))
            except Exception as error:
                end = Failed(error)
            self._end(ticket, end)

    def _take_in(self, ticket: Ticket) -> None:
        assert ticket.how is not None
        ticket.begun = self._clock()
        key = _group_of(ticket)
        if key not in self._writings:
            member = ticket.loaded.members[0]
            self._writings[key] = _Group(member.backbone, self._runs.pretrained.tokenizer, ticket.how.ends)
        settings, constraint = self._runs.sought(ticket.how.settings, ticket.how.ends)
        ask = Ask(
            Row(ticket.row.ids), settings, ticket.how.most, constraint, ticket.how.lead, ticket.request.top_logprobs
        )
        self._writings[key].new[ticket] = ask

    def _say(self, group: _Group) -> None:
        """One token of each text of a group."""
        try:
            events = group.writing.step()
        except Exception as error:
            if len(group.tickets) == 1:
                self._fail([(ticket, error) for ticket in group.tickets.values()])
                group.tickets = {}
            else:  # each begins again alone; what was told already is not told again
                for ticket in group.tickets.values():
                    self._writings[ticket] = alone = _Group(group.backbone, group.tokenizer, group.ends)
                    alone.new[ticket] = group.asks[id(ticket)]
                group.tickets = {}
            return
        decode = self._runs.pretrained.tokenizer.decode
        for event in events:
            ticket = group.tickets[event.row]
            assert ticket.how is not None
            stops = ticket.how.settings.stop

            def of(answer: int, ticket: Ticket = ticket, stops: Sequence[str] = stops) -> Pieces:
                def text(ids: Sequence[int]) -> str:
                    return str(decode(list(ids), skip_special_tokens=True))

                return ticket.pieces.setdefault(answer, Pieces(answer, text, stops))

            if isinstance(event, Token):
                ticket.first = ticket.first or self._clock()
                ticket.answer_tokens += 1
                piece = of(event.answer).after(event) if ticket.tell else None
                if piece is not None:
                    self._tell(ticket, piece)
                continue
            ticket.answer_tokens = sum(len(written.ids) for written in event.answers)
            if ticket.tell:
                for answer, written in enumerate(event.answers):
                    self._tell(ticket, of(answer).rest(written))
            del group.tickets[event.row]
            self._end(ticket, Answered(ticket.loaded.bound.kind.said(ticket.row, event.answers)))

    def _fail(self, failures: Iterable[tuple[Ticket, Exception]]) -> None:
        for ticket, error in failures:
            self._end(ticket, Failed(error))

    def _end(self, ticket: Ticket, end: Answered | Failed) -> None:
        ticket.ended = self._clock()
        if isinstance(end, Answered):
            ticket.first = ticket.first or ticket.ended
        ticket.end = end
        self._tell(ticket, end)

    def _tell(self, ticket: Ticket, event: Event) -> None:
        if ticket.tell is None:
            return
        try:
            ticket.tell(event)
        except Exception:  # whoever listens is gone, or at fault
            _log.exception("a listener failed; its request is taken back")
            ticket.tell, ticket.cancelled = None, True


class _Group:
    """Texts that share passes, as their backbone and the tokens that end them are the same."""

    def __init__(self, backbone: Any, tokenizer: Any, ends: tuple[int, ...]) -> None:
        self.backbone, self.tokenizer, self.ends = backbone, tokenizer, ends
        self.writing = Writing(backbone, tokenizer, ends)
        self.tickets: dict[Hashable, Ticket] = {}  # being said
        self.asks: dict[int, Ask] = {}
        self.new: dict[Ticket, Ask] = {}  # to be taken in

    @property
    def reserved(self) -> tuple[int, int]:
        """Texts, and tokens of the longest that there may be."""
        own = [*self.tickets.values(), *self.new]
        return sum(ticket.texts for ticket in own), max((ticket.size for ticket in own), default=0)

    def admit(self, passes: Passes) -> list[tuple[Ticket, Exception]]:
        """Read the rows of what is new; what could not be read."""
        new, self.new = self.new, {}
        failures = []
        try:
            self._admit(new, passes)
        except Exception as error:
            if len(new) == 1:
                return [(next(iter(new)), error)]
            for ticket, ask in new.items():
                try:
                    self._admit({ticket: ask}, passes)
                except Exception as its_own:
                    failures.append((ticket, its_own))
        return failures

    def _admit(self, new: dict[Ticket, Ask], passes: Passes) -> None:
        state, places = passes.before([ticket.loaded.members[0] for ticket in new])
        placed: dict[Hashable, Ask] = {
            id(ticket): replace(ask, row=replace(ask.row, prompt=k))
            for (ticket, ask), k in zip(new.items(), places, strict=True)
        }
        self.writing.admit(placed, state)
        self.tickets |= {id(ticket): ticket for ticket in new}
        self.asks |= {id(ticket): ask for ticket, ask in new.items()}

    def drop(self, tickets: Sequence[Ticket]) -> None:
        """Take texts out."""
        gone = {id(ticket) for ticket in tickets}
        if gone:
            self.writing.drop(gone)
            self.tickets = {key: ticket for key, ticket in self.tickets.items() if key not in gone}


def _group_of(ticket: Ticket) -> Hashable:
    assert ticket.how is not None
    return ticket.loaded.members[0].passes_with, ticket.how.ends


def _over(ticket: Ticket, now: float) -> bool:
    return ticket.cancelled or (ticket.deadline is not None and now >= ticket.deadline)


def check_fields(loaded: Loaded, request: Request) -> None:
    """Raise TaskError where a field that the run's template has is missing."""
    template = loaded.bound.template
    given = {*request.fields, template.tagged} if request.tokens else request.fields
    missing = [field for field in template.fields if field not in given]
    if missing:
        raise TaskError(
            f"{request.where}: no field '{missing[0]}'.",
            did_you_mean(missing[0], request.fields) or f"Fields found: {', '.join(request.fields) or 'none'}.",
        )


def _check_fits(loaded: Loaded, request: Request, row: EncodedRow, how: Generating, before: int) -> None:
    """Raise TaskError where an answer could leave the context."""
    backbone = loaded.members[0].backbone
    if backbone.answer_place is not AnswerPlace.BEHIND:
        return
    most = backbone.context - before - len(row.ids)
    if how.most > most:
        raise TaskError(
            f"{request.where}: an answer of {how.most} tokens behind {before + len(row.ids)} does not fit into the "
            f"backbone's context of {backbone.context}.",
            f"Ask for max_tokens of {most} at most." if most > 0 else "Shorten the text.",
        )


def events_of(scheduler: Scheduler, request: Request) -> Iterator[Event]:
    """The events of one request, as they come, of a scheduler that nobody else steps."""
    told: deque[Event] = deque()
    ticket = scheduler.submit(request, tell=told.append)
    try:
        while ticket.end is None:
            scheduler.step()
            while told:
                yield told.popleft()
    finally:
        scheduler.cancel(ticket)
