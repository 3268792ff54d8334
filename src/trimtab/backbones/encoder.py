"""Encoders behind the interface of causal.py: masked language models, and encoders without a language-model head.

Every token of a row sees the whole row, and a prompt among a row's tokens sees the row too: it is part of each row, as
soft vectors in the places of negative ids. What can be shared is a past: its keys and values are the same for all rows.
Knows nothing about tasks or labels.

B rows, R tokens of all rows, M scored tokens, D hidden.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence

import torch
from torch import nn
from transformers import PreTrainedModel

from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.current import running
from trimtab.backbones.layout import Layout, Row, pack
from trimtab.backbones.plain import Pass
from trimtab.backbones.swap import swapped
from trimtab.errors import TrimtabError


class EncoderBackbone(CausalBackbone):
    """A frozen encoder.

    With a language-model head, hidden states are those that its output vectors are multiplied with: at the mask token,
    `logits` of them are the scores of the words there. Without one, the hidden state of a token is the mean of the last
    layer's over all tokens of its row, as in Sentence-BERT (Reimers & Gurevych 2019), but for tokens that are read each
    for itself (`Row.read_at`).

    A past takes up no positions, and rows keep those that the model knows, unless its prompt shifts them.

    Args:
        model: a transformers masked language model or bare encoder; frozen, put in evaluation mode and given Trimtab's
            attention.

    Raises:
        TrimtabError: if the model's attention cannot be replaced, or is not over the whole row in every layer.
    """

    title = "an encoder"
    bidirectional = True

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__(model, fuse=False)
        takes = inspect.signature(model.forward).parameters
        narrow = getattr(self.config, "sliding_window", None)
        if narrow or self.config.is_encoder_decoder or not {"inputs_embeds", "position_ids"} <= set(takes):
            raise TrimtabError(
                f"backbone of type '{self.config.model_type}' is not an encoder that Trimtab can run.",
                "Choose one such as BERT or RoBERTa.",
            )
        if getattr(model, "pooler", None) is not None:  # a layer on the first token that nothing here reads
            model.pooler = None
        places = [module for name, module in model.named_modules() if name.endswith("position_embeddings")]
        padding = [place.padding_idx for place in places if isinstance(place, nn.Embedding)]
        self._first = padding[0] + 1 if padding and padding[0] is not None else 0  # RoBERTa counts from there
        self.context -= self._first
        self._end = next((name for name, module in model.named_modules() if module is self.output), "")
        self.parameters = sum(p.numel() for p in model.parameters())

    def pack(self, rows: Sequence[Row], prefix_length: int = 0) -> Layout:
        """Pack rows for `forward`; keep the layout where the same rows are run again."""
        return pack(rows, heads=self.heads, device=self.device, prefix_length=prefix_length, causal=False)

    def _run(
        self, x_ND: torch.Tensor, now: Pass, positions_N: torch.Tensor, *, keep: torch.Tensor | None, first_grad: int
    ) -> torch.Tensor:
        assert now.prompts is None or now.rows is None, "a prompt of an encoder stands within its rows"
        ends = {self._end: nn.Identity()} if self.scores_words else {}
        with running(now), self._checkpointed(now), swapped(self.model, {}, ends):
            made = self.model(inputs_embeds=x_ND[None], position_ids=positions_N[None] + self._first)
        hidden_ND: torch.Tensor = made[0][0]
        if keep is None:
            return hidden_ND
        if self.scores_words:
            return hidden_ND.index_select(0, keep)
        assert now.rows is not None
        row_M, own_ND = now.rows.row_R[keep], hidden_ND.float()
        alone_B = torch.tensor([row.read_at is not None for row in now.rows.rows], device=hidden_ND.device)
        means_MD = _means(own_ND, now.rows).index_select(0, row_M)
        return torch.where(alone_B[row_M, None], own_ND.index_select(0, keep), means_MD)


def _means(hidden_RD: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Mean hidden state of each row [B, D], float32."""
    sums = torch.zeros(len(layout.rows), hidden_RD.shape[1], device=hidden_RD.device)
    lengths = torch.tensor([len(row.ids) for row in layout.rows], device=hidden_RD.device)
    return sums.index_add(0, layout.row_R, hidden_RD.float()) / lengths[:, None]
