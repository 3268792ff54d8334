"""Made-up texts and references for tests of metrics: one reference or several, Chinese, empty. Not a test."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np

TEXTS = [
    "The cat sat on the mat .",
    "",
    "It's 20% off — hurry up!",
    "A",
    "Nothing in common",
    "我爱北京天安门, really 👍",
    "to be or not to be",
]
REFERENCES = [
    ["The cat sat on the mat.", "A cat was on the mat."], ["Something."],
    ["It is 20% off, hurry up!", "20% off!", "Hurry!"],
    ["A"], ["xyz qqq"], ["我爱北京的天安门，真的 👍"], ["to be, or not to be: that is the question"],
]  # fmt: skip
CHINESE = ["今天天气很好，我们去公园玩。", "他说App很好用", ""]
CHINESE_REFERENCES = [
    ["今天天气不错，我们去公园。", "今天天气很好，我们到公园去玩吧。"],
    ["他说这个App非常好用！"],
    ["空"],
]
ROWS = len(TEXTS)
WORDS = [
    "the",
    "a",
    "cat",
    "dog",
    "sat",
    "ran",
    "on",
    "under",
    "mat",
    "tree",
    "quickly",
    "slowly",
    "red",
    "blue",
    "big",
    "small",
]


def streams(references: list[list[str]]) -> list[tuple[Any, ...]]:
    """References as sacrebleu takes them."""
    return list(zip_longest(*references))


def sentences(rows: int, seed: int, right: float) -> tuple[list[str], list[list[str]]]:
    """Sentences and references that share about `right` of their words."""
    random = np.random.default_rng(seed)
    references = [[WORDS[w] for w in random.integers(len(WORDS), size=12)] for _ in range(rows)]
    texts = [[w if random.random() < right else "other" for w in words] for words in references]
    return [" ".join(words) for words in texts], [[" ".join(words)] for words in references]
