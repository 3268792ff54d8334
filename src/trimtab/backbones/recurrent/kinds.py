"""The kinds of recurrent language models, made known to transformers. Knows nothing about how they work."""

from __future__ import annotations

from transformers import AutoConfig, AutoModelForCausalLM

from trimtab.backbones.recurrent.gru import GRUConfig, GRUForCausalLM
from trimtab.backbones.recurrent.lstm import LSTMConfig, LSTMForCausalLM
from trimtab.backbones.recurrent.model import RecurrentConfig
from trimtab.backbones.recurrent.rnn import RNNConfig, RNNForCausalLM


def make_known() -> None:
    """Let `from_pretrained` of transformers' Auto classes open them; may be called again."""
    for config, model in (
        (RNNConfig, RNNForCausalLM),
        (LSTMConfig, LSTMForCausalLM),
        (GRUConfig, GRUForCausalLM),
    ):
        AutoConfig.register(config.model_type, config, exist_ok=True)
        AutoModelForCausalLM.register(config, model, exist_ok=True)


def is_recurrent(config: object) -> bool:
    """Whether a configuration is that of a recurrent model of ours."""
    return isinstance(config, RecurrentConfig)
