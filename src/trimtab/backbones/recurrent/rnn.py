"""The simple recurrent network (Elman 1990) as a language model. Knows nothing about prompts or training.

B rows, R tokens of all rows, D hidden.
"""

from __future__ import annotations

import torch

from trimtab.backbones.recurrent.model import LayerState, LayerWeights, RecurrentConfig, RecurrentForCausalLM


def step(x_BD: torch.Tensor, state: LayerState, weights: LayerWeights) -> LayerState:
    """One token: h' = tanh(W x + b + U h + d)."""
    (h,), (W, U, b, d) = state, weights
    return (torch.tanh(x_BD @ W.T + b + h @ U.T + d),)


class RNNConfig(RecurrentConfig):
    """Sizes of an RNN."""

    model_type = "trimtab-rnn"


class RNNForCausalLM(RecurrentForCausalLM):
    """An RNN that foretells the next token."""

    config_class = RNNConfig
    gates, states = 1, 1

    @staticmethod
    def run(
        x_RD: torch.Tensor, sizes_T: torch.Tensor, state: LayerState, weights: LayerWeights
    ) -> tuple[torch.Tensor, LayerState]:
        """`step` over packed rows, by torch's kernel."""
        (h,) = state
        out_RD, end = torch.rnn_tanh(x_RD, sizes_T, h[None], weights, True, 1, 0.0, False, False)
        return out_RD, (end[0],)
