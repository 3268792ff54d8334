"""The official client of OpenAI's API, unchanged: chat, streams, log-probabilities, embeddings, errors, retries."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import torch
from transformers import AutoModelForCausalLM

from serving_runs import Served, made_run, server
from trimtab.backbones.pretrained import Pretrained
from trimtab.inference.engine import Engine, Request
from trimtab.inference.vectors import Embedder
from trimtab.kinds.prediction import LabelPrediction, TextPrediction
from trimtab.serving.keys import add_key
from trimtab.serving.limits import Limits
from trimtab.settings.answers import TextAnswer

USER: Any = [{"role": "user", "content": "a film"}]
DIALOGUE: Any = [
    {"role": "developer", "content": "be brief"},
    {"role": "user", "content": [{"type": "text", "text": "a "}, {"type": "text", "text": "film"}]},
    {"role": "assistant", "content": "yes"},
    {"role": "user", "content": "好吃 😀"},
]


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="none", base_url=f"{served.url}/v1", max_retries=0, timeout=30) as one:
        yield one


@pytest.fixture(scope="module")
def engine(pretrained: Pretrained) -> Engine:
    made = Engine(pretrained)
    for name in ("reviews", "say", "talk"):
        made.add(name, made_run(pretrained, name))
    return made


def said(engine: Engine, run: str, decoding: TextAnswer | None = None, **fields: str) -> TextPrediction:
    [found] = engine.answer([Request(run, fields, decoding=decoding)])
    assert isinstance(found, TextPrediction)
    return found


def test_tasks_and_backbones_are_models(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names[0] == "reviews"
    assert names[-1] == "tiny"
    assert client.models.retrieve("talk").owned_by == "trimtab"


def test_a_dialogue_is_answered_as_the_engine_does(client: openai.OpenAI, engine: Engine) -> None:
    told = client.chat.completions.create(model="talk", messages=DIALOGUE)
    messages = [
        {"role": "system", "content": "be brief"}, {"role": "user", "content": "a film"},
        {"role": "assistant", "content": "yes"}, {"role": "user", "content": "好吃 😀"},
    ]  # fmt: skip
    expected = said(engine, "talk", messages=json.dumps(messages))
    [choice] = told.choices
    assert choice.message.content == expected.texts[0].text
    assert choice.finish_reason == ("length" if expected.texts[0].ended == "length" else "stop")
    assert told.usage is not None
    assert told.usage.completion_tokens == len(expected.texts[0].ids)
    assert told.usage.prompt_tokens_details is not None
    assert 0 < (told.usage.prompt_tokens_details.cached_tokens or 0) < told.usage.prompt_tokens


def test_a_stream_says_the_same_and_ends_with_usage(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": "say", "messages": USER, "n": 2, "temperature": 0.9, "seed": 7}
    whole = client.chat.completions.create(**asked)
    texts, ends = ["", ""], ["", ""]
    usage = None
    for chunk in client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            ends[choice.index] = choice.finish_reason or ends[choice.index]
    assert texts == [choice.message.content for choice in whole.choices]
    assert ends == [choice.finish_reason for choice in whole.choices]
    assert usage == whole.usage
    assert texts[0] != texts[1]


def test_a_task_of_another_kind_is_given_the_last_message(client: openai.OpenAI, engine: Engine) -> None:
    told = client.chat.completions.create(model="reviews", messages=DIALOGUE, temperature=0.5, logprobs=True,
                                          top_logprobs=2)  # fmt: skip
    [expected] = engine.answer([Request("reviews", {"text": "好吃 😀"})])
    assert isinstance(expected, LabelPrediction)
    assert told.choices[0].message.content == expected.label
    assert told.choices[0].logprobs is not None
    assert told.choices[0].logprobs.content is not None
    [token] = told.choices[0].logprobs.content
    assert token.token == expected.label
    assert math.exp(token.logprob) == pytest.approx(expected.probability, abs=1e-5)
    assert {one.token for one in token.top_logprobs} == {"negative", "positive"}
    streamed = list(client.chat.completions.create(model="reviews", messages=USER, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in streamed) in ("negative", "positive")


def test_log_probabilities_are_the_backbones(client: openai.OpenAI, engine: Engine) -> None:
    told = client.chat.completions.create(model="say", messages=USER, logprobs=True, top_logprobs=3)
    [expected] = said(engine, "say", text="a film").texts
    assert told.choices[0].logprobs is not None
    tokens = told.choices[0].logprobs.content or []
    assert [token.logprob for token in tokens] == pytest.approx(list(expected.log_likelihoods), abs=1e-5)
    assert all(token.top_logprobs[0].logprob == token.logprob for token in tokens)  # greedy: the likeliest
    assert all(len(token.top_logprobs) == 3 for token in tokens)
    chunks = client.chat.completions.create(model="say", messages=USER, logprobs=True, top_logprobs=3, stream=True)
    streamed = [
        token for chunk in chunks for choice in chunk.choices if choice.logprobs
        for token in choice.logprobs.content or []
    ]  # fmt: skip
    assert streamed == tokens


def test_texts_are_gone_on_with(client: openai.OpenAI, pretrained: Pretrained, tiny_folder: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    told = client.completions.create(model="tiny", prompt=["a film", "好"], max_tokens=6, logprobs=2)
    assert [choice.index for choice in told.choices] == [0, 1]
    for choice, text in zip(told.choices, ("a film", "好"), strict=True):
        ids = pretrained.tokenizer(text, return_tensors="pt")
        expected = model.generate(**ids, max_new_tokens=6, do_sample=False, pad_token_id=0)
        new = expected[0, ids["input_ids"].shape[1] :].tolist()
        assert choice.text == pretrained.tokenizer.decode(new, skip_special_tokens=True).strip()
        assert choice.logprobs is not None
        assert len(choice.logprobs.tokens or []) == 6
        assert all(len(top) <= 2 for top in choice.logprobs.top_logprobs or [])
    pieces = client.completions.create(model="tiny", prompt="a film", max_tokens=6, stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == told.choices[0].text


def test_an_answer_is_json_of_a_schema(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"stars": {"type": "integer", "minimum": 1, "maximum": 5}},
              "required": ["stars"], "additionalProperties": False}  # fmt: skip
    told = client.chat.completions.create(
        model="tiny", messages=USER, max_completion_tokens=40,
        response_format={"type": "json_schema", "json_schema": {"name": "review", "schema": schema, "strict": True}},
    )  # fmt: skip
    assert 1 <= json.loads(told.choices[0].message.content or "")["stars"] <= 5


def test_an_answer_ends_at_a_text_of_stop(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="tiny", messages=USER, max_tokens=12).choices[0].message.content or ""
    stop = whole[3:5]
    cut = client.chat.completions.create(model="tiny", messages=USER, max_tokens=12, stop=stop).choices[0]
    assert (cut.message.content, cut.finish_reason) == (whole[: whole.index(stop)].strip(), "stop")


def test_no_answer_is_longer_than_its_task_allows(client: openai.OpenAI) -> None:
    told = client.chat.completions.create(model="say", messages=USER, max_tokens=100)
    assert told.usage is not None
    assert told.usage.completion_tokens <= 8


@pytest.mark.parametrize("form", ["float", "base64"])
def test_embeddings_are_mean_states_of_the_backbone_of_length_one(
    form: Any, client: openai.OpenAI, pretrained: Pretrained
) -> None:
    texts = ["a film", "好吃 😀"]
    told = client.embeddings.create(model="tiny", input=texts, encoding_format=form)
    expected = list(Embedder(pretrained, normalise=True)(texts))
    for one, row in zip(told.data, expected, strict=True):
        if form == "float":
            assert one.embedding == pytest.approx(row.tolist(), abs=1e-5)
        else:
            assert base64.b64decode(str(one.embedding)) == row.astype("<f4").tobytes()
    assert client.embeddings.create(model="reviews", input="a film").data[0].embedding == pytest.approx(
        expected[0].tolist(), abs=1e-5
    )


REFUSED: list[tuple[dict[str, Any], type[openai.APIStatusError], str]] = [
    ({"model": "reveiws"}, openai.NotFoundError, "no model 'reveiws' is served. Did you mean 'reviews'?"),
    ({"model": "pairs"}, openai.BadRequestError,
     "messages: the task 'pairs' reads premise, hypothesis, not one text. Give an object with these fields."),
    ({"model": "which"}, openai.BadRequestError,
     "messages: the task 'which' reads text and options, not one text. Give an object with these fields."),
    ({"model": "talk", "messages": [{"role": "assistant", "content": "a"}]}, openai.BadRequestError,
     "messages: the dialogue begins with the assistant. Begin with the user's turn, or leave the row out."),
    ({"model": "say", "messages": [{"role": "system", "content": "a"}]}, openai.BadRequestError,
     "'messages' has no message of the user's."),
    ({"messages": [{"role": "tool", "content": "a", "tool_call_id": "b"}]}, openai.BadRequestError,
     "'messages.0.role': Input should be 'system', 'developer', 'user' or 'assistant'."),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, openai.BadRequestError,
     "'tools' is nothing that this server obeys. Leave it out."),
    ({"temperature": 3}, openai.BadRequestError, "'temperature': Input should be less than or equal to 2."),
    ({"n": 2}, openai.BadRequestError, "answers is 2: set temperature to draw them, or beams to that many."),
    ({"n": 99}, openai.BadRequestError, "'n' is 99; at most 16 are given."),
    ({"n": 5, "temperature": 1, "max_tokens": 110}, openai.BadRequestError,
     "The answers may have 550 tokens together; at most 512 are said in a request."),
    ({"response_format": {"type": "json_schema"}}, openai.BadRequestError, "'response_format.json_schema' is missing."),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "no"}}}},
     openai.BadRequestError, "answer.json_schema cannot be read: "),
    ({"stop": [""]}, openai.BadRequestError, "an empty text in stop ends every answer: take it out."),
    ({"messages": [{"role": "user", "content": "film " * 20_000}]}, openai.BadRequestError,
     "messages: the last turn alone takes "),
]  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("asked", "kind", "message"), REFUSED)
def test_what_is_wrong_is_raised_as_the_client_knows_it(
    asked: dict[str, Any], kind: type[openai.APIStatusError], message: str, stream: bool, client: openai.OpenAI
) -> None:
    with pytest.raises(kind) as raised:
        client.chat.completions.create(**{"model": "tiny", "messages": USER, "stream": stream, **asked})
    assert isinstance(raised.value.body, dict)
    found = raised.value.body["message"]
    assert found == message or (message.endswith(" ") and found.startswith(message))
    assert raised.value.request_id
    assert raised.value.response.headers["x-request-id"] == raised.value.request_id


def test_the_client_waits_as_it_is_told_and_asks_again(pretrained: Pretrained, tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.json", "slow", ["predict"], rate=8.0)
    with (
        server(pretrained, ["reviews"], keys=tmp_path / "keys.json", limits=Limits()) as served,
        openai.OpenAI(api_key=key, base_url=f"{served.url}/v1", max_retries=4) as client,
    ):
        for _ in range(10):  # two more than there may be at once
            client.chat.completions.create(model="reviews", messages=USER)
        _, figures, _ = served.ask("GET", "/metrics", headers={"authorization": f"Bearer {key}"})
        assert b'path="/v1/chat/completions",status="200"} 10.0' in figures
        with pytest.raises(openai.AuthenticationError):
            client.with_options(api_key="tt-none").models.list()
