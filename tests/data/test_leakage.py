"""Rows that were trained on, found among others."""

from __future__ import annotations

import pytest

from trimtab.data.duplicates import kin, twin_key
from trimtab.data.example import ChoiceExample, Example
from trimtab.data.leakage import Seen
from trimtab.data.splits import leaks, split_off


def rows(*texts: str) -> list[Example]:
    return [Example({"text": text}, "a", f"r:{i}") for i, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("one", "other", "twins"),
    [
        ("A great film!", "a  great film", True),
        ("ＧＲＥＡＴ ﬁlm", "great film", True),  # width, a ligature
        ("café", "cafe\u0301", True),  # Unicode form
        ("good\u200b-bye", "good bye", True),  # a zero-width space
        ("很好，好吃。", "很好 好吃", True),
        ("2 + 3", "2 3", False),  # symbols count
        ("great 😀", "great", False),
        ("3.5", "35", False),
        ("a film", "film a", False),
        ("!!!", "???", False),  # of punctuation alone: as it stands
        ("!!!", " !!! ", True),
    ],
)
def test_what_is_alike(one, other, twins):
    a, b = rows(one, other)
    assert (twin_key(a) == twin_key(b)) is twins
    leak = Seen.of([a]).among([b])
    assert (leak.exact, leak.alike) == ((), (0,) if twins else ())


def test_rows_are_counted_once_as_they_stand_before_alike():
    seen = Seen.of(rows("one film", "two films", ""))
    leak = seen.among(rows("one film", "One film!", "three", "two films", ""))
    assert (leak.exact, leak.alike, leak.clean) == ((0, 3), (1,), [2, 4])
    assert leak.said("test") == (
        "3 of the 5 test rows stand in train too (2 word for word, 1 but for case, width, punctuation or Unicode form)"
    )
    assert not seen.among(rows("new"))
    assert seen.among(rows("one film")).said("dev") == "all 1 dev rows stand in train too (1 word for word)"
    assert seen.among(rows("one film", "x")).said("dev") == "1 of the 2 dev rows stands in train too (1 word for word)"


def test_all_fields_and_options_count():
    def choice(text: str, *options: str) -> ChoiceExample:
        return ChoiceExample({"text": text, "title": "t"}, options[0], "r:1", options=options)

    seen = Seen.of([choice("a", "x", "y")])
    found = seen.among([choice("a", "x", "y"), choice("a", "X", "y"), choice("a", "x", "z"), choice("b", "x", "y")])
    assert (found.exact, found.alike) == ((0,), (1,))


def test_twins_stay_together_when_test_is_set_aside():
    texts = [f"{text}{end}" for i in range(40) for text in [f"film number {i}"] for end in ("", "!", " ?")]
    kept, aside = split_off(rows(*texts), 0.3, seed=0)
    assert aside
    assert not Seen.of(kept).among(aside)
    assert [len(group) for group in kin(rows(*texts))] == [3] * 40


def test_what_is_said_before_anything_is_done():
    train, test = rows("one", "two"), rows("One", "three")
    assert leaks(train, rows("four"), test) == [
        "1 of the 2 test rows stands in train too (1 but for case, width, punctuation or Unicode form): what is "
        "reached on them says little"
    ]
    assert leaks(train, rows("four"), rows("five")) == []
