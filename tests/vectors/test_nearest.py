"""Nearest words and analogies beside plain NumPy, and words that have no vector."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.errors import DataError
from trimtab.evaluation.baselines.word_vectors import KeyedVectors
from trimtab.vectors import nearest as module
from trimtab.vectors.nearest import analogy, nearest

WORDS = [f"word{i}" for i in range(40)]
ROWS = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
VECTORS = KeyedVectors({word: i for i, word in enumerate(WORDS)}, ROWS)


def by_cosine(target: np.ndarray, without: set[int]) -> list[tuple[str, float]]:
    """All words with the cosine of their vectors and `target`, one by one in float64."""
    target = target.astype(np.float64)
    cosines = {
        WORDS[i]: float(row @ target / np.sqrt((row @ row) * (target @ target)))
        for i, row in enumerate(ROWS.astype(np.float64))
        if i not in without
    }
    return sorted(cosines.items(), key=lambda pair: -pair[1])


@pytest.mark.parametrize("at_once", [7, 100])
@pytest.mark.parametrize("count", [1, 5, 39, 1000])
def test_the_nearest_have_the_largest_cosines(count: int, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    expected = by_cosine(ROWS[3], {3})[:count]
    found = nearest(VECTORS, "word3", count)
    assert (found.word, found.known) == ("word3", True)
    assert [one.word for one in found.near] == [word for word, _ in expected]
    np.testing.assert_allclose([one.cosine for one in found.near], [cosine for _, cosine in expected], atol=1e-6)


def test_an_analogy_is_the_sum_of_vectors_of_length_one_without_its_words() -> None:
    unit = ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)
    expected = by_cosine(unit[1] - unit[0] + unit[2], {0, 1, 2})[:4]
    found = analogy(VECTORS, ["word0", "word1", "word2"], 4)
    assert [one.word for one in found] == [word for word, _ in expected]
    np.testing.assert_allclose([one.cosine for one in found], [cosine for _, cosine in expected], atol=1e-6)


def test_an_analogy_by_hand() -> None:
    rows = np.array([[1, 0, 1], [0, 1, 1], [1, 0, 0], [0, 1, 0], [-1, -1, 0]], dtype=np.float32)
    vectors = KeyedVectors({word: i for i, word in enumerate(["king", "queen", "man", "woman", "pear"])}, rows)
    assert analogy(vectors, ["man", "king", "woman"], 1)[0].word == "queen"


def test_words_are_taken_as_they_are_and_then_folded() -> None:
    vectors = KeyedVectors({"Paris": 0, "paris": 1, "rome": 2}, np.eye(3, dtype=np.float32))
    assert nearest(vectors, "Paris").word == "Paris"
    assert nearest(vectors, "PARIS").word == "paris"


def test_a_vector_of_zeros_is_near_nothing() -> None:
    vectors = KeyedVectors({"a": 0, "b": 1}, np.array([[0, 0], [1, 0]], dtype=np.float32))
    assert [one.cosine for one in nearest(vectors, "a").near] == [0]
    assert [one.cosine for one in nearest(vectors, "b").near] == [0]
    assert nearest(KeyedVectors({"a": 0}, vectors.vectors[:1]), "a").near == ()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("wrod7", "own.txt: 'wrod7' has no vector. Did you mean 'word7'?"),
        ("😀", "own.txt: '😀' has no vector. 40 words have one."),
        ("", "own.txt: '' has no vector. 40 words have one."),
        ("word7 再见", "own.txt: 'word7 再见' has no vector. Did you mean 'word7'?"),
    ],
)
def test_a_word_without_a_vector_is_named_with_the_most_alike(word: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        nearest(VECTORS, word, name="own.txt")
    assert str(raised.value) == message
