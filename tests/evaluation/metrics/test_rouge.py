"""ROUGE against the rouge-score package for English, against it over our tokens for Chinese, and on long texts."""

from __future__ import annotations

import time

import pytest
from rouge_score.rouge_scorer import RougeScorer

from trimtab.evaluation.metrics.metric import MetricResult
from trimtab.evaluation.metrics.rouge import rouge_l, rouge_n
from trimtab.evaluation.text.tokens import tokens

KINDS = ("rouge1", "rouge2", "rougeL")
ENGLISH = ["The quick brown fox jumped over the dog's back.", "", "police kill the gunman", "on_the_mat 42", "👍👍"]
REFERENCES = [
    ["A quick fox jumps over the lazy dog", "The brown fox jumped quickly over a dog; it's back!"], ["x"],
    ["police killed the gunman", "the gunman kill police"], ["the 42 mat", "mat"], ["👍"],
]  # fmt: skip
CHINESE = ["警察击毙了枪手，共3人受伤", "今天iPhone 15发布"]
CHINESE_REFERENCES = [["枪手被警察击毙，3人受伤", "警方击毙枪手"], ["苹果今天发布了iPhone 15"]]


class OurTokens:
    def tokenize(self, text: str) -> list[str]:
        return tokens(text)


def results(texts: list[str], references: list[list[str]]) -> dict[str, MetricResult]:
    return dict(
        zip(
            KINDS,
            (rouge_n(texts, references, order=1), rouge_n(texts, references, order=2), rouge_l(texts, references)),
            strict=True,
        )
    )


def test_english_is_that_of_rouge_score() -> None:
    oracle = RougeScorer(list(KINDS))
    expected = [oracle.score_multi(row, text) for text, row in zip(ENGLISH, REFERENCES, strict=True)]
    for kind, found in results(ENGLISH, REFERENCES).items():
        assert found.per_row == pytest.approx([scores[kind].fmeasure for scores in expected])
        assert found.value == pytest.approx(sum(scores[kind].fmeasure for scores in expected) / len(ENGLISH))


def test_chinese_is_that_of_rouge_score_over_characters() -> None:
    oracle = RougeScorer(list(KINDS), tokenizer=OurTokens())
    expected = [oracle.score_multi(row, text) for text, row in zip(CHINESE, CHINESE_REFERENCES, strict=True)]
    for kind, found in results(CHINESE, CHINESE_REFERENCES).items():
        assert found.per_row == pytest.approx([scores[kind].fmeasure for scores in expected])
        assert found.value > 0.3


def test_chinese_by_hand() -> None:
    one, other = ["我爱北京"], [["我很爱京"]]
    assert rouge_l(one, other).value == pytest.approx(3 / 4)  # 我爱京
    assert rouge_n(one, other, order=1).value == pytest.approx(3 / 4)
    assert rouge_n(one, other, order=2).value == 0


def test_long_texts_take_no_quadratic_time() -> None:
    one, other = "服务 good " * 34_000, "务服 bad good " * 26_000
    begun = time.process_time()
    found = rouge_l([one], [[other]])
    assert time.process_time() - begun < 20
    assert 0.5 < found.value < 0.9
