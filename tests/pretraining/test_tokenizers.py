"""Tokenizers: what they give back, that transformers opens them alike, and what is in a vocabulary."""

from __future__ import annotations

import pytest
from transformers import AutoTokenizer

from trimtab.errors import RunError
from trimtab.pretraining.tokenizers import (
    END,
    UNKNOWN,
    encode,
    end_id,
    load_tokenizer,
    plain,
    save_tokenizer,
    train_tokenizer,
)
from trimtab.settings.corpus import TokenizerSettings

TEXTS = [
    "The cat sat on the mat.\n\tIt's 3.5 kg;  the dog-house <unk> isn't.",
    "北京大学的学生喜欢学习语言模型。",
    "the cat",
]


@pytest.mark.parametrize("kind", ["character", "bpe", "unigram"])
def test_texts_come_back_as_they_were(kind):
    tokenizer = train_tokenizer(TEXTS, TokenizerSettings(kind=kind))
    for text, ids in zip(TEXTS, encode(tokenizer, TEXTS), strict=True):
        assert tokenizer.decode(ids) == text
        assert end_id(tokenizer) not in ids


@pytest.mark.parametrize("kind", ["word", "character", "bpe", "unigram"])
def test_transformers_opens_it_alike(kind, tmp_path):
    tokenizer = train_tokenizer(TEXTS, TokenizerSettings(kind=kind))
    save_tokenizer(tokenizer, tmp_path)
    theirs, ours = AutoTokenizer.from_pretrained(tmp_path), load_tokenizer(tmp_path)
    for text in ("The dog sat.", "北京大学"):
        assert theirs(text)["input_ids"] == encode(ours, [text])[0] == encode(tokenizer, [text])[0]
    assert theirs.eos_token_id == end_id(ours)


def test_the_end_of_a_text_is_never_in_one():
    for kind in ("word", "character", "bpe", "unigram"):
        tokenizer = train_tokenizer([*TEXTS, f"a {END} b"], TokenizerSettings(kind=kind, split="spaces"))
        [ids] = encode(tokenizer, [f"a {END} b {END}"])
        assert end_id(tokenizer) not in ids
    assert plain(f"a{END}") == "a<| endoftext |>"


def test_words_are_cut_at_marks_or_at_spaces_alone():
    text = "It's 3.5 kg; a dog-house @-@ (x)"
    marks = train_tokenizer([text], TokenizerSettings())
    assert marks.encode(text).tokens == ["It's", "3.5", "kg", ";", "a", "dog-house", "@", "-", "@", "(", "x", ")"]
    spaces = train_tokenizer([text], TokenizerSettings(split="spaces"))
    assert spaces.encode(text).tokens == text.split()
    assert spaces.decode(spaces.encode(text).ids) == text


def test_the_commonest_words_are_kept():
    tokenizer = train_tokenizer(["d c b a a b c a b a" for _ in range(3)], TokenizerSettings(size=8).model_copy(
        update={"size": 5}
    ))  # fmt: skip
    assert sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get) == [UNKNOWN, END, "a", "b", "c"]
    assert tokenizer.encode("a d").tokens == ["a", UNKNOWN]


def test_chinese_is_segmented_without_the_segmenter(tmp_path):
    tokenizer = train_tokenizer([TEXTS[1]] * 3, TokenizerSettings())
    save_tokenizer(tokenizer, tmp_path)
    found = AutoTokenizer.from_pretrained(tmp_path).tokenize("北京大学的学生")
    assert found == ["北京大学", "的", "学生"]
    assert tokenizer.decode(encode(tokenizer, [TEXTS[1]])[0]) == TEXTS[1]


def test_a_folder_without_a_tokenizer_is_told(tmp_path):
    with pytest.raises(RunError) as caught:
        load_tokenizer(tmp_path)
    file = tmp_path / "tokenizer.json"
    assert str(caught.value) == f"{file}: no such file. Give the folder that `trimtab pretrain` wrote."
    file.write_text("{")
    with pytest.raises(RunError, match="damaged"):
        load_tokenizer(tmp_path)
