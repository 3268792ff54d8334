"""BLEU and chrF of sums against sacrebleu itself: corpora, sentences, resamples, several references, Chinese."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from trimtab.evaluation.metrics.translation import bleu, chrf

TEXTS = [
    "The cat sat on the mat .",
    "",
    "It's 20% off — hurry up!",
    "A",
    "Nothing in common",
    "我爱北京天安门, really 👍",
    "to be or not to be",
]
REFERENCES = [
    ["The cat sat on the mat.", "A cat was on the mat."], ["Something."],
    ["It is 20% off, hurry up!", "20% off!", "Hurry!"],
    ["A"], ["xyz qqq"], ["我爱北京的天安门，真的 👍"], ["to be, or not to be: that is the question"],
]  # fmt: skip
CHINESE = ["今天天气很好，我们去公园玩。", "他说App很好用", ""]
CHINESE_REFERENCES = [
    ["今天天气不错，我们去公园。", "今天天气很好，我们到公园去玩吧。"],
    ["他说这个App非常好用！"],
    ["空"],
]
ROWS = len(TEXTS)


def streams(references: list[list[str]]) -> list[tuple[Any, ...]]:
    return list(zip_longest(*references))


@pytest.mark.parametrize("chinese", [False, True])
def test_corpus_bleu_is_sacrebleus(chinese: bool) -> None:
    texts, references = (CHINESE, CHINESE_REFERENCES) if chinese else (TEXTS, REFERENCES)
    oracle = BLEU(tokenize="zh" if chinese else "13a")
    found = bleu(texts, references, chinese=chinese)
    assert found.value == pytest.approx(oracle.corpus_score(texts, streams(references)).score)
    assert found.value > 5
    assert found.signature == str(oracle.get_signature())
    assert f"nrefs:var|case:mixed|eff:no|tok:{'zh' if chinese else '13a'}|smooth:exp" in found.signature


@pytest.mark.parametrize("word_order", [0, 2])
def test_corpus_chrf_is_sacrebleus(word_order: int) -> None:
    for texts, references in ((TEXTS, REFERENCES), (CHINESE, CHINESE_REFERENCES)):
        found = chrf(texts, references, word_order=word_order)
        oracle = CHRF(word_order=word_order)
        assert found.value == pytest.approx(oracle.corpus_score(texts, streams(references)).score)
        assert (found.name, found.signature) == ("chrF++" if word_order else "chrF", str(oracle.get_signature()))


def test_rows_are_sacrebleus_sentences() -> None:
    per_row = bleu(TEXTS, REFERENCES, chinese=False).per_row
    oracle = BLEU(effective_order=True)
    assert per_row == pytest.approx([oracle.sentence_score(t, r).score for t, r in zip(TEXTS, REFERENCES, strict=True)])
    per_row = chrf(TEXTS, REFERENCES).per_row
    assert per_row == pytest.approx([CHRF().sentence_score(t, r).score for t, r in zip(TEXTS, REFERENCES, strict=True)])


def test_a_resample_of_the_sums_is_a_resample_of_the_texts() -> None:
    random = np.random.default_rng(0)
    metrics = bleu(TEXTS, REFERENCES, chinese=False), chrf(TEXTS, REFERENCES, word_order=2)
    oracles = BLEU(), CHRF(word_order=2)
    for _ in range(30):
        drawn = random.integers(ROWS, size=int(random.integers(1, ROWS + 1)))
        texts, references = [TEXTS[n] for n in drawn], [REFERENCES[n] for n in drawn]
        for metric, oracle in zip(metrics, oracles, strict=True):
            assert metric.sums_NS is not None
            sums_1S = np.bincount(drawn, minlength=ROWS)[None].astype(float) @ metric.sums_NS
            expected = oracle.corpus_score(texts, streams(references)).score
            assert metric.of_sums(sums_1S)[0] == pytest.approx(expected, abs=1e-9)


def test_only_empty_texts() -> None:
    assert bleu(["", ""], [["a b c d e"], ["b"]], chinese=False).value == 0
    assert chrf(["", ""], [["a"], [""]]).value == 0
