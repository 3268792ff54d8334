"""Pieces of an answer as they are said, with a tokenizer of characters: never the beginning of a text that ends it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from trimtab.decoding.generation import Done, Token, Written
from trimtab.inference.engine import Engine, Request


def pieces(text: str, said: str, stop: list[str]) -> list[str]:
    """What is streamed of an answer whose tokens are the characters of `said`, and which is `text` in the end."""
    tokens = [Token(0, 0, tuple(map(ord, said[: i + 1]))) for i in range(len(said))]
    done = Done(0, (Written((), text, 0.0, "stop"),))
    how = SimpleNamespace(settings=SimpleNamespace(stop=stop))
    kind = SimpleNamespace(generates=True, generating=lambda *_: how, example=lambda request: None)
    bound = SimpleNamespace(kind=kind, template=SimpleNamespace(fields=()), encode=lambda examples: [None])
    engine = SimpleNamespace(
        _find=lambda _: SimpleNamespace(bound=bound),
        _write=lambda *_: [*tokens, done],
        pretrained=SimpleNamespace(tokenizer=SimpleNamespace(decode=lambda ids, **_: "".join(map(chr, ids)))),
    )
    return list(Engine.stream(cast(Any, engine), Request("run", {"text": ""})))


@pytest.mark.parametrize(
    ("text", "said", "stop"),
    [
        ("", "STO", ["STOP"]),  # the answer is nothing but the beginning of it
        ("a", "aSTO", ["STOP"]),
        ("one two", "\n\none two\nQ", ["\nQ:", "##"]),
        ("ab", "ab", []),
    ],
)
def test_the_beginning_of_a_text_that_ends_an_answer_is_held_back(text: str, said: str, stop: list[str]) -> None:
    found = pieces(text, said, stop)
    assert "".join(found) == text
    assert all(text.startswith("".join(found[:i])) for i in range(len(found)))
