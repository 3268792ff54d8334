"""Made-up labelled texts for tests: English, Chinese, mixed. Not a test."""

from __future__ import annotations

import numpy as np

from trimtab.data.example import Example
from trimtab.evaluation.baselines.word_vectors import KeyedVectors

LABELS = ["good", "bad", "odd"]
ENGLISH = {"good": ["fine", "great", "lovely", "fresh"], "bad": ["dull", "slow", "cold", "late"], "odd": ["a", "hm"]}
CHINESE = {"good": ["好吃", "新鲜", "很快"], "bad": ["难吃", "太慢", "凉了"], "odd": ["一般", "还行"]}
MIXED = {"good": ["app 好用", "很快", "nice"], "bad": ["太慢", "crash 了", "slow"], "odd": ["一般", "ok"]}
LONGEST = "slow late 好吃 😀 " * 7_000  # 105,000 characters


def made_rows(count: int, seed: int, words: dict[str, list[str]], joint: str = " ") -> list[Example]:
    """Rows of two words that go with their label and six of any."""
    random = np.random.default_rng(seed)
    every = sorted({word for group in words.values() for word in group})
    examples = []
    for n in range(count):
        label = str(random.choice(list(words)))
        text = joint.join([*random.choice(words[label], 2), *random.choice(every, 6)])
        examples.append(Example({"text": text}, label, f"made:{n}"))
    return examples


def texts_of(examples: list[Example]) -> list[str]:
    return [example.fields["text"] for example in examples]


def ids_of(examples: list[Example]) -> list[int]:
    return [LABELS.index(str(example.answer)) for example in examples]


def accuracy(probabilities_NC: np.ndarray, examples: list[Example]) -> float:
    return float(np.mean(probabilities_NC.argmax(axis=1) == np.array(ids_of(examples))))


def vectors_of_words() -> KeyedVectors:
    """Vectors of the English words but `hm`."""
    words = sorted({word for group in ENGLISH.values() for word in group} - {"hm"})
    drawn = np.random.default_rng(0).normal(size=(len(words), 8)).astype(np.float32)
    return KeyedVectors({word: v for v, word in enumerate(words)}, drawn)


def mean_of(text: list[str], vectors: KeyedVectors) -> np.ndarray:
    """The mean, in float64, of the words that have a vector."""
    by_word = dict(zip(vectors.key_to_index, vectors.vectors.astype(np.float64), strict=True))
    return np.mean([by_word[word] for word in text if word in by_word], axis=0)
