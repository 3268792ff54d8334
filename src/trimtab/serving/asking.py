"""Rows asked for by a request of HTTP: as long as its client is there, no longer. Knows nothing about their form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, TypeVar

from fastapi import Request as HttpRequest

from trimtab.errors import TrimtabError
from trimtab.inference.request import Request
from trimtab.inference.tickets import Event
from trimtab.kinds.prediction import Prediction
from trimtab.serving.problems import Problem
from trimtab.serving.served import Host, ServedTask
from trimtab.serving.worker import Asked

T = TypeVar("T")


class GoneError(Problem):
    """The client has gone; nobody reads what is answered."""

    def __init__(self) -> None:
        super().__init__(499, "The client has gone.", code="client_gone")


async def while_there(http: HttpRequest, work: Coroutine[Any, Any, T]) -> T:
    """What `work` comes to. Raises GoneError, and breaks the work off, where the client goes before."""
    doing, going = asyncio.ensure_future(work), asyncio.ensure_future(_gone(http))
    try:
        await asyncio.wait({doing, going}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        raise GoneError
    finally:
        for one in (doing, going):
            one.cancel()
        await asyncio.gather(doing, going, return_exceptions=True)


async def _gone(http: HttpRequest) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass


async def answers(
    pairs: Sequence[tuple[ServedTask, Request | TrimtabError]], seconds: float
) -> list[tuple[Asked | None, Prediction | Exception]]:
    """Answers to rows of whatever tasks, in order: the row as it was taken, and its answer or what went wrong.

    Raises:
        QueueFullError: too many wait; none was taken.
    """
    taken: dict[int, Asked | TrimtabError] = {
        i: one for i, (_, one) in enumerate(pairs) if isinstance(one, TrimtabError)
    }
    hosts: dict[Host, list[int]] = {}
    for i, (task, _) in enumerate(pairs):
        if i not in taken:
            hosts.setdefault(task.host, []).append(i)
    try:
        for host, own in hosts.items():
            requests = [one for i in own if isinstance(one := pairs[i][1], Request)]
            taken |= dict(zip(own, await host.worker.ask(requests, seconds), strict=True))
        out: list[tuple[Asked | None, Prediction | Exception]] = []
        for i in range(len(pairs)):
            found = taken[i]
            out.append((found, await _answer(found)) if isinstance(found, Asked) else (None, found))
        return out
    finally:
        for host, own in hosts.items():
            host.worker.cancel([taken[i] for i in own if i in taken])


async def _answer(asked: Asked) -> Prediction | Exception:
    try:
        return await asked.answer()
    except Exception as error:
        return error


async def begun(http: HttpRequest, task: ServedTask, requests: Sequence[Request], seconds: float) -> list[Asked]:
    """Rows of one task, taken. Raises the first error, and takes none then."""
    taken = await while_there(http, task.host.worker.ask(requests, seconds))
    wrong = [one for one in taken if isinstance(one, TrimtabError)]
    if wrong:
        task.host.worker.cancel(taken)
        raise wrong[0]
    return [one for one in taken if isinstance(one, Asked)]


async def all_events(task: ServedTask, asked: Sequence[Asked]) -> AsyncIterator[tuple[int, Event]]:
    """What is told of rows, with the number of the row, as it comes; they are taken back where nobody listens on."""
    queue: asyncio.Queue[tuple[int, Event] | None] = asyncio.Queue()

    async def follow(number: int, one: Asked) -> None:
        async for event in one.events():
            await queue.put((number, event))
        await queue.put(None)

    following = [asyncio.ensure_future(follow(number, one)) for number, one in enumerate(asked)]
    try:
        left = len(asked)
        while left:
            told = await queue.get()
            if told is None:
                left -= 1
            else:
                yield told
    finally:
        task.host.worker.cancel(list(asked))
        for one in following:
            one.cancel()
