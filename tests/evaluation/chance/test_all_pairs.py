"""All pairs of ways tested together: by how often they call equal ways different, and against exact tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.special import ndtri

from trimtab.evaluation.chance.all_pairs import Contender, all_pairs
from trimtab.evaluation.chance.mcnemar import mcnemar_test
from trimtab.evaluation.interval.groups import Groups, each_alone, groups_of

Bools = np.ndarray


def contender(correct_SN: Bools, by_seed: bool = False) -> Contender:
    scores = correct_SN.mean(axis=1)
    return Contender(scores.tolist(), correct_SN - scores[:, None], by_seed)


def alike(random: np.random.Generator, seeds: Sequence[int], rows: int, luck: float = 0.0) -> list[Contender]:
    """Ways that are equally good, find the same rows hard, and whose seeds differ by so much."""
    hard, out = random.standard_normal(rows), []
    for count in seeds:
        own = random.standard_normal(rows)
        skill = ndtri(np.clip(0.85 + luck * random.standard_normal((count, 1)), 0.01, 0.99))
        each = np.sqrt(0.5) * hard + np.sqrt(0.25) * own + np.sqrt(0.25) * random.standard_normal((count, rows))
        out.append(contender(each < skill, by_seed=True))
    return out


def false_alarms(make: Callable[[], list[Contender]], groups: Groups, cases: int = 200) -> float:
    """The share of cases in which any way is called better or worse than another."""
    found = [all_pairs(make(), groups, seed=case, draws=499) for case in range(cases)]
    for family in found:  # p-values and intervals say the same
        for pair in family.pairs.values():
            assert (pair.p_adjusted < 0.05) == (not pair.interval.low <= 0 <= pair.interval.high)
    return float(np.mean([any(pair.p_adjusted < 0.05 for pair in family.pairs.values()) for family in found]))


# What chance alone makes of 5% in 200 cases, with a probability of 99%.
MOST = 0.095


@pytest.mark.parametrize(("ways", "rows"), [(2, 30), (2, 300), (9, 30), (9, 300)])
def test_equal_ways_are_rarely_called_different_whichever_is_picked(ways: int, rows: int) -> None:
    random = np.random.default_rng(ways)
    assert false_alarms(lambda: alike(random, [1] * ways, rows), each_alone(rows)) <= MOST


def test_rows_that_belong_together_are_exchanged_together() -> None:
    random, groups = np.random.default_rng(0), groups_of([str(i // 10) for i in range(300)])

    def ways() -> list[Contender]:
        together = [np.repeat(random.random(30) < 0.85, 10) ^ (random.random(300) < 0.1) for _ in range(2)]
        return [contender(one[None]) for one in together]

    assert false_alarms(ways, groups) <= MOST
    assert false_alarms(ways, each_alone(300)) > 0.2  # what it was


@pytest.mark.parametrize("seeds", [(1, 3), (3, 3), (2, 2)])
@pytest.mark.parametrize("luck", [0.0, 0.02])
def test_few_seeds_are_allowed_for(seeds: tuple[int, int], luck: float) -> None:
    random = np.random.default_rng(3)
    assert false_alarms(lambda: alike(random, seeds, 500, luck), each_alone(500)) <= MOST


def test_two_ways_of_one_seed_have_the_p_value_of_mcnemar() -> None:
    random = np.random.default_rng(5)
    a, b = random.random(80) < 0.9, random.random(80) < 0.75
    [pair] = all_pairs([contender(a[None]), contender(b[None])], each_alone(80)).pairs.values()
    assert pair.p_value == pytest.approx(mcnemar_test(a, b), abs=0.01)
    assert pair.p_adjusted == pair.p_value


def test_a_real_difference_is_found_among_many_ways() -> None:
    random = np.random.default_rng(6)
    ways = [*alike(random, [1] * 5, 400), contender(random.random((1, 400)) < 0.6)]
    family = all_pairs(ways, each_alone(400))
    for better in range(5):
        pair = family.of(better, 5)
        assert pair.p_adjusted < 0.01
        assert 0 < pair.interval.low < 0.25 < pair.interval.high
        turned = family.of(5, better)
        assert (turned.interval.low, turned.interval.high) == (-pair.interval.high, -pair.interval.low)


def test_the_luck_of_the_best_is_what_it_flatters_by() -> None:
    random = np.random.default_rng(7)
    won, said = [], []
    for case in range(100):
        ways = alike(random, [1] * 9, 100)
        won.append(max(way.scores_S[0] for way in ways) - np.mean([way.scores_S[0] for way in ways]))
        said.append(all_pairs(ways, each_alone(100), seed=case, draws=199).luck)
    assert 0.5 * np.mean(won) < np.mean(said) < 1.5 * np.mean(won)


def test_the_same_answers_to_few_rows_are_not_known_to_be_always_the_same() -> None:
    one = contender((np.arange(20) < 15)[None])
    [pair] = all_pairs([one, one], each_alone(20)).pairs.values()
    assert (pair.p_value, pair.p_adjusted) == (1.0, 1.0)
    assert pair.interval.low == pytest.approx(-pair.interval.high)
    assert 0.05 < pair.interval.high < 0.2


def test_a_single_way_has_no_pairs_and_no_luck() -> None:
    family = all_pairs([contender(np.ones((1, 5)))], each_alone(5))
    assert (family.pairs, family.luck) == ({}, 0.0)
