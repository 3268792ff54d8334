"""A thread that steps a scheduler, and requests that coroutines wait for. Knows nothing about HTTP."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from trimtab.errors import TrimtabError
from trimtab.inference.request import Request
from trimtab.inference.scheduler import Scheduler
from trimtab.inference.tickets import Answered, Event, Failed, QueueFullError, Ticket
from trimtab.kinds.prediction import Prediction
from trimtab.serving.logs import LOG

# Threads that turn texts into tokens; what they do mostly holds the interpreter, so that more are no faster.
READERS = 4


@dataclass(frozen=True)
class Asked:
    """A request that was taken; `events` are told as they come, the last one an `Answered` or `Failed`."""

    ticket: Ticket
    _told: asyncio.Queue[Event]

    async def events(self) -> AsyncIterator[Event]:
        """What is told of it."""
        while True:
            event = await self._told.get()
            yield event
            if isinstance(event, Answered | Failed):
                return

    async def answer(self) -> Prediction:
        """Its answer. Raises what it failed with."""
        async for event in self.events():
            if isinstance(event, Answered):
                return event.prediction
            if isinstance(event, Failed):
                raise event.error
        raise AssertionError("a request ends with an answer or an error")


class Worker:
    """One scheduler, stepped by a thread of its own as long as there is anything to do.

    Args:
        scheduler: takes requests.
        on_end: called, in that thread, with each request that has come to its end.
    """

    def __init__(self, scheduler: Scheduler, on_end: Callable[[Ticket], None] = lambda _: None) -> None:
        self.scheduler, self._on_end = scheduler, on_end
        self._wake, self._stopping = threading.Event(), False
        self._readers = ThreadPoolExecutor(READERS, "trimtab-reader")
        self._thread = threading.Thread(target=self._run, name="trimtab-scheduler", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more, once the step that is being done has ended."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._readers.shutdown(cancel_futures=True)

    @property
    def alive(self) -> bool:
        """Whether requests are answered."""
        return self._thread.is_alive() and not self._stopping

    def _run(self) -> None:
        while not self._stopping:
            try:
                busy = self.scheduler.step()
            except Exception:  # what a request is at fault for is told to it; this is ours
                LOG.exception("a step failed")
                busy = True
                time.sleep(0.1)
            if not busy:
                self._wake.wait()
                self._wake.clear()

    async def ask(self, requests: Sequence[Request], seconds: float) -> list[Asked | TrimtabError]:
        """Hand requests over.

        Args:
            requests: what to answer.
            seconds: after which they are given up.

        Returns:
            Each request as it was taken, or what is wrong with it.

        Raises:
            QueueFullError: too many wait; none of these was taken.
        """
        loop = asyncio.get_running_loop()
        taking = loop.run_in_executor(self._readers, self._take, requests, seconds, loop)
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:  # whoever asked has gone meanwhile
            taking.add_done_callback(lambda done: None if done.exception() else self.cancel(done.result()))
            raise

    def _take(
        self, requests: Sequence[Request], seconds: float, loop: asyncio.AbstractEventLoop
    ) -> list[Asked | TrimtabError]:
        deadline = time.monotonic() + seconds
        taken: list[Asked | TrimtabError] = []
        for request in requests:
            try:
                taken.append(self._submit(request, deadline, loop))
            except QueueFullError:
                self.cancel(taken)
                self._wake.set()
                raise
            except TrimtabError as error:
                taken.append(error)
        self._wake.set()
        return taken

    def _submit(self, request: Request, deadline: float, loop: asyncio.AbstractEventLoop) -> Asked:
        told: asyncio.Queue[Event] = asyncio.Queue()
        asked: list[Asked] = []
        submitted = threading.Event()

        def tell(event: Event) -> None:
            if isinstance(event, Answered | Failed):
                submitted.wait()
                self._on_end(asked[0].ticket)
            loop.call_soon_threadsafe(told.put_nowait, event)

        asked.append(Asked(self.scheduler.submit(request, deadline=deadline, tell=tell), told))
        submitted.set()
        return asked[0]

    def cancel(self, taken: Sequence[Asked | TrimtabError]) -> None:
        """Take back requests that have not come to their end; they leave at the next step."""
        for one in taken:
            if isinstance(one, Asked) and one.ticket.end is None:
                self.scheduler.cancel(one.ticket)
        self._wake.set()
