"""Two systems' texts beside each other: what is known by construction, and how often chance is called a difference."""

from __future__ import annotations

import numpy as np
import pytest
from made_texts import sentences

from trimtab.evaluation.metrics.compare import compare_texts
from trimtab.evaluation.metrics.score import score_texts


def test_two_systems() -> None:
    better, references = sentences(200, 2, 0.9)
    worse = sentences(200, 2, 0.6)[0]
    found = compare_texts(better, worse, references, metrics=["BLEU", "chrF", "EM", "distinct-1"], exchanges=999)
    scores = [score_texts(t, references, metrics=["BLEU"], resamples=2).scores[0].value for t in (better, worse)]
    assert (found[0].a, found[0].b) == tuple(scores)
    for difference in found[:3]:
        assert difference.interval is not None
        assert 0 < difference.interval.low < difference.difference < difference.interval.high
        assert difference.p_value == pytest.approx(1 / 1000)
    assert found[3].interval is found[3].p_value is None
    assert [d.p_value for d in compare_texts(better, better, references, metrics=["BLEU", "F1"])] == [1, 1]


def test_p_values_are_below_5_percent_as_often_as_they_say() -> None:
    references = sentences(40, 0, 1.0)[1]
    p_values: list[float] = []
    for seed in range(100):
        random = np.random.default_rng(seed)
        a, b = (
            [" ".join(w if random.random() < 0.8 else "other" for w in row[0].split()) for row in references]
            for _ in range(2)
        )
        [found] = compare_texts(a, b, references, metrics=["BLEU"], resamples=10, exchanges=199, seed=seed)
        assert found.p_value is not None
        p_values.append(found.p_value)
    assert 0 < np.mean(np.array(p_values) <= 0.05) < 0.12
    assert 0.4 < np.mean(p_values) < 0.6
