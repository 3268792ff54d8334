"""A choice by cross-validation: the best in all folds, the first of equals, the first where there are no folds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from trimtab.evaluation.baselines.folds import best_of

ANSWERS = np.array([0, 1] * 20)


def test_the_most_often_right_is_chosen() -> None:
    outsides = []

    def predict(inside: np.ndarray, outside: np.ndarray) -> Iterator[np.ndarray]:
        assert sorted([*inside, *outside]) == list(range(40))
        outsides.extend(outside)
        yield np.zeros(len(outside), dtype=int)
        yield ANSWERS[outside]
        yield ANSWERS[outside]

    assert best_of(["zero", "right", "right too"], ANSWERS, 0, predict) == "right"
    assert sorted(outsides) == list(range(40))


@pytest.mark.parametrize("answers", [[0], [1, 1, 1], [0, 1], [0, 1, 2]])
def test_without_folds_the_first_is_chosen(answers: list[int]) -> None:
    def never(inside: np.ndarray, outside: np.ndarray) -> Iterator[np.ndarray]:
        raise AssertionError

    assert best_of([3.0, 1.0], np.array(answers), 0, never) == 3.0


@pytest.mark.filterwarnings("error")
def test_folds_with_a_single_class_to_train_on_are_passed_over() -> None:
    seen = []

    def predict(inside: np.ndarray, outside: np.ndarray) -> Iterator[np.ndarray]:
        seen.append(len(np.unique(np.array([0, 0, 0, 1])[inside])))
        yield np.zeros(len(outside), dtype=int)

    assert best_of(["a"], np.array([0, 0, 0, 1]), 0, predict) == "a"
    assert seen == [2, 2]
