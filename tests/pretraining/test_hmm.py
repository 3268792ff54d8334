"""Hidden Markov language models against sums over all paths, and their files."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from trimtab.errors import RunError
from trimtab.evaluation.baselines.hmm.equations import random_hmm
from trimtab.pretraining import hmm as module
from trimtab.pretraining.hmm import HmmModel, batches, load_hmm, save_hmm, train_hmm

END = 1
DOCUMENTS = [[2, 3, 4], [], [4], [3, 3, 2, 4, 2], [2, 3]]
IDS = np.array([one for own in DOCUMENTS for one in (*own, END)], np.uint16)


@pytest.fixture
def model() -> HmmModel:
    return HmmModel(random_hmm(2, np.full(5, 0.2), np.random.default_rng(0)), END)


def chance(model: HmmModel, words: list[int]) -> float:
    """p that a document begins so, over all paths of states."""
    hmm, total = model.hmm, 0.0
    for path in product(range(2), repeat=len(words)):
        p = hmm.start_S[path[0]] if path else 1.0
        for before, after in zip(path, path[1:]):  # noqa: B905, RUF007
            p *= hmm.moves_SS[before, after]
        total += float(p * np.prod([hmm.emits_SV[state, word] for state, word in zip(path, words, strict=True)]))
    return total


def test_each_token_has_the_share_of_all_paths(model: HmmModel) -> None:
    expected = []
    for own in DOCUMENTS:
        words = [*own, END]
        expected += [np.log(chance(model, words[: t + 1]) / chance(model, words[:t])) for t in range(len(words))]
    np.testing.assert_allclose(model.log_probabilities(IDS), expected, atol=1e-9)
    for before in ([], [2], [3, 4]):
        found = model.following(before)
        np.testing.assert_allclose(found, [chance(model, [*before, w]) / chance(model, before) for w in range(5)])


def test_batches_hold_every_token_once_and_change_nothing(model: HmmModel, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = model.log_probabilities(IDS)
    before = train_hmm(IDS, end=END, words=5, states=2, iterations=3, seed=0)
    monkeypatch.setattr(module, "SORTED", 3)
    monkeypatch.setattr(module, "NUMBERS", 10)
    held = list(batches(IDS, END, 2))
    assert len(held) > 2
    places = [places_TB[t, b] for places_TB, lengths_B in held for b, n in enumerate(lengths_B) for t in range(n)]
    assert sorted(places) == list(range(len(IDS)))
    np.testing.assert_allclose(model.log_probabilities(IDS), whole, atol=1e-12)
    after = train_hmm(IDS, end=END, words=5, states=2, iterations=3, seed=0)
    np.testing.assert_allclose(after.hmm.emits_SV, before.hmm.emits_SV, atol=1e-12)


def test_training_makes_train_likelier_and_leaves_no_word_impossible() -> None:
    told: list[float] = []
    random = np.random.default_rng(0)
    rows = [[2, 3] * int(n) + [END] for n in random.integers(1, 6, 60)]
    ids = np.array([one for own in rows for one in own])
    model = train_hmm(ids, end=END, words=6, states=3, iterations=30, seed=1, tell=lambda n, own: told.append(own))
    assert told[-1] < told[0] - 1
    assert np.diff(told).max() < 1e-3  # smoothing is a part of what is made likelier
    assert (model.hmm.emits_SV > 0).all()
    assert model.drawn([2], 1, 0.0, random) == [3]
    assert model.drawn([2, 3], 40, 1.0, random, never=[0, 4, 5]) in ([2, 3] * n for n in range(21))


def test_files_hold_the_model_and_damaged_ones_are_told(model: HmmModel, tmp_path: Path) -> None:
    save_hmm(model, tmp_path)
    np.testing.assert_array_equal(load_hmm(tmp_path).log_probabilities(IDS), model.log_probabilities(IDS))
    np.save(tmp_path / "moves.npy", np.ones((3, 3)))
    with pytest.raises(RunError) as caught:
        load_hmm(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: no hidden Markov model, or a damaged one (not arrays of 2 states and 5 words). Train it again."
    )
    (tmp_path / "emits.npy").write_bytes(b"")
    with pytest.raises(RunError, match="Train it again"):
        load_hmm(tmp_path)
