"""Pieces of an answer as they are said, with a tokenizer of characters: never the beginning of a text that ends it."""

from __future__ import annotations

import pytest

from trimtab.decoding.answer_text import Written
from trimtab.decoding.generation import Token
from trimtab.inference.pieces import Pieces


def pieces(text: str, said: str, stop: list[str]) -> list[str]:
    """What is streamed of an answer whose tokens are the characters of `said`, and which is `text` in the end."""
    streamed = Pieces(0, lambda ids: "".join(map(chr, ids)), stop)
    ids = tuple(map(ord, said))
    found = [streamed.after(Token(0, 0, ids[: i + 1], -float(i))) for i in range(len(said))]
    rest = streamed.rest(Written(ids, text, 0.0, "stop", tuple(map(float, ids))))
    told = [piece for piece in [*found, rest] if piece]
    assert tuple(token for piece in told for token in piece.ids) == ids
    assert all(len(piece.ids) == len(piece.log_likelihoods) for piece in told)
    return [piece.text for piece in told]


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
