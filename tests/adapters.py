"""Runs of every method that PEFT has, configurations of PEFT's own, and what a folder for other programs holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import IA3Config, LoraConfig, PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig

from trimtab.backbones.layout import Row
from trimtab.backbones.pretrained import Pretrained
from trimtab.interchange.adapter import write_adapter
from trimtab.interchange.card import card
from trimtab.interchange.merged import write_merged
from trimtab.interchange.peft import to_adapter
from trimtab.kinds.bind import bind
from trimtab.methods.method import FIXED
from trimtab.runs.run import Run, backbone_facts
from trimtab.settings.task import Task

METHODS: dict[str, dict[str, Any]] = {
    "soft prompt": {"name": "soft_prompt", "length": 4},
    "soft prompt in front": {"name": "soft_prompt", "length": 4, "before_leading": True},
    "p-tuning": {"name": "p_tuning", "length": 4, "hidden": 6},
    "p-tuning lstm": {"name": "p_tuning", "length": 4, "hidden": 6, "encoder": "lstm"},
    "prefix": {"name": "prefix", "length": 4},
    "prefix through a network": {"name": "prefix", "length": 4, "hidden": 6},
    "lora": {"name": "lora", "rank": 3, "alpha": 7},
    "dora": {"name": "lora", "rank": 3, "dora": True},
    "rslora": {"name": "lora", "rank": 3, "rslora": True, "alpha": 1.5},
    "ia3": {"name": "ia3"},
}
PEFT: dict[str, tuple[Any, dict[str, Any]]] = {
    "soft prompt": (PromptTuningConfig, {"num_virtual_tokens": 4}),
    "p-tuning": (PromptEncoderConfig, {"num_virtual_tokens": 4, "encoder_hidden_size": 6}),
    "prefix": (PrefixTuningConfig, {"num_virtual_tokens": 4}),
    "lora": (LoraConfig, {"r": 3, "lora_alpha": 5, "init_lora_weights": False}),
    "lora on all": (LoraConfig, {"r": 2, "target_modules": "all-linear", "init_lora_weights": False}),
    "dora": (LoraConfig, {"use_dora": True, "init_lora_weights": False}),
    "rslora": (LoraConfig, {"use_rslora": True, "init_lora_weights": False}),
    "ia3": (IA3Config, {"init_ia3_weights": False}),
}


def moved_run(backbone: Pretrained, task: Task, words: dict[str, Sequence[str]], seed: int = 8) -> Run:
    """A run whose tensors were moved a little from where they start."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {
        name: x if name.startswith(FIXED) else x + 0.05 * torch.randn(x.shape, generator=generator)
        for name, x in bind(task, words, backbone).method.initial(0).items()
    }
    return Run("runs/a", task, words, (tensors,), 0, backbone_facts(backbone), {})


def our_scores(backbone: Pretrained, run: Run, text: str) -> torch.Tensor:
    """Scores [V] of the answer's first token."""
    bound = bind(run.task, run.words, backbone)
    encoded = bound.encoder.encode({"text": text})
    with torch.no_grad():
        condition = bound.method.condition(run.tensors[0])
        adapted = backbone.backbone.adapted(condition.weights, condition.modules)
        row = Row(encoded.ids, answer=encoded.answer)
        return adapted.logits(adapted.forward([row], [bound.prompt(condition, adapted)]))[0]


def write_with_card(folder: Path, run: Run, backbone: Pretrained, *, merged: bool) -> str:
    """Write a run for other programs; return its card."""
    leading = 0
    if merged:
        write_merged(folder, run, backbone)
    else:
        write_adapter(folder, adapter := to_adapter(run, backbone))
        leading = adapter.leading
    return card(run, bind(run.task, run.words, backbone), merged=merged, leading=leading)


def carried_out(text: str, asked: str) -> dict[str, Any]:
    """What the code on a card leaves under its names, its text replaced by what is asked."""
    names: dict[str, Any] = {}
    code = text.partition("```python\n")[2].partition("```")[0].replace("'...'", repr(asked))
    exec(compile(code, "card", "exec"), names)
    return names
