"""Tasks listed, added, replaced and removed, and rows answered by them over a real socket; what is refused."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import torch

from serving_runs import TASKS, Served, made_run, server, wait_until, write_run
from trimtab.backbones.pretrained import Pretrained
from trimtab.inference.engine import Engine, Request
from trimtab.kinds.bound_task import record
from trimtab.runs.folder import PROMPT_FILE, TASK_FILE
from trimtab.runs.tensors import load_tensors, save_tensors
from trimtab.serving.limits import Limits
from trimtab.serving.store import Store

INPUTS: dict[str, Any] = {
    "reviews": "a great film 😀 很好",
    "点评": {"text": "好吃，很快。"},
    "pairs": {"premise": "a film", "hypothesis": "a great film"},
    "topics": "a film",
    "stars": "a film",
    "names": {"tokens": ["Ann", "is", "here"]},
    "answers": {"question": "who ?", "context": "Ann is here"},
    "which": {"text": "a film", "options": ["good", "bad", "so so"]},
    "say": "a film",
    "talk": {"messages": [{"role": "user", "content": "a film"}]},
}


def predict(served: Served, task: str, **body: Any) -> tuple[int, Any]:
    status, told, _ = served.ask("POST", f"/v1/tasks/{quote(task)}/predict", body)
    return status, told


def asked(task: str, given: Any) -> Request:
    if isinstance(given, str):
        return Request(task, {"text": given})
    fields = {name: value for name, value in given.items() if isinstance(value, str)}
    if "messages" in given:
        fields["messages"] = json.dumps(given["messages"], ensure_ascii=False)
    return Request(task, fields, options=given.get("options", ()), tokens=given.get("tokens", ()))


@pytest.mark.parametrize("task", TASKS)
def test_a_task_of_every_kind_answers_as_the_engine_does(task: str, served: Served, pretrained: Pretrained) -> None:
    engine = Engine(pretrained)
    bound = engine.add(task, made_run(pretrained, task))
    [expected] = engine.answer([asked(task, INPUTS[task])])
    status, told = predict(served, task, input=INPUTS[task])
    assert (status, told["task"]) == (200, task)
    assert told["answer"] == json.loads(json.dumps(record(bound, expected)))
    assert told["usage"]["cached_tokens"] < told["usage"]["prompt_tokens"]


def test_rows_are_answered_in_order_and_one_that_cannot_be_says_why(served: Served) -> None:
    status, told = predict(served, "reviews", inputs=["a", {"txt": "b"}, 5, None, {"text": ["b"]}, {"text": "a"}])
    assert status == 200
    first, unnamed, number, nothing, listed, last = told["answers"]
    assert first == last
    assert [one["error"]["message"] for one in (unnamed, number, nothing, listed)] == [
        "input 2: no field 'text'. Did you mean 'txt'?",
        "input 3: found a number, expected a text or an object with fields.",
        "input 4: found null, expected a text or an object with fields.",
        "input 5: 'text' is a list, expected a text. Give it as a text, or leave it out.",
    ]


def test_a_text_is_given_to_all_tasks_that_read_one(served: Served) -> None:
    status, told, _ = served.ask("POST", "/v1/tag", {"input": "a film"})
    assert status == 200
    assert list(told["answers"]) == ["reviews", "点评", "topics", "stars", "names"]
    assert told["answers"]["reviews"] == predict(served, "reviews", input="a film")[1]["answer"]
    status, told, _ = served.ask("POST", "/v1/tag", {"input": "a film", "tasks": ["stars", "pairs"]})
    assert told["answers"]["pairs"]["error"]["message"] == (
        "input: the task 'pairs' reads premise, hypothesis, not one text. Give an object with these fields."
    )
    assert list(told["answers"]["stars"]) == ["number"]


def test_free_text_is_streamed_and_found_as_asked(served: Served) -> None:
    body = {"input": "a film", "stream": True, "decoding": {"max_tokens": 5}}
    status, told, headers = served.ask("POST", "/v1/tasks/say/predict", body)
    assert status == 200
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    events = [json.loads(line.removeprefix("data: ")) for line in told.decode().split("\n\n") if line]
    assert "".join(event["piece"] for event in events[:-1]) == events[-1]["answer"]["text"]
    assert events[-1]["usage"]["answer_tokens"] == 5
    _, whole = predict(served, "say", input="a film", decoding={"max_tokens": 5})
    assert whole["answer"] == events[-1]["answer"]


def test_a_text_too_long_for_the_context_is_cut_or_refused(served: Served) -> None:
    _, told = predict(served, "reviews", input="film " * 20_000)
    assert told["answer"]["cut_tokens"] > 19_000
    status, told = predict(served, "talk", input="film " * 20_000)
    assert status == 400
    assert told["error"]["message"].startswith("input: the last turn alone takes ")


REFUSED: list[tuple[str, str, Any, int, str, str | None]] = [
    ("POST", "/v1/tasks/reviews/predict", b"", 400, "The body is empty; expected JSON.", None),
    ("POST", "/v1/tasks/reviews/predict", b"{", 400,
     "The body is not valid JSON: Expecting property name enclosed in double quotes.", None),
    ("POST", "/v1/tasks/reviews/predict", b"[" * 90_000, 400, "There was an error parsing the body", None),
    ("POST", "/v1/tasks/reviews/predict", [], 400,
     "The body is no JSON object. Send one, with `content-type: application/json`.", None),
    ("POST", "/v1/tasks/reviews/predict", {}, 400, "Give either 'input' or 'inputs'.", "input"),
    ("POST", "/v1/tasks/reviews/predict", {"input": "a", "inputs": ["a"]}, 400, "Give either 'input' or 'inputs'.",
     "input"),
    ("POST", "/v1/tasks/reviews/predict", {"input": "a", "texts": 1}, 400,
     "'texts' is nothing that this server obeys. Leave it out.", "texts"),
    ("POST", "/v1/tasks/reviews/predict", {"inputs": ["a"] * 41}, 400,
     "'inputs' has 41 rows; at most 40 go into a request.", "inputs"),
    ("POST", "/v1/tasks/reviews/predict", {"input": "a" * 500_000}, 413, "The body has more than 500,000 bytes.", None),
    ("POST", "/v1/tasks/reviews/predict", {"input": "a", "decoding": {"seed": 1}}, 400,
     "the answers of 'reviews' are labels: nothing of how they are found can be set.", None),
    ("POST", "/v1/tasks/say/predict", {"input": "a", "decoding": {"answers": 3}}, 400,
     "answers is 3: set temperature to draw them, or beams to that many.", None),
    ("POST", "/v1/tasks/say/predict", {"input": "a", "decoding": {"pattern": "("}}, 400,
     "answer.pattern cannot be read: ", None),
    ("POST", "/v1/tasks/say/predict", {"input": "a", "decoding": {"stop": ["\ud800"]}}, 400,
     "how text is found is said by what is no text: half of a character, or too deep a list.", None),
    ("POST", "/v1/tasks/reviews/predict", {"input": "a", "stream": True}, 400,
     "Only one 'input' to a task that answers in free text is streamed.", "stream"),
    ("POST", "/v1/tasks/review/predict", {"input": "a"}, 404, "no task 'review' is served. Did you mean 'reviews'?",
     "model"),
    ("POST", "/v1/tag", {"input": 5}, 400, "'input': Input should be a valid string.", "input"),
    ("POST", "/v1/tag", {"input": "a", "tasks": ["stars", "x"]}, 404, "no task 'x' is served. Served: ", "model"),
    ("GET", "/v1/tasks/..%2f..%2fetc", None, 404, "There is nothing at this address.", None),
    ("GET", "/v1/nothing", None, 404, "There is nothing at this address.", None),
    ("POST", "/v1/tasks", {}, 405, "This address is not asked in this way.", None),
    ("DELETE", "/v1/tasks/reviews", None, 409,
     "the task 'reviews' is named where the server was started; only an uploaded one is removed over the network. "
     "Take it away there.", None),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "status", "message", "param"), REFUSED)
def test_what_is_wrong_with_a_request_is_said(
    method: str, path: str, body: Any, status: int, message: str, param: str | None, served: Served
) -> None:
    found, told, headers = served.ask(method, path, body)
    assert found == status
    said = told["error"].pop("message")
    assert said == message or (message.endswith(" ") and said.startswith(message))
    assert told["error"]["param"] == param
    assert headers["x-should-retry"] == "false"
    assert headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "", "😀" * 50, "<eos>", "\u202e"])
def test_any_text_has_an_answer(text: str, served: Served) -> None:
    status, told = predict(served, "reviews", inputs=[text])
    assert status == 200
    assert set(told["answers"][0]) - {"cut_tokens"} == {"label", "probability", "probabilities"}


def form(**files: bytes) -> tuple[bytes, dict[str, str]]:
    """Files as a browser or curl sends them."""
    parts = [
        b'--edge\r\ncontent-disposition: form-data; name="%s"; filename="x"\r\n\r\n%s\r\n' % (name.encode(), content)
        for name, content in files.items()
    ]
    return b"".join(parts) + b"--edge--\r\n", {"content-type": "multipart/form-data; boundary=edge"}


def files_of(folder: Path) -> dict[str, bytes]:
    return {"task": (folder / TASK_FILE).read_bytes(), "prompt": (folder / PROMPT_FILE).read_bytes()}


def test_a_run_is_uploaded_replaced_removed_and_comes_back(pretrained: Pretrained, tmp_path: Path) -> None:
    first = files_of(write_run(tmp_path / "a", pretrained, "点评", seed=1))
    second = files_of(write_run(tmp_path / "b", pretrained, "点评", seed=2))
    with server(pretrained, ["reviews"], store=tmp_path / "store") as served:
        status, told, _ = served.ask("PUT", "/v1/tasks/new", *form(**first))
        assert (status, told["id"], told["origin"]) == (201, "new", "uploaded")
        before = predict(served, "new", input="好吃")[1]["answer"]
        assert served.ask("PUT", "/v1/tasks/new", *form(**second))[0] == 200
        after = predict(served, "new", input="好吃")[1]["answer"]
        assert before != after
        assert served.ask("PUT", "/v1/tasks/reviews", *form(**first))[0] == 409
    assert list(Store(tmp_path / "store").runs) == ["new"]
    with server(pretrained, ["reviews"], store=tmp_path / "store", take_up=True) as served:
        assert predict(served, "new", input="好吃")[1]["answer"] == after
        assert served.ask("DELETE", "/v1/tasks/new")[:2] == (200, {"id": "new", "object": "task", "deleted": True})
        assert predict(served, "new", input="好吃")[0] == 404
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["registered.json"]


def changed(folder: Path, to: Any) -> dict[str, bytes]:
    """The files of a run whose tensors are others, with checksums that say that this is how they were written."""
    stored = load_tensors(folder / PROMPT_FILE)
    save_tensors(folder / PROMPT_FILE, {name: to(x) for name, x in stored.tensors.items()}, stored.values)
    return files_of(folder)


def nan(x: torch.Tensor) -> torch.Tensor:
    x[0, 0] = float("nan")
    return x


@pytest.mark.parametrize(
    ("to", "message"),
    [
        (nan, "prompt.safetensors: '0.prompt' holds numbers that are not finite. "),
        (lambda x: x[:2], "new: tensor 'prompt' is of shape [2, 32], expected of shape [3, 32] on backbone "),
        (lambda x: x[:, :16], "new: tensor 'prompt' is of shape [3, 16], expected of shape [3, 32] on backbone "),
        (lambda x: x.double(), "new: tensor 'prompt' is of type float64, expected float32. "),
    ],
)
def test_an_upload_that_does_not_fit_is_refused_whole(
    to: Any, message: str, served: Served, pretrained: Pretrained, tmp_path: Path
) -> None:
    files = changed(write_run(tmp_path, pretrained, "reviews"), to)
    status, told, _ = served.ask("PUT", "/v1/tasks/new", *form(**files))
    assert status == 400
    assert told["error"]["message"].startswith(message)
    nothing_left(served)


def nothing_left(served: Served) -> None:
    assert served.store is not None
    assert list(served.store.iterdir()) == []
    assert "new" not in served.serving.tasks
    assert all(not name.startswith("trial:") for name in served.serving.hosts[0].engine.runs)


def of_another_backbone(folder: Path) -> dict[str, bytes]:
    stored = load_tensors(folder / PROMPT_FILE)
    values = {**stored.values, "backbone": {**stored.values["backbone"], "content_hash": "0" * 64}}
    save_tensors(folder / PROMPT_FILE, stored.tensors, values)
    return files_of(folder)


def test_other_uploads_are_refused_too(served: Served, pretrained: Pretrained, tmp_path: Path) -> None:
    files = files_of(write_run(tmp_path / "a", pretrained, "reviews"))
    other = of_another_backbone(write_run(tmp_path / "b", pretrained, "reviews"))
    elsewhere = {
        **files,
        "task": files["task"].replace(b"init: random", b"init: run").replace(b"init_run: null", b"init_run: /etc"),
    }
    for name, sent, status, message in (
        ("new", other, 400, "new: made for backbone "),
        ("new", {**files, "prompt": b"\x80\x04K\x01."}, 400, "prompt.safetensors: damaged or not written by Trimtab ("),
        (
            "new",
            {**files, "prompt": files["prompt"][:-4]},
            400,
            "prompt.safetensors: damaged or not written by Trimtab",
        ),
        ("new", {**files, "task": b"method: [" * 500}, 400, "task.yaml:1: not valid YAML: "),
        ("new", elsewhere, 400, "task.yaml: method.init is 'run', and the run was trained with 'random'."),
        ("new", {"task": files["task"]}, 400, "'prompt' is missing."),
        ("a b", files, 400, "'a b' is no name for a task. Take up to 100 letters, digits, dots, underscores and "),
        ("tiny", files, 409, "'tiny' is the name of a backbone here. Choose another name."),
    ):
        found, told, _ = served.ask("PUT", f"/v1/tasks/{quote(name)}", *form(**sent))
        assert (found, told["error"]["message"][: len(message)]) == (status, message)
    nothing_left(served)


def test_a_server_without_a_store_takes_no_uploads(pretrained: Pretrained, tmp_path: Path) -> None:
    files = files_of(write_run(tmp_path / "a", pretrained, "reviews"))
    with server(pretrained, ["say"]) as served:
        status, told, _ = served.ask("PUT", "/v1/tasks/new", *form(**files))
        assert (status, told["error"]["message"]) == (
            409, "this server keeps no uploads. Start it with --store FOLDER.",
        )  # fmt: skip


def test_more_rows_than_may_wait_are_told_when_to_come_again(pretrained: Pretrained) -> None:
    with server(pretrained, ["reviews"], limits=Limits(waiting=4)) as served:
        status, told, headers = served.ask("POST", "/v1/tasks/reviews/predict", {"inputs": ["a"] * 40})
        assert (status, told["error"]["code"]) == (429, "queue_full")
        assert {name: headers[name] for name in ("retry-after", "retry-after-ms", "x-should-retry")} == {
            "retry-after": "1", "retry-after-ms": "1000", "x-should-retry": "true",
        }  # fmt: skip
        wait_until(lambda: served.ask("POST", "/v1/tasks/reviews/predict", {"input": "a"})[0] == 200)


def test_a_row_that_is_late_is_given_up(pretrained: Pretrained) -> None:
    with server(pretrained, ["say"], limits=Limits(seconds=1e-6)) as served:
        status, told, headers = served.ask("POST", "/v1/tasks/say/predict", {"input": "a"})
        assert (status, told["error"]["code"], headers["x-should-retry"]) == (408, "deadline_exceeded", "false")


def test_a_client_that_goes_is_answered_no_longer(pretrained: Pretrained) -> None:
    with server(pretrained, ["say"]) as served:
        host = served.serving.hosts[0]
        for stream in (True, False):
            body = json.dumps({"model": "tiny", "prompt": "a", "max_tokens": 120, "n": 8, "temperature": 1,
                               "stream": stream}).encode()  # fmt: skip
            with socket.create_connection(("127.0.0.1", served.port)) as client:
                head = f"POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n"
                client.sendall(head.encode() + b"content-type: application/json\r\n\r\n" + body)
                wait_until(lambda: host.worker.scheduler.running == 1)
            wait_until(lambda: host.worker.scheduler.running == 0)
        _, figures, _ = served.ask("GET", "/metrics")
        assert b'trimtab:request_success_total{finished_reason="abort",model_name="tiny"} 2.0' in figures
