"""A server on a socket: it starts, tells its address, and stops once what it took is answered. Knows no tasks."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from trimtab.errors import TrimtabError
from trimtab.serving.app import Made
from trimtab.serving.logs import say


@dataclass(frozen=True)
class Address:
    """Where a server listens.

    Attributes:
        host: a name or number of this machine.
        port: 0 for any that is free.
        certificate, private_key: files for TLS; None for none.
        grace: seconds that requests which were taken have to end where the server is told to stop.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    certificate: Path | None = None
    private_key: Path | None = None
    grace: float = 30.0


def check_address(address: Address, keys: bool) -> None:
    """Check that no address that others reach is listened at without keys.

    Raises:
        TrimtabError: it is reached from elsewhere, and there are no keys.
    """
    if keys or is_loopback(address.host):
        return
    raise TrimtabError(
        f"--host {address.host} is reached from other machines, and there are no keys.",
        "Make one with `trimtab keys add NAME --key-file keys.json` and give --key-file, or leave --host out.",
    )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class _Server(uvicorn.Server):
    """A server that, told to stop, first lets what it took come to its end, and refuses the rest.

    Args:
        config: of uvicorn.
        made: the application.
        grace: seconds that there are for it.
        started: called with the port.
    """

    def __init__(self, config: uvicorn.Config, made: Made, grace: float, started: Callable[[int], None]) -> None:
        super().__init__(config)
        self._flow, self._grace, self._started = made.flow, grace, started
        self._draining_since: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if sockets:
            self._started(sockets[0].getsockname()[1])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop once what was taken is answered; told again, at once."""
        if self._flow.draining:
            self.should_exit = self.force_exit = True
        self._flow.draining = True

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop, asked ten times a second."""
        stop = await super().on_tick(counter)
        if not self._flow.draining:
            return stop
        if self._draining_since is None:
            self._draining_since = time.monotonic()
            say("stopping", requests=self._flow.busy)
        return stop or not self._flow.busy or time.monotonic() - self._draining_since >= self._grace


def run(made: Made, address: Address, started: Callable[[str], None]) -> None:
    """Serve until told to stop (SIGTERM, SIGINT).

    Args:
        made: the application.
        address: where.
        started: called with the URL once requests are answered.

    Raises:
        TrimtabError: the address cannot be listened at, or the files for TLS cannot be read.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address.host.strip("[]"), address.port))
    except OSError as error:
        listening.close()
        raise TrimtabError(
            f"{address.host}:{address.port} cannot be listened at ({error.strerror}).",
            "Choose another --port or --host.",
        ) from None
    config = uvicorn.Config(
        made.app, log_config=None, access_log=False, lifespan="off", server_header=False, date_header=True,
        ssl_certfile=address.certificate, ssl_keyfile=address.private_key, timeout_graceful_shutdown=1,
        ws="none", h11_max_incomplete_event_size=1 << 16,
    )  # fmt: skip
    scheme = "https" if address.certificate else "http"
    shown = f"[{address.host}]" if ":" in address.host.strip("[]") else address.host
    try:
        config.load()
    except (OSError, ValueError) as error:
        listening.close()
        raise TrimtabError(f"the files for TLS cannot be read ({error}).", "Check --tls-cert and --tls-key.") from None
    server = _Server(config, made, address.grace, lambda port: started(f"{scheme}://{shown}:{port}"))
    with listening:
        server.run(sockets=[listening])
