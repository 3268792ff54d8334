"""The upper layers of a causal backbone, as a backbone whose prompts enter there. Knows nothing about training.

Below that layer no token sees a prompt: what rows are there is computed once and kept, and neither the forward nor the
backward pass of training goes further down (Liu et al. 2022, "Late Prompt Tuning").

N packed tokens, R packed row tokens, T tokens of a text, P prompt length, H fixed tokens, D hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Self

import torch
from transformers import PreTrainedModel

from trimtab.backbones import shared_prefix
from trimtab.backbones.attention.packed import PACKED_ATTENTION, Attend, PackedPass, attend_packed
from trimtab.backbones.backbone import AnswerPlace, Backbone, Decoding
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.frozen_model import FrozenModel, with_attention
from trimtab.backbones.hidden_state_cache import Budget, HiddenStateCache
from trimtab.backbones.kv_cache.rows import CachedLayers, CachedRows
from trimtab.backbones.layout import Layout, Row, pack
from trimtab.backbones.prefix import KVCache, PrefixState, Prompt
from trimtab.errors import BackboneError

# Token ids of a row, and the parents of its answer tree.
_Key = tuple[tuple[int, ...], tuple[int, ...]]


class LateBackbone(FrozenModel):
    """The upper layers of a causal backbone, on hidden states that the lower ones made without a prompt.

    Prompts given to it are hidden states [P, D] of the layer they enter at; they stand before the fixed tokens.

    Args:
        backbone: the whole one; its weights are shared.
        start: the layer that prompts enter at, 1 to the number of layers less one.
        fixed: ids of the tokens that every row has before it: leading tokens and the template's head.
        cache_bytes: hidden states of rows that are expected are kept up to this size; 0 keeps none.

    Raises:
        BackboneError: the backbone has no such layer, or its family has no layers that run one by one.
    """

    title = "a causal language model"
    answer_place = AnswerPlace.BEHIND
    whole_rows = bidirectional = False
    encoder_decoder = False
    answers_at_mask = False
    generates = True
    reads_tokens = True
    past_may_take_positions = True
    fused_layers = 0

    def __init__(self, backbone: Backbone, start: int, fixed: Sequence[int] = (), cache_bytes: int = 0) -> None:
        if not isinstance(backbone, CausalBackbone) or backbone.fused is None:
            kind = backbone.config.model_type
            raise BackboneError(
                f"a prompt cannot enter a backbone of type '{kind}' at a later layer.",
                "Choose a backbone of the Llama, Mistral, Qwen or Gemma 3 family, or another method.",
            )
        layers = backbone.fused_layers
        if not 0 < start < layers:
            raise BackboneError(
                f"method.layer is {start}, but a prompt can enter at layers 1 to {layers - 1} of the backbone.",
                f"Set it to {layers // 2}, say.",
            )
        super().__init__(with_attention(backbone.model, PACKED_ATTENTION, attend_packed))
        self._upper = backbone.fused.above(start)
        self._whole, self._start, self._fixed = backbone, start, list(fixed)
        self._cache: HiddenStateCache[_Key] = HiddenStateCache(Budget(cache_bytes))

    def expect(self, groups: Iterable[Iterable[Row]]) -> None:
        """Say which rows will be run, in groups to read together, so that their hidden states are kept as they fit."""
        size = self.hidden_size * self.dtype.itemsize
        self._cache.expect((map(_key, group) for group in groups), lambda key: len(key[0]) * size)

    def entering(self, ids: Sequence[int]) -> torch.Tensor:
        """Hidden states [T, D] of a text where prompts enter, without gradients; nothing stands before it."""
        with torch.no_grad():
            return self._whole.hidden_at(self._start, self.pack([Row(ids)]))

    def prompt(
        self, ids: Sequence[int], soft: torch.Tensor | None = None, past: KVCache | None = None, *, shift: int = 0,
        slots: bool = False,
    ) -> Prompt:  # fmt: skip
        """See Backbone: hidden states alone, as the fixed tokens are there already."""
        assert soft is not None, "what enters late is hidden states"
        return Prompt(soft)

    def answer_row(self, ids: Sequence[int], answer: Sequence[int], prompt: int = 0) -> Row:
        """See Backbone: the answer goes on with the row's text."""
        return self._whole.answer_row(ids, answer, prompt)

    def pack(self, rows: Sequence[Row], prefix_length: int = 0) -> Layout:
        """See Backbone."""
        return pack(rows, heads=self.heads, device=self.device, prefix_length=prefix_length)

    def read_prefix(self, prompts: Sequence[Prompt | torch.Tensor]) -> PrefixState:
        """As the whole backbone does, from the later layer on."""
        return shared_prefix.read_prefix(self, [self._before_fixed(prompt) for prompt in prompts])

    def forward(
        self,
        rows: Layout | Sequence[Row],
        prefix: PrefixState | Sequence[Prompt | torch.Tensor] | None = None,
        *,
        wanted: torch.Tensor | None = None,
        checkpointing: bool = False,
    ) -> torch.Tensor:
        """As the whole backbone does, from the later layer on."""
        if not isinstance(prefix, PrefixState):
            prefix = [self._before_fixed(prompt) for prompt in prefix or ()]
        return shared_prefix.forward(self, rows, prefix, wanted=wanted, checkpointing=checkpointing)

    def prefill(self, rows: Sequence[Row], prefix: PrefixState | None) -> Decoding:
        """See Backbone. A token goes through two stacks of layers, of which the lower one knows nothing of prompts."""
        lower = CachedLayers(self._attended_below, self.device, self._below)
        upper = CachedLayers(self._attended, self.device)
        return CachedRows(self.embed, self._entering, [lower, upper], rows, prefix)

    def _entering(self, rows: Sequence[Row], prefix: PrefixState | None) -> tuple[Layout, torch.Tensor]:
        """Rows packed, and their embeddings [R, D]."""
        layout = self.pack(rows, max(prefix.lengths, default=0) if prefix else 0)
        return layout, self.embed(layout.ids_R)

    def _before_fixed(self, prompt: Prompt | torch.Tensor) -> Prompt:
        """A prompt with the hidden states of the fixed tokens behind its own vectors."""
        vectors = prompt.embeddings if isinstance(prompt, Prompt) else prompt
        return Prompt(torch.cat([vectors.float(), self._fixed_hidden.float()]))

    @cached_property
    def _fixed_state(self) -> PrefixState:
        """What the lower layers' rows see of the fixed tokens."""
        with torch.no_grad():
            return self._whole.read_prefix([self._whole.embed_with(self._fixed, None)])

    @cached_property
    def _fixed_hidden(self) -> torch.Tensor:
        """Hidden states [H, D] of the fixed tokens where prompts enter."""
        if not self._fixed:
            return torch.zeros(0, self.hidden_size, dtype=self.dtype, device=self.device)
        return self.entering(self._fixed)

    def embed_rows(self, layout: Layout, soft: Sequence[torch.Tensor | None]) -> torch.Tensor:
        """Hidden states [R, D] of packed rows where prompts enter, kept from before or made now."""
        hidden = self._cache.states([_key(row) for row in layout.rows], self._made)
        order = sorted(range(len(hidden)), key=layout.starts.__getitem__)
        return torch.cat([hidden[i] for i in order])

    def _made(self, keys: Sequence[_Key]) -> list[torch.Tensor]:
        """Hidden states of rows, each by the lower layers, where prompts enter."""
        bare = self.pack([Row(ids, parents=parents) for ids, parents in keys], len(self._fixed))
        with torch.no_grad():
            made = self._whole.hidden_at(self._start, bare, self._fixed_state)
        return [made[at : at + len(ids)] for (ids, _), at in zip(keys, bare.starts, strict=True)]

    def _below(self, layout: Layout) -> tuple[Layout, PrefixState]:
        """The same packed rows as the lower layers find them, and what stands before them there: the fixed tokens."""
        rows = tuple(replace(row, prompt=0) for row in layout.rows)
        blocks = tuple(replace(block, prompt=0) for block in layout.blocks)
        prompt_R = torch.zeros_like(layout.prompt_R)
        return replace(layout, rows=rows, blocks=blocks, prompt_R=prompt_R), self._fixed_state

    def _attended(self, x_ND: torch.Tensor, positions_N: torch.Tensor, attend: Attend) -> torch.Tensor:
        """Tokens [N, D] through the upper layers, their attention the caller's to work out."""
        self.check_length(int(positions_N.max()) + 1)
        return self._upper.attended(x_ND, positions_N, attend)

    def _attended_below(self, x_ND: torch.Tensor, positions_N: torch.Tensor, attend: Attend) -> torch.Tensor:
        """Likewise through the lower layers."""
        return self._whole.attended(x_ND, positions_N, attend, self._start)

    def moved_by(self, lengths: Sequence[int], shifts: Sequence[int]) -> Sequence[int]:
        """Rows stand behind all that is read before them."""
        return lengths

    def run(
        self, x_ND: torch.Tensor, now: PackedPass, positions_N: torch.Tensor, *, keep: torch.Tensor | None,
        first_grad: int,
    ) -> torch.Tensor:  # fmt: skip
        """See `shared_prefix.Reader`."""
        return self._upper.run(x_ND, now, positions_N, keep=keep, first_grad=first_grad)

    def _with(self, model: PreTrainedModel) -> Self:
        raise BackboneError(
            "a prompt that enters at a later layer goes with the backbone's own weights only.",
            "Take the other weights and modules out.",
        )


def _key(row: Row) -> _Key:
    return tuple(row.ids), row.parents
