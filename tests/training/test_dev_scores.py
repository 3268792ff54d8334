"""Scores on dev, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score

from trimtab.training.dev_scores import scores_of_labels, scores_of_numbers


def test_labels_of_two_runs_in_any_order_are_scored_as_scikit_learn_does():
    random = np.random.default_rng(0)
    labels, order = random.integers(0, 3, 20), random.permutation(40)
    found = torch.log_softmax(torch.from_numpy(random.normal(size=(40, 3))), -1)
    scores = scores_of_labels(labels.tolist(), 2, [(int(i), found[i]) for i in order])
    for score, own in zip(scores, found.split(20), strict=True):
        assert score.accuracy == pytest.approx(accuracy_score(labels, own.argmax(-1)))
        assert score.loss == pytest.approx(log_loss(labels, own.exp()))


def test_numbers_of_two_runs_in_any_order_are_scored_as_scikit_learn_does():
    random = np.random.default_rng(1)
    numbers, said, order = random.normal(size=15), random.normal(size=30), random.permutation(30)
    scores = scores_of_numbers(numbers.tolist(), 2, [(int(i), torch.tensor([said[i]])) for i in order])
    for score, own in zip(scores, np.split(said, 2), strict=True):
        assert score.accuracy == pytest.approx(r2_score(numbers, own))
        assert score.loss == pytest.approx(mean_squared_error(numbers, own))
