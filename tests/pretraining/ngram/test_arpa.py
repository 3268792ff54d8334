"""ARPA files: written, read again, scored alike by KenLM, and what is said of files that are none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trimtab.errors import DataError
from trimtab.pretraining.ngram.arpa import read_arpa, write_arpa
from trimtab.pretraining.ngram.estimate import estimate
from trimtab.pretraining.ngram.model import NgramModel

TOKENS = ["<unk>", "<|endoftext|>", "a", "b", " ", "\n", "é"]


@pytest.fixture
def ours() -> NgramModel:
    random = np.random.default_rng(0)
    ids = np.concatenate([[*random.integers(2, 7, size), 1] for size in random.integers(1, 9, 50)])
    return NgramModel(estimate(ids, end=1, words=7, order=3), 7, 1)


def test_what_is_written_is_read_again(ours, tmp_path):
    write_arpa(ours, TOKENS, tmp_path / "a.arpa")
    theirs, tokens = read_arpa(tmp_path / "a.arpa")
    assert tokens == ["<unk>", "</s>", *TOKENS[2:], "<s>"]
    ids = np.array([2, 3, 2, 4, 4, 6, 1, 5, 1, 0, 2, 1])
    np.testing.assert_allclose(theirs.log_probabilities(ids), ours.log_probabilities(ids), rtol=1e-7)


def test_kenlm_scores_every_sentence_alike(ours, tmp_path):
    kenlm = pytest.importorskip("kenlm", reason="kenlm is not installed: `pip install kenlm`, which takes minutes")
    write_arpa(ours, TOKENS, tmp_path / "a.arpa")
    theirs = kenlm.Model(str(tmp_path / "a.arpa"))
    names = ["<unk>", "</s>", "a", "b", "\\x20", "\\x0a", "é"]
    for text in ([2, 3, 2], [4, 4, 6, 5, 2, 2, 2], [], [0, 2]):
        logs = ours.log_probabilities(np.array([*text, 1])) / math.log(10)
        scores = [one[0] for one in theirs.full_scores(" ".join(names[word] for word in text))]
        np.testing.assert_allclose(logs, scores, atol=1e-5)


HINT = "Give a file in the ARPA format, as SRILM, KenLM or `trimtab pretrain` write it."
HEAD = "\\data\\\nngram 1=3\nngram 2=1\n\n\\1-grams:\n-1 <s> 0\n-1 </s>\n-1 a 0\n\n\\2-grams:\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hello\n", ": not an ARPA file: no `ngram 1=` in it."),
        ("\\data\\\nngram 2=1\n", ":2: found 'ngram 2=1', expected the next order."),
        ("\\data\\\nngram 1=1\n\\1-grams:\n-1 a b c\n", ":4: found '-1 a b c', expected a logarithm and 1 words."),
        ("\\data\\\nngram 1=2\n\\1-grams:\n-1 a\n", ": 1 1-grams, expected 2: the file is cut short."),
        ("\\data\\\nngram 1=1\n\\1-grams:\n-1 a\n", ": `<s>` or `</s>` is missing, or a word stands twice."),
        (HEAD + "x a a\n", ":11: found 'x a a', expected a logarithm and 2 words."),
    ],
)
def test_what_is_no_arpa_file_is_told(tmp_path, content, message):
    (tmp_path / "a.arpa").write_text(content)
    with pytest.raises(DataError) as caught:
        read_arpa(tmp_path / "a.arpa")
    assert str(caught.value) == f"{tmp_path / 'a.arpa'}{message} {HINT}"
