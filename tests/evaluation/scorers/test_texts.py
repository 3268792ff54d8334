"""Free text scored in a comparison: against sacrebleu and by hand."""

from __future__ import annotations

import pytest
import sacrebleu
from made_answers import garbled, written

from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics.compare import compare_texts
from trimtab.evaluation.scorers.texts import text_scorer
from trimtab.reports.figures import Cell, Measured, as_answers, compare


def test_texts_are_scored_over_all_rows_in_shares() -> None:
    examples = written(50)
    scorer = text_scorer(examples, ["bleu", "length ratio", "empty", "BLEU"], "en")
    given = as_answers(garbled(examples, 0.3, 1))
    expected = sacrebleu.corpus_bleu(list(given), [[e.answer for e in examples]]).score
    assert (scorer.metric.name, scorer.metric.unit) == ("BLEU", "points")
    assert scorer.score(scorer.rows(given)) == pytest.approx(expected / 100)
    assert [other.name for other in scorer.others] == ["length ratio", "empty"]
    assert scorer.beside(given) == {"length ratio": 1.0, "empty": 0.0}
    assert max(scorer.each(given)) <= 1


def test_p_values_are_those_of_two_systems_beside_each_other() -> None:
    examples = written(60)
    scorer = text_scorer(examples, ["chrF"], "en")
    one, other = garbled(examples, 0.3, 1), garbled(examples, 0.34, 2)
    [expected] = compare_texts(one, other, [[e.answer or ""] for e in examples], metrics=["chrF"])
    ways = [Measured(key, key, "tuned", [Cell(0, as_answers(given))]) for key, given in (("a", one), ("b", other))]
    found = compare(ways, scorer, "b").ways[0].difference
    assert found is not None
    assert found.p_value == pytest.approx(expected.p_value, abs=0.02)


def test_programs_are_scored_by_what_passes_and_run_once() -> None:
    examples, ran = written(4), []

    def passes(texts: list[str]) -> list[bool]:
        ran.append(texts)
        return [text != "bad" for text in texts]

    scorer = text_scorer(examples, ["chrF"], "en", passes)
    assert not ran
    given = as_answers(["good", "bad", "good", "good"])
    assert (scorer.metric.name, [other.name for other in scorer.others]) == ("pass@1", ["chrF"])
    assert scorer.score(scorer.rows(given)) == 0.75
    assert scorer.each(given).tolist() == [1, 0, 1, 1]
    assert scorer.beside(given)["chrF"] < 0.5
    assert ran == [["good", "bad", "good", "good"]]


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        ("distinct-1", "is no sum over rows, so that nothing says what of a difference is chance"),
        ("length ratio", "is better neither when higher nor when lower"),
    ],
)
def test_ways_are_not_ranked_by_every_metric(metric: str, why: str) -> None:
    with pytest.raises(TrimtabError) as caught:
        text_scorer(written(3), [metric, "chrF"])
    assert str(caught.value) == (
        f"answer.metrics: ways are compared by the first metric, and {metric} {why}. Put another one first, chrF say."
    )
