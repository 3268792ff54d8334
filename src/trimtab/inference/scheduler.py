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
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Protocol

from trimtab.backbones.backbone import AnswerPlace
from trimtab.backbones.layout import Row
from trimtab.backbones.pretrained import Pretrained
from trimtab.data.example import Example
from trimtab.decoding.answer_text import Ask
from trimtab.decoding.constraints import Constraint
from trimtab.decoding.generation import Token
from trimtab.decoding.scoring import PASS_TOKENS
from trimtab.errors import TaskError, did_you_mean
from trimtab.inference.loaded import Loaded
from trimtab.inference.passes import Passes
from trimtab.inference.request import Request
from trimtab.inference.text_group import TextGroup
from trimtab.inference.tickets import Answered, CancelledError, Event, Failed, LateError, QueueFullError, Ticket
from trimtab.prompts import EncodedRow
from trimtab.settings.answers import TextAnswer

_log = logging.getLogger(__name__)


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
        self._writings: dict[Hashable, TextGroup] = {}
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
        cached = loaded.members[0].prompt.length
        read = sum(len(window.ids) for window in row.windows)
        ask: Ask | None = None
        ends: tuple[int, ...] = ()
        if bound.kind.generates:
            how = bound.kind.generating(bound, request.decoding)
            _check_fits(loaded, request, row, how.most, cached)
            settings, constraint = self._runs.sought(how.settings, how.ends)
            ask, ends = Ask(Row(row.ids), settings, how.most, constraint, how.lead, request.top_logprobs), how.ends
        now = self._clock()
        ticket = Ticket(request, deadline, now, cached + read, cached, loaded, example, row, ask, ends, tell)
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
            for group in self._writings.values():
                for ticket, error in group.admit(self._runs.passes) if group.new else ():
                    self._end(ticket, Failed(error))
            talking = list(self._writings.values())
            for group in talking:
                self._say(group)
            self._forget_what_is_done()
            return bool(gone or scored or said or talking)

    def _forget_what_is_done(self) -> None:
        self._writings = {key: group for key, group in self._writings.items() if group.tickets or group.new}
        with self._lock:
            if not self._queues and not self._writings:  # all start alike again
                self._served.clear()

    def _clear_away(self) -> int:
        """End requests that were taken back, or are late."""
        now = self._clock()
        gone: list[Ticket] = []
        with self._lock:
            for name, queue in list(self._queues.items()):
                waiting = list(queue)
                queue.clear()
                for ticket in waiting:
                    (gone if ticket.over(now) else queue).append(ticket)
                if not queue:
                    del self._queues[name]
        for group in self._writings.values():
            late = [ticket for ticket in group.tickets if ticket.over(now)]
            group.drop(late)
            gone += late
        for ticket in gone:
            self._end(ticket, Failed(_why_given_up(ticket, now)))
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
                if ticket.ask is None:
                    if scored and tokens + ticket.size > most:
                        full.add(name)
                        continue
                    tokens += ticket.size
                    scored.append(ticket)
                else:
                    key = ticket.group
                    texts, longest = room.get(key, (0, 0))
                    with_it = (texts + ticket.texts, max(longest, ticket.size))
                    others = sum(n * size for other, (n, size) in room.items() if other != key)
                    if any(n for n, _ in room.values()) and others + with_it[0] * with_it[1] > self._tokens:
                        full |= {name for name in open_ if self._queues[name][0].ask is not None}  # first come
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
        ticket.begun = self._clock()
        group = self._writings.get(ticket.group)
        if group is None:
            member, tokenizer = ticket.loaded.members[0], self._runs.pretrained.tokenizer
            group = self._writings[ticket.group] = TextGroup(member.backbone, tokenizer, ticket.ends)
        group.new.append(ticket)

    def _say(self, group: TextGroup) -> None:
        """One token of each text of a group."""
        try:
            told = group.step()
        except Exception as error:
            if len(group.tickets) == 1:
                [ticket] = group.tickets
                group.drop([ticket])
                self._end(ticket, Failed(error))
            else:  # each begins again alone; what was told already is not told again
                self._writings |= {id(alone): alone for alone in group.apart()}
            return
        for ticket, event in told:
            if isinstance(event, Token):
                ticket.first = self._clock() if ticket.first is None else ticket.first
                ticket.answer_tokens += 1
                piece = ticket.pieces(event.answer, self._read).after(event) if ticket.tell else None
                if piece is not None:
                    self._tell(ticket, piece)
                continue
            ticket.answer_tokens = sum(len(written.ids) for written in event.answers)
            if ticket.tell:
                for answer, written in enumerate(event.answers):
                    self._tell(ticket, ticket.pieces(answer, self._read).rest(written))
            self._end(ticket, Answered(ticket.loaded.bound.kind.said(ticket.row, event.answers)))

    def _read(self, ids: Sequence[int]) -> str:
        return str(self._runs.pretrained.tokenizer.decode(list(ids), skip_special_tokens=True))

    def _end(self, ticket: Ticket, end: Answered | Failed) -> None:
        ticket.ended = self._clock()
        if isinstance(end, Answered) and ticket.first is None:
            ticket.first = ticket.ended
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


def _why_given_up(ticket: Ticket, now: float) -> Exception:
    if ticket.cancelled:
        return CancelledError("the request was taken back.")
    return LateError(
        f"{ticket.request.where}: no answer by the deadline, after {now - ticket.submitted:.1f} s.",
        "Allow more time, or ask for less.",
    )


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


def _check_fits(loaded: Loaded, request: Request, row: EncodedRow, most: int, before: int) -> None:
    """Raise TaskError where an answer could leave the context."""
    backbone = loaded.members[0].backbone
    if backbone.answer_place is not AnswerPlace.BEHIND:
        return
    room = backbone.context - before - len(row.ids)
    if most > room:
        raise TaskError(
            f"{request.where}: an answer of {most} tokens behind {before + len(row.ids)} does not fit into the "
            f"backbone's context of {backbone.context}.",
            f"Ask for max_tokens of {room} at most." if room > 0 else "Shorten the text.",
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
