"""Tokens by hand, and the longest common run against the table of CMRC 2018's script."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.evaluation.text.tokens import longest_common_run, tokens


def test_tokens_are_single_chinese_characters_and_whole_words() -> None:
    assert tokens("这个App，共3人Café用！") == ["这", "个", "app", "共", "3", "人", "café", "用"]
    assert tokens("It's 20% off — on_the_mat 👍") == ["it", "s", "20", "off", "on", "the", "mat"]
    assert tokens("Cafe\u0301") == ["café"]


def run_by_table(one: list[str], other: list[str]) -> int:
    """The table of CMRC 2018's script."""
    lengths = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, x in enumerate(one):
        for j, y in enumerate(other):
            lengths[i + 1][j + 1] = lengths[i][j] + 1 if x == y else 0
    return max(map(max, lengths))


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from("abc"), max_size=25), st.lists(st.sampled_from("abcd"), max_size=25))
def test_the_longest_run_is_that_of_the_table(one: list[str], other: list[str]) -> None:
    assert longest_common_run(one, other) == run_by_table(one, other)
