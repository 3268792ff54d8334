"""Made-up rows of every kind and answers to them, some of them wrong. Not a test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.data.example import NumberExample, TaggedExample, TextExample

FILMS = ("a warm film", "a cold film", "the plot is funny", "the cast is bad")
TAGS = ("O", "B-x", "I-x", "B-y")
WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "it", "rained", "in", "the", "old", "town", "by", "the", "sea"]


def tagged(rows: int, seed: int = 0) -> list[TaggedExample]:
    random = np.random.default_rng(seed)
    out = []
    for i in range(rows):
        tags = mended(random.choice(TAGS, size=random.integers(1, 9)).tolist())
        tokens = tuple(f"w{j}" for j in range(len(tags)))
        out.append(
            TaggedExample({"tokens": " ".join(tokens)}, " ".join(tags), f"t:{i}", tokens=tokens, tags=tuple(tags))
        )
    return out


def mended(tags: list[str]) -> list[str]:
    """Tags in valid BIO."""
    before = ["O", *tags[:-1]]
    return ["B-x" if tag == "I-x" and last in ("O", "B-y") else tag for tag, last in zip(tags, before, strict=True)]


def spoilt(examples: Sequence[TaggedExample], share: float, seed: int) -> list[list[str]]:
    """The right tags, but for a share of the tokens."""
    random = np.random.default_rng(seed)
    return [
        mended([str(random.choice(TAGS)) if random.random() < share else tag for tag in e.tags or ()]) for e in examples
    ]


def written(rows: int, seed: int = 0) -> list[TextExample]:
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(WORDS, size=random.integers(5, 15))) for _ in range(rows)]
    return [TextExample({"text": "?"}, text, f"w:{i}", references=(text,)) for i, text in enumerate(texts)]


def garbled(examples: Sequence[TextExample], share: float, seed: int) -> list[str]:
    """The right texts, but for a share of the words."""
    random = np.random.default_rng(seed)
    return [
        " ".join(str(random.choice(WORDS)) if random.random() < share else word for word in (e.answer or "").split())
        for e in examples
    ]


def numbered(numbers: np.ndarray, texts: list[str] | None = None) -> list[NumberExample]:
    texts = texts or [f"text {i}" for i in range(len(numbers))]
    return [
        NumberExample({"text": text}, f"{number:g}", f"rows.jsonl:{i + 1}", number=float(number))
        for i, (number, text) in enumerate(zip(numbers, texts, strict=True))
    ]


def noisy(n: int = 80, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Right numbers with many ties, and predictions some of which are tied."""
    random = np.random.default_rng(seed)
    right = random.integers(0, 6, size=n).astype(float)
    return right, np.round(right + random.normal(size=n), 1)


def probabilities(answers: np.ndarray, classes: int, sharpness: float, seed: int = 0) -> np.ndarray:
    """Softmax of noise with a bump at the answer; neighbours of the answer get half the bump."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(len(answers), classes))
    logits[np.arange(len(answers)), answers] += sharpness
    logits[np.arange(len(answers)), (answers + 1) % classes] += sharpness / 2
    exp = np.exp(1.5 * (logits - logits.max(axis=1, keepdims=True)))
    return exp / exp.sum(axis=1, keepdims=True)


def row(tags: list[str] | tuple[str, ...], tokens: str = "", n: int = 1) -> TaggedExample:
    texts = tokens.split() or [f"w{i}" for i in range(len(tags))]
    return TaggedExample(
        {"tokens": " ".join(texts)}, " ".join(tags), f"rows.jsonl:{n}", tokens=tuple(texts), tags=tuple(tags)
    )


def films(texts: Sequence[str] = FILMS, references: Sequence[tuple[str, ...]] | None = None) -> list[TextExample]:
    """Rows about films, with what is right to say of them."""
    found = references or [(f"it says: {text}",) for text in texts]
    return [
        TextExample({"text": text}, own[0], f"test.jsonl:{i}", references=tuple(own))
        for i, (text, own) in enumerate(zip(texts, found, strict=True), 1)
    ]
