"""Which tokens an answer in free text may go on with: one of a list, a pattern, a JSON schema. By llguidance.

V vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from trimtab.errors import TrimtabError
from trimtab.settings.answers import TextAnswer

if TYPE_CHECKING:
    from llguidance import LLMatcher

# White space that may stand between the row and the answer, which belongs to its first token.
_LEAD = "[ \\n]?"


class Constraint:
    """What an answer must be like, and how much of it is there.

    Args:
        matcher: from llguidance, at the answer's beginning or further on.
    """

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher

    def again(self) -> Constraint:
        """The same, to be gone on with apart."""
        return Constraint(self._matcher.deep_copy())

    def took(self, token: int) -> None:
        """The answer has got this token."""
        self._matcher.consume_token(token)

    def forbid(self, scores_V: torch.Tensor) -> None:
        """Set the scores of tokens that may not come next to minus infinity; the end token may where all is there."""
        from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

        mask = allocate_token_bitmask(1, len(scores_V))
        fill_next_token_bitmask(self._matcher, mask, 0)
        bits = np.unpackbits(mask.view(np.uint8), bitorder="little")[: len(scores_V)]
        scores_V.masked_fill_(torch.from_numpy(bits == 0).to(scores_V.device), float("-inf"))


class Without(Constraint):
    """Some tokens are never said.

    Args:
        tokens: their ids.
    """

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens = list(tokens)

    def again(self) -> Without:
        """See Constraint."""
        return self

    def took(self, token: int) -> None:
        """See Constraint."""

    def forbid(self, scores_V: torch.Tensor) -> None:
        """See Constraint."""
        scores_V[self._tokens] = float("-inf")


def make_constraint(settings: TextAnswer, tokenizer: Any, vocabulary: int, ends: list[int]) -> Constraint | None:
    """What the settings want an answer to be like; None where it is free.

    Args:
        settings: of the answer.
        tokenizer: a transformers tokenizer.
        vocabulary: number of tokens that the backbone scores.
        ends: tokens that end an answer.

    Raises:
        TrimtabError: a pattern or schema that cannot be read, or a tokenizer that cannot be followed.
    """
    if settings.one_of is None and settings.pattern is None and settings.json_schema is None:
        return None
    from llguidance import LLMatcher
    from llguidance.hf import from_tokenizer

    if settings.pattern is not None:
        name, grammar = "pattern", LLMatcher.grammar_from_regex(f"{_LEAD}({settings.pattern})")
    elif settings.one_of is not None:
        texts = " | ".join(json.dumps(text, ensure_ascii=False) for text in settings.one_of)
        name, grammar = "one_of", LLMatcher.grammar_from_lark(f"start: lead body\nlead: /{_LEAD}/\nbody: {texts}")
    else:
        plain = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
        schema = json.dumps({**(settings.json_schema or {}), "x-guidance": plain})
        name, grammar = (
            "json_schema",
            LLMatcher.grammar_from_lark(f"start: lead body\nlead: /{_LEAD}/\nbody: %json {schema}"),
        )
    try:
        followed = from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=ends)
    except (ValueError, TypeError, AttributeError) as error:
        raise TrimtabError(
            f"answer.{name}: the tokenizer of this backbone cannot be followed ({error}).", "Take the setting out."
        ) from None
    wrong = LLMatcher.validate_grammar(grammar, followed)
    if wrong:
        raise TrimtabError(f"answer.{name} cannot be read: {wrong.splitlines()[0]}", "Correct it.")
    return Constraint(LLMatcher(followed, grammar))
