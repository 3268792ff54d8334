"""Filters that write Markdown: outside text stays text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from trimtab.errors import visible
from trimtab.reports.environment import code, environment, markdown

READER = MarkdownIt("commonmark").enable("table").enable("strikethrough")
# Pieces of which markup is made, so that random texts hold some.
PIECES = st.sampled_from([
    "*", "_", "`", "# ", "- ", "+ ", "1. ", "2)", "---", "===", "<b>", "</b>", "<!--", "[a](b)", "![", "]", "|", "> ",
    "~~", "&amp;", "\\", "https://x.y", "$", "\x1b[31m", "\u202e", "\x00", "\n", "\n\n", "    ", " ", "a", "好",
])  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join)
PLACES = ("{}", "# {}", "- {}", "> {}", "1. {}", "| {} | y |\n| --- | --- |\n| {} | x |")


def read(text: str) -> tuple[list[str], set[str]]:
    """What a reader of Markdown finds: the text of every line, and what it takes the parts of lines for."""
    lines = [token for token in READER.parse(text) if token.type == "inline"]
    kinds = {child.type for token in lines for child in token.children or []}
    return ["".join(child.content for child in token.children or []) for token in lines], kinds


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


@given(TEXTS)
def test_a_reader_of_markdown_finds_the_text_and_nothing_else(text: str) -> None:
    plain = visible(" ".join(text.split()))
    for place in PLACES if plain else ():
        lines, kinds = read(place.replace("{}", markdown(text)))
        assert lines == ([plain, "y", plain, "x"] if "|" in place else [plain])
        assert kinds <= {"text", "text_special"}


@given(TEXTS)
def test_a_reader_of_markdown_finds_code_as_it_is(text: str) -> None:
    plain = visible(text)
    if plain.strip():
        lines, kinds = read(f"see {code(text)}.")
        assert lines == [f"see {plain}."]
        assert kinds == {"text", "code_inline"}


def test_figures_are_written_as_they_are() -> None:
    assert [markdown(text) for text in ("0.5", "-5.0%", "12,000", "1.", "- a", "3) b")] == [
        "0.5", "-5.0%", "12,000", r"1\.", r"\- a", r"3\) b",
    ]  # fmt: skip
