"""Which rows are read when, and with which others: worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from trimtab.backbones.hidden_state_cache import Budget, HiddenStateCache


class Read:
    """Notes what is read together, and gives each row a state that says how often it was read."""

    def __init__(self) -> None:
        self.passes: list[str] = []

    def __call__(self, keys: Sequence[str]) -> list[torch.Tensor]:
        self.passes.append("".join(keys))
        return [torch.tensor([[ord(key), len(self.passes)]]) for key in keys]


def cache(size: int, *groups: str) -> HiddenStateCache[str]:
    made: HiddenStateCache[str] = HiddenStateCache(Budget(size))
    made.expect(groups, lambda key: 2 if key.isupper() else 1)
    return made


def test_a_group_is_read_whole_when_one_of_it_is_asked_for():
    read, kept = Read(), cache(100, "abc", "de")
    assert [int(x[0, 0]) for x in kept.states("ba", read)] == [ord("b"), ord("a")]
    assert read.passes == ["abc"]
    first = kept.states("ace", read)
    assert read.passes == ["abc", "de"]
    again = kept.states("eca", read)
    assert read.passes == ["abc", "de"]
    assert all(x is y for x, y in zip(first, reversed(again), strict=True))


def test_what_nobody_expected_is_read_each_time_once_for_all_who_ask():
    read, kept = Read(), cache(100, "ab")
    states = kept.states("xyxa", read)
    assert read.passes == ["ab", "xy"]
    assert states[0] is states[2]
    kept.states("x", read)
    assert read.passes == ["ab", "xy", "x"]


def test_what_does_not_fit_is_left_to_smaller_ones():
    """Of 4: a and b take one each, C two; d does not fit any more, and neither does E, which needs two."""
    read, kept = Read(), cache(4, "abE", "Cd")
    kept.states("abECd", read)
    assert read.passes == ["abE", "Cd"]
    read, kept = Read(), cache(3, "abE", "Cd")
    kept.states("abECd", read)
    assert read.passes == ["ab", "d", "EC"]


def test_groups_do_not_follow_from_what_was_asked_before():
    for asked in ("a", "c", "cab"):
        read, kept = Read(), cache(100, "ab", "bcd", "dd")
        for key in asked:
            kept.states(key, read)
        kept.states("abcd", read)
        assert sorted(read.passes) == ["ab", "cd"]


def test_nothing_is_kept_of_nothing():
    read, kept = Read(), cache(0, "ab")
    assert kept.states("", read) == []
    kept.states("ab", read)
    kept.states("ab", read)
    assert read.passes == ["ab", "ab"]


@pytest.mark.parametrize("sizes", [(3, 3, 3), (9,), (4, 5)])
def test_a_budget_may_be_shared(sizes):
    budget = Budget(9)
    for i, size in enumerate(sizes):
        made: HiddenStateCache[int] = HiddenStateCache(budget)
        made.expect([[i]], lambda _, size=size: size)
    assert budget.left == 0
    assert not budget.take(1)
