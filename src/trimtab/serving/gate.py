"""What every request passes first: its id, who asks and how often, how much comes, and what is logged of it.

Knows nothing about tasks or answers.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import HTTPException

from trimtab.serving.figures import Figures
from trimtab.serving.keys import Key, Keyring, Scope
from trimtab.serving.limits import Limits
from trimtab.serving.logs import LOG, say
from trimtab.serving.problems import Problem

ScopeOf = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[ScopeOf, Receive, Send], Awaitable[None]]

_ID = re.compile(r"[\w.:-]{1,128}")
# What anybody may ask: whether the server lives, and the page, which holds nothing of anybody's.
_OPEN = re.compile(r"/(healthz|readyz|openapi\.json|page/[\w.-]+)?")
_CHANGES = ("PUT", "DELETE", "POST", "PATCH")
# Keys whose rates are remembered; anything else would be somebody's way to fill the memory.
_MOST_BUCKETS = 10_000
SECURE = (
    (b"content-security-policy", b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
     b"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)  # fmt: skip


@dataclass
class Flow:
    """What goes on in a server.

    Attributes:
        draining: whether it takes nothing new, as it is about to stop.
        busy: requests being answered.
    """

    draining: bool = False
    busy: int = 0


@dataclass
class _Bucket:
    """A rate: so many requests are left now."""

    left: float
    at: float

    def take(self, rate: float, now: float) -> float:
        """Take one; 0, or the seconds until there is one."""
        most = max(1.0, rate)
        self.left, self.at = min(most, self.left + (now - self.at) * rate), now
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) / rate


@dataclass
class _Answer:
    """What is known of an answer as it is sent."""

    status: int = 0
    complete: bool = False


@dataclass
class Gate:
    """ASGI middleware.

    Attributes:
        app: what answers.
        limits: how much is taken.
        figures: told of each request.
        flow: shared with whoever stops the server.
        keyring: who may ask; None for everybody, by names of this machine only.
        clock: tells seconds.
    """

    app: App
    limits: Limits
    figures: Figures
    flow: Flow
    keyring: Keyring | None
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    async def __call__(self, scope: ScopeOf, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get(b"x-request-id", "")
        request_id = given if _ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"
        facts: dict[str, object] = {}
        scope.setdefault("state", {})["facts"] = facts
        begun, answer = self.clock(), _Answer()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                kept = [pair for pair in message.get("headers", []) if pair[0] != b"server"]
                message["headers"] = [*kept, (b"x-request-id", request_id.encode()), *SECURE]
            elif message["type"] == "http.response.body" and not message.get("more_body"):
                answer.complete = True
            await send(message)

        self.flow.busy += 1
        try:
            key = self._admitted(scope, headers)
            if key:
                facts["key"] = key.name
            await self.app(scope, self._bounded(scope, headers, receive), sending)
        except Problem as problem:
            await problem.response()(scope, receive, sending)
        except Exception:
            LOG.exception("a request failed", extra={"facts": {"request_id": request_id}})
            if not answer.status:
                await Problem(500, "Something went wrong here; the server's log says what.").response()(
                    scope, receive, sending
                )
        finally:
            self.flow.busy -= 1
            route = getattr(scope.get("route"), "path", "other")
            self.figures.request(scope["method"], route, answer.status)
            say(
                "request", level=logging.DEBUG if _OPEN.fullmatch(scope["path"]) else logging.INFO,
                request_id=request_id, method=scope["method"], path=route, status=answer.status,
                complete=answer.complete, seconds=round(self.clock() - begun, 4),
                client=(scope.get("client") or ["?"])[0], **facts,
            )  # fmt: skip

    def _admitted(self, scope: ScopeOf, headers: dict[bytes, str]) -> Key | None:
        """Who asks. Raises Problem where they may not, or not now."""
        path, method = scope["path"], scope["method"]
        self._check_origin(headers, method)
        if _OPEN.fullmatch(path):
            return None
        key = None
        if self.keyring is not None:
            kind, _, secret = headers.get(b"authorization", "").partition(" ")
            key = self.keyring.find(secret.strip()) if kind.lower() == "bearer" else None
            if key is None:
                message = (
                    "No key, or one that is none. Send `authorization: Bearer tt-...`; `trimtab keys add` makes one."
                )
                raise Problem(401, message, code="invalid_api_key")
            needed: Scope = "manage" if path.startswith("/v1/tasks/") and method in ("PUT", "DELETE") else "predict"
            if path != "/metrics" and needed not in key.scopes:
                message = f"The key '{key.name}' is not good for this; it would need the scope '{needed}'."
                raise Problem(403, message, code="insufficient_scope")
        if self.flow.draining:
            raise Problem(503, "The server is stopping and takes nothing new.", code="stopping", retry=1.0)
        if path != "/metrics":
            self._check_rate(key, (scope.get("client") or ["?"])[0])
        return key

    def _check_origin(self, headers: dict[bytes, str], method: str) -> None:
        """Refuse what another site's page lets a browser ask."""
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        if self.keyring is None and _name(host) not in ("localhost", "127.0.0.1", "[::1]", ""):
            message = f"'{_name(host)}' is no name of this machine, and without keys only it may ask."
            raise Problem(421, message, code="misdirected")
        if origin is not None and method in _CHANGES and origin.partition("://")[2] != host:
            raise Problem(403, "Another site's page asks this.", code="cross_origin")

    def _check_rate(self, key: Key | None, client: str) -> None:
        rate = (key.rate if key else None) or self.limits.rate
        if rate is None:
            return
        name, now = f"key {key.name}" if key else f"client {client}", self.clock()
        if name not in self._buckets:
            if len(self._buckets) >= _MOST_BUCKETS:
                self._buckets.clear()
            self._buckets[name] = _Bucket(max(1.0, rate), now)
        wait = self._buckets[name].take(rate, now)
        if wait:
            raise Problem(429, f"More than {rate:g} requests a second.", code="rate_limit_exceeded", retry=wait)

    def _bounded(self, scope: ScopeOf, headers: dict[bytes, str], receive: Receive) -> Receive:
        """The same bytes, as many as may come and as long as they may take."""
        upload = scope["method"] == "PUT" and scope["path"].startswith("/v1/tasks/")
        most = self.limits.upload if upload else self.limits.body
        too_large = HTTPException(413, f"The body has more than {most:,} bytes.")
        said = headers.get(b"content-length", "")
        if said.isdecimal() and int(said) > most:
            raise Problem(413, str(too_large.detail), code="too_large")
        size, whole, ends = 0, False, self.clock() + self.limits.body_seconds

        async def receiving() -> Message:
            nonlocal size, whole
            if whole:  # what comes now is that the client has gone
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(0.001, ends - self.clock()))
            except TimeoutError:
                raise HTTPException(408, f"The body took more than {self.limits.body_seconds:g} seconds.") from None
            size += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if size > most:
                raise too_large
            return message

        return receiving


def _name(host: str) -> str:
    """A host without its port."""
    return re.sub(r":\d+$", "", host).lower()
