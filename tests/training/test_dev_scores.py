"""Scores on dev, against scikit-learn and seqeval."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from seqeval.metrics import f1_score as entity_f1
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_squared_error, r2_score

from trimtab.evaluation.scores.classes import macro_f1
from trimtab.evaluation.scores.thresholds import best_thresholds
from trimtab.training.dev_scores import (
    macro_f1_of_sets,
    scores_of_label_sets,
    scores_of_labels,
    scores_of_numbers,
    scores_of_tags,
)
from trimtab.training.targets import TagTarget


def test_labels_of_two_runs_in_any_order_are_scored_as_scikit_learn_does():
    random = np.random.default_rng(0)
    labels, order = random.integers(0, 3, 20), random.permutation(40)
    found = torch.log_softmax(torch.from_numpy(random.normal(size=(40, 3))), -1)
    scores = scores_of_labels(labels.tolist(), 2, [(int(i), found[i]) for i in order])
    for score, own in zip(scores, found.split(20), strict=True):
        assert score.accuracy == pytest.approx(accuracy_score(labels, own.argmax(-1)))
        assert score.loss == pytest.approx(log_loss(labels, own.exp()))
    by_f1 = scores_of_labels(labels.tolist(), 2, [(int(i), found[i]) for i in order], macro_f1)
    for score, own in zip(by_f1, found.split(20), strict=True):
        assert score.accuracy == pytest.approx(f1_score(labels, own.argmax(-1), average="macro"))


def test_numbers_of_two_runs_in_any_order_are_scored_as_scikit_learn_does():
    random = np.random.default_rng(1)
    numbers, said, order = random.normal(size=15), random.normal(size=30), random.permutation(30)
    scores = scores_of_numbers(numbers.tolist(), 2, [(int(i), torch.tensor([said[i]])) for i in order])
    for score, own in zip(scores, np.split(said, 2), strict=True):
        assert score.accuracy == pytest.approx(r2_score(numbers, own))
        assert score.loss == pytest.approx(mean_squared_error(numbers, own))


TAGS = ("O", "B-place", "I-place", "B-person")
# Of the second row there are two windows; a tag of the third is none that training has shown.
DEV_TAGS = (("O", "B-place", "I-place", "O"), ("B-person", "O"), ("O", "B-place", "O"), ("B-river", "O"))
GOES_ON = (False, False, True, False)


def tagged_dev() -> tuple[list[TagTarget], list[tuple[int, torch.Tensor]]]:
    """Rows, and what two runs say of them: log-probabilities with a bump at the right tag of most tokens."""
    dev = [
        TagTarget(ids=(), read_at=(), tags=tags, goes_on=goes_on)
        for tags, goes_on in zip(DEV_TAGS, GOES_ON, strict=True)
    ]
    random = np.random.default_rng(2)
    said = []
    for at in range(2 * len(dev)):
        tags = DEV_TAGS[at % len(dev)]
        scores_WC = random.normal(size=(len(tags), len(TAGS)))
        scores_WC[range(len(tags)), [TAGS.index(tag) if tag in TAGS else 0 for tag in tags]] += 1.0
        said.append((at, torch.log_softmax(torch.from_numpy(scores_WC), -1)))
    return dev, said


def test_tags_of_two_runs_are_scored_as_seqeval_does_windows_of_a_row_together():
    dev, said = tagged_dev()
    scores = scores_of_tags(dev, 2, said[::-1], TAGS, plain=False)
    for k, score in enumerate(scores):
        own = [found for _, found in said[4 * k : 4 * k + 4]]
        rows = [(DEV_TAGS[0], own[0]), ((*DEV_TAGS[1], *DEV_TAGS[2]), torch.cat(own[1:3])), (DEV_TAGS[3], own[3])]
        gold = [list(tags) for tags, _ in rows]
        predicted = [[TAGS[i] for i in found.argmax(-1).tolist()] for _, found in rows]
        assert score.accuracy == pytest.approx(entity_f1(gold, predicted))
        known = [(found[w], TAGS.index(tag)) for tags, found in rows for w, tag in enumerate(tags) if tag in TAGS]
        assert len(known) == 10
        assert score.loss == pytest.approx(log_loss([tag for _, tag in known], [x.exp().numpy() for x, _ in known]))
    assert 0 < scores[0].accuracy != scores[1].accuracy


def test_plain_tags_are_scored_by_the_share_that_is_right():
    dev, said = tagged_dev()
    for k, score in enumerate(scores_of_tags(dev, 2, said, TAGS, plain=True)):
        right = [
            TAGS[i] == tag
            for tags, (_, found) in zip(DEV_TAGS, said[4 * k : 4 * k + 4], strict=True)
            for i, tag in zip(found.argmax(-1).tolist(), tags, strict=True)
        ]
        assert score.accuracy == pytest.approx(np.mean(right))


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
        [one, other] = scores_of_label_sets(
            fits.tolist(), 2, [(int(i), odds[i]) for i in order], thresholds, macro_f1_of_sets
        )
        macro = f1_score(fits, said, average="macro", zero_division=0)
        assert (one if score is scores[0] else other).accuracy == pytest.approx(macro)
        expected = np.mean([log_loss(fits[:, c], own[:, c]) for c in range(3)])
        assert score.loss == pytest.approx(expected, rel=1e-5)
