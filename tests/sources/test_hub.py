"""The hub is asked through the real huggingface_hub, in a process of its own; a small server stands for the hub."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from trimtab.sources.hub import licence_of

COMMIT = "c" * 40
WEIGHTS = bytes(range(256)) * 100_000  # more than two of the chunks in which the hub's client writes (10 MiB)
FILES = {
    "README.md": b"---\nlicense: apache-2.0\n---\n# Tiny\n",
    "config.json": b"{}",
    "model.safetensors": WEIGHTS,
    "tokenizer.json": b"{}",
    "onnx/model.onnx": b"not wanted",
    "pytorch_model.bin": b"not wanted either",
}

ASK = """
import json, sys
from trimtab.errors import TrimtabError
from trimtab.sources import catalogue, find_model
from trimtab.sources.catalogue import HubOrigin, Model
name, pin, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
pins = (("model.safetensors", pin),) if pin else ()
catalogue.MODELS = (Model("tiny", licence="MIT", hub=HubOrigin("org/tiny", "c" * 40, pins)),)
for _ in range(options.pop("times", 1)):
    try:
        found = find_model(name, **options)
        print(json.dumps([found.origin, found.licence, str(found.path)]))
    except TrimtabError as error:
        print(json.dumps(str(error)))
"""


class Hub:
    """What the server gives, and what it was asked."""

    def __init__(self) -> None:
        self.files = dict(FILES)
        self.status = 200
        self.gated = False
        self.cut = ""  # a file whose transfer breaks off half way, once
        self.status_after_cut = 200
        self.asked: list[str] = []


def handler(hub: Hub) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            hub.asked.append(f"{self.command} {path}")
            if hub.status != 200:
                self.answer(hub.status, b"{}")
            elif path.startswith("/api/models/org/tiny/tree/"):
                self.answer(200, json.dumps([entry(name, hub.files[name]) for name in hub.files]).encode())
            elif path.startswith("/api/models/org/tiny"):
                siblings = [{"rfilename": name, "size": len(content)} for name, content in hub.files.items()]
                body = {"id": "org/tiny", "sha": COMMIT, "siblings": siblings, "tags": [], "private": False}
                self.answer(200, json.dumps(body).encode())
            elif path.startswith("/org/tiny/resolve/") and hub.gated:
                self.answer(403, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted."})
            elif path.startswith("/org/tiny/resolve/"):
                self.give(path.split("/", 5)[5])
            else:
                self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

        def give(self, name: str) -> None:
            content = hub.files[name]
            kind = hashlib.sha256 if name == "model.safetensors" else hashlib.sha1
            headers = {"ETag": f'"{kind(FILES[name]).hexdigest()}"', "X-Repo-Commit": COMMIT}
            begin = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
            if self.command == "GET" and hub.cut == name:
                hub.cut = ""
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                hub.status = hub.status_after_cut
                self.connection.close()
            elif begin:
                headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
                hub.asked[-1] += f" from {begin}"
                self.answer(206, content[begin:], headers)
            else:
                self.answer(200, content, headers)

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    return Handler


def entry(name: str, content: bytes) -> dict[str, object]:
    return {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(hub))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "TRIMTAB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path / "cache"))
    yield hub
    server.shutdown()
    server.server_close()


def ask(name: str, pin: str = "", **options: object) -> list[object]:
    """Ask for a model in a process of its own; return its answers: [origin, licence, path], or an error's text."""
    command = [sys.executable, "-c", ASK, name, pin, json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_hub_id(hub: Hub) -> None:
    [[origin, licence, path]] = ask("org/tiny")  # type: ignore[misc]
    assert (origin, licence) == ("hub:org/tiny", "MIT")  # known by its catalogue entry, whose licence counts
    folder = Path(path)
    assert sorted(file.name for file in folder.iterdir()) == [
        "README.md", "config.json", "model.safetensors", "tokenizer.json"
    ]  # fmt: skip
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    hub.asked.clear()
    assert ask("org/tiny") == ask("tiny", offline=True, verify=True) == [[origin, licence, path]]
    assert hub.asked == []


def test_pinned_checksum(hub: Hub) -> None:
    hub.files["model.safetensors"] = WEIGHTS[:-1] + b"!"
    found, pin = (hashlib.sha256(content).hexdigest() for content in (hub.files["model.safetensors"], WEIGHTS))
    assert ask("tiny", pin) == [
        f"org/tiny/model.safetensors: its SHA-256 is {found}, expected {pin}. It was removed; fetch it again."
    ]
    assert "tiny is not in the cache" in str(ask("tiny", pin, offline=True)[0])
    hub.files["model.safetensors"] = WEIGHTS
    [[_, _, path]] = ask("tiny", pin)  # type: ignore[misc]
    assert (Path(path) / "model.safetensors").read_bytes() == WEIGHTS


def test_broken_transfer_goes_on_where_it_stopped(hub: Hub) -> None:
    hub.cut = "model.safetensors"
    [[_, _, path]] = ask("tiny")  # type: ignore[misc]
    assert (Path(path) / "model.safetensors").read_bytes() == WEIGHTS
    resumed = [line for line in hub.asked if "from" in line]
    assert resumed == [f"GET /org/tiny/resolve/{COMMIT}/model.safetensors from {10 * 2**20}"]


def test_hub_that_goes_away_in_the_middle(hub: Hub) -> None:
    hub.cut, hub.status_after_cut = "model.safetensors", 503
    assert str(ask("tiny")[0]).startswith("tiny could not be fetched: the hub did not give org/tiny (")
    assert "tiny is not in the cache" in str(ask("tiny", offline=True)[0])
    hub.status = 200
    hub.asked.clear()
    [[_, _, path]] = ask("tiny")  # type: ignore[misc]
    assert (Path(path) / "model.safetensors").read_bytes() == WEIGHTS
    assert f"GET /org/tiny/resolve/{COMMIT}/model.safetensors" in hub.asked
    assert f"GET /org/tiny/resolve/{COMMIT}/config.json" not in hub.asked  # it was whole already


def test_unknown_model(hub: Hub) -> None:
    assert ask("org/other") == [
        "org/other could not be fetched: the hub has no model org/other, or it is private. Check the name, or log in "
        "with `hf auth login`. A local folder or .gguf file of the model does as well."
    ]


def test_gated_model(hub: Hub) -> None:
    hub.gated = True
    assert ask("tiny") == [
        "tiny could not be fetched: the hub gives org/tiny only to those who agreed to its terms on its page and "
        "logged in. Agree there, then log in with `hf auth login`. A local folder or .gguf file of the model does as "
        "well."
    ]


def test_model_without_safetensors(hub: Hub) -> None:
    del hub.files["model.safetensors"]
    assert ask("tiny") == [
        "org/tiny: the hub has no model there that can be read. Models are read as config.json, *.safetensors and a "
        "tokenizer; convert it to these, or use a .gguf file."
    ]


def test_unreachable_hub_is_asked_once_a_process(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    first, second = ask("org/other", times=2)
    assert first == second
    assert first == (
        "org/other could not be fetched: the hub (127.0.0.1:9) could not be reached ([Errno 111] Connection refused). "
        "Check the network. A local folder or .gguf file of the model does as well."
    )


def test_silent_hub_is_given_up_within_seconds(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket
    import time

    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        [answer] = ask("org/other")
    assert "could not be reached" in str(answer)
    assert time.monotonic() - start < 20  # of which 3 seconds are waiting, the rest is starting Python


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        (b"---\nlanguage: en\nlicense: apache-2.0\n---\n# Tiny\n", "apache-2.0"),
        (b"---\r\nlicense: 'cc-by-4.0'  # ours\r\n---\r\n", "cc-by-4.0"),
        (b"\xef\xbb\xbf---\nlicense:\n- mit\n- other\n---\n", "mit, other"),
        (b"---\nlicense: null\n---\n", ""),
        (b"---\nlanguage: en\n---\nlicense: mit\n", ""),
        (b"# Tiny\n", ""),
        (b"---\n- license\n---\n", ""),
        (b"---\nlicense: [mit\n---\n", ""),
        (b"---\nlicense: \xff\n---\n", ""),
        (None, ""),
    ],
)
def test_the_licence_that_a_card_states(tmp_path: Path, card: bytes | None, licence: str) -> None:
    if card is not None:
        (tmp_path / "README.md").write_bytes(card)
    assert licence_of(tmp_path) == licence
