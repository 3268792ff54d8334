"""Splits as ids on disk: what they hold, and when they are written again."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.errors import DataError
from trimtab.pretraining.corpora import splits_of
from trimtab.pretraining.encoded import IDS_FILE, encoded
from trimtab.pretraining.tokenizers import encode, end_id, train_tokenizer
from trimtab.settings.corpus import CorpusDataSettings, TokenizerSettings


def test_documents_stand_one_after_another_with_their_ends(tmp_path):
    (tmp_path / "a.txt").write_text("ab é\n\nb zz\n")
    data = CorpusDataSettings(train="a.txt", dev="a.txt")
    split = splits_of(data, base=tmp_path)["train"]
    tokenizer = train_tokenizer(["ab é", "b"], TokenizerSettings())
    found = encoded(split, tokenizer, tmp_path / "kept")
    one, other = encode(tokenizer, ["ab é", "b zz"])
    assert found.ids_T.tolist() == [*one, end_id(tokenizer), *other, end_id(tokenizer)]
    assert found.ids_T.dtype == np.uint16
    assert (found.documents, found.bytes, found.unknown) == (2, 6 + 5, 1)


def test_it_is_written_once_and_again_where_a_text_changed(tmp_path):
    (tmp_path / "a.txt").write_text("one two")
    split = splits_of(CorpusDataSettings(train="a.txt", dev="a.txt"), base=tmp_path)["train"]
    tokenizer = train_tokenizer(["one two three"], TokenizerSettings())
    kept = tmp_path / "kept"
    for text, folders, tokens in (("one two", 1, 3), ("one two", 1, 3), ("one two three", 2, 4)):
        (tmp_path / "a.txt").write_text(text)
        assert len(encoded(split, tokenizer, kept).ids_T) == tokens
        assert len(list(kept.glob(f"*/{IDS_FILE}"))) == folders


def test_what_was_broken_off_leaves_nothing(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one two\n\n\xff")
    split = splits_of(CorpusDataSettings(train="a.txt", dev="a.txt"), base=tmp_path)["train"]
    tokenizer = train_tokenizer(["one two three"], TokenizerSettings())
    with pytest.raises(DataError):
        encoded(split, tokenizer, tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []
