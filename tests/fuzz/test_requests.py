"""Requests to a server, changed at random: each has an answer or an error that says what is wrong, and none is ours."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote

from serving_runs import TASKS, server
from trimtab.backbones.pretrained import Pretrained
from trimtab.serving.limits import Limits

REQUESTS = 500
USER = {"role": "user", "content": "hi"}
SCHEMAS: list[Any] = [
    {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    for schema in ({"$ref": "#"}, {"type": "string", "pattern": "(?=a)"}, {"type": "integer"}, {"type": "no"})
]
VALUES: list[Any] = [
    None, True, 0, -1, 1, 2, 1e308, float("nan"), float("inf"), 10**400, "", "a", "\ud800", "\x00", "😀" * 30, [], [[]],
    ["a"], [None], {}, {"a": 1}, {"text": "x"}, USER, [USER], [{**USER, "content": []}], [{**USER, "content": None}],
    [{**USER, "content": [{"type": "image_url", "image_url": {}}]}], "^(a|b)+$", {"type": "json_object"}, *SCHEMAS,
    {"beams": 2}, {"temperature": 1, "answers": 2}, {"pattern": "[ab]{1,3}"}, {"json_schema": {"type": "integer"}},
    {"one_of": ["a", ""]}, {"stop": ["a"]}, {"min_tokens": 500}, {"no_repeat_ngram": 1}, {"top_k": 1, "temperature": 1},
]  # fmt: skip
CHAT = {
    "model": "say", "messages": [USER], "max_tokens": 4, "n": 1, "temperature": 1, "top_p": 0.5, "stop": ["x"],
    "seed": 1, "stream": False, "logprobs": True, "top_logprobs": 2, "response_format": {"type": "text"},
}  # fmt: skip
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": {"model": "tiny", "prompt": "hi", "max_tokens": 4, "logprobs": 1, "stop": "x", "stream": False},
    "/v1/embeddings": {"model": "tiny", "input": "hi", "encoding_format": "float"},
    "/v1/tag": {"input": "hi", "tasks": ["reviews"]},
    **{f"/v1/tasks/{quote(task)}/predict": {"input": "hi", "stream": False} for task in TASKS},
}


def changed(draw: random.Random, body: dict[str, Any]) -> bytes:
    """A body with some of it taken out, put in or in another's place, and now and then a byte."""
    out = dict(body)
    for _ in range(draw.choice([1, 1, 2])):
        name = draw.choice([*out, "input", "decoding", "decoding", "model"])
        if draw.random() < 0.1:
            out.pop(name, None)
        else:
            out[name] = draw.choice([*VALUES, *([] if name != "model" else [*TASKS, "tiny"])])
    written = bytearray(json.dumps(out).encode())
    if draw.random() < 0.05:
        written[draw.randrange(len(written))] = draw.randrange(256)
    return bytes(written)


def test_changed_requests(pretrained: Pretrained) -> None:
    draw = random.Random(7)
    answered = 0
    with server(pretrained, limits=Limits(seconds=20)) as served:
        for _ in range(REQUESTS):
            path = draw.choice(list(BODIES))
            body = changed(draw, BODIES[path])
            status, told, _ = served.ask("POST", path, body)
            answered += status == 200
            assert status in (200, 400, 404), (path, body, told)
            if status != 200:
                assert told["error"]["message"], (path, body)
            assert "internal_error" not in str(told), (path, body, told)
        assert served.ask("GET", "/healthz")[0] == 200
    assert answered > REQUESTS // 20
