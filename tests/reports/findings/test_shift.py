"""What is said of rows that are not like train."""

from __future__ import annotations

from trimtab.evaluation.shift.shift import Distance, Shift
from trimtab.reports.findings.shift import shift_sentence

WORDS, STATES = Distance("words", 0.041, 0.3456, 0.0001, 0.0002), Distance("states", 0.412, 0.58, 0.003, 0.003)


def test_what_is_real_is_said() -> None:
    assert shift_sentence(Shift(100, 50, 40, [WORDS, STATES]), "test") == (
        "The test rows are not like the rows that were trained on: 34.6% of the words of a row do not stand in train, "
        "of train's own rows, held out, 4.1% (p < 0.001); the cosine distance of a row's hidden state to the nearest "
        "of train is 0.58, of train's own rows, held out, 0.41 (p = 0.003). "
        "Train on some rows like these, if they are what will be asked."
    )


def test_chance_is_not() -> None:
    chance = Distance("words", 0.04, 0.05, 0.02, 0.02)
    assert [shift_sentence(shift, "dev") for shift in (None, Shift(9, 9, 9), Shift(9, 9, 9, [chance]))] == [""] * 3
    assert shift_sentence(Shift(9, 9, 9, [chance, STATES]), "dev") == (
        "The dev rows are not like the rows that were trained on: the cosine distance of a row's hidden state to the "
        "nearest of train is 0.58, of train's own rows, held out, 0.41 (p = 0.003). "
        "Train on some rows like these, if they are what will be asked."
    )
