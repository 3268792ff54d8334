"""All differences between several ways tested together, so that the best may be picked afterwards. Knows no metrics.

Whoever looks at K ways on the same rows, picks the best and says which of the others are worse, has looked at all
K (K - 1) / 2 pairs. Here all of these are one family: the chance that any pair that does not differ is called different
is 5%, whichever pairs are told in the end (Westfall and Young 1993, chapter 2; Hsu 1996 on comparisons with the best).

What is drawn. If two ways are equally good, whose answer was whose is a coin's throw on each group of rows: the
group's difference changes its sign. A throw turns the same groups for all pairs, which keeps how they hang together.
Where ways were trained with several seeds, what other seeds would add is drawn too: normal, with a variance that is
itself drawn (from its fiducial distribution: few seeds tell little of it), one variance for all ways, less what each
erring on other rows explains. A way with one seed that others would answer differently from has the luck of its one.

K ways, S seeds, N rows, G groups, P pairs, B draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from trimtab.evaluation.chance.coins import THROWS, coins
from trimtab.evaluation.interval.bootstrap import Floats
from trimtab.evaluation.interval.groups import Groups
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.interval.shares import variance_of_seeds

ERROR = 0.05


@dataclass(frozen=True)
class Contender:
    """One way among those compared.

    Attributes:
        scores_S: the score of each seed.
        moves_SN: by how much each row moves it (see `interval/shares`).
        by_seed: whether another seed would give other answers.
    """

    scores_S: list[float]
    moves_SN: Floats
    by_seed: bool = False


@dataclass(frozen=True)
class PairTest:
    """What is known of the difference a - b of two ways.

    Attributes:
        interval: simultaneous 95% interval: all intervals of the family hold at once in 95% of cases. It leaves 0 out
            exactly where `p_adjusted` is below 0.05.
        p_value: two-sided, of this pair alone.
        p_adjusted: the same for the whole family.
    """

    interval: Interval
    p_value: float
    p_adjusted: float

    def turned(self) -> PairTest:
        """The same of b - a."""
        return PairTest(Interval(-self.interval.high, -self.interval.low), self.p_value, self.p_adjusted)


@dataclass(frozen=True)
class Family:
    """All pairs of several ways.

    Attributes:
        pairs: (a, b), a before b, by their places -> what is known of a - b.
        luck: by how much the best score of all flatters its way, as it was picked for it; 0 for a single way. The mean
            over draws of chance in what a way gained that would have been picked.
    """

    pairs: dict[tuple[int, int], PairTest]
    luck: float

    def of(self, a: int, b: int) -> PairTest:
        """What is known of a - b."""
        return self.pairs[a, b] if a < b else self.pairs[b, a].turned()


def all_pairs(
    ways: Sequence[Contender], groups: Groups, *, whole_row: float = 1.0, seed: int = 0, draws: int = THROWS
) -> Family:
    """Test all pairs of ways on the same rows, with simultaneous intervals.

    An interval is what the test does not rule out: the differences d at which |found - d|, over its standard error at
    d, is no more than what the family allows the pair, each pair the same share of errors (Beran 1988). Where two ways
    differ on too few rows to tell, it is at least as wide as one row would make it.

    Without a difference, one of the ways is called better or worse than another in about 5% of simulated cases or less,
    with 2 to 9 ways, rows alone or in groups, and 1 or 3 seeds (`tests/evaluation/chance/test_all_pairs.py`).

    Args:
        ways: K of them, with as many rows each.
        groups: which rows belong together.
        whole_row: the most that a row's answers may differ by, 1 where each row's score is a share; 0 where not known.
        seed: seed of the draws.
        draws: B.
    """
    pairs = list(combinations(range(len(ways)), 2))
    if not pairs:
        return Family({}, 0.0)
    random = np.random.default_rng(seed)
    means_K = np.array([np.mean(way.scores_S) for way in ways])
    moves_NK = np.stack([way.moves_SN.mean(axis=0) for way in ways], axis=1)
    moves_GK = groups.sums(moves_NK)
    a_P, b_P = np.array(pairs).T
    from_seeds_K, of_seeds_BK = _drawn_seeds(ways, groups, draws, random)
    spread_P = from_seeds_K[a_P] + from_seeds_K[b_P]
    apart_GK = moves_GK + groups.sizes_G[:, None] * means_K
    rows_BK, chance_BK = _thrown(apart_GK, moves_GK, draws, seed)
    rows_BK, chance_BK = rows_BK / len(groups.of_N) + of_seeds_BK, chance_BK / len(groups.of_N) + of_seeds_BK
    errors = [
        _Errors.of(apart_GK[:, a] - apart_GK[:, b], groups, spread)
        for (a, b), spread in zip(pairs, spread_P.tolist(), strict=True)
    ]
    error_P = np.array([each.of_none for each in errors])
    found_P = _over(means_K[a_P] - means_K[b_P], error_P)
    drawn_BP = _over(np.abs(rows_BK[:, a_P] - rows_BK[:, b_P]), error_P)
    drawn_BP = np.round(drawn_BP, 9).astype(np.float64)  # equal but for rounding is equal
    order_BP = np.sort(drawn_BP, axis=0)
    p_P = _p_values(order_BP, np.round(np.abs(found_P), 9).astype(np.float64)[None])[0]
    least_B = np.sort(_p_values(order_BP, drawn_BP).min(axis=1))
    adjusted_P = (1 + np.searchsorted(least_B, p_P + 1e-12)) / (1 + draws)
    # The largest p-value that is still called a difference, by the same count as above.
    allowed = least_B[max(0, math.ceil(ERROR * (1 + draws)) - 2)]
    limits_P = [_limit(order_B, allowed) for order_B in order_BP.T]
    tests = {}
    for at, pair in enumerate(pairs):
        interval = errors[at].interval(float(means_K[pair[0]] - means_K[pair[1]]), limits_P[at])
        if adjusted_P[at] >= ERROR:
            interval = _not_below(interval, whole_row * _normal_limit(min(allowed, ERROR)) / groups.count)
        tests[pair] = PairTest(interval, float(p_P[at]), float(max(p_P[at], adjusted_P[at])))
    picked_B = np.argmax(means_K + chance_BK, axis=1)
    return Family(tests, max(0.0, float(chance_BK[np.arange(draws), picked_B].mean())))


@dataclass(frozen=True)
class _Errors:
    """The sums over groups that the standard error of a difference d is made of: squares - 2 d crossed + d d sizes."""

    squares: float
    crossed: float
    sizes: float
    seeds: float

    @classmethod
    def of(cls, apart_G: Floats, groups: Groups, seeds: float) -> _Errors:
        rows, sizes_G = len(groups.of_N), groups.sizes_G
        products = (apart_G @ apart_G, apart_G @ sizes_G, sizes_G @ sizes_G)
        squares, crossed, sizes = (float(product) / rows**2 for product in products)
        return cls(squares, crossed, sizes, seeds)

    @property
    def of_none(self) -> float:
        """The standard error if there is no difference."""
        return math.sqrt(self.squares + self.seeds)

    def interval(self, found: float, limit: float) -> Interval:
        """The differences whose distance to what was found is at most `limit` standard errors."""
        limit += 1e-8  # what is as far off as the limit is not ruled out, whatever the rounding
        a, b = 1 - limit**2 * self.sizes, found - limit**2 * self.crossed
        c = found**2 - limit**2 * (self.squares + self.seeds)
        if a < 1e-6:  # too few groups to rule anything out
            return Interval(-math.inf, math.inf)
        half = math.sqrt(max(0.0, b * b - a * c)) / a
        return Interval(b / a - half, b / a + half)


def _thrown(apart_GK: Floats, moves_GK: Floats, draws: int, seed: int) -> tuple[Floats, Floats]:
    """Sums over groups whose signs are thrown: of what ways are apart, and of what is chance in each, shapes (B, K)."""
    apart_GK = apart_GK - apart_GK.mean(axis=1, keepdims=True)
    some_G = (apart_GK != 0).any(axis=1) | (moves_GK != 0).any(axis=1)
    both = np.concatenate([apart_GK, moves_GK], axis=1)[some_G]
    found = np.concatenate([(2 * coins_BG - 1) @ both for coins_BG in coins(len(both), draws, seed)])
    return found[:, : apart_GK.shape[1]], found[:, apart_GK.shape[1] :]


def _drawn_seeds(
    ways: Sequence[Contender], groups: Groups, draws: int, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """The variance that seeds add to each way's mean, shape (K,), and what draws of them add, shape (B, K)."""
    found = [variance_of_seeds(way.scores_S, way.moves_SN, groups) for way in ways]
    freedom = sum(each.freedom for each in found)
    if not freedom or not any(each.between for each in found):
        return np.zeros(len(ways)), np.zeros((draws, len(ways)))
    between = sum(each.between * each.freedom for each in found) / freedom
    explained = sum(each.explained * each.freedom for each in found) / freedom
    a_mean_K = np.array([1 / len(way.scores_S) if way.by_seed or len(way.scores_S) > 1 else 0.0 for way in ways])
    variance_B = np.maximum(0.0, between * freedom / random.chisquare(freedom, draws) - explained)
    of_seeds_BK = random.standard_normal((draws, len(ways))) * np.sqrt(variance_B[:, None] * a_mean_K)
    return max(0.0, between - explained) * a_mean_K, of_seeds_BK


