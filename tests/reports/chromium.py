"""A headless Chromium spoken to over a pipe (Chrome DevTools Protocol): real clicks, keys, media, measures."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from needs import BROWSER

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe"
)
# Chromium listens on file descriptor 3 and speaks on 4.
START = "import os, sys; a, b, *c = sys.argv[1:]; os.dup2(int(a), 3); os.dup2(int(b), 4); os.execv(c[0], c)"


class Chromium:
    """One page in a browser of its own. `requests` and `messages` are what the page asked for and said."""

    def __init__(self, profile: Path) -> None:
        hears, speaks = os.pipe()
        back, says = os.pipe()
        theirs = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (hears, says)]
        started = [sys.executable, "-c", START, *map(str, theirs), str(BROWSER), *FLAGS.split()]
        self.process = subprocess.Popen(
            [*started, f"--user-data-dir={profile}", "about:blank"], pass_fds=theirs, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for end in (hears, says, *theirs):
            os.close(end)
        self.out, self.back = os.fdopen(speaks, "wb", buffering=0), os.fdopen(back, "rb", buffering=0)
        self.rest, self.number, self.session = b"", 0, ""
        self.requests: list[str] = []
        self.messages: list[str] = []
        self.loaded = False
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.out.close()
        self.back.close()

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol and return its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.out.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            read = os.read(self.back.fileno(), 1 << 16)
            assert read, "the browser has gone"
            self.rest += read
        first, self.rest = self.rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(first)
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            case "Log.entryAdded" | "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.messages.append(json.dumps(message["params"]))
            case "Page.loadEventFired":
                self.loaded = True
        return message

    def open(self, page: Path | str, *, width: int, scheme: str = "light", script: bool = True) -> None:
        """Open a file or address so many CSS pixels wide, in a light or a dark scheme, with or without scripts."""
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.media(scheme)
        self.requests, self.messages, self.loaded = [], [], False
        self.call("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        while not self.loaded:
            self._read()

    def media(self, scheme: str = "light", kind: str = "") -> None:
        """Set the colour scheme, and with `print` the medium."""
        self.call(
            "Emulation.setEmulatedMedia", media=kind, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )

    def ask(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """Click the middle of an element with the mouse."""
        x, y = self.ask(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); "
            "e.scrollIntoView({block: 'center'}); "
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def key(self, name: str, text: str = "") -> None:
        """Press a key and let it go."""
        codes = {"Tab": 9, "Enter": 13, " ": 32}
        common = {"key": name, "code": "Space" if name == " " else name, "windowsVirtualKeyCode": codes[name]}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)
