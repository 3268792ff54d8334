"""Encoders behind the interface of backbone.py: masked language models, and encoders without a language-model head.

Every token of a row sees the whole row, and a prompt among a row's tokens sees the row too: it is part of each row, as
soft vectors in the places of negative ids. What can be shared is a past: its keys and values are the same for all rows.
Knows nothing about tasks or labels.

B rows, N packed tokens, R tokens of all rows, M scored tokens, D hidden.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Self

import torch
from transformers import PreTrainedModel

from trimtab.backbones import shared_prefix
from trimtab.backbones.attention.packed import PACKED_ATTENTION, PackedPass, attend_packed
from trimtab.backbones.backbone import AnswerPlace, Decoding
from trimtab.backbones.frozen_model import FrozenModel
from trimtab.backbones.layout import Layout, Row, pack
from trimtab.backbones.pooling import pooled
from trimtab.backbones.prefix import KVCache, PrefixState, Prompt
from trimtab.errors import BackboneError


class EncoderBackbone(FrozenModel):
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
        BackboneError: if the model's attention cannot be replaced, or is not over the whole row in every layer.
    """

    title = "an encoder"
    answer_place = AnswerPlace.WITHIN
    whole_rows = bidirectional = True
    encoder_decoder = False
    generates = False
    reads_tokens = True
    past_may_take_positions = True
    fused_layers = 0

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__(model, PACKED_ATTENTION, attend_packed)
        takes = set(inspect.signature(model.forward).parameters)
        narrow = getattr(self.config, "sliding_window", None) and not self.own_attention
        wants = {"inputs_embeds", "attention_mask" if self.own_attention else "position_ids"}
        if narrow or self.config.is_encoder_decoder or not wants <= takes:
            raise BackboneError(
                f"backbone of type '{self.config.model_type}' is not an encoder that Trimtab can run.",
                "Choose one such as BERT or RoBERTa.",
            )
        if getattr(model, "pooler", None) is not None:  # a layer on the first token that nothing here reads
            model.pooler = None
        self._below_output = self._without_output()

    def _with(self, model: PreTrainedModel) -> Self:
        """The same of another tree of the model's modules."""
        view = super()._with(model)
        view._below_output = view._without_output()
        return view

    @property
    def answers_at_mask(self) -> bool:
        """Whether there is a language-model head that scores words at the mask token."""
        return self.scores_words

    def prompt(
        self, ids: Sequence[int], soft: torch.Tensor | None = None, past: KVCache | None = None, *, shift: int = 0,
        slots: bool = False,
    ) -> Prompt:  # fmt: skip
        """See Backbone: rows hold all but the past."""
        return Prompt(self.embed_with([], None), past, soft, shift)

    def answer_row(self, ids: Sequence[int], answer: Sequence[int], prompt: int = 0) -> Row:
        """See Backbone. Raises BackboneError."""
        raise self._says_nothing()

    def pack(self, rows: Sequence[Row], prefix_length: int = 0) -> Layout:
        """See Backbone."""
        return pack(rows, heads=self.heads, device=self.device, prefix_length=prefix_length, causal=False)

    def read_prefix(self, prompts: Sequence[Prompt | torch.Tensor]) -> PrefixState:
        """See Backbone. Embeddings [P, D] of a prompt become a past for its rows to start from."""
        return shared_prefix.read_prefix(self, prompts)

    def forward(
        self,
        rows: Layout | Sequence[Row],
        prefix: PrefixState | Sequence[Prompt | torch.Tensor] | None = None,
        *,
        wanted: torch.Tensor | None = None,
        checkpointing: bool = False,
    ) -> torch.Tensor:
        """See Backbone."""
        return shared_prefix.forward(self, rows, prefix, wanted=wanted, checkpointing=checkpointing)

    def prefill(self, rows: Sequence[Row], prefix: PrefixState | None) -> Decoding:
        """See Backbone. Raises BackboneError."""
        raise self._says_nothing()

    def _says_nothing(self) -> BackboneError:
        return BackboneError(
            f"free text is said token by token, and a backbone of type '{self.config.model_type}' is {self.title}.",
            "Choose a causal backbone or an encoder-decoder.",
        )

    def moved_by(self, lengths: Sequence[int], shifts: Sequence[int]) -> Sequence[int]:
        """Rows keep their positions, unless their prompt shifts them."""
        return shifts

    def run(
        self, x_ND: torch.Tensor, now: PackedPass, positions_N: torch.Tensor, *, keep: torch.Tensor | None,
        first_grad: int,
    ) -> torch.Tensor:  # fmt: skip
        """See `shared_prefix.Reader`."""
        assert now.prompts is None or now.rows is None, "a prompt of an encoder stands within its rows"
        with self.passing(now, self._below_output, checkpointing=now.checkpointing) as model:
            made = model(inputs_embeds=x_ND[None], position_ids=positions_N[None] + self._first)
        hidden_ND: torch.Tensor = made[0][0]
        if keep is None:
            return hidden_ND
        if self.scores_words:
            return hidden_ND.index_select(0, keep)
        assert now.rows is not None
        return pooled(hidden_ND, now.rows, keep)
