"""A causal backbone whose prompts enter at a later layer. Knows nothing about how prompts are trained.

Below that layer no token sees a prompt: what rows are there is computed once and kept, and neither the forward nor the
backward pass of training goes further down (Liu et al. 2022, "Late Prompt Tuning").

R packed row tokens, P prompt length, H fixed tokens, D hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property

import torch

from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.kept import Budget, Kept
from trimtab.backbones.layout import Layout, Row
from trimtab.backbones.plain import Attend
from trimtab.backbones.prefix import PrefixState, Prompt
from trimtab.errors import TrimtabError

# Token ids of a row, and the parents of its answer tree.
_Key = tuple[tuple[int, ...], tuple[int, ...]]


class LateBackbone(CausalBackbone):
    """The upper layers of a backbone, on hidden states that the lower ones made without a prompt.

    Prompts given to it are hidden states [P, D] of the layer they enter at; they stand before the fixed tokens.

    Args:
        backbone: the whole one; its weights are shared.
        start: the layer that prompts enter at, 1 to the number of layers less one.
        fixed: ids of the tokens that every row has before it: leading tokens and the template's head.
        cache_bytes: hidden states of rows that are expected are kept up to this size; 0 keeps none.

    Raises:
        TrimtabError: if the backbone has no such layer, or its family has no layers that run one by one.
    """

    def __init__(self, backbone: CausalBackbone, start: int, fixed: Sequence[int] = (), cache_bytes: int = 0) -> None:
        layers = backbone.layers
        if layers is None:
            kind = backbone.config.model_type
            raise TrimtabError(
                f"a prompt cannot enter a backbone of type '{kind}' at a later layer.",
                "Choose a backbone of the Llama, Mistral, Qwen or Gemma 3 family, or another method.",
            )
        if not 0 < start < len(layers):
            raise TrimtabError(
                f"method.layer is {start}, but a prompt can enter at layers 1 to {len(layers) - 1} of the backbone.",
                f"Set it to {len(layers) // 2}, say.",
            )
        self.__dict__.update(backbone.__dict__)
        self._layers = layers[start:]
        self._whole, self._start, self._fixed = backbone, start, list(fixed)
        self._kept: Kept[_Key] = Kept(Budget(cache_bytes))

    def expect(self, groups: Iterable[Iterable[Row]]) -> None:
        """Say which rows will be run, in groups to read together, so that their hidden states are kept as they fit."""
        size = self.hidden_size * self.dtype.itemsize
        self._kept.expect((map(_key, group) for group in groups), lambda key: len(key[0]) * size)

    def read_prefix(self, prompts: Sequence[Prompt | torch.Tensor]) -> PrefixState:
        """As the whole backbone does, from the later layer on."""
        return super().read_prefix([self._entering(prompt) for prompt in prompts])

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
            prefix = [self._entering(prompt) for prompt in prefix or ()]
        return super().forward(rows, prefix, wanted=wanted, checkpointing=checkpointing)

    def _entering(self, prompt: Prompt | torch.Tensor) -> Prompt:
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
        with torch.no_grad():
            return self._whole.hidden_at(self._start, self.pack([Row(self._fixed)]))

    def embed_rows(self, layout: Layout, soft: Sequence[torch.Tensor | None]) -> torch.Tensor:
        """Hidden states [R, D] of packed rows where prompts enter, kept from before or made now."""
        hidden = self._kept.states([_key(row) for row in layout.rows], self._made)
        order = sorted(range(len(hidden)), key=layout.starts.__getitem__)
        return torch.cat([hidden[i] for i in order])

    def below(self, layout: Layout) -> tuple[Layout, PrefixState]:
        """The same packed rows as the lower layers find them, and what stands before them there: the fixed tokens."""
        rows = tuple(replace(row, prompt=0) for row in layout.rows)
        blocks = tuple(replace(block, prompt=0) for block in layout.blocks)
        prompt_R = torch.zeros_like(layout.prompt_R)
        return replace(layout, rows=rows, blocks=blocks, prompt_R=prompt_R), self._fixed_state

    def attended_below(self, x_ND: torch.Tensor, positions_N: torch.Tensor, attend: Attend) -> torch.Tensor:
        """Tokens [N, D] through the lower layers, as `attended` takes them through the others."""
        return self._whole.attended(x_ND, positions_N, attend, self._start)

    def _made(self, keys: Sequence[_Key]) -> list[torch.Tensor]:
        """Hidden states of rows, each by the lower layers, where prompts enter."""
        bare = self.pack([Row(ids, parents=parents) for ids, parents in keys], len(self._fixed))
        with torch.no_grad():
            made = self._whole.hidden_at(self._start, bare, self._fixed_state)
        return [made[at : at + len(ids)] for (ids, _), at in zip(keys, bare.starts, strict=True)]


def _key(row: Row) -> _Key:
    return tuple(row.ids), row.parents
