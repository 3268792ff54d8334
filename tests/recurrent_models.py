"""Tiny seeded recurrent models."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import PreTrainedModel

import tiny
from trimtab.backbones.recurrent.gru import GRUConfig, GRUForCausalLM
from trimtab.backbones.recurrent.lstm import LSTMConfig, LSTMForCausalLM
from trimtab.backbones.recurrent.rnn import RNNConfig, RNNForCausalLM

KINDS = {
    "rnn": (RNNConfig, RNNForCausalLM),
    "lstm": (LSTMConfig, LSTMForCausalLM),
    "gru": (GRUConfig, GRUForCausalLM),
}


def recurrent_model(kind: str, vocabulary: int = 97, width: int = 16, layers: int = 2) -> PreTrainedModel:
    """A model with weights large enough that mistakes show, biases included."""
    config, model = KINDS[kind]
    torch.manual_seed(0)
    made = model(config(vocab_size=vocabulary, hidden_size=width, num_hidden_layers=layers))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return made.eval()


def save_recurrent(folder: Path, kind: str) -> Path:
    """A folder that `backbone:` may name, with the tokenizer of the tiny Llama."""
    folder.mkdir(parents=True, exist_ok=True)
    tiny.save_tokenizer(folder)
    recurrent_model(kind, 400, 32).save_pretrained(folder)
    return folder
