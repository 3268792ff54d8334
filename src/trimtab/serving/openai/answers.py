"""What was said, in OpenAI's forms: whole and in pieces, with log-probabilities and usage. Knows nothing about HTTP."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from trimtab.inference.pieces import Piece
from trimtab.inference.tickets import Answered
from trimtab.kinds.bound_task import record
from trimtab.kinds.prediction import Prediction, TextPrediction
from trimtab.serving.served import ServedTask
from trimtab.serving.worker import Asked

_LEAST = -9999.0  # what OpenAI writes for a probability of nothing


@dataclass
class Choice:
    """One answer in the making.

    Attributes:
        index: its number.
        text: what was said of it.
        tokens: each token, its log-probability, and the likeliest ones in its place with theirs.
        finish: how it ended, in OpenAI's words; None while it is being said.
    """

    index: int
    text: str = ""
    tokens: list[tuple[str, float, list[tuple[str, float]]]] = field(default_factory=list)
    finish: str | None = None


class Choices:
    """All answers to a request: `answers` to each of its rows.

    Args:
        task: what answers.
        rows: how many rows there are.
        answers: to each of them.
    """

    def __init__(self, task: ServedTask, rows: int, answers: int) -> None:
        self._task, self._answers = task, answers
        self.all = [Choice(index) for index in range(rows * answers)]

    def take(self, row: int, told: Piece | Answered) -> list[tuple[Choice, str, int]]:
        """Take what is told of a row: choices, what is new of their text, and how many of their tokens were there."""
        if isinstance(told, Piece):
            choice = self.all[row * self._answers + told.answer]
            before = len(choice.tokens)
            choice.text += told.text
            tops = told.tops or [()] * len(told.ids)
            for token, likelihood, top in zip(told.ids, told.log_likelihoods, tops, strict=False):
                others = [(self._read(other), value) for other, value in top]
                choice.tokens.append((self._read(token), likelihood, others))
            return [(choice, told.text, before)]
        if self._task.bound.kind.generates:
            said = cast("TextPrediction", told.prediction)
            out = []
            for answer, written in enumerate(said.texts):
                choice = self.all[row * self._answers + answer]
                choice.finish = "length" if written.ended == "length" else "stop"
                out.append((choice, "", len(choice.tokens)))
            return out
        choice = self.all[row * self._answers]
        choice.text, choice.finish = told.prediction.label or "", "stop"
        choice.tokens = [self._labelled(told.prediction)]
        return [(choice, choice.text, 0)]

    def _read(self, token: int) -> str:
        return str(self._task.bound.pretrained.tokenizer.decode([token]))

    def _labelled(self, prediction: Prediction) -> tuple[str, float, list[tuple[str, float]]]:
        """A label as if it were a token, with the others in its place; probability 1 where there are none."""
        found = record(self._task.bound, prediction).get("probabilities")
        known = cast("dict[str, float]", found) if isinstance(found, dict) else {}
        likely = sorted(((name, _log(value)) for name, value in known.items()), key=lambda pair: -pair[1])
        label = prediction.label or ""
        return label, dict(likely).get(label, 0.0), likely


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else _LEAST


def chat_logprobs(tokens: Sequence[tuple[str, float, list[tuple[str, float]]]], top: int) -> dict[str, Any]:
    """Log-probabilities as a chat completion has them."""

    def one(token: str, value: float) -> dict[str, Any]:
        return {"token": token, "logprob": value, "bytes": list(token.encode("utf-8", "replace"))}

    return {
        "content": [
            {**one(token, value), "top_logprobs": [one(*other) for other in others[:top]]}
            for token, value, others in tokens
        ],
        "refusal": None,
    }


def text_logprobs(
    tokens: Sequence[tuple[str, float, list[tuple[str, float]]]], top: int, offset: int
) -> dict[str, Any]:
    """Log-probabilities as a completion has them; `offset` is where the first token stands in the text."""
    places = []
    for token, _, _ in tokens:
        places.append(offset)
        offset += len(token)
    return {
        "tokens": [token for token, _, _ in tokens],
        "token_logprobs": [value for _, value, _ in tokens],
        "top_logprobs": [dict(others[:top]) for _, _, others in tokens] if top else None,
        "text_offset": places,
    }


def usage(asked: Sequence[Asked]) -> dict[str, Any]:
    """Tokens that a request took."""
    tickets = [one.ticket for one in asked]
    read, said = sum(t.prompt_tokens for t in tickets), sum(t.answer_tokens for t in tickets)
    return {
        "prompt_tokens": read,
        "completion_tokens": said,
        "total_tokens": read + said,
        "prompt_tokens_details": {"cached_tokens": sum(t.cached_tokens for t in tickets)},
    }


def head(kind: str, prefix: str, model: str) -> dict[str, Any]:
    """How every answer begins."""
    return {"id": f"{prefix}-{secrets.token_hex(12)}", "object": kind, "created": int(time.time()), "model": model}
