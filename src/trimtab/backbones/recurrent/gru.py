"""The gated recurrent unit (Cho et al. 2014) as a language model. Knows nothing about prompts or training.

B rows, R tokens of all rows, D hidden.
"""

from __future__ import annotations

import torch

from trimtab.backbones.recurrent.model import LayerState, LayerWeights, RecurrentConfig, RecurrentForCausalLM


def step(x_BD: torch.Tensor, state: LayerState, weights: LayerWeights) -> LayerState:
    """One token.

    What is looked at and what is kept are shares, r and z = sigmoid(W x + b + U h + d), each by weights of its own;
    what is new is n = tanh(W x + b + r (U h + d)). Then h' = (1 - z) n + z h.
    """
    (h,), (W, U, b, d) = state, weights
    (r, z, n), (r_h, z_h, n_h) = (x_BD @ W.T + b).chunk(3, -1), (h @ U.T + d).chunk(3, -1)
    z = torch.sigmoid(z + z_h)
    n = torch.tanh(n + torch.sigmoid(r + r_h) * n_h)
    return ((1 - z) * n + z * h,)


class GRUConfig(RecurrentConfig):
    """Sizes of a GRU."""

    model_type = "trimtab-gru"


class GRUForCausalLM(RecurrentForCausalLM):
    """A GRU that foretells the next token."""

    config_class = GRUConfig
    gates, states = 3, 1

    @staticmethod
    def run(
        x_RD: torch.Tensor, sizes_T: torch.Tensor, state: LayerState, weights: LayerWeights
    ) -> tuple[torch.Tensor, LayerState]:
        """`step` over packed rows, by torch's kernel."""
        (h,) = state
        out_RD, end = torch.gru(x_RD, sizes_T, h[None], weights, True, 1, 0.0, False, False)
        return out_RD, (end[0],)
