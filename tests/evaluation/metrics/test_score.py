"""Scores of texts as callers ask for them: every metric, intervals, language, time."""

from __future__ import annotations

import time

import numpy as np
import pytest
from made_texts import sentences
from sacrebleu.metrics.bleu import BLEU

from trimtab.evaluation.metrics.choose import TEXT_METRICS
from trimtab.evaluation.metrics.score import score_texts


def test_every_metric_at_once() -> None:
    texts = ["LOC: Paris 3 ####3", "", "Rome 4"]
    references = [["LOC: Paris 3", "Paris 3"], ["PER: x 1"], ["rome 4"]]
    found = score_texts(texts, references, metrics=TEXT_METRICS, inputs=["a", "b", "rome  4"])
    assert [score.name for score in found.scores] == list(TEXT_METRICS)
    assert (found.rows, found.language) == (3, "en")
    by_name = {score.name: score for score in found.scores}
    assert by_name["EM"].value == by_name["empty"].value == by_name["copied"].value == pytest.approx(1 / 3)
    assert by_name["numeric EM"].per_row == [1, 0, 1]
    assert by_name["distinct-1"].value == pytest.approx(5 / 6)  # loc paris 3 3 rome 4
    assert by_name["distinct-2"].value == pytest.approx(4 / 6)
    assert by_name["length ratio"].value == pytest.approx(6 / 8)
    for score in found.scores:
        assert score.what
        if score.name.startswith("distinct"):
            assert score.interval is score.per_row is None
        else:
            assert score.interval is not None
            assert score.interval.low <= score.value <= score.interval.high
            assert len(score.per_row or []) == 3
    assert {s.name for s in found.scores if not s.higher_is_better} == {"length ratio", "empty", "copied"}


def test_chinese_is_seen_in_the_references_or_said() -> None:
    texts, references = ["北京市"], [["北京"]]
    metrics = ["f1", "bleu", "distinct-1"]
    found = score_texts(texts, references, metrics=metrics)
    assert found.language == "zh"
    assert found.scores[0].value == pytest.approx(0.8)
    assert "tok:zh" in found.scores[1].signature
    assert found.scores[2].value == 1
    english = score_texts(texts, references, metrics=metrics, language="en")
    assert (english.language, english.scores[0].value) == ("en", 0)
    assert "tok:13a" in english.scores[1].signature


def test_the_interval_of_bleu_is_that_of_resampled_texts() -> None:
    texts, references = sentences(60, 1, 0.8)
    [score] = score_texts(texts, references, metrics=["BLEU"], resamples=2000).scores
    random, values = np.random.default_rng(9), []
    for _ in range(200):
        drawn = random.integers(60, size=60)
        values.append(BLEU().corpus_score([texts[n] for n in drawn], [[references[n][0] for n in drawn]]).score)
    low, high = np.percentile(values, [2.5, 97.5])
    assert score.interval is not None
    assert (score.interval.low, score.interval.high) == pytest.approx((low, high), abs=0.2 * (high - low))


def test_two_thousand_rows_a_thousand_times() -> None:
    texts, references = sentences(2000, 4, 0.7)
    begun = time.process_time()
    score_texts(texts, references, metrics=["BLEU", "chrF", "ROUGE-L", "F1"])
    assert time.process_time() - begun < 60


def test_a_very_long_text() -> None:
    texts = ["很好 very good 👍 " * 8_000, ""]
    begun = time.process_time()
    found = score_texts(
        texts, [["很好 very bad 👍 " * 8_000], ["x 1"]], metrics=["BLEU", "chrF++", "ROUGE-L", "F1", "EM"]
    )
    assert time.process_time() - begun < 60
    assert found.scores[0].value > 1
