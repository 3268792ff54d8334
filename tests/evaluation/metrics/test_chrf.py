"""chrF of sums against sacrebleu itself: corpora, sentences, resamples, several references, Chinese."""

from __future__ import annotations

import numpy as np
import pytest
from made_texts import CHINESE, CHINESE_REFERENCES, REFERENCES, ROWS, TEXTS, streams
from sacrebleu.metrics.chrf import CHRF

from trimtab.evaluation.metrics.chrf import chrf


@pytest.mark.parametrize("word_order", [0, 2])
def test_corpus_chrf_is_sacrebleus(word_order: int) -> None:
    for texts, references in ((TEXTS, REFERENCES), (CHINESE, CHINESE_REFERENCES)):
        found = chrf(texts, references, word_order=word_order)
        oracle = CHRF(word_order=word_order)
        assert found.value == pytest.approx(oracle.corpus_score(texts, streams(references)).score)
        assert (found.metric.name, found.signature) == ("chrF++" if word_order else "chrF", str(oracle.get_signature()))


def test_rows_are_sacrebleus_sentences() -> None:
    per_row = chrf(TEXTS, REFERENCES).per_row
    assert per_row == pytest.approx([CHRF().sentence_score(t, r).score for t, r in zip(TEXTS, REFERENCES, strict=True)])


def test_a_resample_of_the_sums_is_a_resample_of_the_texts() -> None:
    random, oracle = np.random.default_rng(0), CHRF(word_order=2)
    sums = chrf(TEXTS, REFERENCES, word_order=2).sums
    assert sums is not None
    for _ in range(30):
        drawn = random.integers(ROWS, size=int(random.integers(1, ROWS + 1)))
        texts, references = [TEXTS[n] for n in drawn], [REFERENCES[n] for n in drawn]
        sums_1S = np.bincount(drawn, minlength=ROWS)[None].astype(float) @ sums.rows_NS
        expected = oracle.corpus_score(texts, streams(references)).score
        assert sums.of_sums(sums_1S)[0] == pytest.approx(expected, abs=1e-9)


def test_only_empty_texts() -> None:
    assert chrf(["", ""], [["a"], [""]]).value == 0
