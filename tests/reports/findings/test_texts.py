"""What a report on generated texts says."""

from __future__ import annotations

from typing import Any

from made_reports import sayings, texts

from trimtab.evaluation.scores.texts import score_text_answers
from trimtab.reports.card import render_card
from trimtab.reports.findings.choose import findings_of
from trimtab.reports.findings.findings import Findings
from trimtab.reports.page import render_page
from trimtab.reports.scored import TextBaseline, TextReport

FILMS = ["a warm film", "a cold film", "the plot is funny", "the cast is bad"]
RIGHT = [f"it says: {text}" for text in FILMS]


def found(answers: list[str], other: list[str], p_value: float = 0.001, **more: Any) -> Findings:
    theirs = score_text_answers(sayings(FILMS), other, samples=0)
    beside = TextBaseline(name="nearest answer", figures=theirs.figures, seconds=1.0, p_value=p_value)
    return findings_of(TextReport(test=score_text_answers(sayings(FILMS), answers, **more), baselines=[beside]))


def test_sentences() -> None:
    better = found(RIGHT, FILMS)
    gap = 100 - better.rivals()[0].value
    assert better.verdict() == (
        f"{gap:.1f} points of chrF better than nearest answer (p = 0.001, approximate randomisation)."
    )
    assert better.summary().startswith("chrF 100.0 on 4 test rows (95%: 100.0 to 100.0); BLEU 100.0, ")
    worse = found(FILMS, RIGHT)
    assert "worse than nearest answer" in worse.verdict()
    assert "Nearest answer (chrF 100.0) does better." in worse.limits()
    unclear = found(RIGHT, FILMS, p_value=0.4)
    assert unclear.verdict().endswith("above it, p = 0.40): chance could explain it.")
    assert "Nearest answer" in unclear.limits()[0]
    cut = found(RIGHT, FILMS, unfinished=2)
    assert any(s.startswith("2 of 4 answers are as long as they may be") for s in cut.limits())
    assert findings_of(TextReport()).summary() == "Not scored."


def test_the_run_and_the_nearest_answer_are_ranked_whichever_way_the_metric_points() -> None:
    answers = [*RIGHT[:2], "", ""]
    for metric, better in (("empty", FILMS), ("length ratio", RIGHT), ("chrF", RIGHT)):
        ours = score_text_answers(sayings(FILMS), answers, metrics=[metric])
        theirs = score_text_answers(sayings(FILMS), better, metrics=[metric], samples=0)
        other = TextBaseline(name="nearest answer", figures=theirs.figures)
        run, nearest = findings_of(TextReport(test=ours, baselines=[other])).results()
        assert nearest.goodness > run.goodness, metric


def test_the_page_and_the_card_of_texts() -> None:
    made = texts()
    figure = made.scored.test.headline  # type: ignore[union-attr]
    page, card = render_page(made), render_card(made)
    assert f"<strong>{figure.value:.1f}</strong> chrF on 40 test rows" in page
    assert "Metric by metric" in page
    assert "3 of 40 answers are as long as they may be." in page
    assert "Answers, the worst first" in page
    assert "Mean probability of a token on dev" in page
    assert "McNemar" not in page + card
    assert f"| chrF | {figure.value:.1f} | " in card
    assert "Gives an answer in free text to texts" in card
    assert "It can state what is false; where an error matters, have a person check." in card
    assert "Tuned, not yet scored." in render_page(made.model_copy(update={"scored": TextReport()}))
