"""Answers out of classes, collected as arrays: rows with fewer options than others, answers that are no numbers."""

from __future__ import annotations

import numpy as np

from trimtab.kinds.classes import as_objects, collected_classes
from trimtab.kinds.prediction import ChoicePrediction, LabelPrediction


def test_labels_stand_in_their_order() -> None:
    said = [LabelPrediction("b", 0, {"a": 0.25, "b": 0.75}), LabelPrediction("a", 0, {"a": 0.5, "b": 0.5})]
    found = collected_classes(said, ["a", "b"])
    assert found.probabilities_NC.tolist() == [[0.25, 0.75], [0.5, 0.5]]
    assert found.answers_N.tolist() == [1, 0]


def test_behind_the_options_of_a_row_there_is_nothing() -> None:
    said = [
        ChoicePrediction("z", 0, {"x": 0.2, "y": 0.3, "z": 0.5}, 2),
        ChoicePrediction("p", 0, {"p": 0.6, "q": 0.4}, 0),
    ]
    found = collected_classes(said, ["1", "2", "3", "4"])
    assert found.probabilities_NC.tolist() == [[0.2, 0.3, 0.5, 0], [0.6, 0.4, 0, 0]]
    assert found.answers_N.tolist() == [2, 0]


def test_answers_of_any_shape_are_kept_as_they_are() -> None:
    answers = [("O", "B-x"), ("O",), "text", None]
    found = as_objects(answers)
    assert (found.dtype, found.shape) == (np.dtype(object), (4,))
    assert list(found) == answers
    assert as_objects([]).shape == (0,)
