"""The best stretch of a context against a search through all of them."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.decoding.spans import BestSpan, SpanWindow, best_span


def windows(seed: int, sizes: list[int]) -> list[SpanWindow]:
    random = np.random.default_rng(seed)
    made = []
    for i, size in enumerate(sizes):
        scores = np.exp(random.normal(size=(1 + size, 2)) * 2)
        places = [(100 * i + 5 * w, 100 * i + 5 * w + 4) for w in range(size)]
        made.append(SpanWindow(scores / scores.sum(0), places))
    return made


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("longest", [1, 3, 50])
def test_it_is_that_of_an_exhaustive_search(seed: int, longest: int) -> None:
    made = windows(seed, [7, 1, 9])
    every = [
        (float(own.probabilities[1 + a, 0] * own.probabilities[1 + b, 1]), (own.places[a][0], own.places[b][1]))
        for own in made
        for a in range(len(own.places))
        for b in range(a, min(a + longest, len(own.places)))
    ]
    found = best_span(made, longest)
    probability, place = max(every)
    assert (found.probability, found.place) == (pytest.approx(probability), place)
    assert found.none == pytest.approx(min(float(np.prod(own.probabilities[0])) for own in made))


def test_no_end_stands_before_its_start_and_of_equals_the_shortest_is_taken() -> None:
    scores = np.array([[0.0, 0.0], [0.1, 0.9], [0.9, 0.1]])
    found = best_span([SpanWindow(scores, [(0, 1), (2, 3)])], 5)
    assert (found.place, found.probability) == ((0, 1), pytest.approx(0.09))


def test_whether_it_is_given() -> None:
    best = BestSpan((3, 5), 0.3, 0.1)
    assert best.share == pytest.approx(0.75)
    assert [best.given(threshold) for threshold in (0.0, 0.74, 0.76)] == [(3, 5), (3, 5), None]
    assert BestSpan((3, 5), 0.0, 0.0).share == 0.5
    nothing = best_span([SpanWindow(np.ones((1, 2)), [])], 5)
    assert (nothing.place, nothing.probability, nothing.none, nothing.share) == (None, 0.0, 1.0, 0.0)
    assert nothing.given(0.0) is None
