"""What dev settles of labels: each for itself and together, and how often its rows are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trimtab.data.example import Example
from trimtab.evaluation.scores.abstaining import NEVER, answer_from
from trimtab.evaluation.scores.temperature import best_temperature, tempered
from trimtab.kinds.prediction import LabelPrediction
from trimtab.kinds.settled import settled_labels
from trimtab.settings.file import make_task
from trimtab.settings.task import Task

LABELS = ["a", "b", "c"]


class Dev:
    """Rows and answers to them, which are surer than they are right; counts how often they are asked for."""

    def __init__(self, rows: int = 300) -> None:
        random = np.random.default_rng(0)
        logits_NC = 6 * random.normal(size=(rows, 3))
        truth_NC = np.exp(logits_NC / 2)
        right = [int(random.choice(3, p=own / own.sum())) for own in truth_NC]
        exp_NC = np.exp(logits_NC)
        self.probabilities_NC, self.right_N = (
            exp_NC / exp_NC.sum(axis=1, keepdims=True),
            np.array(right, dtype=np.int64),
        )
        self.rows = [Example({"text": "x"}, LABELS[one], "r") for one in right]
        self.asked = 0

    def __call__(self) -> list[LabelPrediction]:
        self.asked += 1
        return [
            LabelPrediction(LABELS[int(own.argmax())], 0, dict(zip(LABELS, own.tolist(), strict=True)))
            for own in self.probabilities_NC
        ]

    def answered_from(self, temperature: float, wanted: float) -> float:
        made_NC = tempered(self.probabilities_NC, temperature)
        return answer_from(made_NC.max(axis=1), made_NC.argmax(axis=1) == self.right_N, wanted)


def settled(dev: Dev, method: str = "soft_prompt", **labels: Any) -> Task:
    task = make_task({"data": {"train": "a.jsonl"}, "method": method, "labels": {"words": LABELS, **labels}})
    return settled_labels(task, dev.rows, dev)


def test_the_probability_is_that_of_tempered_answers_and_dev_is_read_once() -> None:
    dev = Dev()
    labels = settled(dev, abstain=0.8).labels
    assert dev.asked == 1
    assert labels.temperature == best_temperature(dev.probabilities_NC, dev.right_N) > 1
    assert labels.answer_from == dev.answered_from(labels.temperature, 0.8)
    assert 0.3 < labels.answer_from < 1


def test_a_temperature_that_is_given_is_in_the_answers_already() -> None:
    dev = Dev()
    assert settled(dev, abstain=0.8, temperature=2.0).labels.answer_from == dev.answered_from(1.0, 0.8)


@pytest.mark.parametrize("method", ["head", "zero_shot"])
def test_where_no_temperature_is_fitted_dev_is_read_if_it_is_asked_for(method: str) -> None:
    dev = Dev()
    assert settled(dev, method).labels == settled(dev, method, answer_from=None).labels
    assert dev.asked == 0
    labels = settled(dev, method, abstain=0.8).labels
    assert (labels.temperature, labels.answer_from) == (None, dev.answered_from(1.0, 0.8))


def test_a_probability_that_is_given_stands() -> None:
    dev = Dev()
    assert settled(dev, "head", abstain=0.8, answer_from=0.7).labels.answer_from == 0.7
    assert dev.asked == 0


def test_without_dev_nothing_is_answered() -> None:
    assert settled(Dev(0), abstain=0.8).labels.answer_from == NEVER
