"""Scores and samples of answers in free text as a report holds them."""

from __future__ import annotations

import pytest
from made_answers import FILMS, films
from sacrebleu import corpus_chrf

from trimtab.errors import TrimtabError
from trimtab.evaluation.scores.texts import score_text_answers, texts_p_value


def test_figures_are_those_of_their_libraries():
    answers = ["it says: a warm film", "it is cold", "funny", ""]
    scores = score_text_answers(films(), answers)
    assert [f.name for f in scores.figures] == ["chrF", "BLEU", "ROUGE-L", "EM", "F1", "length ratio"]
    expected = corpus_chrf(answers, [[e.answer for e in films()]]).score
    assert scores.headline.value == pytest.approx(expected)
    assert scores.headline.interval.low <= expected <= scores.headline.interval.high
    assert (scores.rows, scores.language, scores.ranked_by) == (4, "en", "chrF")
    assert [s.score for s in scores.samples] == sorted(s.score for s in scores.samples)
    assert (scores.samples[0].answer, scores.samples[-1].answer) == ("", "it says: a warm film")


def test_headline_is_the_first_metric_asked_for_and_rows_are_ranked_by_one_that_can():
    scores = score_text_answers(films(), list(FILMS), metrics=["bleu", "em"])
    assert [f.name for f in scores.figures] == ["BLEU", "EM"]
    assert scores.ranked_by == "ROUGE-L"


def test_half_of_the_samples_are_the_worst_and_the_best_is_among_them():
    texts = [f"row {i} " + "x" * i for i in range(60)]
    answers = [f"it says: {text}"[: 4 + i] for i, text in enumerate(texts)]
    scores = score_text_answers(films(texts), answers, samples=10)
    every = score_text_answers(films(texts), answers, samples=60)
    assert len(scores.samples) == 10
    ranked = [s.score for s in every.samples]
    assert [s.score for s in scores.samples[:5]] == ranked[:5]
    assert scores.samples[-1].score == ranked[-1]


def test_long_texts_are_shortened_in_samples():
    scores = score_text_answers(films(["y" * 5000]), ["z" * 5000])
    assert all(len(text) < 700 for text in (scores.samples[0].answer, scores.samples[0].fields["text"]))


def test_difference_of_the_same_answers_is_none():
    assert texts_p_value(films(), list(FILMS), list(FILMS), "chrF") == 1.0


def test_chinese_is_told_by_the_references():
    references = [("这家店很好",), ("太慢了",)]
    scores = score_text_answers(films(("好", "慢"), references), ["这家店很好", "慢"])
    assert scores.language == "zh"
    assert scores.figures[3].value == 0.5


def test_unknown_metric():
    with pytest.raises(TrimtabError, match="Metric 'blue' is not one of"):
        score_text_answers(films(), list(FILMS), metrics=["blue"])