def _over(differences: Floats, error_P: Floats) -> Floats:
    """Differences in standard errors; 0 where there is neither."""
    over: Floats = np.where(error_P > 0, differences / np.where(error_P > 0, error_P, 1), 0.0)
    return over


def _p_values(order_BP: Floats, values_XP: Floats) -> Floats:
    """The share of draws that are at least as large, the value itself among them, shape (X, P)."""
    draws = len(order_BP)
    at_least = [draws - np.searchsorted(order, values) for order, values in zip(order_BP.T, values_XP.T, strict=True)]
    p_XP: Floats = (1 + np.array(at_least, dtype=np.float64).T) / (1 + draws)
    return p_XP


def _limit(order_B: Floats, allowed: float) -> float:
    """The largest of the draws of a pair that would not be called a difference."""
    p_B = _p_values(order_B[:, None], order_B[:, None])[:, 0]
    return float(order_B[p_B >= allowed].max(initial=0.0))


def _normal_limit(p_value: float) -> float:
    """How many standard errors leave a two-sided p-value outside, of a normal distribution."""
    from scipy.special import ndtri  # scipy.stats takes a second to import

    return float(-ndtri(p_value / 2))


def _not_below(interval: Interval, half: float) -> Interval:
    """The interval, at least as wide as twice `half`."""
    wanting = max(0.0, half - (interval.high - interval.low) / 2)
    return Interval(interval.low - wanting, interval.high + wanting)
