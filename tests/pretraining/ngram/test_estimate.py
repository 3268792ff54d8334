"""Kneser-Ney estimates and queries against the definition by brute force."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from brute import Brute

from trimtab.errors import RunError
from trimtab.pretraining.ngram.estimate import FALLBACK, discounts, estimate
from trimtab.pretraining.ngram.model import NgramModel, load_ngram, save_ngram

WORDS, END = 9, 1


def texts(seed: int, documents: int) -> list[list[int]]:
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, WORDS - 1)
    lengths = random.integers(0, 9, documents)
    return [[*(2 + random.choice(WORDS - 2, size, p=weights / weights.sum())).tolist(), END] for size in lengths]


def model(seed: int, documents: int, order: int) -> tuple[NgramModel, Brute]:
    found = texts(seed, documents)
    ids = np.array([one for text in found for one in text], np.uint16)
    return NgramModel(estimate(ids, end=END, words=WORDS, order=order), WORDS, END), Brute(found, WORDS, order)


@pytest.mark.parametrize("documents", [1, 3, 60])
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_every_token_is_as_likely_as_by_the_definition(order, documents):
    ours, brute = model(0, documents, order)
    others = texts(1, 12)
    expected = []
    for text in others:
        whole = (WORDS, *text)
        expected += [brute.p(whole[i], whole[max(0, i - order + 1) : i]) for i in range(1, len(whole))]
    found = np.exp(ours.log_probabilities(np.array([one for text in others for one in text])))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_what_comes_next_is_as_the_definition_says_and_sums_to_one(order):
    ours, brute = model(0, 60, order)
    for before in ([], [2], [2, 3, 2], [8, 8, 8, 8], [4, 2, 3]):
        p = ours.following(before)
        context = (WORDS, *before)[-(order - 1) :] if order > 1 else ()
        np.testing.assert_allclose(p[:WORDS], [brute.p(word, context) for word in range(WORDS)], rtol=1e-9)
        assert p.sum() == pytest.approx(1, abs=1e-12)
        assert p[WORDS] == 0


def test_discounts_by_hand():
    # n1 = 4, n2 = 2, n3 = 2, n4 = 1: Y = 4 / 8, D = 1 - 2/2 * 2/4, 2 - 3/2 * 2/2, 3 - 4/2 * 1/2
    assert discounts(np.array([1, 1, 1, 1, 2, 2, 3, 3, 4, 9])) == (0.5, 0.5, 2.0)
    assert discounts(np.array([1, 1, 5])) == FALLBACK


def test_what_is_drawn_follows_the_seed_and_the_temperature():
    ours, _ = model(0, 60, 3)
    drawn = [ours.drawn([2], 20, 1.0, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    likeliest = ours.drawn([2], 3, 0, np.random.default_rng(0), never=[END])
    text = [2]
    for word in likeliest:
        p = ours.following(text)
        p[END] = 0
        assert word == p.argmax()
        text.append(word)
    counts = np.bincount([(ours.drawn([3], 1, 1.0, np.random.default_rng(s)) or [END])[0] for s in range(3000)])
    np.testing.assert_allclose(counts / 3000, ours.following([3])[: len(counts)], atol=0.03)


def test_a_model_comes_back_from_its_folder(tmp_path):
    ours, _ = model(0, 60, 4)
    save_ngram(ours, tmp_path)
    ids = np.array([one for text in texts(2, 9) for one in text])
    np.testing.assert_array_equal(load_ngram(tmp_path).log_probabilities(ids), ours.log_probabilities(ids))
    (tmp_path / "3-keys.npy").unlink()
    with pytest.raises(RunError, match="no n-gram model, or a damaged one"):
        load_ngram(tmp_path)
