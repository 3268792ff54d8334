"""Corpus files: short forms, overrides, and what is said of what is wrong."""

from __future__ import annotations

import pytest

from trimtab.errors import TaskError
from trimtab.settings.corpus import CorpusTrainSettings, NgramSettings
from trimtab.settings.file import dump_task, read_corpus

PLAIN = "data:\n  train: a.txt\n"


def written(tmp_path, text):
    path = tmp_path / "corpus.yaml"
    path.write_text(text)
    return path


def test_short_forms_and_overrides(tmp_path):
    path = written(tmp_path, PLAIN + "tokenizer: bpe\nmodel: ngram\n")
    corpus = read_corpus(path, ["model.order=3", "tokenizer.size=500"])
    assert (corpus.tokenizer.kind, corpus.tokenizer.size) == ("bpe", 500)
    assert corpus.model == NgramSettings(order=3)
    assert read_corpus(written(tmp_path, dump_task(corpus))) == corpus
    path = written(tmp_path, PLAIN + "model: lstm\ntrain: {steps: 3}\n")
    assert read_corpus(path, ["train.epochs=2"]).train == CorpusTrainSettings(epochs=2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "a corpus file holds settings, `name: value` a line. See docs/pretraining.md."),
        ("name: x", "data is not set. See docs/pretraining.md."),
        (PLAIN + "  feild: x", "unknown setting 'data.feild'. Did you mean 'field'?"),
        (PLAIN + "model: {kind: ngrams}", "unknown kind of model 'ngrams'. Did you mean 'ngram'?"),
        (PLAIN + "model: {kind: ngram, ordre: 3}", "unknown setting 'model.ordre'. Did you mean 'order'?"),
        (
            PLAIN + "model: {kind: ngram, order: 13}",
            "model.order: Input should be less than or equal to 12 (found 13). See docs/pretraining.md.",
        ),
        (
            PLAIN + "model: {kind: lstm, widht: 3}",
            "unknown setting 'model.widht'. Did you mean 'width'?",
        ),
        (
            PLAIN + "model: {kind: gru, dropout: 1.0}",
            "model.dropout: Input should be less than 1 (found 1.0). See docs/pretraining.md.",
        ),
        (
            PLAIN + "model: {kind: transformer, size: large}",
            "model.size: Input should be 'tiny', 'small' or 'base' (found 'large'). See docs/pretraining.md.",
        ),
        (
            PLAIN + "model: {kind: transformer, width: 100, heads: 3}",
            "model: Value error, width is 100, which 3 heads cannot share evenly: set a multiple of 6 (found "
            "{'kind': 'transformer', 'width': 100, 'heads': 3}). See docs/pretraining.md.",
        ),
        (
            PLAIN + "model: lstm\ntrain: {lenght: 3}",
            "unknown setting 'train.lenght'. Did you mean 'length'?",
        ),
        (
            PLAIN + "model: lstm\ntrain: {optimiser: adam}",
            "train.optimiser: Input should be 'adamw', 'adafactor' or 'sgd' (found 'adam'). See docs/pretraining.md.",
        ),
        (
            PLAIN + "train: {steps: 3}",
            "train: Value error, an n-gram is counted, not trained in steps: leave it out, or choose another model "
            "(found {'steps': 3}). See docs/pretraining.md.",
        ),
        (
            PLAIN + "model: transformer\ntrain: {length: 8}",
            "train: Value error, length is 8, the context of a transformer: set 32 or more (found {'length': 8}). See "
            "docs/pretraining.md.",
        ),
        (
            "data: {train: '-'}",
            "data.train: Value error, a corpus is read more than once, which standard input cannot be: name a file "
            "(found '-'). See docs/pretraining.md.",
        ),
        (
            PLAIN + "  encoding: utf-9",
            "data.encoding: Value error, no text encoding that is known. Did you mean 'utf-8'? (found 'utf-9'). "
            "See docs/pretraining.md.",
        ),
    ],
)
def test_what_is_wrong_is_told(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(TaskError) as caught:
        read_corpus(path)
    assert str(caught.value) in (f"{path}: {message}", f"{path}:{message}")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(TaskError) as caught:
        read_corpus(tmp_path / "x.yaml")
    assert str(caught.value) == f"{tmp_path / 'x.yaml'}: no such file. Give a corpus file."
