"""Keyword rules by hand; chi-square and weights against scipy."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_rows import CHINESE, ENGLISH, LABELS, LONGEST, MIXED, accuracy, made_rows, texts_of
from scipy.stats import chi2_contingency

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.keyword_rules import SIZES, Rules, keyword_rules, mine_rules
from trimtab.evaluation.baselines.majority import majority

TRAIN = [Example({"text": ""}, label, f"a:{n}") for n, label in enumerate(["bad", "bad", "good", "bad"])]
SHARES = [0.25, 0.75, 0.0]


def voted(*arguments: Any, **settings: Any) -> np.ndarray:
    return keyword_rules(*arguments, **settings).probabilities_NC


def rows(*texts: str) -> list[Example]:
    return [Example({"text": text}, None, f"b:{n}") for n, text in enumerate(texts)]


def answers(rules: Rules, *texts: str) -> list[str]:
    return [LABELS[c] for c in keyword_rules(TRAIN, rows(*texts), LABELS, rules=rules).answers_N]


def test_votes_by_hand() -> None:
    rules = {"good": ["fine", "very nice", "warm"], "bad": ["slow"], "odd": ["hm"]}
    got = voted(
        TRAIN,
        rows("FINE, fine and very  nice!", "fine but slow", "hm", "nothing here", "so refined"),
        LABELS,
        rules=rules,
    )
    expected = [
        [(2 + 0.25) / 3, 0.75 / 3, 0],
        [(1 + 0.25) / 3, (1 + 0.75) / 3, 0],
        [0.25 / 2, 0.75 / 2, 1 / 2],
        SHARES,
        SHARES,
    ]
    np.testing.assert_allclose(got, expected)


def test_whole_words_in_english_and_any_place_in_chinese() -> None:
    rules = {"good": ["art", "吃", "app好"], "odd": ["很慢"]}
    assert answers(rules, "start", "Art.", "好吃的", "App 好用", "很，慢", "送餐很慢了", "art吗") == [
        "bad", "good", "good", "good", "bad", "odd", "good"
    ]  # fmt: skip


def test_symbols_are_keywords_too() -> None:
    rules = {"good": ["😀", ":)", "c++"], "odd": ["don't", "?!"]}
    assert answers(rules, "so😀!", "ok :)", "I like C++", "I like C", "DON'T", "what ?!", "what?", "👎") == [
        "good", "good", "good", "bad", "odd", "odd", "bad", "bad"
    ]  # fmt: skip


def test_a_keyword_of_two_labels_votes_for_both_and_weights_count() -> None:
    rules: Rules = {"good": {"fine": 3.0}, "odd": ["fine", "Fine"], "bad": []}
    np.testing.assert_allclose(voted(TRAIN, rows("fine"), LABELS, rules=rules), [[3.25 / 5, 0.75 / 5, 1 / 5]])


def test_no_rules_at_all_and_no_rows() -> None:
    assert voted(TRAIN, rows("fine"), LABELS, rules={}).tolist() == [SHARES]
    assert voted(TRAIN, [], LABELS, rules={"good": ["fine"]}).shape == (0, 3)
    assert voted(TRAIN, [], LABELS).shape == (0, 3)


PATTERNS = {
    "ab": r"(?<![ab])ab(?![ab])",
    "a b": r"(?<![ab])a\s+b(?![ab])",
    "a": r"(?<![ab])a(?![ab])",
    "好": "好",
    "好吃": r"好\s*吃",
    "b好": r"(?<![ab])b\s*好",
    "吃 a!": r"吃\s*a\s*!",
}


@settings(deadline=None)
@given(st.text(st.sampled_from("ab 好吃!"), max_size=12))
def test_matching_is_what_regular_expressions_find(text: str) -> None:
    votes = sum(bool(re.search(pattern, text)) for pattern in PATTERNS.values())
    got = voted(TRAIN, rows(text), LABELS, rules={"odd": list(PATTERNS)})
    assert got[0, 2] == pytest.approx(votes / (votes + 1))


def test_rules_that_cannot_be_meant() -> None:
    def message(rules: object) -> str:
        with pytest.raises(TrimtabError) as caught:
            voted(TRAIN, rows("fine"), LABELS, rules=rules)  # type: ignore[arg-type]
        return str(caught.value)

    assert message({"god": ["fine"]}) == "rules: label 'god' is not one of good, bad, odd. Did you mean 'good'?"
    assert message({"good": ["fine", " "]}) == "rules: 'good' has an empty keyword. Remove it; it would match nothing."
    assert message({"good": "fine"}) == "rules: the keywords of 'good' are one text, expected a list. Write ['fine']."
    assert message({"good": {"fine": 0}}) == "rules: the weight of 'fine' for 'good' is 0, expected above 0."


@pytest.mark.parametrize(("words", "joint"), [(ENGLISH, " "), (CHINESE, "，"), (MIXED, " ")])
def test_mined_keywords_are_ranked_by_chi_square_and_weighted_by_likelihood_ratio(
    words: dict[str, list[str]], joint: str
) -> None:
    train = made_rows(150, 1, words, joint)
    rules = mine_rules(train, LABELS)
    assert max(len(keywords) for keywords in rules.values()) <= max(SIZES)
    for label, keywords in rules.items():
        assert keywords
        own = np.array([example.answer == label for example in train])
        chi_squares = []
        for keyword, weight in keywords.items():
            found = np.array([_occurs(keyword, text) for text in texts_of(train)])
            table = [[np.sum(found & own), np.sum(found & ~own)], [np.sum(~found & own), np.sum(~found & ~own)]]
            chi_squares.append(chi2_contingency(table, correction=False).statistic)
            inside, outside = (table[0][0] + 0.5) / (own.sum() + 1), (table[0][1] + 0.5) / ((~own).sum() + 1)
            assert weight == pytest.approx(math.log(inside / outside))
        assert chi_squares == pytest.approx(sorted(chi_squares, reverse=True))
    mined = voted(train, train, LABELS)
    assert np.array_equal(mined, voted(train, train, LABELS, rules=rules))
    assert accuracy(voted(train, made_rows(150, 2, words, joint), LABELS), made_rows(150, 2, words, joint)) > 0.5


def _occurs(keyword: str, text: str) -> bool:
    before = r"(?<![a-z])" if keyword[0].isascii() else ""
    after = r"(?![a-z])" if keyword[-1].isascii() else ""
    spaced = re.escape(keyword).replace(r"\ ", r"\s+")
    loose = re.sub(r"(?<=[^\x00-\x7f])(?=\w)|(?<=\w)(?=[^\x00-\x7f])", r"\\s*", spaced)
    return re.search(before + loose + after, text) is not None


def test_pairs_of_neighbouring_words_are_found_but_not_across_a_comma() -> None:
    texts = {"good": ["not bad", "oh, not bad at all"], "bad": ["bad, not fine", "fine? bad. not"]}
    train = [Example({"text": text}, label, "a:1") for label, some in texts.items() for text in some * 4]
    rules = mine_rules(train, LABELS)
    assert next(iter(rules["good"])) == "not bad"
    assert "bad not" not in rules["bad"]
    assert rules["odd"] == {}
    assert voted(train, rows("Not bad."), LABELS).argmax(axis=1).tolist() == [0]


def test_single_chinese_characters_are_not_mined() -> None:
    texts = {"good": ["好。app", "不错。app"], "bad": ["差。a", "太差。a"]}
    train = [Example({"text": text}, label, "a:1") for label, some in texts.items() for text in some * 4]
    rules = mine_rules(train, LABELS)
    assert sorted(rules["good"]) == ["app", "不错"]
    assert sorted(rules["bad"]) == ["a", "太差"]


def test_mining_is_the_same_every_time() -> None:
    train = made_rows(90, 1, ENGLISH)
    assert mine_rules(train, LABELS, seed=4) == mine_rules(list(train), LABELS, seed=4)


@pytest.mark.filterwarnings("error")
def test_nothing_to_mine() -> None:
    nothing: dict[str, dict[str, float]] = {"good": {}, "bad": {}, "odd": {}}
    assert mine_rules(TRAIN, LABELS) == nothing  # empty texts
    assert mine_rules(made_rows(1, 1, ENGLISH), LABELS) == nothing
    one_class = [example for example in made_rows(60, 1, ENGLISH) if example.answer == "bad"]
    assert mine_rules(one_class, LABELS) == nothing
    assert np.array_equal(
        voted(one_class, rows("slow"), LABELS), majority(one_class, rows("slow"), LABELS).probabilities_NC
    )


def test_very_long_and_odd_texts() -> None:
    train = made_rows(60, 1, MIXED)
    got = voted(train, rows(LONGEST, "", "😀\ud800\u200d", "\x00"), LABELS)
    np.testing.assert_allclose(got.sum(axis=1), 1)
    assert len(mine_rules([*train, Example({"text": LONGEST}, "odd", "a:1")], LABELS)["odd"]) > 0
