"""Filters that write Markdown: outside text stays text."""

from __future__ import annotations

import pytest

from trimtab.reports.environment import environment


@pytest.mark.parametrize(
    ("text", "code"), [("plain", "`plain`"), ("a `b` c", "`` a `b` c ``"), ("``", "``` `` ```"), ("", "``")]
)
def test_code_holds_its_backticks(text: str, code: str) -> None:
    assert environment().filters["code"](text) == code


@pytest.mark.parametrize(("text", "fence"), [("plain", "```"), ("```\ncode\n```", "````"), ("a `````` b", "```````")])
def test_a_fence_is_longer_than_those_within(text: str, fence: str) -> None:
    assert environment().filters["fenced"](text, "text") == f"{fence}text\n{text}\n{fence}"


def test_markdown_is_escaped() -> None:
    assert environment().filters["md"]("*a* <b>\n[c](d) | e") == r"\*a\* \<b\> \[c\](d) \| e"
