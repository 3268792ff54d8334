"""Server-sent events: as long as the client is there, with signs of life in silence. Knows no content."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from fastapi.responses import Response

from trimtab.serving.problems import problem_of

# Seconds after which a comment is sent where nothing else was: proxies cut silent connections.
SILENCE = 15.0
DONE = b"data: [DONE]\n\n"


def event(content: object) -> bytes:
    """One event of JSON."""
    return b"data: " + json.dumps(content, ensure_ascii=False).encode("utf-8", "replace") + b"\n\n"


class EventStream(Response):
    """An answer in events.

    Args:
        events: made by `event`; closed where the client goes. What it raises is told as the last event.
        end: what stands behind the last one.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes, None], end: bytes = b"") -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._events, self._end = events, end

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send it."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

        async def put(content: bytes, more: bool = True) -> None:
            nonlocal last
            last = loop.time()
            await send({"type": "http.response.body", "body": content, "more_body": more})

        async def pump() -> None:
            try:
                async for content in self._events:
                    await put(content)
                await put(self._end, more=False)
            except Exception as error:
                await put(event(problem_of(error).body), more=False)

        async def live() -> None:
            while True:
                await asyncio.sleep(max(0.0, last + SILENCE - loop.time()) or SILENCE)
                if loop.time() - last >= SILENCE:
                    await put(b": waiting\n\n")

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        tasks = [asyncio.ensure_future(one()) for one in (pump, gone, live)]
        try:
            await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._events.aclose()
