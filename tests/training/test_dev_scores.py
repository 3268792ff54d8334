"""Scores on dev, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_squared_error, r2_score

from trimtab.evaluation.scores.thresholds import best_thresholds
from trimtab.training.dev_scores import scores_of_label_sets, scores_of_labels, scores_of_numbers


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


@pytest.mark.parametrize("given", [True, False])
def test_sets_of_labels_of_two_runs_in_any_order_are_scored_as_scikit_learn_does(given):
    random = np.random.default_rng(2)
    fits, order = random.random((20, 3)) < 0.4, random.permutation(40)
    odds = torch.from_numpy(random.normal(size=(40, 3)).astype(np.float32))
    thresholds = [0.3, 0.5, 0.6] if given else None
    scores = scores_of_label_sets(fits.tolist(), 2, [(int(i), odds[i]) for i in order], thresholds)
    for score, own in zip(scores, torch.sigmoid(odds).double().numpy().reshape(2, 20, 3), strict=True):
        said = own >= (np.array(thresholds) if thresholds else best_thresholds(own, fits))
        assert score.accuracy == pytest.approx(f1_score(fits, said, average="micro"))
        expected = np.mean([log_loss(fits[:, c], own[:, c]) for c in range(3)])
        assert score.loss == pytest.approx(expected, rel=1e-5)
