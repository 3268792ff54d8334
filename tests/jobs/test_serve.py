"""`trimtab serve` as a process: it opens each backbone once, ends what it took when told to stop; what it refuses."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest

import tiny
from serving_runs import wait_until, write_run
from trimtab.backbones.pretrained import Pretrained, load


def ask(port: int, method: str, path: str, body: object = None) -> tuple[int, bytes, http.client.HTTPMessage]:
    """Status, body and headers of an answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers


def test_told_to_stop_it_ends_what_it_took(trimtab, pretrained: Pretrained, tiny_folder: Path, tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "reviews", pretrained, "reviews")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    secret = {"input": "a secret film"}
    long = {"model": "tiny", "prompt": "a", "max_tokens": 128, "n": 3, "temperature": 1, "stream": True}
    found: list[object] = []

    def there() -> bool:
        with suppress(OSError):
            return ask(port, "GET", "/readyz")[0] == 200
        return False

    def client() -> None:
        try:
            wait_until(there, 60)
            found.append(ask(port, "POST", "/v1/tasks/reviews/predict", secret)[0])
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
                connection.request("POST", "/v1/completions", json.dumps(long), {"content-type": "application/json"})
                stream = connection.getresponse()
                stream.readline()
                os.kill(os.getpid(), signal.SIGTERM)
                wait_until(lambda: ask(port, "GET", "/readyz")[0] == 503)
                status, _, headers = ask(port, "POST", "/v1/tasks/reviews/predict", secret)
                found.extend([status, headers["x-should-retry"], stream.read()[-14:]])
        except BaseException as error:
            found.append(error)
            os.kill(os.getpid(), signal.SIGTERM)

    asking = threading.Thread(target=client)
    asking.start()
    code, out, err = trimtab("serve", "--backbone", tiny_folder, "--runs", "runs", "--port", port)
    asking.join()
    assert found == [200, 503, "true", b"data: [DONE]\n\n"]
    assert (code, out) == (0, f"Serving 1 task at http://127.0.0.1:{port}\n")
    assert "secret" not in err
    events = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    asked = [(one["path"], one["status"], one["complete"]) for one in events if one["event"] == "request"]
    assert asked == [
        ("/v1/tasks/{name}/predict", 200, True), ("other", 503, True), ("/v1/completions", 200, True)
    ]  # fmt: skip


def test_keys_are_made_listed_and_removed(trimtab, tmp_path: Path) -> None:
    code, out, err = trimtab("keys", "add", "shop", "--scope", "manage", "--rate", "5")
    assert (code, err) == (0, "This key is shown once; the file holds its hash.\n")
    assert out.startswith("tt-")
    assert trimtab("keys", "list").out.startswith("shop  manage  20")
    assert trimtab("keys", "list").out.endswith("  5/s\n")
    assert trimtab("keys", "remove", "shop") == (0, "", "")
    assert trimtab("keys", "remove", "shop") == (
        2, "", "trimtab: keys.json: no key named 'shop'.\n         There are: none.\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "there is nothing to serve.\n         Name a run, a folder of runs with --runs, or a backbone with "
             "--backbone.\n"),
        (["nothing"], "nothing: not a finished run (no prompt.safetensors).\n         Give the folder `trimtab tune` "
                      "wrote; an interrupted one goes on with `trimtab tune FOLDER --resume`.\n"),
        (["--runs", "nothing"], "nothing: no such folder.\n         Give a folder with --runs.\n"),
        (["run", "--host", "0.0.0.0"], "--host 0.0.0.0 is reached from other machines, and there are no keys.\n"
         "         Make one with `trimtab keys add NAME --key-file keys.json` and give --key-file, or leave --host "
         "out.\n"),
        (["run", "--key-file", "keys.json"], "keys.json: no such file.\n         Make a key with `trimtab keys add "
         "NAME --key-file keys.json`.\n"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_told_before_a_backbone_is_loaded(
    arguments: list[str], message: str, trimtab, pretrained: Pretrained, tmp_path: Path
) -> None:
    write_run(tmp_path / "run", pretrained, "reviews")
    assert trimtab("serve", *arguments) == (2, "", f"trimtab: {message}")


def test_runs_of_two_backbones_are_served_together(
    pretrained: Pretrained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trimtab.jobs import serve as job
    from trimtab.serving.app import Made
    from trimtab.serving.server import Address

    other = load(tiny.save_backbone(tmp_path / "other", seed=3), tmp_path / "cache", name="other", precision="float32")
    by_hash = {one.content_hash: one for one in (pretrained, other)}
    folders = [write_run(tmp_path / "a", pretrained, "reviews"), write_run(tmp_path / "b", other, "stars"),
               write_run(tmp_path / "c", other, "say")]  # fmt: skip
    opened = iter([pretrained, other])
    monkeypatch.setattr(job, "backbone_of", lambda *_, **__: next(opened))
    told = []

    def run(made: Made, address: Address, started: object) -> None:
        told.append({name: (task.host.name, task.origin) for name, task in serving.tasks.items()})
        assert all(task.host.engine.pretrained is by_hash[task.bound.pretrained.content_hash]
                   for task in serving.tasks.values())  # fmt: skip

    made = job.Serving

    def serving_of(*arguments: object, **named: object) -> object:
        nonlocal serving
        serving = made(*arguments, **named)  # type: ignore[arg-type]
        return serving

    serving = made(job.Limits())
    monkeypatch.setattr(job, "Serving", serving_of)
    monkeypatch.setattr(job.server, "run", run)
    job.run(job.Wanted(folders), lambda url, tasks: None)
    assert told == [{"a": ("tiny", "named"), "b": ("other", "named"), "c": ("other", "named")}]
    assert threading.active_count() < 20
