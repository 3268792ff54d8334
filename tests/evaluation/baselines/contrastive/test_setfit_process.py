"""How many steps SetFit makes, against a count of the pairs."""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import pytest

from trimtab.evaluation.baselines.contrastive.setfit_process import BATCH, steps


@pytest.mark.parametrize("labels", [[0, 1], [0, 0, 1, 1], [0] * 20 + [1], [n % 6 for n in range(48)]])
def test_a_pass_has_as_many_pairs_of_one_label_as_of_two(labels: list[int]) -> None:
    pairs = [one == other for one, other in combinations_with_replacement(labels, 2)]
    assert steps(labels) == math.ceil(2 * max(sum(pairs), len(pairs) - sum(pairs)) / BATCH)
