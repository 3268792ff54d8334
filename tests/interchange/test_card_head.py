"""The README beside an export: its head is what the Hub reads, and outside text in it stays text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt

import tiny
from adapters import moved_run, write_with_card
from trimtab.backbones.pretrained import Pretrained
from trimtab.settings.file import make_task


@pytest.mark.parametrize(("method", "library"), [("soft_prompt", "peft"), ("full", "transformers")])
def test_the_front_matter_names_backbone_library_and_licence(
    method: str, library: str, pretrained: Pretrained, tmp_path: Path
) -> None:
    hub = replace(pretrained, origin="hub:org/name", licence="Apache-2.0")
    task = make_task(tiny.task(Path(pretrained.name), method=method))
    run = moved_run(hub, task, {"bad": ["awful"], "good": ["warm"]})
    data = ModelCard(write_with_card(tmp_path, run, hub, merged=method == "full")).data
    assert data.to_dict() == {"base_model": "org/name", "library_name": library, "license": "apache-2.0"}


def test_outside_text_is_no_markup(pretrained: Pretrained, tmp_path: Path) -> None:
    content = tiny.task(Path(pretrained.name), template={"text": "`{text}` *so*\nAnswer:{answer}"})
    content |= {"task": "<b>is it good?</b>", "name": "a_b", "method": {"name": "soft_prompt", "length": 3}}
    run = moved_run(pretrained, make_task(content), {"*bad*": ["`awful`"], "good": ["warm"]})
    text = write_with_card(tmp_path, run, pretrained, merged=False)
    assert "# a\\_b\n" in text
    assert "Task: \\<b\\>is it good?\\</b\\>\n" in text
    assert "Template: `` `{text}` *so*\\nAnswer:{answer} ``\n" in text
    assert "\\*bad\\*: `` `awful` ``" in text.replace("  ", " ")


@pytest.mark.parametrize("merged", [False, True])
def test_names_that_try_to_be_markup_or_a_head_of_their_own(
    merged: bool, pretrained: Pretrained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = "---\nlicense: mit\n---\n# x\n<script>alert(1)</script> [a](https://x.y) $e$ \x1b[31m\u202e"
    monkeypatch.setattr(pretrained.backbone.model, "name_or_path", hostile)
    content = tiny.task(Path(pretrained.name), method="full" if merged else {"name": "soft_prompt", "length": 3})
    content |= {"name": hostile, "task": hostile, "labels": {hostile: [f" {hostile}"], "good": ["warm"]}}
    run = moved_run(pretrained, make_task(content), {hostile: [f" {hostile}"], "good": ["warm"]})
    text = write_with_card(tmp_path, run, pretrained, merged=merged)
    card = ModelCard(text)
    assert card.data.to_dict() == {"base_model": hostile, "library_name": "transformers" if merged else "peft"}
    body = text.removeprefix(f"---\n{card.data.to_yaml()}\n---\n")
    assert len(body) < len(text)
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1", "h2"]
    assert {token.type for token in tokens} == {
        "heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "fence",
    }  # fmt: skip
    assert {child.type for token in tokens for child in token.children or []} <= {"text", "text_special", "code_inline"}
    assert not {c for c in body if c < " " or "\x7f" <= c <= "\x9f" or c == "\u202e"} - {"\n"}
    [code] = [token.content for token in tokens if token.type == "fence"]
    compile(code, "card", "exec")
