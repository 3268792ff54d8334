"""A causal backbone that is read before its last layer, or as the mean over a row. Knows nothing about heads or tasks.

Hidden states half way up often say what a text is about as well as the last ones do, which are about the next token, or
better (Liu et al. 2019, "Linguistic Knowledge and Transferability of Contextual Representations"), at half of the cost.

N packed tokens, M wanted tokens, D hidden.
"""

from __future__ import annotations

import torch

from trimtab.backbones.attention.packed import PackedPass
from trimtab.backbones.backbone import Backbone
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.pooling import pooled
from trimtab.errors import BackboneError


class EarlyBackbone(CausalBackbone):
    """The layers of a causal backbone up to one of them, whose hidden states are what is read.

    Args:
        backbone: the whole one; its weights are shared.
        layers: how many layers are read through, from 1; None for all, and the norm behind them.
        mean: whether a row is read as the mean over its tokens, and not where it is answered.

    Raises:
        BackboneError: the backbone has not so many layers, or its family has none that run one by one.
    """

    generates = False

    def __init__(self, backbone: Backbone, layers: int | None, *, mean: bool) -> None:
        if (
            not isinstance(backbone, CausalBackbone)
            or backbone.own_attention
            or (layers is not None and not backbone.fused_layers)
        ):
            kind = backbone.config.model_type
            raise BackboneError(
                f"a backbone of type '{kind}' is read behind its last layer, as it is.",
                "Leave method.layer out, and method.pooling where it is no causal language model.",
            )
        if layers is not None and layers > backbone.fused_layers:
            raise BackboneError(
                f"method.layer is {layers}, and the backbone has {backbone.fused_layers} layers.",
                f"Set it to {max(1, backbone.fused_layers // 2)}, say.",
            )
        vars(self).update(vars(backbone))
        if layers is not None and backbone.fused is not None:
            self.fused = backbone.fused.below(layers)
        self._mean = mean

    def run(
        self, x_ND: torch.Tensor, now: PackedPass, positions_N: torch.Tensor, *, keep: torch.Tensor | None,
        first_grad: int,
    ) -> torch.Tensor:  # fmt: skip
        """See `shared_prefix.Reader`."""
        if keep is None or not self._mean or now.rows is None:
            return super().run(x_ND, now, positions_N, keep=keep, first_grad=first_grad)
        hidden_ND = super().run(x_ND, now, positions_N, keep=None, first_grad=first_grad)
        prompts = len(x_ND) - len(now.rows)
        return pooled(hidden_ND[prompts:], now.rows, keep - prompts)
