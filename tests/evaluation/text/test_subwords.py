"""N-grams of words, their hash by published values, and vectors of words by them by hand."""

from __future__ import annotations

import numpy as np
import pytest

import needs
from trimtab.evaluation.text.subwords import Subwords, ngram_buckets

WHOLE = 2**32


def test_hashes_are_those_of_fnv_1a() -> None:
    # http://www.isthe.com/chongo/src/fnv/test_fnv.c; of one character between marks the n-grams of length 1 are itself.
    assert ngram_buckets("a", 1, 1, WHOLE) == [0xE40C292C]
    assert ngram_buckets("f", 1, 1, WHOLE) == [0xE30C2799]
    assert ngram_buckets("foobar", 6, 6, WHOLE)[1] == 0xBF9CF968
    assert ngram_buckets("a", 1, 1, 1000) == [0xE40C292C % 1000]


def test_ngrams_have_marks_at_both_ends() -> None:
    assert len(ngram_buckets("where", 3, 3, WHOLE)) == 5  # <wh whe her ere re>
    assert ngram_buckets("where", 3, 3, WHOLE)[1] == ngram_buckets("awhenb", 3, 3, WHOLE)[2]
    assert ngram_buckets("好", 3, 6, WHOLE) != ngram_buckets("吃", 3, 6, WHOLE)
    assert len(ngram_buckets("好", 3, 6, WHOLE)) == 1
    assert ngram_buckets("a", 4, 6, WHOLE) == []


@needs.gensim
@pytest.mark.parametrize("word", ["where", "naïve", "好吃", "😀", "a", "handy手机"])
@pytest.mark.parametrize("lengths", [(3, 6), (1, 4)])
def test_hashes_are_those_of_gensim(word: str, lengths: tuple[int, int]) -> None:
    from gensim.models.fasttext_inner import compute_ngrams_bytes, ft_hash_bytes

    expected = [ft_hash_bytes(ngram) % 997 for ngram in compute_ngrams_bytes(word, *lengths)]
    assert sorted(ngram_buckets(word, *lengths, 997)) == sorted(expected)


def test_a_word_has_the_mean_of_its_known_ngrams() -> None:
    buckets = sorted({bucket for word in ("abc", "bcd") for bucket in ngram_buckets(word, 3, 4, 1000)})
    vectors = np.arange(3 * len(buckets), dtype=np.float32).reshape(-1, 3)
    subwords = Subwords(3, 4, 1000, np.array(buckets, dtype=np.int64), vectors)
    by_bucket = dict(zip(buckets, vectors, strict=True))
    for word in ("abc", "abcd", "xabc"):
        known = [by_bucket[bucket] for bucket in ngram_buckets(word, 3, 4, 1000) if bucket in by_bucket]
        np.testing.assert_allclose(subwords.vector(word), np.mean(known, axis=0), rtol=1e-6)
    assert subwords.vector("zzz") is None
    assert subwords.vector("") is None
    assert Subwords(3, 4, 1000, np.array([], dtype=np.int64), vectors[:0]).vector("abc") is None
