"""BLEU of sums against sacrebleu itself: corpora, sentences, resamples, several references, Chinese."""

from __future__ import annotations

import numpy as np
import pytest
from made_texts import CHINESE, CHINESE_REFERENCES, REFERENCES, ROWS, TEXTS, streams
from sacrebleu.metrics.bleu import BLEU

from trimtab.evaluation.metrics.bleu import bleu


@pytest.mark.parametrize("chinese", [False, True])
def test_corpus_bleu_is_sacrebleus(chinese: bool) -> None:
    texts, references = (CHINESE, CHINESE_REFERENCES) if chinese else (TEXTS, REFERENCES)
    oracle = BLEU(tokenize="zh" if chinese else "13a")
    found = bleu(texts, references, chinese=chinese)
    assert found.value == pytest.approx(oracle.corpus_score(texts, streams(references)).score)
    assert found.value > 5
    assert found.signature == str(oracle.get_signature())
    assert f"nrefs:var|case:mixed|eff:no|tok:{'zh' if chinese else '13a'}|smooth:exp" in found.signature


def test_rows_are_sacrebleus_sentences() -> None:
    per_row = bleu(TEXTS, REFERENCES, chinese=False).per_row
    oracle = BLEU(effective_order=True)
    assert per_row == pytest.approx([oracle.sentence_score(t, r).score for t, r in zip(TEXTS, REFERENCES, strict=True)])


def test_a_resample_of_the_sums_is_a_resample_of_the_texts() -> None:
    random, oracle = np.random.default_rng(0), BLEU()
    sums = bleu(TEXTS, REFERENCES, chinese=False).sums
    assert sums is not None
    for _ in range(30):
        drawn = random.integers(ROWS, size=int(random.integers(1, ROWS + 1)))
        texts, references = [TEXTS[n] for n in drawn], [REFERENCES[n] for n in drawn]
        sums_1S = np.bincount(drawn, minlength=ROWS)[None].astype(float) @ sums.rows_NS
        expected = oracle.corpus_score(texts, streams(references)).score
        assert sums.of_sums(sums_1S)[0] == pytest.approx(expected, abs=1e-9)


def test_only_empty_texts() -> None:
    assert bleu(["", ""], [["a b c d e"], ["b"]], chinese=False).value == 0
