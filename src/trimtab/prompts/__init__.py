"""Examples to token ids: template and verbalizer. Knows nothing about models."""

from trimtab.prompts.around import around_ids, leading_ids
from trimtab.prompts.chat import DIALOGUE, Chat, DialogueEncoder, is_dialogue, make_chat
from trimtab.prompts.demonstrations import Demonstrations, choose_demonstrations, fit_demonstrations
from trimtab.prompts.encoding import EncodedRow, Encoder, Frame
from trimtab.prompts.template import Template, parse_template
from trimtab.prompts.tokens import tokenize
from trimtab.prompts.verbalizer import Verbalizer, Word, default_words, make_options, make_verbalizer, spaced, wordless

__all__ = [
    "DIALOGUE",
    "Chat",
    "Demonstrations",
    "DialogueEncoder",
    "EncodedRow",
    "Encoder",
    "Frame",
    "Template",
    "Verbalizer",
    "Word",
    "around_ids",
    "choose_demonstrations",
    "default_words",
    "fit_demonstrations",
    "is_dialogue",
    "leading_ids",
    "make_chat",
    "make_options",
    "make_verbalizer",
    "parse_template",
    "spaced",
    "tokenize",
    "wordless",
]
