"""Scores and samples of answers in free text, the nearest answer, and what the report says of them."""

from __future__ import annotations

import pytest
from sacrebleu import corpus_chrf

from trimtab.data import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.scores.texts import difference, nearest_answer, score_written
from trimtab.reports.findings import texts as written_findings
from trimtab.reports.run_report import WrittenBaseline, WrittenReport

FILMS = ("a warm film", "a cold film", "the plot is funny", "the cast is bad")


def rows(texts=FILMS, references=None) -> list[Example]:
    found = references or [(f"it says: {text}",) for text in texts]
    return [
        Example({"text": text}, own[0], f"test.jsonl:{i}", references=tuple(own))
        for i, (text, own) in enumerate(zip(texts, found, strict=True), 1)
    ]


def test_figures_are_those_of_their_libraries():
    answers = ["it says: a warm film", "it is cold", "funny", ""]
    scores = score_written(rows(), answers)
    assert [f.name for f in scores.figures] == ["chrF", "BLEU", "ROUGE-L", "EM", "F1", "length ratio"]
    expected = corpus_chrf(answers, [[e.answer for e in rows()]]).score
    assert scores.headline.value == pytest.approx(expected)
    assert scores.headline.interval.low <= expected <= scores.headline.interval.high
    assert (scores.rows, scores.language, scores.ranked_by) == (4, "en", "chrF")
    assert [s.score for s in scores.samples] == sorted(s.score for s in scores.samples)
    assert (scores.samples[0].answer, scores.samples[-1].answer) == ("", "it says: a warm film")


def test_headline_is_the_first_metric_asked_for_and_rows_are_ranked_by_one_that_can():
    scores = score_written(rows(), list(FILMS), metrics=["bleu", "em"])
    assert [f.name for f in scores.figures] == ["BLEU", "EM"]
    assert scores.ranked_by == "ROUGE-L"


def test_half_of_the_samples_are_the_worst_and_the_best_is_among_them():
    texts = [f"row {i} " + "x" * i for i in range(60)]
    answers = [f"it says: {text}"[: 4 + i] for i, text in enumerate(texts)]
    scores = score_written(rows(texts), answers, samples=10)
    every = score_written(rows(texts), answers, samples=60)
    assert len(scores.samples) == 10
    ranked = [s.score for s in every.samples]
    assert [s.score for s in scores.samples[:5]] == ranked[:5]
    assert scores.samples[-1].score == ranked[-1]


def test_long_texts_are_shortened_in_samples():
    scores = score_written(rows(["y" * 5000]), ["z" * 5000])
    assert all(len(text) < 700 for text in (scores.samples[0].answer, scores.samples[0].fields["text"]))


def test_nearest_answer():
    train = rows(
        ("a warm and funny film", "a cold film", "这家店的菜很好吃"), [("warm!",), ("cold!", "chill"), ("好吃",)]
    )
    asked = rows(("what a warm , warm film", "cold", "菜好吃", "", "zzz"))
    assert nearest_answer(train, asked)[:3] == ["warm!", "cold!", "好吃"]
    assert nearest_answer(rows(("!",)), asked) == ["it says: !"] * 5


def test_difference_of_the_same_answers_is_none():
    assert difference(rows(), list(FILMS), list(FILMS), "chrF") == 1.0


def test_chinese_is_told_by_the_references():
    references = [("这家店很好",), ("太慢了",)]
    scores = score_written(rows(("好", "慢"), references), ["这家店很好", "慢"])
    assert scores.language == "zh"
    assert scores.figures[3].value == 0.5


def test_unknown_metric():
    with pytest.raises(TrimtabError, match="Metric 'blue' is not one of"):
        score_written(rows(), list(FILMS), metrics=["blue"])


def report(answers, other, p_value=0.001, **more) -> WrittenReport:
    theirs = score_written(rows(), other, samples=0)
    beside = WrittenBaseline(name="nearest answer", figures=theirs.figures, seconds=1.0, p_value=p_value)
    return WrittenReport(test=score_written(rows(), answers, **more), baselines=[beside])


RIGHT = [f"it says: {text}" for text in FILMS]


def test_sentences():
    better = report(RIGHT, list(FILMS))
    gap = 100 - better.baselines[0].figure.value
    assert written_findings.verdict(better) == (
        f"{gap:.1f} points of chrF better than nearest answer (p = 0.001, approximate randomisation)."
    )
    assert written_findings.summary(better).startswith("chrF 100.0 on 4 test rows (95%: 100.0 to 100.0); BLEU 100.0, ")
    worse = report(list(FILMS), RIGHT)
    assert "worse than nearest answer" in written_findings.verdict(worse)
    assert "Nearest answer (chrF 100.0) does better." in written_findings.limits(worse)
    unclear = report(RIGHT, list(FILMS), p_value=0.4)
    assert written_findings.verdict(unclear).endswith("above it, p = 0.40): chance could explain it.")
    cut = report(RIGHT, list(FILMS), unfinished=2)
    assert any(s.startswith("2 of 4 answers are as long as they may be") for s in written_findings.limits(cut))
    assert written_findings.summary(WrittenReport()) == "Not scored."
