"""How far rows are from known rows: words by hand, hidden states against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from trimtab.data.example import Example
from trimtab.evaluation.shift.measures import nearest_distance, unknown_words


def texts(*given: str) -> list[Example]:
    return [Example({"text": text}, None, "r") for text in given]


def test_words_that_are_not_known() -> None:
    known = texts("The film is good.", "a dull plot")
    asked = texts("the FILM is dull", "a great plot!", "brilliant", "?!", "")
    assert unknown_words(known, asked, "auto").tolist() == pytest.approx([0, 1 / 3, 1, 0, 0])


def test_chinese_words_are_cut_out_of_the_text() -> None:
    found = unknown_words(texts("味道很好，送餐很快"), texts("味道很好", "服务很好"), "zh")
    assert found[0] == 0
    assert 0 < found[1] < 1


def test_the_nearest_of_known_states_by_cosine_of_standardised_dimensions() -> None:
    random = np.random.default_rng(0)
    known, asked = (random.normal(size=(n, 12)).astype(np.float32) * np.arange(12) + 3 for n in (40, 15))
    scaler = StandardScaler().fit(known)
    theirs = NearestNeighbors(n_neighbors=1, metric="cosine").fit(scaler.transform(known))
    expected = theirs.kneighbors(scaler.transform(asked))[0][:, 0]
    assert nearest_distance(known, asked) == pytest.approx(expected, abs=1e-5)
    assert nearest_distance(known, known[:3]) == pytest.approx([0, 0, 0], abs=1e-6)
    assert np.isfinite(nearest_distance(np.zeros((3, 2), dtype=np.float32), np.ones((2, 2), dtype=np.float32))).all()
