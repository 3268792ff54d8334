"""Counts of tags, and what is said of those that look wrong."""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.data.counts.answers import Advice, NoAnswers
from trimtab.data.counts.tags import TagCounts, count_tags
from trimtab.data.example import TaggedExample
from trimtab.data.tags.tags import as_bio


def row(number: int, tags: Sequence[str] | None, tokens: int = 0) -> TaggedExample:
    bio, mended = as_bio(tags) if tags is not None else (None, [])
    words = tuple("x" for _ in (tags or range(tokens)))
    own = None if bio is None else tuple(bio)
    return TaggedExample({"tokens": " ".join(words)}, None, f"a:{number}", tokens=words, tags=own, mended=tuple(mended))


ROWS = [
    row(1, ["O", "B-x", "I-x", "B-y"]),
    row(2, ["O", "O"]),
    row(3, ["O", "I-y", "O", "I-x", "O"]),
    row(4, None, tokens=9),
]


def test_counts() -> None:
    assert count_tags(ROWS, plain=False) == TagCounts(11, {"x": 2, "y": 2}, 1, 2, "a:3, token 2", 5, False)
    assert count_tags([row(1, None)], plain=False) == NoAnswers()
    assert count_tags([], plain=True) == NoAnswers()
    plain = [TaggedExample({}, None, "a:1", tokens=("a", "b", "c"), tags=("N", "V", "N"))]
    assert count_tags(plain, plain=True) == TagCounts(3, {"N": 2, "V": 1}, 0, 0, "", 3, True)


def test_in_words() -> None:
    assert TagCounts(1100, {"x": 2, "y": 2}, 1, 0, "", 5, False).in_words() == (
        "1,100 tokens, 4 entities of 2 types, 1 row without one, longest row 5 tokens"
    )
    assert TagCounts(3, {"x": 1}, 0, 0, "", 3, False).in_words() == (
        "3 tokens, 1 entity of 1 type, 0 rows without one, longest row 3 tokens"
    )
    assert TagCounts(3, {"N": 2, "V": 1}, 0, 0, "", 3, True).in_words() == "3 tokens, 2 tags"


def test_the_table_has_shares_of_entities() -> None:
    counts = TagCounts(99, {"x": 1200, "y": 300, "z": 100}, 0, 0, "", 5, False)
    assert counts.table(2) == [("x", "1,200", "75.0%"), ("y", "300", "18.8%"), ("... and 1 more", "", "")]


def test_as_plain_data() -> None:
    assert TagCounts(9, {"x": 2}, 1, 0, "", 5, False).to_dict() == {
        "tags": {"tokens": 9, "types": {"x": 2}, "without": 1, "mended": 0, "mended_where": "", "longest": 5,
                 "plain": False}
    }  # fmt: skip


def test_warnings() -> None:
    sound = TagCounts(9, {"x": 2}, 0, 0, "", 5, False)
    assert (sound.warnings(sound.known), sound.warnings(None), sound.balance()) == ([], [], [])
    assert sound.conflict == Advice("{texts} with different tags", "Decide on the tags for each.")
    assert TagCounts(9, {"x": 2}, 0, 1, "a:3, token 2", 5, False).warnings(sound.known) == [
        "1 tag I-type without a B-type before (a:3, token 2). It is read as B-type; set answer.scheme=iob1 if "
        "it is meant so."
    ]
    assert TagCounts(9, {"z": 1, "y": 1}, 0, 2, "a:3, token 2", 5, False).warnings(sound.known) == [
        "2 tags I-type without a B-type before (a:3, token 2). They are read as B-type; set answer.scheme=iob1 if "
        "they are meant so.",
        "type 'z' and 1 more not in train, so that it will be missed. Add training rows for it, or correct the rows.",
    ]
    assert TagCounts(9, {}, 9, 0, "", 5, False).warnings({}) == ["no row has an entity. Add some, or set data.label."]
    assert TagCounts(9, {"V": 2}, 0, 0, "", 5, True).warnings({"N": 2}) == [
        "tag 'V' not in train, so that it will be missed. Add training rows for it, or correct the rows."
    ]
