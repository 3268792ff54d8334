"""Examples to token ids: template and verbalizer. Knows nothing about models."""

from trimtab.prompts.template import EncodedRow, Encoder, Template, leading_ids, parse_template, tokenize
from trimtab.prompts.verbalizer import Verbalizer, Word, default_words, make_verbalizer

__all__ = [
    "EncodedRow",
    "Encoder",
    "Template",
    "Verbalizer",
    "Word",
    "default_words",
    "leading_ids",
    "make_verbalizer",
    "parse_template",
    "tokenize",
]
