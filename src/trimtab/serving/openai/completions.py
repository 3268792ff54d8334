"""`/v1/chat/completions` and `/v1/completions`, as OpenAI's clients ask them. Knows nothing about embeddings.

The model is a task by its name, or a backbone by its name. A task that reads dialogues is given the messages; any other
that reads one text is given the user's last message, and answers with its label, number, tags or span as text.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse, Response

from trimtab.inference.request import Request
from trimtab.inference.tickets import Failed
from trimtab.serving.asking import all_events, begun, while_there
from trimtab.serving.openai.answers import Choice, Choices, chat_logprobs, head, text_logprobs, usage
from trimtab.serving.openai.forms import ChatRequest, CompletionRequest
from trimtab.serving.problems import Problem
from trimtab.serving.rows import decoding_of, row_of
from trimtab.serving.served import ServedTask, Serving
from trimtab.serving.streams import DONE, EventStream, event
from trimtab.serving.worker import Asked
from trimtab.settings.answers import TextAnswer


def completions_router(serving: Serving, *, texts: bool) -> APIRouter:
    """The routes; `texts` lets inputs and answers be logged."""
    router = APIRouter(prefix="/v1")

    @router.post("/chat/completions")
    async def chat(body: ChatRequest, http: HttpRequest) -> Response:
        """Answer a dialogue."""
        task = serving.talking(body.model)
        given = {task.fields[0]: body.dialogue} if task.dialogue else body.last_said
        wanted = body.response_format.wanted if body.response_format else None
        decoding = _decoding(serving, task, body, 1, wanted)
        top = (body.top_logprobs or 0) if body.logprobs else 0
        request = replace(row_of(task, given, "messages", decoding), top_logprobs=top)
        return await _answered(http, task, body, [request], _ChatForm(body.model, body.logprobs or False, top))

    @router.post("/completions")
    async def completions(body: CompletionRequest, http: HttpRequest) -> Response:
        """Go on with texts, or answer them."""
        task = serving.completing(body.model)
        if len(body.prompts) > serving.limits.rows:
            raise Problem(400, f"'prompt' has more than {serving.limits.rows} texts.", code="too_many", param="prompt")
        decoding = _decoding(serving, task, body, len(body.prompts), None)
        rows = [row_of(task, text, f"prompt {i}", decoding) for i, text in enumerate(body.prompts, 1)]
        requests = [replace(row, top_logprobs=body.logprobs or 0) for row in rows]
        return await _answered(http, task, body, requests, _TextForm(body.model, body.logprobs))

    async def _answered(
        http: HttpRequest, task: ServedTask, body: ChatRequest | CompletionRequest, requests: Sequence[Request],
        form: _ChatForm | _TextForm,
    ) -> Response:  # fmt: skip
        facts = http.state.facts
        facts.update(task=task.name, rows=len(requests))
        if texts:
            facts["inputs"] = [dict(request.fields) for request in requests]
        asked = await begun(http, task, requests, serving.limits.seconds)
        choices = Choices(task, len(asked), body.n or 1)
        if body.stream:
            return EventStream(_streamed(task, asked, choices, form, body.usage_told, facts), DONE)

        async def all_of_it() -> None:
            async for row, told in all_events(task, asked):
                if isinstance(told, Failed):
                    raise told.error
                choices.take(row, told)

        await while_there(http, all_of_it())
        facts.update(usage(asked), **({"answers": [one.text for one in choices.all]} if texts else {}))
        return JSONResponse({**form.head, "choices": [form.whole(one) for one in choices.all], "usage": usage(asked)})

    return router


def _decoding(
    serving: Serving, task: ServedTask, body: ChatRequest | CompletionRequest, rows: int, schema: dict[str, Any] | None
) -> TextAnswer | None:
    """How free text is found, as a request says; of other answers what would change none of them is not looked at."""
    limits, n = serving.limits, body.n or 1
    if n > limits.texts:
        raise Problem(400, f"'n' is {n}; at most {limits.texts} are given.", code="invalid_value", param="n")
    changes: dict[str, Any] = {}
    if task.bound.kind.generates:
        own = task.bound.kind.generating(task.bound, None)
        if body.most is not None:
            changes["max_tokens"] = body.most
        if body.temperature is not None:
            changes["temperature"] = body.temperature
        if body.top_p is not None and body.top_p < 1:
            changes["top_p"] = body.top_p
            if body.temperature is None and not own.settings.temperature:
                changes["temperature"] = 1.0
        if body.seed is not None:
            changes["seed"] = body.seed % 2**32
        elif changes.get("temperature"):
            changes["seed"] = secrets.randbelow(2**32)  # else the same would be drawn each time
        if body.stops:
            changes["stop"] = [*own.settings.stop, *body.stops]
        most = min(body.most or own.most, own.most) * n * rows
        if most > limits.tokens:
            raise Problem(
                400, f"The answers may have {most} tokens together; at most {limits.tokens} are said in a request.",
                code="too_many", param="max_tokens",
            )  # fmt: skip
        changes["answers"] = n
        if not changes.get("temperature", own.settings.temperature):
            changes.pop("top_p", None)
    elif n > 1:
        changes["answers"] = n
    if schema is not None:
        changes["json_schema"] = schema
    return decoding_of(task, changes)


async def _streamed(
    task: ServedTask, asked: Sequence[Asked], choices: Choices, form: _ChatForm | _TextForm, told_usage: bool,
    facts: dict[str, object],
) -> AsyncGenerator[bytes, None]:  # fmt: skip
    """Chunks of all choices as they come, then what they took where that is asked for."""
    more: dict[str, Any] = {"usage": None} if told_usage else {}
    for choice in choices.all:
        if (first := form.first(choice)) is not None:
            yield event({**form.chunk_head, "choices": [first], **more})
    async for row, told in all_events(task, asked):
        if isinstance(told, Failed):
            raise told.error
        for choice, text, before in choices.take(row, told):
            if text or before < len(choice.tokens):
                yield event({**form.chunk_head, "choices": [form.piece(choice, text, before)], **more})
            if choice.finish is not None:
                yield event({**form.chunk_head, "choices": [form.last(choice)], **more})
    facts.update(usage(asked))
    if told_usage:
        yield event({**form.chunk_head, "choices": [], "usage": usage(asked)})


class _ChatForm:
    """Chat completions."""

    def __init__(self, model: str, logprobs: bool, top: int) -> None:
        self.head = head("chat.completion", "chatcmpl", model)
        self.chunk_head = {**self.head, "object": "chat.completion.chunk"}
        self._logprobs, self._top = logprobs, top

    def _likely(self, choice: Choice, before: int) -> dict[str, Any] | None:
        return chat_logprobs(choice.tokens[before:], self._top) if self._logprobs else None

    def whole(self, choice: Choice) -> dict[str, Any]:
        """An answer."""
        message = {"role": "assistant", "content": choice.text, "refusal": None}
        likely = self._likely(choice, 0)
        return {"index": choice.index, "message": message, "logprobs": likely, "finish_reason": choice.finish}

    def first(self, choice: Choice) -> dict[str, Any] | None:
        """Who speaks."""
        delta = {"role": "assistant", "content": ""}
        return {"index": choice.index, "delta": delta, "logprobs": None, "finish_reason": None}

    def piece(self, choice: Choice, text: str, before: int) -> dict[str, Any]:
        """More of it."""
        likely = self._likely(choice, before)
        return {"index": choice.index, "delta": {"content": text}, "logprobs": likely, "finish_reason": None}

    def last(self, choice: Choice) -> dict[str, Any]:
        """How it ended."""
        return {"index": choice.index, "delta": {}, "logprobs": None, "finish_reason": choice.finish}


class _TextForm:
    """Completions."""

    def __init__(self, model: str, logprobs: int | None) -> None:
        self.head = head("text_completion", "cmpl", model)
        self.chunk_head = self.head
        self._logprobs = logprobs

    def _choice(self, choice: Choice, text: str, before: int, finish: str | None) -> dict[str, Any]:
        offset = sum(len(token) for token, _, _ in choice.tokens[:before])
        likely = None
        if self._logprobs is not None:
            likely = text_logprobs(choice.tokens[before:], self._logprobs, offset)
        return {"index": choice.index, "text": text, "logprobs": likely, "finish_reason": finish}

    def whole(self, choice: Choice) -> dict[str, Any]:
        """An answer."""
        return self._choice(choice, choice.text, 0, choice.finish)

    def first(self, choice: Choice) -> dict[str, Any] | None:
        """Nothing."""
        return None

    def piece(self, choice: Choice, text: str, before: int) -> dict[str, Any]:
        """More of it."""
        return self._choice(choice, text, before, None)

    def last(self, choice: Choice) -> dict[str, Any]:
        """How it ended."""
        return self._choice(choice, "", len(choice.tokens), choice.finish)
