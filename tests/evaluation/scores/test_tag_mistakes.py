"""Mistaken rows of tagged tokens, marked by hand."""

from __future__ import annotations

from trimtab.data.example import TaggedExample
from trimtab.evaluation.scores.tag_mistakes import SHOWN, Marked, tag_mistake


def row(tokens, tags):
    return TaggedExample({}, None, "a.jsonl:1", tokens=tuple(tokens), tags=tuple(tags))


def test_an_entity_found_too_short_is_missed_and_spurious_at_once():
    example = row(["Ada", "Byron", "met", "Tom"], ["B-PER", "I-PER", "O", "B-PER"])
    found = tag_mistake(example, ["B-PER", "O", "O", "B-PER"], False, "space")
    assert found.missed == [Marked("PER", "Ada Byron")]
    assert found.spurious == [Marked("PER", "Ada")]
    assert [piece for piece in found.pieces if piece[1]] == [("Ada", "both"), ("Byron", "missed"), ("Tom", "right")]
    assert "".join(text for text, _ in found.pieces) == "Ada Byron met Tom"


def test_a_row_that_is_right_has_no_mistakes_and_a_long_one_is_cut():
    tokens = ["a"] * (SHOWN + 1)
    found = tag_mistake(row(tokens, ["O"] * len(tokens)), ["O"] * len(tokens), False, "none")
    assert (found.missed, found.spurious) == ([], [])
    assert found.pieces == [("a" * SHOWN, ""), ("…", "")]
