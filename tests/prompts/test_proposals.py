"""What the grammar proposes."""

from __future__ import annotations

import pytest

from trimtab.prompts import parse_template
from trimtab.prompts.proposals import Wording, wordings

GIVEN = Wording("Is the film good?", "{task}\nText: {text}\nAnswer:{answer}")


def read(wording: Wording, text: str = "X") -> str:
    return parse_template(wording.text, wording.task).text({"text": text, "a": "A", "b": "B"})


def test_the_given_wording_comes_first_and_none_twice():
    made = wordings(GIVEN, ["bad", "so so", "good"], chinese=False)
    assert made[0] == GIVEN
    assert len(set(made)) == len(made)
    texts = [read(wording) for wording in made]
    assert len(set(texts)) == len(texts)
    assert texts[0] == "Is the film good?\nText: X\nAnswer:"
    for expected in (
        "Text: X\nAnswer:",
        "Is this text bad, so so or good?\nText: X\nAnswer:",
        "Question: Is the film good?\nText: X\nLabel:",
        "Is the film good? Answer bad, so so or good.\nText: X\nThis text is",
    ):
        assert expected in texts


def test_chinese():
    made = wordings(Wording("", "评论：{text}\n情感：{answer}"), ["差评", "好评"], chinese=True)
    texts = [read(wording, "很快") for wording in made]
    assert texts[0] == "评论：很快\n情感："
    assert "这段文本是差评还是好评？\n评论：很快\n情感：" in texts
    assert "请判断下面的文本是差评还是好评。\n评论：很快\n答案：" in texts
    assert not any(text.startswith("问题：") for text in texts)  # without a description there is nothing to ask


@pytest.mark.parametrize("text", ["{task} {a} / {b}{answer}", "{{{a}}} {b}\n{answer}", "{a} {b} so{answer}\n"])
def test_fields_and_braces_stay(text):
    for wording in wordings(Wording("Same {or} not?", text), ["no", "yes"], chinese=False):
        assert "A" in read(wording)
        assert "B" in read(wording)
        assert parse_template(wording.text, wording.task).fields == ("a", "b")
