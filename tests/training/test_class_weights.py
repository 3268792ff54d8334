"""Weights of labels, and what they do to losses and fits, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from trimtab.training.class_weights import balanced, balanced_answers
from trimtab.training.fitting import softmax_regression
from trimtab.training.fitting.softmax_regression import Rows
from trimtab.training.head_criterion import LabelOutputs, MultiLabelOutputs
from trimtab.training.targets import LabelTarget, MultiLabelTarget

LABELS = [0] * 70 + [1] * 20 + [2] * 6


def test_weights_are_those_of_scikit_learn() -> None:
    expected = compute_class_weight("balanced", classes=np.arange(3), y=LABELS)
    assert balanced(LABELS, 3) == pytest.approx(expected)
    assert balanced(LABELS, 4) == pytest.approx([*expected, 1.0])  # a label without rows
    weights = balanced(LABELS, 3)
    assert np.mean([weights[label] for label in LABELS]) == pytest.approx(1.0)


def test_labels_by_themselves_are_weighed_as_two() -> None:
    fits = [(True, False, True)] * 3 + [(False, False, True)] * 9
    assert balanced_answers(fits) == ((pytest.approx(12 / 18), 2.0), (1.0, 1.0), (1.0, 1.0))


def states() -> torch.Tensor:
    """States [N, D] that tell a little of the labels."""
    generator = torch.Generator().manual_seed(0)
    means = torch.randn(3, 12, generator=generator)
    return means[torch.tensor(LABELS)] * 0.6 + torch.randn(len(LABELS), 12, generator=generator)


def test_what_is_fitted_is_scikit_learns_balanced_optimum() -> None:
    features, weights = states(), balanced(LABELS, 3)
    targets = [LabelTarget((), label) for label in LABELS]
    zero = torch.zeros(3, 12), torch.zeros(3)
    own = LabelOutputs(weights=weights).fitted(features.split(1), targets, zero)
    weights_N = torch.tensor([weights[label] for label in LABELS])
    rows = Rows(features, torch.tensor(LABELS), weights_N, np.arange(len(LABELS)), 3)
    penalty = softmax_regression.fit(rows).penalty
    standard = StandardScaler().fit_transform(features.double().numpy())
    oracle = LogisticRegression(C=1 / (penalty * len(LABELS)), class_weight="balanced", max_iter=20_000, tol=1e-10)
    oracle.fit(standard, LABELS)
    losses = F.cross_entropy(torch.from_numpy(oracle.decision_function(standard)), rows.labels_N, reduction="none")
    expected = float((losses * weights_N).mean()) + penalty / 2 * float((oracle.coef_**2).sum())
    assert own.loss == pytest.approx(expected, abs=1e-4)
    found = F.linear(features, *own.head).softmax(1).numpy()
    assert np.abs(found - oracle.predict_proba(standard)).max() < 5e-3
    alike = LabelOutputs().fitted(features.split(1), targets, zero)
    rare = [(F.linear(features, *head).argmax(1)[-6:] == 2).sum() for head in (own.head, alike.head)]
    assert rare[0] > rare[1]


def test_labels_by_themselves_are_fitted_as_scikit_learn_does() -> None:
    features, fits = states(), [(label == 2,) for label in LABELS]
    weights = balanced_answers(fits)
    targets = [MultiLabelTarget((), own) for own in fits]
    own = MultiLabelOutputs(weights=weights).fitted(features.split(1), targets, (torch.zeros(1, 12), torch.zeros(1)))
    yes_N = torch.tensor([int(fit) for (fit,) in fits])
    rows = Rows(features, yes_N, torch.tensor(weights[0])[yes_N], np.arange(len(fits)), 2)
    penalty = softmax_regression.fit(rows).penalty
    standard = StandardScaler().fit_transform(features.double().numpy())
    oracle = LogisticRegression(C=2 / (penalty * len(fits)), class_weight="balanced", max_iter=20_000, tol=1e-10)
    found = torch.sigmoid(F.linear(features, *own.head))[:, 0].numpy()
    assert np.abs(found - oracle.fit(standard, yes_N.numpy()).predict_proba(standard)[:, 1]).max() < 5e-3


def test_losses_of_steps_are_weighed() -> None:
    scores, weights = torch.randn(4, 3, generator=torch.Generator().manual_seed(1)), (0.5, 1.0, 4.0)
    targets = [LabelTarget((), label) for label in (0, 2, 1, 2)]
    alike, weighed = LabelOutputs(0.1).losses(scores, targets), LabelOutputs(0.1, weights).losses(scores, targets)
    assert torch.allclose(weighed, alike * torch.tensor([0.5, 4.0, 1.0, 4.0]))
    sets = [MultiLabelTarget((), (True, False, False)), MultiLabelTarget((), (False, False, True))]
    found = MultiLabelOutputs(weights=((1.0, 3.0), (1.0, 1.0), (0.5, 2.0))).losses(scores[:2], sets)
    fits = torch.tensor([own.fits for own in sets]).float()
    each = F.binary_cross_entropy_with_logits(scores[:2], fits, reduction="none")
    assert torch.allclose(found, (each * torch.tensor([[3.0, 1.0, 0.5], [1.0, 1.0, 2.0]])).mean(1))
