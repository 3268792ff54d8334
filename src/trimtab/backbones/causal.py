"""Causal language models behind the interface of backbone.py: prompts are read once, rows behind them.

Llama-family models take the fused layers of layers/fused.py; all others run their own modules over the packed tokens,
attention replaced. Knows nothing about tasks or labels.

N packed tokens, R tokens of all rows, D hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch
from transformers import PreTrainedModel

from trimtab.backbones import shared_prefix
from trimtab.backbones.attention.packed import PACKED_ATTENTION, AskedPass, Attend, PackedPass, attend_packed
from trimtab.backbones.backbone import AnswerPlace, Decoding
from trimtab.backbones.frozen_model import FrozenModel, with_attention
from trimtab.backbones.kv_cache.rows import CachedLayers, CachedRows
from trimtab.backbones.layers.stack import FusedStack
from trimtab.backbones.layers.weights import layers_of
from trimtab.backbones.layout import Layout, Row, pack
from trimtab.backbones.prefix import KVCache, PrefixState, Prompt


class CausalBackbone(FrozenModel):
    """A frozen causal language model.

    Args:
        model: a transformers causal language model; frozen, put in evaluation mode and given Trimtab's attention.
        fuse: use the fused layers where the family is known (the model's own modules give the same numbers).

    Attributes:
        fused: the fused layers; None where the family has none, or the model's own modules are wanted.

    Raises:
        BackboneError: the model's attention cannot be replaced.
    """

    title = "a causal language model"
    answer_place = AnswerPlace.BEHIND
    whole_rows = bidirectional = False
    encoder_decoder = False
    answers_at_mask = False
    generates = True
    reads_tokens = True
    past_may_take_positions = True

    def __init__(self, model: PreTrainedModel, *, fuse: bool = True) -> None:
        super().__init__(model if self.own_attention else with_attention(model, PACKED_ATTENTION, attend_packed))
        self._layered = _head_has_layers(model)
        self._below_output = self._without_output() if self._layered else model
        self._scale = 1.0 if self._layered else _scale_of(self.config)
        layers = layers_of(self._base) if fuse and self._scale == 1 else None
        self.fused = FusedStack(self._base, layers) if layers is not None else None

    @property
    def _base(self) -> Any:
        """The model's own modules below its head; of one that reads more than text, those that read text."""
        return self.model.base_model if self.config is self.model.config else self.model.get_decoder()

    @property
    def fused_layers(self) -> int:
        """How many layers run one by one; 0 where all run as one."""
        return len(self.fused.layers) if self.fused else 0

    def prompt(
        self, ids: Sequence[int], soft: torch.Tensor | None = None, past: KVCache | None = None, *, shift: int = 0,
        slots: bool = False,
    ) -> Prompt:  # fmt: skip
        """See Backbone. Rows always count their positions from behind all that stands before them."""
        return Prompt(self.embed_with(ids, soft), past, soft if slots else None)

    def answer_row(self, ids: Sequence[int], answer: Sequence[int], prompt: int = 0) -> Row:
        """See Backbone: the answer goes on with the row's text."""
        return Row((*ids, *answer[:-1]), prompt)

    def pack(self, rows: Sequence[Row], prefix_length: int = 0) -> Layout:
        """See Backbone."""
        return pack(rows, heads=self.heads, device=self.device, prefix_length=prefix_length)

    def read_prefix(self, prompts: Sequence[Prompt | torch.Tensor]) -> PrefixState:
        """See Backbone."""
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
        """See Backbone."""
        return CachedRows(self.embed, self._entering, [CachedLayers(self.attended, self.device)], rows, prefix)

    def _entering(self, rows: Sequence[Row], prefix: PrefixState | None) -> tuple[Layout, torch.Tensor]:
        """Rows packed, and their embeddings [R, D]."""
        layout = self.pack(rows, max(prefix.lengths, default=0) if prefix else 0)
        return layout, self.embed_rows(layout, prefix.soft if prefix else ())

    def hidden_at(self, layer: int, rows: Layout, state: PrefixState | None = None) -> torch.Tensor:
        """Hidden states [R, D] of packed rows as layer `layer` (fused, counted from 0) finds them."""
        assert self.fused is not None
        lengths = state.lengths if state else ()
        now = PackedPass(None, rows, lengths, state.layers if state and state.layers else None, None)
        positions = shared_prefix.behind(rows, lengths)
        return self.fused.below(layer).run(self.embed(rows.ids_R), now, positions, keep=None, first_grad=0)

    def attended(
        self, x_ND: torch.Tensor, positions_N: torch.Tensor, attend: Attend, before: int | None = None
    ) -> torch.Tensor:
        """Hidden states [N, D] of tokens [N, D] whose attention is the caller's to work out, without gradients.

        They are the final ones, or those that layer `before` (fused, counted from 0) finds.

        Raises:
            BackboneError: a token lies beyond the backbone's context.
        """
        self.check_length(int(positions_N.max()) + 1)
        if self.fused is not None:
            stack = self.fused if before is None else self.fused.below(before)
            return stack.attended(x_ND, positions_N, attend)
        assert before is None, "only fused layers run one by one"
        with torch.no_grad():
            return self._through_modules(x_ND, AskedPass(attend), positions_N, checkpointing=False)

    def moved_by(self, lengths: Sequence[int], shifts: Sequence[int]) -> Sequence[int]:
        """Rows stand behind all that is read before them."""
        return lengths

    def run(
        self, x_ND: torch.Tensor, now: PackedPass, positions_N: torch.Tensor, *, keep: torch.Tensor | None,
        first_grad: int,
    ) -> torch.Tensor:  # fmt: skip
        """See `shared_prefix.Reader`."""
        if self.fused is not None:
            return self.fused.run(x_ND, now, positions_N, keep=keep, first_grad=first_grad)
        hidden_ND = self._through_modules(x_ND, now, positions_N, checkpointing=now.checkpointing)
        return hidden_ND if keep is None else hidden_ND.index_select(0, keep)

    def _through_modules(
        self, x_ND: torch.Tensor, now: PackedPass | AskedPass, positions_N: torch.Tensor, *, checkpointing: bool
    ) -> torch.Tensor:
        """Final hidden states [N, D] of packed tokens by the model's own modules, scaled as its head scales scores."""
        through = self._below_output if self._layered else self._base
        with self.passing(now, through, checkpointing=checkpointing) as model:
            out = model(
                inputs_embeds=x_ND[None], position_ids=positions_N[None] + self._first, use_cache=False
            )  # fmt: skip
        if self._layered:
            return out.logits[0]  # type: ignore[no-any-return]
        hidden_ND: torch.Tensor = out.last_hidden_state[0]
        return hidden_ND if self._scale == 1 else hidden_ND * self._scale

    def _with(self, model: PreTrainedModel) -> Self:
        """It runs the model's own modules, whatever stands in them."""
        view = super()._with(model)
        view.fused = None
        view._below_output = view._without_output() if self._layered else model
        return view


def _head_has_layers(model: PreTrainedModel) -> bool:
    """Whether something of its own stands between a model's last hidden states and its output vectors, as in BERT."""
    output = model.get_output_embeddings()
    return any(part is not output and part is not model.base_model for part in model.children())


def _scale_of(config: Any) -> float:
    """What a family multiplies its scores with: Cohere says the factor, Granite what it divides by."""
    return float(getattr(config, "logit_scale", None) or 1.0) / float(getattr(config, "logits_scaling", None) or 1.0)
