"""Cards of exports: their code gives our answers, and their heads are YAML whatever a backbone is called."""

from __future__ import annotations

import pytest
import yaml

from adapters import METHODS, carried_out, write_with_card
from causal_adapters import TEXTS, WORDS, answers, run_of
from closeness import assert_near
from trimtab.inference.engine import Engine
from trimtab.inference.request import Request


@pytest.mark.parametrize("name", ["soft prompt", "prefix", "lora", "full"])
@pytest.mark.parametrize(
    ("words", "labels"),
    [
        (WORDS, {}),
        ({"bad": ["awful", "not good"], "good": ["wonderful film", "warm"]}, {}),
        ({"bad": ["awful", "not good"], "good": ["wonderful film", "warm"]}, {"length_normalise": True}),
        ({"bad": ["not good", "not warm"], "good": ["wonderful film", "not bad"]}, {"among": "branches"}),
    ],
    ids=["one token", "several", "normalised", "branches"],
)
def test_the_code_on_the_card_gives_the_probabilities(name, words, labels, backbone, tmp_path, monkeypatch, capsys):
    run = run_of(backbone, METHODS.get(name, {"name": name}), words, labels=labels)
    text = write_with_card(tmp_path, run, backbone, merged=name == "full")
    assert f"base_model: {backbone.backbone.model.name_or_path}\n" in text
    assert "'is the film good ?\\nText:'" in text
    monkeypatch.chdir(tmp_path)
    names = carried_out(text, TEXTS[1])
    assert list(names["probabilities"]) == list(words)
    assert_near(list(names["probabilities"].values()), answers(backbone, run)[1])
    assert capsys.readouterr().out.startswith("{'")


@pytest.mark.parametrize("name", ["soft prompt", "prefix", "lora", "full"])
def test_the_code_on_the_card_says_the_text(name, backbone, tmp_path, monkeypatch, capsys):
    run = run_of(backbone, METHODS.get(name, {"name": name}), {}, answer={"kind": "text", "max_tokens": 6})
    text = write_with_card(tmp_path, run, backbone, merged=name == "full")
    assert "Label words: none: it says free text" in text
    monkeypatch.chdir(tmp_path)
    names = carried_out(text, TEXTS[1])
    engine = Engine(backbone)
    engine.add("run", run)
    [answer] = engine.answer([Request("run", {"text": TEXTS[1]})])
    assert names["text"] == answer.label
    capsys.readouterr()


@pytest.mark.parametrize("base", ["org/name", "/home/me: mine #2", "'quoted'", "C:\\models\\a", "yes", "模型", "- a"])
@pytest.mark.parametrize("merged", [False, True])
def test_the_head_of_a_card_is_yaml(base, merged, pretrained, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained.backbone.model, "name_or_path", base)
    run = run_of(pretrained, "full" if merged else "soft_prompt")
    text = write_with_card(tmp_path, run, pretrained, merged=merged)
    head = yaml.safe_load(text.split("---\n")[1])
    assert head == {"base_model": base, "library_name": "transformers" if merged else "peft"}
    assert f"tuned with Trimtab on `{base}`. Task: is the film good ?" in text
    compile(text.partition("```python\n")[2].partition("```")[0], "card", "exec")
