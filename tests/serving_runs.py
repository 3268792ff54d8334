"""Runs of every kind of answer on the tiny backbone, a server of them on a real socket, and what is asked of it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters import moved_run
from trimtab.backbones.pretrained import Pretrained
from trimtab.runs.run import Run, save_run
from trimtab.serving.app import Made, make_app
from trimtab.serving.keys import Keyring
from trimtab.serving.limits import Limits
from trimtab.serving.served import Serving
from trimtab.serving.server import Address, run
from trimtab.serving.store import Store
from trimtab.serving.uploads import take_up_again
from trimtab.settings.file import make_task

SOFT = {"name": "soft_prompt", "length": 3, "init": "random"}
WORDS = {"negative": ["bad"], "positive": ["good"]}
CHINESE = {"好评": ["好吃"], "差评": ["难吃"]}
TEXT = {"kind": "text", "max_tokens": 8}
PAIR = {"text": "{premise} / {hypothesis}{answer}"}
# Settings of a task, and its words, for each kind of answer.
TASKS: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "reviews": ({"labels": WORDS, "task": "is the film good ?"}, WORDS),
    "点评": ({"labels": CHINESE}, CHINESE),
    "pairs": ({"labels": WORDS, "template": PAIR}, WORDS),
    "topics": ({"answer": {"kind": "multilabel", "thresholds": 0.5}, "method": "head"}, {"film": [], "food": []}),
    "stars": ({"answer": {"kind": "number", "mean": 3.0, "sd": 1.0}, "method": "head"}, {}),
    "names": ({"answer": {"kind": "tags", "tags": ["O", "B-PER", "I-PER"]}, "method": "head",
               "data": {"label": "tags"}, "template": {"text": "Text: {tokens}"}}, {}),
    "answers": ({"answer": {"kind": "span", "longest": 5, "threshold": 0.0}, "method": "head"}, {}),
    "which": ({"answer": {"kind": "choice", "options": "options"}}, {}),
    "say": ({"answer": TEXT}, {}),
    "talk": ({"answer": TEXT, "template": {"text": "{messages}{answer}"}}, {}),
}  # fmt: skip


def made_run(pretrained: Pretrained, name: str, seed: int = 1) -> Run:
    """A seeded run of one of `TASKS`."""
    settings, words = TASKS[name]
    return moved_run(pretrained, make_task({"backbone": "tiny", "method": SOFT, **settings}), words, seed)


def write_run(folder: Path, pretrained: Pretrained, name: str, seed: int = 1) -> Path:
    """Such a run as a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_run(folder, made_run(pretrained, name, seed))
    return folder


class Served:
    """A server in this process, and a client of it.

    Attributes:
        url: where it is.
        made: the application.
        serving: what it answers for.
        store: where it keeps uploads.
    """

    def __init__(self, serving: Serving, made: Made, url: str, store: Path | None) -> None:
        self.serving, self.made, self.url, self.store = serving, made, url, store
        self.port = int(url.rpartition(":")[2])

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, body and headers of an answer; a body that is no bytes is sent as JSON, and one of JSON is read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = {} if sent is None else {"content-type": "application/json"}
        connection.request(method, path, sent, {**kind, **(headers or {})})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        told = {name.lower(): value for name, value in answer.getheaders()}
        is_json = told.get("content-type", "").startswith("application/json")
        return answer.status, json.loads(content) if is_json else content, told


@contextmanager
def server(
    pretrained: Pretrained, names: Any = tuple(TASKS), *, store: Path | None = None, keys: Path | None = None,
    limits: Limits | None = None, texts: bool = False, take_up: bool = False,
) -> Iterator[Served]:  # fmt: skip
    """A server of tasks on a free port of this machine."""
    serving = Serving(limits or Limits())
    serving.host(pretrained)
    for name in names:
        serving.add(name, made_run(pretrained, name), "named")
    kept = Store(store) if store else None
    if take_up and kept is not None:
        assert take_up_again(serving, kept) == []
    made = make_app(serving, store=kept, keyring=Keyring(keys) if keys else None, texts=texts)
    told: list[str] = []
    there = threading.Event()

    def started(url: str) -> None:
        told.append(url)
        there.set()

    thread = threading.Thread(target=run, args=(made, Address(port=0), started), daemon=True)
    thread.start()
    assert there.wait(20)
    try:
        yield Served(serving, made, told[0], store)
    finally:
        made.stop()
        thread.join(20)
        serving.stop()
        assert not thread.is_alive()


def wait_until(true: Any, seconds: float = 10.0) -> None:
    """Wait until something is the case, and no longer than it should take."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)
