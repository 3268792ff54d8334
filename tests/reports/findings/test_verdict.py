"""How a run stands to the best other way: in every case there is, the whole sentence."""

from __future__ import annotations

import pytest

from trimtab.reports.findings.findings import Result
from trimtab.reports.findings.verdict import is_chance, proof, rival_sentences, that_count, verdict_sentence

TEST = "McNemar’s exact test"


def result(goodness: float, p_value: float | None = None, name: str = "naive Bayes") -> Result:
    return Result(name, goodness, goodness, None, f"{100 * goodness:.1f}%", "", p_value=p_value)


@pytest.mark.parametrize(
    ("p_value", "gap", "ranked", "sentence"),
    [
        (0.0004, 3.1, True, "3.1 points better than naive Bayes, the best of the baselines "
                            "(p < 0.001, McNemar’s exact test)."),
        (0.012, -3.1, True, "3.1 points worse than naive Bayes, the best of the baselines "
                            "(p = 0.012, McNemar’s exact test)."),
        (None, 3.1, False, "3.1 points better than naive Bayes."),
        (0.0499, 0.0, True, "As good as naive Bayes (p = 0.050, McNemar’s exact test)."),
        (None, 0.0, False, "As good as naive Bayes."),
        (0.05, 3.1, True, "No clear difference from naive Bayes (3.1 points above it, p = 0.05): chance could explain "
                          "it."),
        (1.0, -3.1, False, "No clear difference from naive Bayes (3.1 points below it, p = 1.00): chance could explain "
                           "it."),
    ],
)  # fmt: skip
def test_every_case_has_its_sentence(p_value: float | None, gap: float, ranked: bool, sentence: str) -> None:
    assert verdict_sentence(result(0.8, p_value), gap, "3.1 points", TEST, ranked=ranked) == sentence


def test_what_was_not_tested_is_neither_chance_nor_proven() -> None:
    assert not is_chance(result(0.8))
    assert proof(None, TEST) == ""


def test_the_way_that_guesses_counts_where_it_is_the_best() -> None:
    guess, bayes, zero = result(0.5, name="majority"), result(0.8), result(0.5, name="zero-shot")
    assert that_count([guess, zero, bayes], "majority") == [bayes, zero]
    assert that_count([guess, result(0.4, name="zero-shot")], "majority")[0] == guess
    assert that_count([zero, guess], "majority") == [zero]  # of equals, the one that reads its rows
    assert that_count([], "majority") == []


def test_a_rival_is_named_where_it_does_as_well_or_better() -> None:
    run = result(0.8, name="the run")
    assert rival_sentences(run, []) == []
    assert rival_sentences(run, [result(0.7)]) == []
    assert rival_sentences(run, [result(0.7, 0.001)]) == []
    assert rival_sentences(run, [result(0.7, 0.3)]) == ["Naive Bayes (70.0%) does about as well."]
    assert rival_sentences(run, [result(0.9, 0.01)], "F1") == ["Naive Bayes (F1 90.0%) does better."]
