"""The commonest label or place, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from made_rows import LABELS

from trimtab.data.example import ChoiceExample, Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.majority import majority


def choice(place: int, options: int, where: str = "c:1") -> ChoiceExample:
    names = tuple(f"o{i}" for i in range(options))
    return ChoiceExample({}, names[place], where, options=names)


def test_every_row_gets_the_shares_of_train() -> None:
    train = [Example({}, label, "a:1") for label in ("bad", "bad", "good", "bad")]
    answers, shares = majority(train, train[:2], LABELS)
    assert (answers.tolist(), shares.tolist()) == ([1, 1], [[0.25, 0.75, 0], [0.25, 0.75, 0]])


def test_of_equals_the_first_wins() -> None:
    train = [Example({}, label, "a:1") for label in ("odd", "bad")]
    assert majority(train, train, LABELS).answers_N.tolist() == [1, 1]


def test_only_the_places_that_a_row_has_count_in_it() -> None:
    train = [choice(*row) for row in ((3, 4), (3, 4), (3, 4), (1, 4), (1, 2), (0, 4))]
    judged = [choice(0, options) for options in (4, 2, 3, 1)]
    answers, shares = majority(train, judged, [f"option {i}" for i in range(1, 5)])
    assert answers.tolist() == [3, 1, 1, 0]
    np.testing.assert_allclose(
        shares, [[1 / 6, 2 / 6, 0, 3 / 6], [1 / 3, 2 / 3, 0, 0], [1 / 3, 2 / 3, 0, 0], [1, 0, 0, 0]]
    )


def test_where_none_of_its_places_was_ever_right_they_are_equally_likely() -> None:
    answers, shares = majority([choice(3, 4)], [choice(0, 2)], [f"option {i}" for i in range(1, 5)])
    assert (answers.tolist(), shares.tolist()) == ([0], [[0.5, 0.5, 0, 0]])


def test_no_training_rows_is_an_error() -> None:
    with pytest.raises(TrimtabError) as error:
        majority([], [], LABELS)
    assert str(error.value) == "A baseline needs training rows, and there are none. Give `data.train`."


def test_an_unknown_label_in_train_is_an_error() -> None:
    with pytest.raises(TrimtabError) as error:
        majority([Example({}, "god", "train.csv:7")], [], LABELS)
    assert str(error.value) == "train.csv:7: label 'god' is not one of good, bad, odd. Did you mean 'good'?"
