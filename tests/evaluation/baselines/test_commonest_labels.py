"""The commonest labels, by trying every number of them."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from trimtab.data.example import MultiLabelExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.commonest_labels import commonest_labels


def rows(*sets: str) -> list[MultiLabelExample]:
    return [MultiLabelExample({}, "", f"r:{i}", labels=tuple(own)) for i, own in enumerate(sets, 1)]


def f1_of(given: set[str], sets: list[str]) -> float:
    both = sum(len(given & set(own)) for own in sets)
    return 2 * both / (len(given) * len(sets) + sum(map(len, sets)))


def test_so_many_of_the_commonest_as_make_the_best_f1() -> None:
    draw = random.Random(0)
    for _ in range(20):
        sets = ["".join(c for c in "abcde" if draw.random() < (0.9 if c == "a" else 0.4)) for _ in range(9)]
        order = [label for label, _ in sorted(Counter("".join(sets)).items(), key=lambda item: (-item[1], item[0]))]
        best = max(range(1, len(order) + 1), key=lambda n: (round(f1_of(set(order[:n]), sets), 12), -n))
        assert commonest_labels(rows(*sets), rows("", "a")) == [tuple(order[:best])] * 2


def test_rows_that_no_label_fits_get_none() -> None:
    assert commonest_labels(rows("", ""), rows("a")) == [()]


def test_train_without_rows_or_without_answers_is_an_error() -> None:
    with pytest.raises(TrimtabError) as caught:
        commonest_labels([], [])
    assert str(caught.value) == "A baseline needs training rows, and there are none. Give `data.train`."
    with pytest.raises(TrimtabError) as caught:
        commonest_labels([MultiLabelExample({}, None, "rows.jsonl:4")], [])
    assert str(caught.value) == "rows.jsonl:4: this row has no labels. Scoring needs labelled rows."
