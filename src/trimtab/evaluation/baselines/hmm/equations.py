"""Hidden Markov models by Rabiner (1989), equation by equation. Knows nothing about words, tags or files.

A chain of hidden states q_1 ... q_T, each of which shows one symbol o_t:

    a_ij = p(q_t+1 = j | q_t = i)    moves_SS
    b_j(o) = p(o_t = o | q_t = j)    emits_SV
    pi_i = p(q_1 = i)                start_S

S states, V symbols, B sequences side by side, T steps of the longest. What lies behind the end of a sequence is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]


@dataclass(frozen=True)
class Hmm:
    """A hidden Markov model of symbols.

    Attributes:
        start_S: pi.
        moves_SS: a, from the state of the row to that of the column.
        emits_SV: b.
    """

    start_S: Floats
    moves_SS: Floats
    emits_SV: Floats

    def seen(self, ids_TB: Ints, lengths_B: Ints) -> Floats:
        """b_j(o_t) of each step and state [T, B, S]."""
        seen_TBS: Floats = self.emits_SV.T[ids_TB]
        seen_TBS[~within(lengths_B, len(ids_TB))] = 0
        return seen_TBS


@dataclass(frozen=True)
class Counts:
    """How often something is expected to have happened, given what was seen.

    Attributes:
        start_S: that a sequence began in a state.
        moves_SS: that a state followed another.
        emits_SV: that a state showed a symbol.
        log_likelihood: ln p of all that was seen.
    """

    start_S: Floats
    moves_SS: Floats
    emits_SV: Floats
    log_likelihood: float

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.start_S + other.start_S, self.moves_SS + other.moves_SS, self.emits_SV + other.emits_SV,
            self.log_likelihood + other.log_likelihood,
        )  # fmt: skip


def within(lengths_B: Ints, steps: int) -> NDArray[np.bool_]:
    """Which steps [T, B] are within their sequence."""
    return np.arange(steps)[:, None] < lengths_B


def forward(start_S: Floats, moves_SS: Floats, seen_TBS: Floats) -> tuple[Floats, Floats]:
    """Filter: p(q_t = i | o_1 ... o_t) [T, B, S], and p(o_t | o_1 ... o_t-1) [T, B].

    alpha_1(i) = pi_i b_i(o_1); alpha_t+1(j) = [sum_i alpha_t(i) a_ij] b_j(o_t+1)    (19, 20)

    alpha is divided at each step by c_t = p(o_t | o_1 ... o_t-1), its sum (91), so that it does not vanish; the product
    of c is p(o_1 ... o_T) (103). Where c_t is 0 what was seen is impossible, and alpha is 0 from there.
    """
    states_TBS, chances_TB = np.empty_like(seen_TBS), np.empty(seen_TBS.shape[:2])
    before_BS = np.broadcast_to(start_S, seen_TBS.shape[1:])
    for t, seen_BS in enumerate(seen_TBS):
        alpha_BS = before_BS * seen_BS
        chances_TB[t] = alpha_BS.sum(axis=1)
        states_TBS[t] = alpha_BS / _or_one(chances_TB[t])[:, None]
        before_BS = states_TBS[t] @ moves_SS
    return states_TBS, chances_TB


def backward(moves_SS: Floats, seen_TBS: Floats, chances_TB: Floats) -> Floats:
    """p(o_t+1 ... o_T | q_t = i) [T, B, S], divided by p(o_t+1 ... o_T | o_1 ... o_t).

    beta_T(i) = 1; beta_t(i) = sum_j a_ij b_j(o_t+1) beta_t+1(j)    (24, 25), divided by c_t+1 at each step.
    """
    later_TBS = np.ones_like(seen_TBS)
    for t in range(len(seen_TBS) - 2, -1, -1):
        goes_on_B = seen_TBS[t + 1].any(axis=1)
        after_BS = seen_TBS[t + 1] * later_TBS[t + 1] / _or_one(chances_TB[t + 1])[:, None]
        later_TBS[t] = np.where(goes_on_B[:, None], after_BS @ moves_SS.T, 1.0)
    return later_TBS


def _or_one(chances_B: Floats) -> Floats:
    return np.where(chances_B > 0, chances_B, 1.0)


def log_likelihood(hmm: Hmm, ids_TB: Ints, lengths_B: Ints) -> Floats:
    """ln p(o_1 ... o_T) of each sequence [B]: the sum of ln c_t (103)."""
    _, chances_TB = forward(hmm.start_S, hmm.moves_SS, hmm.seen(ids_TB, lengths_B))
    with np.errstate(divide="ignore"):
        logs_TB = np.log(chances_TB, out=np.zeros_like(chances_TB), where=within(lengths_B, len(ids_TB)))
    found_B: Floats = logs_TB.sum(axis=0)
    return found_B


def expected(hmm: Hmm, ids_TB: Ints, lengths_B: Ints) -> Counts:
    """The expectation step: what is expected to have happened behind what was seen.

    gamma_t(i) = p(q_t = i | o_1 ... o_T) = alpha_t(i) beta_t(i)                                      (27)
    xi_t(i, j) = p(q_t = i, q_t+1 = j | o_1 ... o_T) = alpha_t(i) a_ij b_j(o_t+1) beta_t+1(j) / c_t+1    (37)
    """
    seen_TBS = hmm.seen(ids_TB, lengths_B)
    states_TBS, chances_TB = forward(hmm.start_S, hmm.moves_SS, seen_TBS)
    later_TBS = backward(hmm.moves_SS, seen_TBS, chances_TB)
    inside_TB = within(lengths_B, len(ids_TB))
    with np.errstate(divide="ignore"):
        total = float(np.log(chances_TB[inside_TB]).sum())
    # Into the scaled products b_j(o_t) beta_t(j) / c_t, which need the memory of seen no more.
    seen_TBS *= later_TBS
    seen_TBS /= _or_one(chances_TB)[..., None]
    states = hmm.moves_SS.shape[0]
    moves_SS = hmm.moves_SS * (states_TBS[:-1].reshape(-1, states).T @ seen_TBS[1:].reshape(-1, states))
    gamma_TBS = np.multiply(states_TBS, later_TBS, out=states_TBS)
    symbols, gamma_NS = ids_TB[inside_TB], gamma_TBS[inside_TB]
    emits_SV: Floats = np.array(
        [np.bincount(symbols, own_N, hmm.emits_SV.shape[1]) for own_N in gamma_NS.T], np.float64
    )
    return Counts(gamma_TBS[0].sum(axis=0), moves_SS, emits_SV, total)


def maximised(counts: Counts, smoothing: float = 0.0) -> Hmm:
    """The maximisation step: expected counts as shares (40).

    Args:
        counts: of all sequences, summed.
        smoothing: added to the count of each symbol in each state, so that none is impossible: the mode under a
            Dirichlet prior.
    """
    return Hmm(_shares(counts.start_S), _shares(counts.moves_SS), _shares(counts.emits_SV + smoothing))


def _shares(counts: Floats) -> Floats:
    """Each row as shares; equal ones where nothing was counted."""
    sums = counts.sum(axis=-1, keepdims=True)
    equal = np.full_like(counts, 1 / counts.shape[-1])
    shares: Floats = np.divide(counts, sums, out=equal, where=sums > 0)
    return shares


def baum_welch(
    hmm: Hmm,
    batches: Callable[[], Iterable[tuple[Ints, Ints]]],
    *,
    iterations: int,
    smoothing: float = 0.0,
    tell: Callable[[int, float], None] = lambda iteration, log: None,
) -> Hmm:
    """Expectation and maximisation in turns; without smoothing the likelihood never falls (Baum et al. 1970).

    Args:
        hmm: where to start from.
        batches: called once an iteration; gives all sequences in batches: ids [T, B] and lengths [B].
        iterations: how often.
        smoothing: as `maximised` takes it.
        tell: told the number of each iteration, from 1, and ln p of all sequences before it.
    """
    for iteration in range(1, iterations + 1):
        total: Counts | None = None
        for ids_TB, lengths_B in batches():
            own = expected(hmm, ids_TB, lengths_B)
            total = own if total is None else total + own
        assert total is not None, "no sequences"
        tell(iteration, total.log_likelihood)
        hmm = maximised(total, smoothing)
    return hmm


def random_hmm(states: int, shares_V: Floats, random: np.random.Generator) -> Hmm:
    """A model to start Baum-Welch from: starts and moves drawn evenly, symbols by shares, shaken in each state."""
    start_S, moves_SS = random.dirichlet(np.ones(states)), random.dirichlet(np.ones(states), states)
    return Hmm(start_S, moves_SS, _shares(shares_V * random.exponential(size=(states, len(shares_V)))))


def viterbi(start_S: Floats, moves_SS: Floats, seen_TS: Floats) -> tuple[list[int], float]:
    """The likeliest path of states behind one sequence, and ln p of both together; of equals, the lower state.

    delta_1(i) = pi_i b_i(o_1); delta_t+1(j) = max_i [delta_t(i) a_ij] b_j(o_t+1), psi_t+1(j) the i    (32, 33)
    """
    if not len(seen_TS):
        return [], 0.0
    with np.errstate(divide="ignore"):
        moves_SS, seen_TS, delta_S = np.log(moves_SS), np.log(seen_TS), np.log(start_S) + np.log(seen_TS[0])
    back_TS = np.zeros(seen_TS.shape, np.int64)
    for t in range(1, len(seen_TS)):
        paths_SS = delta_S[:, None] + moves_SS
        back_TS[t] = paths_SS.argmax(axis=0)
        delta_S = paths_SS.max(axis=0) + seen_TS[t]
    path = [int(delta_S.argmax())]
    for t in range(len(seen_TS) - 1, 0, -1):
        path.append(int(back_TS[t][path[-1]]))
    return path[::-1], float(delta_S.max())


def sample(hmm: Hmm, steps: int, random: np.random.Generator) -> tuple[list[int], list[int]]:
    """States and symbols of a sequence drawn from the model."""
    states: list[int] = []
    symbols: list[int] = []
    next_S = hmm.start_S
    for _ in range(steps):
        states.append(int(random.choice(len(next_S), p=next_S)))
        symbols.append(int(random.choice(hmm.emits_SV.shape[1], p=hmm.emits_SV[states[-1]])))
        next_S = hmm.moves_SS[states[-1]]
    return states, symbols


def side_by_side(sequences: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Sequences as ids [T, B] and lengths [B], in the given order, filled up with 0."""
    lengths_B = np.array([len(own) for own in sequences], np.int64)
    ids_TB = np.zeros((int(lengths_B.max(initial=0)), len(sequences)), np.int64)
    for b, own in enumerate(sequences):
        ids_TB[: len(own), b] = own
    return ids_TB, lengths_B
