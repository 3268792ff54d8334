"""New models by their settings, with weights drawn by a seed. Knows nothing about how they are trained."""

from __future__ import annotations

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from trimtab.backbones.recurrent.gru import GRUConfig, GRUForCausalLM
from trimtab.backbones.recurrent.lstm import LSTMConfig, LSTMForCausalLM
from trimtab.backbones.recurrent.model import RecurrentForCausalLM
from trimtab.backbones.recurrent.rnn import RNNConfig, RNNForCausalLM
from trimtab.settings.corpus import GRUSettings, LSTMSettings, RecurrentSettings, RNNSettings, TransformerSettings

_RECURRENT = {
    RNNSettings: (RNNConfig, RNNForCausalLM),
    LSTMSettings: (LSTMConfig, LSTMForCausalLM),
    GRUSettings: (GRUConfig, GRUForCausalLM),
}
# What the width of the gated layer is a multiple of; it is 8/3 of the model's (Shazeer 2020).
_MULTIPLE = 32


def new_recurrent(settings: RecurrentSettings, words: int, end: int, seed: int) -> RecurrentForCausalLM:
    """A recurrent model.

    Args:
        settings: kind and sizes.
        words: size of the vocabulary.
        end: id of the end of text.
        seed: of the weights.
    """
    config, kind = _RECURRENT[type(settings)]
    made = config(
        vocab_size=words, hidden_size=settings.width, num_hidden_layers=settings.layers, dropout=settings.dropout,
        **_ends(end),
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(made)


def new_transformer(settings: TransformerSettings, words: int, end: int, length: int, seed: int) -> PreTrainedModel:
    """A causal decoder of Llama's kind; arguments as of `new_recurrent`, `length` is its context."""
    layers, width, heads = settings.sizes
    config = LlamaConfig(
        vocab_size=words, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=-(-8 * width // (3 * _MULTIPLE)) * _MULTIPLE, max_position_embeddings=length,
        tie_word_embeddings=True, **_ends(end),
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def _ends(end: int) -> dict[str, int]:
    """A text begins behind the end of the one before."""
    return {"bos_token_id": end, "eos_token_id": end, "pad_token_id": end}
