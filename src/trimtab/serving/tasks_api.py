"""`/v1/tasks` and `/v1/tag`: which tasks there are, and rows answered by them. Knows nothing about OpenAI's forms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, File, UploadFile
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from trimtab.errors import TrimtabError
from trimtab.inference.pieces import Piece
from trimtab.inference.request import Request
from trimtab.inference.tickets import Answered, Failed
from trimtab.kinds.bound_task import record
from trimtab.kinds.prediction import Prediction
from trimtab.serving import uploads
from trimtab.serving.asking import all_events, answers, begun, while_there
from trimtab.serving.logs import say
from trimtab.serving.problems import Problem, problem_of
from trimtab.serving.rows import decoding_of, row_of
from trimtab.serving.served import ServedTask, Serving
from trimtab.serving.store import Store
from trimtab.serving.streams import EventStream, event
from trimtab.serving.worker import Asked

Row = str | dict[str, JsonValue]


class DecodingChanges(BaseModel):
    """How free text is found, in place of what the task says; see `answer` in docs/task-file.md."""

    model_config = ConfigDict(extra="forbid")

    max_tokens: int | None = Field(None, ge=1, le=1_000_000)
    min_tokens: int | None = Field(None, ge=0, le=1_000_000)
    temperature: float | None = Field(None, ge=0, le=10, allow_inf_nan=False)
    top_k: int | None = Field(None, ge=1)
    top_p: float | None = Field(None, gt=0, lt=1, allow_inf_nan=False)
    min_p: float | None = Field(None, gt=0, lt=1, allow_inf_nan=False)
    beams: int | None = Field(None, ge=1, le=16)
    repetition_penalty: float | None = Field(None, ge=1, le=100, allow_inf_nan=False)
    no_repeat_ngram: int | None = Field(None, ge=0, le=1000)
    stop: list[str] | None = Field(None, max_length=16)
    answers: int | None = Field(None, ge=1, le=16)
    seed: int | None = Field(None, ge=0, lt=2**32)
    one_of: list[str] | None = Field(None, min_length=1, max_length=1000)
    pattern: str | None = Field(None, max_length=10_000)
    json_schema: dict[str, JsonValue] | None = None


class Predict(BaseModel):
    """One `input` or many `inputs`, each a text or an object with the fields that the task reads."""

    model_config = ConfigDict(extra="forbid")

    input: Row | None = None
    inputs: list[JsonValue] | None = Field(None, min_length=1)
    decoding: DecodingChanges = DecodingChanges()
    stream: bool = False


class Tag(BaseModel):
    """One text, and the tasks that it is given to; by default all that read one text and do not answer in free text."""

    model_config = ConfigDict(extra="forbid")

    input: str
    tasks: list[str] | None = Field(None, min_length=1)


def tasks_router(serving: Serving, store: Store | None) -> APIRouter:
    """The routes that tell and change which tasks there are; `store` keeps uploads, where there is one."""
    router = APIRouter(prefix="/v1")

    @router.get("/tasks")
    async def list_tasks() -> JSONResponse:
        """All tasks."""
        return JSONResponse({"object": "list", "data": [task.card for task in serving.tasks.values()]})

    @router.get("/tasks/{name}")
    async def show_task(name: str) -> JSONResponse:
        """One task."""
        return JSONResponse(serving.task(name).card)

    @router.put("/tasks/{name}")
    async def put_task(
        name: str, task: Annotated[UploadFile, File()], prompt: Annotated[UploadFile, File()]
    ) -> JSONResponse:
        """Add a task, or replace the one uploaded before: `task` is its task.yaml, `prompt` its prompt.safetensors."""
        new = name not in serving.tasks
        files = await task.read(), await prompt.read()
        done = await asyncio.to_thread(uploads.take, serving, store, name, *files)
        say("task added" if new else "task replaced", task=name)
        return JSONResponse(done.card, 201 if new else 200)

    @router.delete("/tasks/{name}")
    async def delete_task(name: str) -> JSONResponse:
        """Remove a task that was uploaded."""
        await asyncio.to_thread(uploads.give_up, serving, store, name)
        say("task removed", task=name)
        return JSONResponse({"id": name, "object": "task", "deleted": True})

    return router


def answers_router(serving: Serving, *, texts: bool) -> APIRouter:
    """The routes that answer rows; `texts` lets inputs and answers be logged."""
    router = APIRouter(prefix="/v1")
    limits = serving.limits

    @router.post("/tasks/{name}/predict")
    async def predict(name: str, body: Predict, http: HttpRequest) -> Response:
        """Answer one row or many; a row of many that cannot be answered has `error` in place of its answer."""
        task = serving.task(name)
        if (body.input is None) == (body.inputs is None):
            raise Problem(400, "Give either 'input' or 'inputs'.", code="invalid_value", param="input")
        given = [body.input] if body.inputs is None else body.inputs
        if len(given) > limits.rows:
            raise Problem(
                400, f"'inputs' has {len(given)} rows; at most {limits.rows} go into a request.", code="too_many",
                param="inputs",
            )  # fmt: skip
        decoding = decoding_of(task, body.decoding.model_dump(exclude_none=True))
        http.state.facts.update(task=name, rows=len(given), **({"inputs": given} if texts else {}))
        if body.stream:
            if body.input is None or not task.bound.kind.generates:
                raise Problem(400, "Only one 'input' to a task that answers in free text is streamed.", param="stream")
            [asked] = await begun(http, task, [row_of(task, body.input, "input", decoding)], limits.seconds)
            return EventStream(_streamed(task, asked))
        one = body.inputs is None
        pairs = [(task, _row(task, row, "input" if one else f"input {i}", decoding)) for i, row in enumerate(given, 1)]
        found = await while_there(http, answers(pairs, limits.seconds))
        if one and isinstance(found[0][1], Exception):
            raise found[0][1]
        said = [_told(task, answer) for _, answer in found]
        usage = _usage([asked for asked, _ in found if asked])
        http.state.facts.update(usage, **({"answers": said} if texts else {}))
        answered: dict[str, object] = {"answer": said[0]} if one else {"answers": said}
        return JSONResponse({"task": name, **answered, "usage": usage})

    @router.post("/tag")
    async def tag(body: Tag, http: HttpRequest) -> JSONResponse:
        """Give one text to many tasks."""
        fit = [n for n, task in serving.tasks.items() if task.only_field and not task.bound.kind.generates]
        names = fit if body.tasks is None else list(dict.fromkeys(body.tasks))
        if len(names) > limits.rows:
            raise Problem(
                400, f"{len(names)} tasks; at most {limits.rows} are asked at once.", code="too_many", param="tasks"
            )
        tasks = [serving.task(name) for name in names]
        http.state.facts.update(tasks=names, **({"inputs": [body.input]} if texts else {}))
        pairs = [(task, _row(task, body.input, "input", None)) for task in tasks]
        found = await while_there(http, answers(pairs, limits.seconds))
        said = {task.name: _told(task, answer) for task, (_, answer) in zip(tasks, found, strict=True)}
        usage = _usage([asked for asked, _ in found if asked])
        http.state.facts.update(usage, **({"answers": said} if texts else {}))
        return JSONResponse({"answers": said, "usage": usage})

    return router


def _row(task: ServedTask, given: Any, where: str, decoding: Any) -> Request | TrimtabError:
    try:
        return row_of(task, given, where, decoding)
    except TrimtabError as error:
        return error


def _told(task: ServedTask, answer: Prediction | Exception) -> dict[str, object]:
    """An answer as plain values, or what went wrong."""
    if isinstance(answer, Exception):
        return problem_of(answer).body
    return record(task.bound, answer)


def _usage(asked: Sequence[Asked]) -> dict[str, int]:
    """Tokens of rows together."""
    tickets = [one.ticket for one in asked]
    return {
        "prompt_tokens": sum(ticket.prompt_tokens for ticket in tickets),
        "cached_tokens": sum(ticket.cached_tokens for ticket in tickets),
        "answer_tokens": sum(ticket.answer_tokens for ticket in tickets),
    }


async def _streamed(task: ServedTask, asked: Asked) -> AsyncGenerator[bytes, None]:
    """Pieces of an answer's text, then the answer."""
    async for _, told in all_events(task, [asked]):
        match told:
            case Piece(text=""):
                pass
            case Piece():
                yield event({"index": told.answer, "piece": told.text})
            case Answered():
                yield event(
                    {"task": task.name, "answer": record(task.bound, told.prediction), "usage": _usage([asked])}
                )
            case Failed():
                raise told.error
