"""pass@k against counting every choice of k samples."""

from __future__ import annotations

from itertools import combinations

import pytest

from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics.pass_at_k import pass_at_k
from trimtab.evaluation.metrics.score import with_intervals


def by_counting(n: int, c: int, k: int) -> float:
    choices = list(combinations([True] * c + [False] * (n - c), k))
    return sum(map(any, choices)) / len(choices)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_every_choice_of_samples_counts_alike(k: int) -> None:
    samples, passed = [5, 6, 7, 5, 8, 9], [0, 1, 3, 5, 4, 9]
    score = pass_at_k(samples, passed, k)
    assert score.per_row == pytest.approx([by_counting(n, c, k) for n, c in zip(samples, passed, strict=True)])
    assert score.per_row is not None
    assert score.value == pytest.approx(score.per_row.sum() / 6)
    assert (score.metric.name, score.metric.unit, score.signature) == (f"pass@{k}", "share", "estimator:unbiased")
    [found] = with_intervals([score])
    assert found.interval is not None
    assert found.interval.low <= score.value <= found.interval.high


def test_by_hand() -> None:
    assert pass_at_k([10], [3], 2).value == pytest.approx(1 - (7 * 6) / (10 * 9))
    assert pass_at_k([200], [1], 100).value == pytest.approx(0.5)
    assert pass_at_k([100_000], [50_000], 10).value == pytest.approx(1 - 0.5**10, abs=1e-5)


def test_refusals() -> None:
    cases: list[tuple[list[int], list[int], int, str]] = [
        ([], [], 1, "There are no problems to score. Check that the data file has rows."),
        ([3], [1], 0, "pass@0: k must be 1 or more."),
        ([5, 3], [1, 1], 5, "Row 2: pass@5 needs 5 samples or more, found 3. Draw more samples."),
        ([3], [4], 1, "Row 1: 4 of 3 samples cannot have passed."),
    ]
    for samples, passed, k, message in cases:
        with pytest.raises(TrimtabError) as error:
            pass_at_k(samples, passed, k)
        assert str(error.value) == message
