"""Logistic regression against scikit-learn's, on features as uneven as hidden states."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F

from trimtab.training.fitting.softmax_regression import Rows, fit, fit_each, folds


def made(rows: int, dims: int, classes: int, seed: int = 0) -> Rows:
    """Rows whose features lie along a few axes, of sizes from 1 to 1,000 and far from zero."""
    g = torch.Generator().manual_seed(seed)
    hidden = torch.randn(rows, 8, generator=g)
    features = hidden @ torch.randn(8, dims, generator=g) * torch.logspace(0, 3, dims)
    features = features + torch.randn(rows, dims, generator=g) * 0.3 + torch.linspace(-50, 50, dims)
    scores = hidden @ torch.randn(8, classes, generator=g) + torch.randn(rows, classes, generator=g)
    return Rows(features, scores.argmax(1), torch.ones(rows), np.arange(rows), classes)


def objective(rows: Rows, weight: np.ndarray, bias: np.ndarray, penalty: float) -> float:
    """What is minimised, from its definition, weights along standardised features."""
    scores = StandardScaler().fit_transform(rows.features_ND.double().numpy()) @ weight.T + bias
    share = (rows.weights_N / rows.weights_N.sum()).double()
    losses = F.cross_entropy(torch.from_numpy(scores), rows.labels_N, reduction="none")
    return float((losses * share).sum()) + penalty / 2 * float((weight**2).sum())


@pytest.mark.parametrize("penalty", [1.0, 1e-2, 1e-4])
@pytest.mark.parametrize("classes", [3, 7])
def test_the_optimum_is_that_of_scikit_learn(classes, penalty):
    rows = made(300, 40, classes)
    own = fit(rows, [penalty])
    scaler = StandardScaler().fit(rows.features_ND.double().numpy())
    oracle = LogisticRegression(C=1 / (penalty * 300), max_iter=20_000, tol=1e-10)
    oracle.fit(scaler.transform(rows.features_ND.double().numpy()), rows.labels_N.numpy())
    assert own.loss == pytest.approx(objective(rows, oracle.coef_, oracle.intercept_, penalty), abs=1e-5)
    scores = F.linear(rows.features_ND, own.weight_CD, own.bias_C).softmax(1)
    expected = oracle.predict_proba(scaler.transform(rows.features_ND.double().numpy()))
    assert np.abs(scores.numpy() - expected).max() < 5e-3


def test_rows_count_by_their_weights():
    """At the optimum the gradient of the weighted loss is zero; by how much all rows weigh does not matter."""
    rows = replace(made(120, 10, 3), weights_N=torch.arange(120) % 3 + 1.0)
    own = fit(rows, [0.1])
    features = torch.from_numpy(StandardScaler().fit_transform(rows.features_ND.double().numpy()))
    spread, middle = rows.features_ND.double().std(0, correction=0), rows.features_ND.double().mean(0)
    weight = (own.weight_CD.double() * spread).requires_grad_()
    bias = (own.bias_C.double() + own.weight_CD.double() @ middle).requires_grad_()
    losses = F.cross_entropy(F.linear(features, weight, bias), rows.labels_N, reduction="none")
    loss = (losses * rows.weights_N).sum() / rows.weights_N.sum() + 0.05 * weight.square().sum()
    loss.backward()
    assert loss.item() == pytest.approx(own.loss, abs=1e-5)
    assert max(float(weight.grad.abs().max()), float(bias.grad.abs().max())) < 1e-3
    assert fit(replace(rows, weights_N=7 * rows.weights_N), [0.1]).loss == pytest.approx(own.loss, abs=1e-7)


def test_smoothing_is_that_of_torch():
    rows = replace(made(200, 6, 4), smoothing=0.2)
    own = fit(rows, [1e-3])
    scores = F.linear(rows.features_ND, own.weight_CD, own.bias_C)
    smooth = float(F.cross_entropy(scores, rows.labels_N, label_smoothing=0.2))
    spread = rows.features_ND.std(0, correction=0)
    assert own.loss == pytest.approx(smooth + 1e-3 / 2 * float((own.weight_CD * spread).square().sum()), abs=1e-4)


def test_the_penalty_is_chosen_by_rows_left_out():
    """Where labels are noise the strongest is; where they follow from the features a weak one is."""
    rows = made(240, 30, 3)
    noise = replace(rows, labels_N=torch.randint(0, 3, (240,), generator=torch.Generator().manual_seed(1)))
    assert fit(noise).penalty >= 0.3
    found = fit(rows)
    assert found.penalty < 0.3
    assert found.held_out < np.log(3) * 0.8


def test_a_layer_that_knows_the_labels_is_drawn_to_and_one_that_misleads_is_not():
    whole, few = made(2_000, 20, 4), made(2_000, 20, 4).of(torch.arange(40))
    known = fit(whole, [1e-3])
    drawn = fit(few, prior=(known.weight_CD, known.bias_C))
    assert drawn.from_prior
    right = F.linear(whole.features_ND, drawn.weight_CD, drawn.bias_C).argmax(1) == whole.labels_N
    alone = fit(few)
    bare = F.linear(whole.features_ND, alone.weight_CD, alone.bias_C).argmax(1) == whole.labels_N
    assert right.float().mean() > bare.float().mean()
    assert not fit(few, prior=(-10 * known.weight_CD, -10 * known.bias_C)).from_prior


def test_rows_of_one_group_are_left_out_together_and_classes_are_spread():
    rows = made(120, 4, 3)
    groups = np.arange(120) // 4
    labels = torch.from_numpy(groups % 3)
    found = folds(replace(rows, groups_N=groups, labels_N=labels))
    assert all(len(set(found[groups == group])) == 1 for group in range(30))
    assert {int(n) for n in np.bincount(found)} == {12}
    per_class = [np.bincount(found[labels.numpy() == c], minlength=10) for c in range(3)]
    assert max(int(counts.max() - counts.min()) for counts in per_class) <= 4


def test_constant_features_and_missing_classes_do_no_harm():
    rows = made(50, 5, 3)
    features = rows.features_ND.clone()
    features[:, 2] = 7.0
    found = fit(replace(rows, features_ND=features, labels_N=rows.labels_N % 2, classes=4))
    scores = F.linear(features, found.weight_CD, found.bias_C)
    assert torch.isfinite(scores).all()
    assert set(scores.argmax(1).tolist()) <= {0, 1}
    assert float(found.weight_CD[:, 2].abs().max()) == 0.0


def test_labels_by_themselves_are_those_of_scikit_learn():
    """Each label has a penalty of its own: at that one, half of it for a single score, it is scikit-learn's optimum."""
    rows = made(90, 6, 3)
    g = torch.Generator().manual_seed(1)
    odds = rows.features_ND[:, :2] / rows.features_ND[:, :2].std(0) + torch.randn(90, 2, generator=g)
    fits = torch.cat([odds > odds.mean(0), torch.ones(90, 1).bool(), torch.zeros(90, 1).bool()], 1)
    own = fit_each(rows.features_ND, fits)
    found = torch.sigmoid(F.linear(rows.features_ND, own.weight_CD, own.bias_C))
    scaler = StandardScaler().fit(rows.features_ND.double().numpy())
    features = scaler.transform(rows.features_ND.double().numpy())
    for c in range(2):
        alone = fit(replace(rows, labels_N=fits[:, c].long(), classes=2))
        oracle = LogisticRegression(C=2 / (alone.penalty * 90), max_iter=20_000, tol=1e-10).fit(features, fits[:, c])
        assert np.abs(found[:, c].numpy() - oracle.predict_proba(features)[:, 1]).max() < 5e-3
    assert own.weight_CD[2:].eq(0).all()
    assert found[0, 2:].tolist() == pytest.approx([91 / 92, 1 / 92], abs=1e-6)
