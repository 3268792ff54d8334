"""Rows and what is right for them: what a fingerprint is of, and the rows that heads read."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from trimtab.backbones.layout import Row
from trimtab.prompts import make_options
from trimtab.training.targets import (
    LabelTarget,
    NumberTarget,
    OptionTarget,
    TagTarget,
    Target,
    TextTarget,
    fingerprint,
)

LABEL = LabelTarget((5, 6, 7), 1, answer=2)
NUMBER = NumberTarget((5, 6), -0.25, answer=1)
TAGS = TagTarget((5, 6, 7), (0, 2), ("O", "B-x"), goes_on=True)
TEXT = TextTarget((5, 6), (8, 9, 0), said=(1,))


@pytest.fixture(scope="module")
def options(pretrained):
    return OptionTarget((5, 6), 1, make_options(("good", "bad film"), pretrained.tokenizer, "x"), answer=1)


def test_a_fingerprint_is_the_hash_of_all_that_is_learnt_from_as_json(options, pretrained):
    """A run begun by an earlier version is only taken up where these bytes are as they were then."""
    words = [pretrained.tokenizer(text)["input_ids"] for text in ("good", "bad film")]
    texts = {
        LABEL: "[5, 6, 7], 1",
        options: f"[5, 6], 1, {words}",
        NUMBER: "[5, 6], 0, -0.25",
        TAGS: '[5, 6, 7], 0, [0, 2], ["O", "B-x"]',
        TEXT: "[5, 6], 0, 8, 9, 0, 1",
    }
    for target, text in texts.items():
        assert fingerprint([target]) == hashlib.sha256(f"[[{text}]]".encode()).hexdigest()
    together = "[" + ", ".join(f"[{text}]" for text in texts.values()) + "]"
    assert fingerprint(list(texts)) == hashlib.sha256(together.encode()).hexdigest()
    assert fingerprint([]) == hashlib.sha256(b"[]").hexdigest()


def test_tags_that_no_encoding_of_bytes_holds_have_one_too():
    target = replace(TAGS, tags=("地点", "a\ud83d"))
    text = '[[[5, 6, 7], 0, [0, 2], ["\\u5730\\u70b9", "a\\ud83d"]]]'
    assert fingerprint([target]) == hashlib.sha256(text.encode()).hexdigest()


def test_what_changes_nothing_that_is_learnt_leaves_the_fingerprint(options):
    """Where a row is answered follows from the template, which a run's settings are compared by."""
    moved: list[tuple[Target, Target]] = [
        (LABEL, replace(LABEL, answer=None)),
        (NUMBER, replace(NUMBER, answer=None)),
        (options, replace(options, answer=None)),
        (TAGS, replace(TAGS, goes_on=False)),
    ]
    for one, other in moved:
        assert fingerprint([one]) == fingerprint([other])
    other = (
        replace(LABEL, label=0), replace(LABEL, ids=(5, 6)), replace(NUMBER, number=0.25), replace(options, label=0),
        replace(TAGS, tags=("O", "O")), replace(TAGS, read_at=(1, 2)), replace(TEXT, text=(8, 9)),
        replace(TEXT, said=()),
    )  # fmt: skip
    all_of_them = [LABEL, NUMBER, options, TAGS, TEXT, *other]
    assert len({fingerprint([target]) for target in all_of_them}) == len(all_of_them)


def test_rows_as_heads_read_them():
    assert LABEL.read() == Row((5, 6, 7), prompt=0, answer=2)
    assert NUMBER.read(3) == Row((5, 6), prompt=3, answer=1)
    assert TAGS.read(1) == Row((5, 6, 7), prompt=1, read_at=(0, 2))


def test_what_an_assistant_said_before_is_trained_with_the_answer():
    assert TEXT.trained == 4
    assert replace(TEXT, said=()).trained == 3
