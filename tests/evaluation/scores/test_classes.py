"""Class scores against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_fscore_support

from trimtab.evaluation.scores.classes import class_scores, macro_f1


@pytest.mark.parametrize(("classes", "present"), [(2, 2), (5, 3), (77, 40)])
def test_they_are_scikit_learns(classes: int, present: int) -> None:
    random = np.random.default_rng(classes)
    answers, predicted = random.integers(present, size=(2, 200))
    hits, support, given = (
        np.bincount(x, minlength=classes) for x in (answers[answers == predicted], answers, predicted)
    )
    precision, recall, f1, occurs = class_scores(hits, support, given)
    theirs = precision_recall_fscore_support(answers, predicted, labels=range(classes), zero_division=0)
    np.testing.assert_allclose([precision, recall, f1], theirs[:3])
    assert occurs.tolist() == [c in {*answers, *predicted} for c in range(classes)]
    assert macro_f1(answers, predicted, classes) == pytest.approx(f1_score(answers, predicted, average="macro"))
