"""Control tokens in texts that are data: broken up, so that they are text like any other. Knows nothing of templates.

Else whoever writes a text could end it, and go on as the template, the assistant or another row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any


def special_tokens(tokenizer: Any) -> set[str]:
    """The special tokens of a tokenizer, as text."""
    added = {str(token.content) for token in tokenizer.added_tokens_decoder.values() if token.special}
    return {text for text in {*added, *map(str, tokenizer.all_special_tokens)} if len(text) > 1}


def finder(texts: Collection[str]) -> re.Pattern[str]:
    """Finds any of `texts`, the longest first."""
    return re.compile("|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True)) or r"(?!)")


def broken_up(text: str, control: re.Pattern[str]) -> str:
    """A text with a space within each control token."""
    return control.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def breaker(tokenizer: Any) -> Callable[[str], str]:
    """What breaks up the special tokens of a tokenizer."""
    control = finder(special_tokens(tokenizer))
    return lambda text: broken_up(text, control)
