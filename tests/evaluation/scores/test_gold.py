"""The right answers of examples, and what is said where they are missing."""

from __future__ import annotations

import pytest

from trimtab.data.example import ChoiceExample, Example, NumberExample, TaggedExample, TextExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.scores.gold import answer_ids, inputs_of, numbers_of, references_of, tags_of


def test_each_form() -> None:
    labelled = [Example({}, "b", "t:1"), Example({}, "a", "t:2")]
    chosen = [
        ChoiceExample({}, "tea", "t:1", options=("ink", "tea")),
        ChoiceExample({}, "oil", "t:2", options=("oil", "tar", "sand")),
    ]
    assert answer_ids(labelled, ["a", "b"]).tolist() == [1, 0]
    assert answer_ids(chosen, []).tolist() == [1, 0]
    assert numbers_of([NumberExample({}, "2.5", "t:1", number=2.5)]).tolist() == [2.5]
    assert tags_of(TaggedExample({}, "O", "t:1", tokens=("a",), tags=("O",))) == ("O",)
    texts = [TextExample({"one": "x", "two": "y"}, "a", "t:1", references=("a", "b"))]
    assert (references_of(texts), inputs_of(texts)) == ([["a", "b"]], ["x\ny"])


def test_what_is_missing_is_named_with_its_row() -> None:
    bare, many = Example({}, None, "t:3"), [f"label_{c}" for c in range(77)]
    numberless, tagless = NumberExample({}, None, "t:3"), TaggedExample({}, None, "t:3", tokens=("a",))
    for asked, message in (
        (lambda: answer_ids([bare], ["a"]), "t:3: this row has no answer. Scoring needs labelled rows."),
        (lambda: answer_ids([Example({}, "god", "t:4")], ["good", "bad"]),
         "t:4: label 'god' is not one of good, bad. Did you mean 'good'?"),
        (lambda: answer_ids([Example({}, "zzz", "t:5")], many),
         f"t:5: label 'zzz' is not one of {', '.join(many[:12])} or 65 more."),
        (lambda: numbers_of([numberless]), "t:3: this row has no number. Scoring needs rows with answers."),
        (lambda: tags_of(tagless), "t:3: this row has no tags. Scoring needs rows with tags."),
    ):  # fmt: skip
        with pytest.raises(TrimtabError) as caught:
            asked()
        assert str(caught.value) == message
