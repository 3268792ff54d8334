"""The commonest tag of each token, by hand."""

from __future__ import annotations

from made_answers import row

from trimtab.evaluation.baselines.commonest_tag_of_token import commonest_tag_of_token


def test_each_token_gets_its_own_commonest_tag() -> None:
    train = [row(["O", "B-x", "I-x"], "to New York"), row(["B-y", "O"], "York to"), row(["I-x", "O"], "York is")]
    assert commonest_tag_of_token(train, [row(["O"] * 4, "to York New York")]) == [["O", "B-x", "B-x", "I-x"]]
    assert commonest_tag_of_token(train, [row(["O", "O"], "York unseen")]) == [["B-x", "O"]]


def test_plain_tags_stay_as_they_are() -> None:
    plain = [row(["N", "N", "V"], "a b c")]
    assert commonest_tag_of_token(plain, [row(["N", "V"], "c d")], plain=True) == [["V", "N"]]
