"""Every optimiser teaches every method something, with words and with heads, at the rates picked by default."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

import tiny
from answer_rows import number_examples, numbers
from tagged_rows import TAGS, examples_of
from tagged_rows import rows as tagged
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example
from trimtab.kinds.bind import bind
from trimtab.settings.file import make_task
from trimtab.settings.methods import METHODS
from whole_jobs import training_on

STEPS = 10
SIZES = [
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "max_position_embeddings", "initializer_range",
]  # fmt: skip
NAMES = [name for name in METHODS if name not in ("zero_shot", "few_shot", "search", "auto")]
# What reads numbers and tags starts at zero, beside whatever else is trained.
HEADED, BESIDE_HEADS = ("number", "tags"), ("soft_prompt", "full", "head")
KINDS: dict[str, tuple[dict[str, Any], Any]] = {
    "labels": ({}, [Example({"text": row["text"]}, row["label"], "x") for row in tiny.rows(8)]),
    "number": (
        {"labels": {}, "answer": {"kind": "number", "mean": 5.5, "sd": 3.0}},
        number_examples(numbers(8, 1)),  # type: ignore[arg-type]
    ),
    "tags": ({"labels": {}, "answer": {"kind": "tags", "tags": TAGS}}, examples_of(tagged(8, 1))),
}


@pytest.fixture(scope="module")
def with_biases(tiny_folder: Path, pretrained: Pretrained) -> Pretrained:
    """The tiny backbone with biases, which BitFit trains."""
    sizes = json.loads((tiny_folder / "config.json").read_text())
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(Qwen2Config(**{name: sizes[name] for name in SIZES}, tie_word_embeddings=True))
    return replace(pretrained, backbone=CausalBackbone(model.eval()))


@pytest.mark.parametrize(
    ("kind", "name"), [("labels", name) for name in NAMES] + [(kind, name) for kind in HEADED for name in BESIDE_HEADS]
)
@pytest.mark.parametrize("optimiser", ["adamw", "adafactor", "sgd"])
def test_the_loss_falls(optimiser: str, name: str, kind: str, with_biases: Pretrained, tiny_folder: Path) -> None:
    changes, examples = KINDS[kind]
    content = tiny.task(tiny_folder, train={"steps": STEPS, "optimiser": optimiser, "evaluate_every": STEPS}, **changes)
    content["method"] = name
    words = {label: [label] for label in tiny.ENGLISH} if kind == "labels" else {}
    bound = bind(make_task(content), words, with_biases, training=True)
    training = training_on(bound, examples)

    def loss() -> float:
        with torch.no_grad():
            return training.loss([0], training.parameters, [range(len(examples))], 0).item()

    before = loss()
    for _ in training.steps():
        pass
    assert loss() < 0.98 * before  # a method that stays at zero loses a thousandth
