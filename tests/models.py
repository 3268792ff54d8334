"""Tiny seeded models of several architectures."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    OPTConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
)
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

VOCABULARY = 97
_SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
    "tie_word_embeddings": True,
}
CONFIGS = {
    "llama": LlamaConfig(**_SHAPE, num_key_value_heads=2),
    "mistral": MistralConfig(**_SHAPE, num_key_value_heads=2, sliding_window=9),
    "qwen2": Qwen2Config(**_SHAPE, num_key_value_heads=2),
    "qwen3": Qwen3Config(**_SHAPE, num_key_value_heads=2, head_dim=16),
    "gemma3": Gemma3TextConfig(
        **_SHAPE, num_key_value_heads=1, head_dim=16, sliding_window=7,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"], query_pre_attn_scalar=16,
    ),
    "gpt2": GPT2Config(vocab_size=VOCABULARY, n_embd=32, n_layer=3, n_head=4, n_positions=256),
    "gpt_neox": GPTNeoXConfig(**{**_SHAPE, "tie_word_embeddings": False}),
    "opt": OPTConfig(
        vocab_size=VOCABULARY, hidden_size=32, ffn_dim=48, num_hidden_layers=3, num_attention_heads=4,
        max_position_embeddings=256, word_embed_proj_dim=32, dropout=0.0,
    ),
}  # fmt: skip
ARCHITECTURES = list(CONFIGS)


@contextmanager
def attending(model: PreTrainedModel, attend: Callable[..., tuple[torch.Tensor, None]]) -> Iterator[None]:
    """The model with an attention function of the test's own."""
    ALL_ATTENTION_FUNCTIONS.register("of_the_test", attend)
    model.set_attn_implementation("of_the_test")
    try:
        yield
    finally:
        model.set_attn_implementation("eager")


def embedded(model: PreTrainedModel, ids: Sequence[int], soft: torch.Tensor | None) -> torch.Tensor:
    """Input embeddings [T, D] of token ids, negative where soft vectors stand."""
    words = model.get_input_embeddings()(torch.tensor(ids).clamp(min=0))
    return torch.stack([soft[-1 - i] if i < 0 else words[at] for at, i in enumerate(ids)])


def tiny_model(architecture: str) -> PreTrainedModel:
    """A causal model of 3 layers with weights large enough that mistakes show."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(copy.deepcopy(CONFIGS[architecture]), attn_implementation="eager")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * (0.2 if parameter.dim() > 1 else 0.1))
    return model.eval()
