"""Causal models of any build behind the interface of backbone.py, run by their own code.

Each row is read with its prompt in front, as nothing of a prompt can be shared: layers may be recurrent, or have
attention of their own. That is right for all families, and slower than sharing. Knows nothing about tasks or labels.

N rows, R tokens of all rows, M wanted tokens, D hidden.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from trimtab.backbones.backbone import Decoding
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.layout import Layout, Row
from trimtab.backbones.own_code.padding import gathered, padded
from trimtab.backbones.own_code.pasts import no_past
from trimtab.backbones.prefix import PrefixState, Prompt, as_prompts

# What families call what they keep of a text, in what they take and give back.
_CACHES = ("past_key_values", "cache_params", "state")
# What is kept of a text: the model's own cache, by the name that it takes it by, or the whole `text` where it has none.
_Kept = dict[str, Any]


class OwnCodeCausal(CausalBackbone):
    """A frozen causal language model whose layers are run as they are.

    Args:
        model: a transformers causal language model; frozen, and put in evaluation mode.
    """

    title = "a causal language model that is run by its own code"
    past_may_take_positions = False
    own_attention = True

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__(model, fuse=False)

    def read_prefix(self, prompts: Sequence[Prompt | torch.Tensor]) -> PrefixState:
        """See Backbone: prompts are read anew before each row, so that they are kept as they are."""
        given = as_prompts(prompts)
        if any(prompt.past is not None for prompt in given):
            raise no_past(self.config.model_type)
        return PrefixState(
            (), tuple(prompt.length for prompt in given), tuple(prompt.soft for prompt in given),
            vectors=tuple(prompt.embeddings for prompt in given),
        )  # fmt: skip

    def forward(
        self,
        rows: Layout | Sequence[Row],
        prefix: PrefixState | Sequence[Prompt | torch.Tensor] | None = None,
        *,
        wanted: torch.Tensor | None = None,
        checkpointing: bool = False,
    ) -> torch.Tensor:
        """See Backbone."""
        state = prefix if isinstance(prefix, PrefixState) else self.read_prefix(prefix or ())
        layout = rows if isinstance(rows, Layout) else self.pack(rows)
        x_RD = self.embed_rows(layout, state.soft)
        every = torch.cat(
            [*(vectors.to(x_RD.dtype) for vectors in state.vectors), x_RD, x_RD.new_zeros(1, self.hidden_size)]
        )
        parts = []
        with self.passing(None, self._through, checkpointing=checkpointing) as model:
            for batch in padded(layout, state.lengths):
                self.check_length(batch.taken_nL.shape[1])
                parts.append((batch, self._hidden(model(inputs_embeds=every[batch.taken_nL], use_cache=False))))
        return gathered(parts, layout.answers_B if wanted is None else wanted)

    @property
    def _through(self) -> Any:
        return self._below_output if self._layered else self._base

    def _hidden(self, out: Any) -> torch.Tensor:
        """Final hidden states of what the model gave back, as its output vectors take them."""
        hidden: torch.Tensor = out.logits if self._layered else out.last_hidden_state
        return hidden if self._scale == 1 else hidden * self._scale

    def prefill(self, rows: Sequence[Row], prefix: PrefixState | None) -> Decoding:
        """See Backbone."""
        return _OwnRows(self, rows, prefix)

    def read_alone(self, x_TD: torch.Tensor, kept: _Kept) -> tuple[torch.Tensor, _Kept]:
        """One row's tokens behind what is kept of it: the last one's hidden state [D], and what is kept then.

        Args:
            x_TD: input embeddings.
            kept: of what was read before; empty at first.
        """
        if "text" in kept:
            x_TD = torch.cat([kept["text"], x_TD])
            with torch.no_grad():
                out = self._through(inputs_embeds=x_TD[None], use_cache=False)
            return self._hidden(out)[0, -1], {"text": x_TD}
        with torch.no_grad():
            out = self._through(inputs_embeds=x_TD[None], use_cache=True, **kept)
        name = next((name for name in _CACHES if out.get(name) is not None), None)
        if name is None:
            return self.read_alone(x_TD, {"text": x_TD[:0]})
        return self._hidden(out)[0, -1], {name: out[name]}


class _OwnRows:
    """Rows that are decoded, each with the model's own cache of it; see `backbone.Decoding`."""

    def __init__(self, backbone: OwnCodeCausal, rows: Sequence[Row], prefix: PrefixState | None) -> None:
        self._backbone = backbone
        self._kept: list[_Kept] = []
        self._lengths: list[int] = []
        self.hidden = torch.zeros(0, backbone.hidden_size, dtype=backbone.dtype, device=backbone.device)
        self.admit(rows, prefix)

    def admit(self, rows: Sequence[Row], prefix: PrefixState | None) -> bool:
        """See Decoding."""
        own, hidden = self._backbone, [*self.hidden]
        for row in rows:
            soft = prefix.soft[row.prompt] if prefix and prefix.soft else None
            x_TD = own.embed_with(row.ids, soft)
            if prefix:
                x_TD = torch.cat([prefix.vectors[row.prompt].to(x_TD.dtype), x_TD])
            own.check_length(len(x_TD))
            last, kept = own.read_alone(x_TD.to(own.dtype), {})
            hidden.append(last)
            self._kept.append(kept)
            self._lengths.append(len(x_TD))
        self.hidden = torch.stack(hidden)
        return True

    def step(self, tokens_N: torch.Tensor) -> None:
        """See Decoding."""
        x_ND, hidden = self._backbone.embed(tokens_N), []
        self._lengths = [length + 1 for length in self._lengths]
        self._backbone.check_length(max(self._lengths))
        for n, kept in enumerate(self._kept):
            last, self._kept[n] = self._backbone.read_alone(x_ND[n : n + 1], kept)
            hidden.append(last)
        self.hidden = torch.stack(hidden)

    def select(self, rows_M: torch.Tensor) -> None:
        """See Decoding."""
        rows = rows_M.tolist()
        first = {row: at for at, row in reversed(list(enumerate(rows)))}
        self._kept = [
            self._kept[row] if first[row] == at else copy.deepcopy(self._kept[row]) for at, row in enumerate(rows)
        ]
        self._lengths = [self._lengths[row] for row in rows]
        self.hidden = self.hidden.index_select(0, rows_M)
