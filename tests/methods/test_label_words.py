"""Label words proposed from the vocabulary, against distances computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.methods.label_words import neighbours, word_proposals
from trimtab.prompts import make_verbalizer


def verbalizer(pretrained, words):
    return make_verbalizer(words, pretrained.tokenizer, before="Answer:")


@pytest.mark.parametrize(
    "words", [{"negative": ["awful"], "positive": ["great"]}, {"no": ["not a good film"], "yes": ["great", "warm"]}]
)
def test_neighbours_by_hand(pretrained, words):
    tokenizer = pretrained.tokenizer
    table = pretrained.backbone.output.weight.detach().double().numpy()
    firsts = [table[tokenizer(f" {own[0]}")["input_ids"]].mean(0) for own in words.values()]
    cosines = [table @ v / np.linalg.norm(table, axis=1) / np.linalg.norm(v) for v in firsts]
    given = {word for own in words.values() for word in own}
    expected = []
    for own in cosines:
        found = []
        for i in np.argsort(-own)[:200]:
            text = tokenizer.decode([i])
            whole = text[:1] == " " and len(text) > 2 and text[1:].isascii() and text[1:].isalpha()
            if whole and own[i] == max(c[i] for c in cosines) and text.strip() not in given:
                found.append(text.strip())
        expected.append(found[:3])
    assert neighbours(verbalizer(pretrained, words), pretrained.backbone, tokenizer) == expected
    assert any(expected)


def test_chinese_words_have_chinese_neighbours(pretrained):
    words = {"好评": ["好评"], "差评": ["差评"]}
    found = neighbours(verbalizer(pretrained, words), pretrained.backbone, pretrained.tokenizer)
    assert all("\u4e00" <= character <= "\u9fff" for own in found for word in own for character in word)


def test_proposals_begin_with_the_given_and_none_is_twice(pretrained):
    words = {"0": ["bad"], "1": ["good"]}
    made = word_proposals(
        words, verbalizer(pretrained, words), pretrained.backbone, pretrained.tokenizer, chinese=False
    )
    assert made[0] == words
    assert all(made.count(own) == 1 for own in made)
    assert {"0": ["good"], "1": ["bad"]} in made  # nobody says which of two labels is which
    assert {"0": ["no"], "1": ["yes"]} in made
    near = [own for own in made if len(own["0"]) == 2]
    assert all(own["0"][0] == "bad" and own["1"][0] == "good" for own in near)
    chinese = word_proposals(
        words, verbalizer(pretrained, words), pretrained.backbone, pretrained.tokenizer, chinese=True
    )
    assert {"0": ["差"], "1": ["好"]} in chinese


def test_common_pairs_are_for_two_labels(pretrained):
    words = {"a": ["bad"], "b": ["good"], "c": ["warm"]}
    made = word_proposals(
        words, verbalizer(pretrained, words), pretrained.backbone, pretrained.tokenizer, chinese=False
    )
    assert all(set(own) == set(words) for own in made)
    assert not any(["yes"] in own.values() for own in made)
