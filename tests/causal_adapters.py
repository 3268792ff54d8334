"""Runs on tiny causal models, their rows by hand, and what PEFT makes of them. Not a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from adapters import moved_run
from trimtab.errors import TrimtabError
from trimtab.inference.engine import Engine
from trimtab.runs.run import Run
from trimtab.settings.file import make_task

ARCHITECTURES = ("llama", "gpt2", "gemma3")
TEXTS = ("a great film", "awful from start to end , and boring too", "这家店好吃，很快。")
WORDS = {"negative": ["negative"], "positive": ["positive"]}
TASK = {"task": "is the film good ?", "template": {"text": "{task}\nText: {text}\nAnswer:{answer}"}}


def plain_model(folder: Path):
    """The model by transformers alone."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def run_of(backbone, method, words=WORDS, **settings) -> Run:
    """A run of a method whose tensors were moved a little."""
    return moved_run(backbone, make_task({**TASK, "backbone": "tiny", "method": method, **settings}), words)


def ids_of(backbone, text: str, *, leading: bool = True) -> list[int]:
    """The row by hand: constant text and the field tokenised apart, as the template reads."""
    parts = ("is the film good ?\nText:", f" {text}", "\nAnswer:")
    ids = [i for part in parts for i in backbone.tokenizer(part, add_special_tokens=False)["input_ids"]]
    first = backbone.tokenizer("a")["input_ids"][:-1] if leading else []
    return [*first, *ids]


def their_logits(model, ids: list[int]) -> torch.Tensor:
    """Logits [V] behind a row by another program."""
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits[0, -1]


def answers(backbone, run: Run) -> np.ndarray:
    """Probabilities [B, C] of the labels for `TEXTS`."""
    engine = Engine(backbone)
    engine.add("r", run)
    return engine.probabilities("r", [({"text": text}, text) for text in TEXTS])[0]


def refusal(call) -> str:
    """The message of the error that a call ends with."""
    with pytest.raises(TrimtabError) as caught:
        call()
    return str(caught.value)
