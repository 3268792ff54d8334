"""The mean number, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from made_answers import numbered

from trimtab.data.example import NumberExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.mean import mean_number


def test_every_row_gets_the_mean_of_train() -> None:
    assert mean_number(numbered(np.array([1.0, 2.0, 6.0])), numbered(np.zeros(2))).tolist() == [3.0, 3.0]


def test_a_missing_number_is_an_error() -> None:
    with pytest.raises(TrimtabError) as caught:
        mean_number([NumberExample({"text": "x"}, None, "rows.jsonl:7")], [])
    assert str(caught.value) == "rows.jsonl:7: this row has no number. Scoring needs rows with answers."
