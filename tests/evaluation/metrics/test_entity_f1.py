"""Entities listed in texts: both forms, counted by hand and against scikit-learn."""

from __future__ import annotations

from collections import Counter

import pytest
from sklearn.metrics import f1_score

from trimtab.evaluation.metrics.entity_f1 import entities, entity_f1

LI_BAI, XIAN = ("per", "Li Bai"), ("loc", "Xi'an")


@pytest.mark.parametrize(
    "text",
    [
        "PER: Li Bai; LOC: Xi'an",
        "per:Li  Bai\n\nLoc : Xi'an\n",
        "PER：Li Bai；LOC：Xi'an；",
        '[{"type": "PER", "text": "Li Bai"}, {"text": "Xi\'an", "type": "loc", "start": 3}]',
    ],
)
def test_forms(text: str) -> None:
    assert entities(text) == Counter([LI_BAI, XIAN])


def test_what_is_no_entity() -> None:
    for text in ("", " \n", "none", "None;", "无", "[]"):
        assert entities(text) == Counter()
    assert entities("Li Bai; TIME: 12:30") == Counter([("", "Li Bai"), ("time", "12:30")])
    assert entities('[{"type": "PER"}]') == Counter([('[{"type"', '"PER"}]')])
    assert entities("[" * 100_000).total() == 1
    assert entities("[1, 2]") == Counter([("", "[1, 2]")])


def test_counts_are_micro_and_of_multisets() -> None:
    texts = ["PER: a; PER: a; LOC: b", "none", "PER: c", ""]
    references = [["PER: a; LOC: b; LOC: d"], ["ORG: x"], ["LOC: c", "per: c; ORG: y"], ["none"]]
    found = entity_f1(texts, references)
    # Row by row right, given, there: (2, 3, 3), (0, 0, 1), (1, 1, 2), (0, 0, 0).
    assert found.value == pytest.approx(2 * 3 / (4 + 6))
    assert found.per_row == pytest.approx([2 / 3, 0, 2 / 3, 1])
    assert entity_f1(["", "none"], [["none"], [""]]).value == 1


def test_micro_f1_is_scikit_learns() -> None:
    kinds = ("PER", "LOC", "ORG")
    right = ["PER", "LOC", "LOC", "ORG", "PER"]
    given = ["PER", "ORG", "LOC", "ORG", "LOC"]
    found = entity_f1([f"{kind}: x" for kind in given], [[f"{kind}: x"] for kind in right])
    assert found.value == pytest.approx(f1_score(right, given, labels=kinds, average="micro"))
