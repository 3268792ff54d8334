"""What passes a server's gate: bodies as large and as slow as may be, ids, and what is logged of each request."""

from __future__ import annotations

import json
import logging
import socket
from typing import Any

import pytest

from serving_runs import Served, server
from trimtab.backbones.pretrained import Pretrained
from trimtab.serving.limits import Limits
from trimtab.serving.logs import JsonLines

HEAD = b"POST /v1/tag HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n"


def raw(served: Served, *parts: bytes) -> tuple[int, Any]:
    """Status and JSON of the answer to bytes as they are; the connection stays open until it is there."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as client:
        for part in parts:
            client.sendall(part)
        received = b""
        while more := client.recv(65_536):
            received += more
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body) if body else None


def test_a_body_that_does_not_say_its_size_is_counted(served: Served) -> None:
    sizes = [60_000] * 8 + [20_001]  # no more than is read: what is left unread may cut the answer off
    chunks = b"".join(b"%x\r\n%s\r\n" % (size, b"a" * size) for size in sizes)
    status, told = raw(served, HEAD + b"transfer-encoding: chunked\r\n\r\n", chunks)
    assert (status, told["error"]["message"]) == (413, "The body has more than 500,000 bytes.")


def test_a_body_that_does_not_come_is_not_waited_for(pretrained: Pretrained) -> None:
    with server(pretrained, ["reviews"], limits=Limits(body_seconds=0.05)) as served:
        status, told = raw(served, HEAD + b"content-length: 20\r\n\r\n", b'{"input"')
        assert (status, told["error"]["code"]) == (408, "slow_body")


def test_what_is_no_http_is_refused_and_others_are_answered_still(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        assert client.recv(65_536).startswith(b"HTTP/1.1 400 ")
    assert served.ask("GET", "/healthz")[:2] == (200, b"ok\n")


@pytest.mark.parametrize(("given", "kept"), [("mine-1", True), ("a\tb", False), ("x" * 200, False)])
def test_an_id_of_the_clients_is_kept_where_it_is_one(given: str, kept: bool, served: Served) -> None:
    _, _, headers = served.ask("GET", "/v1/tasks", headers={"x-request-id": given})
    assert (headers["x-request-id"] == given) is kept


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The last lines as they are written."""
    return [json.loads(JsonLines().format(record)) for record in caplog.records if record.message == "request"]


@pytest.mark.parametrize("texts", [False, True])
def test_inputs_and_answers_are_logged_where_that_is_asked_for(
    texts: bool, pretrained: Pretrained, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.INFO, "trimtab.serving"),
        server(pretrained, ["reviews", "say"], texts=texts) as served,
    ):
        chat = {"model": "say", "messages": [{"role": "user", "content": "secret"}]}
        answers = [
            served.ask("POST", "/v1/tasks/reviews/predict", {"input": "secret\n\x1b[31m"}),
            served.ask("POST", "/v1/chat/completions", chat),
            served.ask("POST", "/v1/tag", {"input": "secret"}),
            served.ask("POST", "/v1/embeddings", {"model": "tiny", "input": "secret"}),
        ]  # fmt: skip
    assert [status for status, _, _ in answers] == [200] * 4
    lines = logged(caplog)
    assert [line["path"] for line in lines] == [
        "/v1/tasks/{name}/predict", "/v1/chat/completions", "/v1/tag", "/v1/embeddings",
    ]  # fmt: skip
    assert all(("secret" in json.dumps(line)) is texts for line in lines)
    assert [line["request_id"] for line in lines] == [headers["x-request-id"] for _, _, headers in answers]
    assert lines[0]["prompt_tokens"] == answers[0][1]["usage"]["prompt_tokens"]
    if texts:
        assert lines[0]["inputs"] == ["secret\n\x1b[31m"]
        assert lines[1]["answers"] == [answers[1][1]["choices"][0]["message"]["content"]]


def test_figures_count_rows_and_tokens(pretrained: Pretrained) -> None:
    with server(pretrained, ["reviews", "say"]) as served:
        first = served.ask("POST", "/v1/tasks/reviews/predict", {"inputs": ["a", "b"]})[1]["usage"]
        second = served.ask("POST", "/v1/tasks/say/predict", {"input": "a"})[1]["usage"]
        lines = served.ask("GET", "/metrics")[1].decode().splitlines()
        found = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

        def figure(name: str, more: str = "") -> float:
            return float(found[f'trimtab:{name}{{{more}model_name="tiny"}}'])

        assert figure("prompt_tokens_total") == first["prompt_tokens"] + second["prompt_tokens"]
        assert figure("prefix_cache_hits_total") == first["cached_tokens"] + second["cached_tokens"]
        assert figure("generation_tokens_total") == second["answer_tokens"]
        assert figure("num_tasks") == 2
        assert figure("num_requests_waiting") == figure("num_requests_running") == 0
        assert figure("e2e_request_latency_seconds_count") == figure("request_queue_time_seconds_count") == 3
        assert figure("inter_token_latency_seconds_count") == 1
