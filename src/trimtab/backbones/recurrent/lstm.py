"""Long short-term memory (Hochreiter & Schmidhuber 1997) as a language model. Knows nothing about prompts or training.

With the forget gate of Gers et al. (2000), as everyone means it today.

B rows, R tokens of all rows, D hidden.
"""

from __future__ import annotations

import torch

from trimtab.backbones.recurrent.model import LayerState, LayerWeights, RecurrentConfig, RecurrentForCausalLM


def step(x_BD: torch.Tensor, state: LayerState, weights: LayerWeights) -> LayerState:
    """One token.

    What goes in, what is kept and what is shown are shares, i, f and o = sigmoid(W x + b + U h + d), each by weights of
    its own; what is new is g = tanh(W x + b + U h + d). Then c' = f c + i g, and h' = o tanh(c').
    """
    (h, c), (W, U, b, d) = state, weights
    i, f, g, o = (x_BD @ W.T + b + h @ U.T + d).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


class LSTMConfig(RecurrentConfig):
    """Sizes of an LSTM."""

    model_type = "trimtab-lstm"


class LSTMForCausalLM(RecurrentForCausalLM):
    """An LSTM that foretells the next token."""

    config_class = LSTMConfig
    gates, states = 4, 2

    @staticmethod
    def run(
        x_RD: torch.Tensor, sizes_T: torch.Tensor, state: LayerState, weights: LayerWeights
    ) -> tuple[torch.Tensor, LayerState]:
        """`step` over packed rows, by torch's kernel."""
        h, c = state
        out_RD, h, c = torch.lstm(x_RD, sizes_T, (h[None], c[None]), weights, True, 1, 0.0, False, False)
        return out_RD, (h[0], c[0])
