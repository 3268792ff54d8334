"""The commonest tag, by hand."""

from __future__ import annotations

import pytest
from made_answers import row

from trimtab.data.example import TaggedExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.commonest_tag import commonest_tag


def test_every_token_gets_the_commonest_tag_of_train() -> None:
    train = [row(["O", "B-x", "I-x"], "to New York"), row(["B-y", "O"], "York to"), row(["I-x", "O"], "York is")]
    assert commonest_tag(train, [row(["O"] * 4, "to York New York")]) == [["O"] * 4]
    assert commonest_tag([row(["N", "N", "V"], "a b c")], [row(["N", "V"], "c d")], plain=True) == [["N", "N"]]


def test_of_equals_the_first_by_name_and_what_is_given_is_valid_bio() -> None:
    train = [row(["B-x", "I-x", "I-x", "B-x"])]
    assert commonest_tag(train, [row(["O", "O"])]) == [["B-x", "B-x"]]
    assert commonest_tag([row(["B-x", "I-x", "I-x"])], [row(["O", "O"])]) == [["B-x", "I-x"]]


def test_a_row_without_tags_is_an_error() -> None:
    with pytest.raises(TrimtabError) as caught:
        commonest_tag([TaggedExample({}, None, "rows.jsonl:4", tokens=("a",))], [])
    assert str(caught.value) == "rows.jsonl:4: this row has no tags. Scoring needs rows with tags."
