"""Hidden Markov models against sums over all paths, and against hmmlearn."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from trimtab.evaluation.baselines.hmm.equations import (
    Hmm,
    backward,
    baum_welch,
    expected,
    forward,
    log_likelihood,
    maximised,
    random_hmm,
    sample,
    side_by_side,
    viterbi,
)  # fmt: skip

SEQUENCES = [np.array(own) for own in ([2, 0, 1, 1, 3], [1, 1, 2], [0], [3, 2, 2, 0])]


def made(states: int = 3, symbols: int = 4, seed: int = 0) -> Hmm:
    random = np.random.default_rng(seed)
    return Hmm(*(random.dirichlet(np.ones(n), m) if m else random.dirichlet(np.ones(n))
                 for n, m in ((states, 0), (states, states), (symbols, states))))  # fmt: skip


def paths(hmm: Hmm, symbols: np.ndarray) -> dict[tuple[int, ...], float]:
    """p of each path of states together with the symbols."""
    found = {}
    for path in product(range(len(hmm.start_S)), repeat=len(symbols)):
        p = hmm.start_S[path[0]]
        for before, after in pairwise(path):
            p *= hmm.moves_SS[before, after]
        found[path] = float(p * np.prod([hmm.emits_SV[s, o] for s, o in zip(path, symbols, strict=True)]))
    return found


def test_likelihood_and_expected_counts_are_sums_over_all_paths() -> None:
    hmm = made()
    ids_TB, lengths_B = side_by_side(SEQUENCES)
    start_S, moves_SS, emits_SV = np.zeros(3), np.zeros((3, 3)), np.zeros((3, 4))
    logs = []
    for symbols in SEQUENCES:
        all_paths = paths(hmm, symbols)
        whole = sum(all_paths.values())
        logs.append(np.log(whole))
        for path, p in all_paths.items():
            start_S[path[0]] += p / whole
            for before, after in pairwise(path):
                moves_SS[before, after] += p / whole
            for state, symbol in zip(path, symbols, strict=True):
                emits_SV[state, symbol] += p / whole
    np.testing.assert_allclose(log_likelihood(hmm, ids_TB, lengths_B), logs, atol=1e-9)
    found = expected(hmm, ids_TB, lengths_B)
    np.testing.assert_allclose(found.start_S, start_S, atol=1e-9)
    np.testing.assert_allclose(found.moves_SS, moves_SS, atol=1e-9)
    np.testing.assert_allclose(found.emits_SV, emits_SV, atol=1e-9)
    assert found.log_likelihood == pytest.approx(sum(logs), abs=1e-9)


def test_forward_and_backward_agree_at_every_step() -> None:
    hmm = made(seed=1)
    ids_TB, lengths_B = side_by_side(SEQUENCES[:1])
    seen_TBS = hmm.seen(ids_TB, lengths_B)
    states_TBS, chances_TB = forward(hmm.start_S, hmm.moves_SS, seen_TBS)
    later_TBS = backward(hmm.moves_SS, seen_TBS, chances_TB)
    np.testing.assert_allclose(states_TBS.sum(axis=-1), 1)
    np.testing.assert_allclose((states_TBS * later_TBS).sum(axis=-1), 1)


@pytest.mark.parametrize("seed", range(4))
def test_viterbi_finds_the_likeliest_of_all_paths(seed: int) -> None:
    hmm = made(seed=seed)
    for symbols in SEQUENCES:
        path, log = viterbi(hmm.start_S, hmm.moves_SS, hmm.emits_SV.T[symbols])
        best, p = max(paths(hmm, symbols).items(), key=lambda item: item[1])
        assert (tuple(path), log) == (best, pytest.approx(np.log(p), abs=1e-9))
    assert viterbi(hmm.start_S, hmm.moves_SS, np.zeros((0, 3))) == ([], 0.0)


def test_the_likelihood_never_falls_over_iterations() -> None:
    batches = [side_by_side(SEQUENCES[:2]), side_by_side(SEQUENCES[2:])]
    logs: list[float] = []
    baum_welch(made(2, 4), lambda: batches, iterations=40, tell=lambda number, log: logs.append(log))
    assert len(logs) == 40
    assert (np.diff(logs) > -1e-12).all()
    assert logs[-1] > logs[0] + 1


def test_baum_welch_finds_a_model_again() -> None:
    """Two states that take turns and show symbols of their own."""
    true = Hmm(np.array([1.0, 0.0]), np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([[0.5, 0.5, 0, 0], [0, 0, 0.7, 0.3]]))
    random = np.random.default_rng(0)
    drawn = side_by_side([np.array(sample(true, 40, random)[1]) for _ in range(50)])
    start = random_hmm(2, np.bincount(drawn[0].ravel()) / 2000, random)
    found = baum_welch(start, lambda: [drawn], iterations=60)
    own = [0, 1] if found.start_S[0] > 0.5 else [1, 0]
    np.testing.assert_allclose(found.moves_SS[own][:, own], true.moves_SS, atol=0.05)
    np.testing.assert_allclose(found.emits_SV[own], true.emits_SV, atol=0.05)


def test_what_is_impossible_has_no_likelihood_and_smoothing_makes_it_possible() -> None:
    counts = expected(made(), *side_by_side([np.array([0, 1, 1])]))
    ids_TB, lengths_B = side_by_side([np.array([0, 3, 1])])
    assert log_likelihood(maximised(counts), ids_TB, lengths_B).tolist() == [-np.inf]
    assert np.isfinite(log_likelihood(maximised(counts, 0.1), ids_TB, lengths_B)).all()


def test_hmmlearn_has_the_same_figures() -> None:
    hmmlearn = pytest.importorskip("hmmlearn.hmm", reason="hmmlearn is not installed: `pip install hmmlearn`")
    hmm = made(seed=2)
    ours = side_by_side(SEQUENCES)
    theirs = hmmlearn.CategoricalHMM(3, n_iter=5, tol=0, init_params="", implementation="scaling")
    theirs.startprob_, theirs.transmat_, theirs.emissionprob_ = hmm.start_S, hmm.moves_SS, hmm.emits_SV
    joined, lengths = np.concatenate(SEQUENCES)[:, None], [len(own) for own in SEQUENCES]
    assert log_likelihood(hmm, *ours).sum() == pytest.approx(theirs.score(joined, lengths), abs=1e-6)
    for symbols in SEQUENCES:
        log, path = theirs.decode(symbols[:, None])
        assert viterbi(hmm.start_S, hmm.moves_SS, hmm.emits_SV.T[symbols]) == (path.tolist(), pytest.approx(log))
    theirs.fit(joined, lengths)
    found = baum_welch(hmm, lambda: [ours], iterations=theirs.monitor_.iter)
    np.testing.assert_allclose(found.start_S, theirs.startprob_, atol=1e-6)
    np.testing.assert_allclose(found.moves_SS, theirs.transmat_, atol=1e-6)
    np.testing.assert_allclose(found.emits_SV, theirs.emissionprob_, atol=1e-6)
