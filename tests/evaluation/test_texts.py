"""Scores of texts as callers ask for them: every metric, intervals, comparisons, refusals, time."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU

from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics.choose import TEXT_METRICS, compare_texts, metric_names, score_texts

WORDS = "the a cat dog sat ran on under mat tree quickly slowly red blue big small".split()  # noqa: SIM905
_ = [
    "the",
    "a",
    "cat",
    "dog",
    "sat",
    "ran",
    "on",
    "under",
    "mat",
    "tree",
    "quickly",
    "slowly",
    "red",
    "blue",
    "big",
    "small",
]


def sentences(rows: int, seed: int, right: float) -> tuple[list[str], list[list[str]]]:
    """Sentences and references that share about `right` of their words."""
    random = np.random.default_rng(seed)
    references = [[WORDS[w] for w in random.integers(len(WORDS), size=12)] for _ in range(rows)]
    texts = [[w if random.random() < right else "other" for w in words] for words in references]
    return [" ".join(words) for words in texts], [[" ".join(words)] for words in references]


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


def test_two_systems() -> None:
    better, references = sentences(200, 2, 0.9)
    worse = sentences(200, 2, 0.6)[0]
    found = compare_texts(better, worse, references, metrics=["BLEU", "chrF", "EM", "distinct-1"], exchanges=999)
    scores = [score_texts(t, references, metrics=["BLEU"], resamples=2).scores[0].value for t in (better, worse)]
    assert (found[0].a, found[0].b) == tuple(scores)
    for difference in found[:3]:
        assert difference.interval is not None
        assert 0 < difference.interval.low < difference.difference < difference.interval.high
        assert difference.p_value == pytest.approx(1 / 1000)
    assert found[3].interval is found[3].p_value is None
    assert [d.p_value for d in compare_texts(better, better, references, metrics=["BLEU", "F1"])] == [1, 1]


def test_p_values_are_below_5_percent_as_often_as_they_say() -> None:
    references = sentences(40, 0, 1.0)[1]
    p_values: list[float] = []
    for seed in range(100):
        random = np.random.default_rng(seed)
        a, b = (
            [" ".join(w if random.random() < 0.8 else "other" for w in row[0].split()) for row in references]
            for _ in range(2)
        )
        [found] = compare_texts(a, b, references, metrics=["BLEU"], resamples=10, exchanges=199, seed=seed)
        assert found.p_value is not None
        p_values.append(found.p_value)
    assert 0 < np.mean(np.array(p_values) <= 0.05) < 0.12
    assert 0.4 < np.mean(p_values) < 0.6


def test_refusals() -> None:
    cases: list[tuple[list[str], list[list[str]], dict[str, Any], str]] = [
        ([], [], {}, "There are no texts to score. Check that the data file has rows."),
        (["a", "b"], [["a"]], {}, "There are 2 answers, but references for 1 rows. Every answer needs its own."),
        (["a"], [["a"]], {"inputs": []}, "There are 1 answers, but inputs for 0 rows. Every answer needs its own."),
        (["a", "b"], [["a"], []], {}, "Row 2: this row has no reference. Scoring needs a text or more that are right."),
        (
            ["a"], [["a"]], {"metrics": ["rogue-l"]},
            f"Metric 'rogue-l' is not one of {', '.join(TEXT_METRICS)}. Did you mean 'ROUGE-L'?",
        ),
        (
            ["a"], [["a"]], {"metrics": ["copied"]},
            "Metric 'copied' needs the inputs. Give the texts that the answers are about.",
        ),
    ]  # fmt: skip
    for texts, references, options, message in cases:
        with pytest.raises(TrimtabError) as error:
            score_texts(texts, references, **{"metrics": ["BLEU"], **options})
        assert str(error.value) == message


def test_names_in_any_case() -> None:
    assert metric_names(["bleu", "CHRF++", "Rouge-l", "NUMERIC em"]) == ["BLEU", "chrF++", "ROUGE-L", "numeric EM"]


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


def test_nothing_heavy_is_imported_before_it_is_asked_for() -> None:
    heavy = ("sacrebleu", "rapidfuzz")
    code = f"import sys, trimtab.evaluation.metrics.choose; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
