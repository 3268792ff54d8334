"""Special tokens around a text, of tokenizers that put them before it, behind it, on both sides and nowhere."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from trimtab.prompts import around_ids, leading_ids

VOCABULARY = {"[CLS]": 0, "[SEP]": 1, "[UNK]": 2, "a": 3}
SPECIAL = [("[CLS]", 0), ("[SEP]", 1)]


def made(single: str) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = TemplateProcessing(single=single, special_tokens=SPECIAL)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]")


@pytest.mark.parametrize(
    ("single", "leading", "around"),
    [
        ("$A", [], ([], [])),
        ("[CLS] $A", [0], ([0], [])),
        ("[CLS] [SEP] $A", [0, 1], ([0, 1], [])),
        ("[CLS] $A [SEP]", [], ([0], [1])),
        ("$A [SEP]", [], ([], [1])),
    ],
)
def test_what_a_tokenizer_puts_around_a_text(
    single: str, leading: list[int], around: tuple[list[int], list[int]]
) -> None:
    tokenizer = made(single)
    assert leading_ids(tokenizer) == leading
    assert around_ids(tokenizer) == around
    text = tokenizer("a a")["input_ids"]
    before, behind = around
    assert text == [*before, 3, 3, *behind]


def test_a_tokenizer_of_its_own_has_none(pretrained) -> None:
    assert leading_ids(pretrained.tokenizer) == []
    assert around_ids(pretrained.tokenizer) == ([], [])
