"""A piece of text as token ids. Knows nothing about templates or rows."""

from __future__ import annotations

from typing import Any


def tokenize(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a piece of text, without special tokens and without the dummy space some tokenizers put first."""
    if not text:
        return []
    text = text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be tokenised
    marked = tokenizer("a", add_special_tokens=False)["input_ids"]
    if tokenizer.convert_ids_to_tokens(marked)[0].startswith("▁"):
        plain = tokenizer("\n" + text, add_special_tokens=False)["input_ids"]
        newline = tokenizer("\n", add_special_tokens=False)["input_ids"]
        if plain[: len(newline)] == newline:
            return list(plain[len(newline) :])
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
