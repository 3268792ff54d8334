"""Counts of answers in free text, by hand and against NumPy's definition of a quantile."""

from __future__ import annotations

from trimtab.data.counts.answers import NoAnswers
from trimtab.data.counts.texts import TextCounts, count_texts
from trimtab.data.example import TextExample


def answered(*texts: str) -> TextExample:
    return TextExample({"text": "x"}, texts[0] if texts else None, "a.jsonl:1", references=texts)


def test_answers_are_counted_all_of_a_row() -> None:
    rows = [answered("a", "bb"), answered("a"), answered(), answered("c c c c c")]
    assert count_texts(rows, None) == TextCounts(4, 3, 1, (1, 1, 9, 9), None)
    counts = count_texts(rows, lambda text: len(text.split()))
    assert counts == TextCounts(4, 3, 1, (1, 1, 9, 9), (1, 1, 5, 5))


def test_the_quantiles_are_lengths_that_occur() -> None:
    counts = count_texts([answered("x" * n) for n in range(1, 101)], None)
    assert isinstance(counts, TextCounts)
    assert counts.characters == (1, 50, 95, 100)


def test_no_answers() -> None:
    assert count_texts([], None) == NoAnswers()
    assert count_texts([answered(), answered()], len) == NoAnswers()


def test_in_words() -> None:
    assert TextCounts(1200, 3, 0, (1, 2, 30, 40), None).in_words() == (
        "1,200 answers in free text, 3 different; 1 to 40 characters, median 2, 95% up to 30"
    )
    assert TextCounts(4, 3, 1, (9, 9, 9, 9), (1, 2, 3, 4)).in_words() == (
        "4 answers in free text, 3 different, 1 row with several; 1 to 4 tokens, median 2, 95% up to 3"
    )
    assert ", 2 rows with several; " in TextCounts(4, 3, 2, (9, 9, 9, 9), None).in_words()


def test_nothing_looks_wrong_with_a_text() -> None:
    counts = TextCounts(4, 3, 1, (1, 1, 9, 9), (1, 1, 5, 5))
    assert (counts.table(20), counts.conflict, counts.balance(), counts.warnings(["a"])) == ([], None, [], [])
    assert counts.to_dict() == {
        "texts": {"answers": 4, "distinct": 3, "several": 1, "characters": (1, 1, 9, 9), "tokens": (1, 1, 5, 5)}
    }
