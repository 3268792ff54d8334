"""Special tokens that a tokenizer puts around a text. Knows nothing about templates."""

from __future__ import annotations

from typing import Any


def leading_ids(tokenizer: Any) -> list[int]:
    """Special tokens that the tokenizer puts before a text (Gemma's <bos>), which come before the soft prompt."""
    with_special = tokenizer("a")["input_ids"]
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    return list(with_special[: len(with_special) - len(bare)]) if with_special[-len(bare) :] == bare else []


def around_ids(tokenizer: Any) -> tuple[list[int], list[int]]:
    """Special tokens that the tokenizer puts before and behind a text ([CLS] and [SEP], <s> and </s>)."""
    with_special = list(tokenizer("a")["input_ids"])
    bare = list(tokenizer("a", add_special_tokens=False)["input_ids"])
    starts = range(len(with_special) - len(bare) + 1)
    at = next((i for i in starts if with_special[i : i + len(bare)] == bare), 0)
    return with_special[:at], with_special[at + len(bare) :]
