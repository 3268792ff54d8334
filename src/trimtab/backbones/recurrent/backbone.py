"""Recurrent models behind the interface of backbone.py: the state behind a prompt is all that rows need of it.

A prompt is read once, and each row behind it starts from its state; each node of an answer tree starts from that of its
parent. In place of keys and values, what is kept of a layer is the pair of hidden and cell state, one row a prompt;
where a kind has no cell state, it has no columns. A past is such a pair too: the state that a prompt starts from. Knows
nothing about tasks or labels.

B rows, R tokens of all rows, K prompts, N layers, D hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch.utils.checkpoint import checkpoint

from trimtab.backbones.backbone import AnswerPlace, Decoding
from trimtab.backbones.frozen_model import FrozenModel
from trimtab.backbones.layout import Layout, Row, pack
from trimtab.backbones.prefix import KVCache, PrefixState, Prompt, as_prompts
from trimtab.backbones.recurrent.model import LayerState

# What each of some rows goes on from, layer by layer.
State = tuple[LayerState, ...]


class RecurrentBackbone(FrozenModel):
    """A frozen recurrent language model.

    Args:
        model: one of this room's models; frozen and put in evaluation mode.
    """

    title = "a recurrent language model"
    answer_place = AnswerPlace.BEHIND
    whole_rows = bidirectional = False
    encoder_decoder = False
    answers_at_mask = False
    generates = True
    reads_tokens = True
    past_may_take_positions = True
    attends = False
    fused_layers = 0

    def prompt(
        self, ids: Sequence[int], soft: torch.Tensor | None = None, past: KVCache | None = None, *, shift: int = 0,
        slots: bool = False,
    ) -> Prompt:  # fmt: skip
        """See Backbone; a past is the state that all else is read from."""
        return Prompt(self.embed_with(ids, soft), past, soft if slots else None)

    def answer_row(self, ids: Sequence[int], answer: Sequence[int], prompt: int = 0) -> Row:
        """See Backbone: the answer goes on with the row's text."""
        return Row((*ids, *answer[:-1]), prompt)

    def pack(self, rows: Sequence[Row], prefix_length: int = 0) -> Layout:
        """See Backbone."""
        return pack(rows, heads=1, device=self.device)

    def read_prefix(self, prompts: Sequence[Prompt | torch.Tensor]) -> PrefixState:
        """See Backbone: the state behind each prompt."""
        given = as_prompts(prompts)
        lengths, soft = tuple(prompt.length for prompt in given), tuple(prompt.soft for prompt in given)
        starts = [_state_of(prompt.past) if prompt.past else self.model.start(1) for prompt in given]
        state = tuple(
            tuple(torch.cat([part.to(self.dtype) for part in parts]) for parts in zip(*layers, strict=True))
            for layers in zip(*starts, strict=True)
        )
        own = [len(prompt.embeddings) for prompt in given]
        if sum(own):
            x = torch.cat([prompt.embeddings.to(self.dtype) for prompt in given])
            _, state = self._read(x, [sum(own[:k]) for k in range(len(own))], own, state)
        return PrefixState(_kept(state), lengths, soft)

    def forward(
        self,
        rows: Layout | Sequence[Row],
        prefix: PrefixState | Sequence[Prompt | torch.Tensor] | None = None,
        *,
        wanted: torch.Tensor | None = None,
        checkpointing: bool = False,
    ) -> torch.Tensor:
        """See Backbone. With checkpointing the rows are read again as a whole."""
        state = prefix if isinstance(prefix, PrefixState) else self.read_prefix(prefix) if prefix else None
        layout = rows if isinstance(rows, Layout) else self.pack(rows)
        x_RD = self.embed_rows(layout, state.soft if state else ())
        wanted = layout.answers_B if wanted is None else wanted
        read: Callable[..., torch.Tensor] = partial(self._rows, layout)
        start = self._starts(layout.rows, state)
        hidden_RD = checkpoint(read, x_RD, start, use_reentrant=False) if checkpointing else read(x_RD, start)
        return hidden_RD.index_select(0, wanted)

    def prefill(self, rows: Sequence[Row], prefix: PrefixState | None) -> Decoding:
        """See Backbone; what is kept of a row is its state."""
        layout = self.pack(rows)
        with torch.no_grad():
            x_RD = self.embed_rows(layout, prefix.soft if prefix else ())
            lengths = [len(row.ids) for row in rows]
            hidden_RD, state = self._read(x_RD, layout.starts, lengths, self._starts(rows, prefix))
        return _DecodedRows(self, hidden_RD.index_select(0, layout.answers_B), state)

    def stepped(self, tokens_B: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """One more token of each row: hidden states [B, D], and what the next goes on from; without gradients."""
        with torch.no_grad():
            return self._one(self.embed(tokens_B), state)

    def _starts(self, rows: Sequence[Row], prefix: PrefixState | None) -> State:
        """What each row starts from: the state behind its prompt."""
        if not prefix:
            return self.model.start(len(rows))  # type: ignore[no-any-return]
        return _taken(_state_of(prefix.layers), torch.tensor([row.prompt for row in rows], device=self.device))

    def _rows(self, layout: Layout, x_RD: torch.Tensor, start: State) -> torch.Tensor:
        """Hidden states [R, D] of packed rows: texts first, then trees, a level at a time."""
        rows = layout.rows
        hidden_RD, state = self._read(x_RD, layout.starts, [row.text_length for row in rows], start)
        level = [(i, node) for i, row in enumerate(rows) for node, above in enumerate(row.parents) if above < 0]
        came_from = [i for i, _ in level]
        while level:
            at = torch.tensor([layout.starts[i] + rows[i].text_length + node for i, node in level], device=self.device)
            made, state = self._one(x_RD.index_select(0, at), _taken(state, torch.tensor(came_from).to(self.device)))
            hidden_RD = hidden_RD.index_copy(0, at, made)
            place = {node: n for n, node in enumerate(level)}
            below = [(place[i, above], (i, node)) for i in dict.fromkeys(i for i, _ in level)
                     for node, above in enumerate(rows[i].parents) if (i, above) in place]  # fmt: skip
            came_from, level = [above for above, _ in below], [node for _, node in below]
        return hidden_RD

    def _one(self, x_BD: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        return self.model.read(x_BD, torch.tensor([len(x_BD)]), state)  # type: ignore[no-any-return]

    def _read(
        self, x_RD: torch.Tensor, starts: Sequence[int], lengths: Sequence[int], state: State
    ) -> tuple[torch.Tensor, State]:
        """Stretches of packed tokens, each from its own state.

        Args:
            x_RD: the tokens.
            starts, lengths: where each stretch lies; one of no length keeps its state.
            state: what each is read from.

        Returns:
            Hidden states [R, D], zeros at tokens of no stretch, and the state behind each stretch.
        """
        order = sorted((i for i, length in enumerate(lengths) if length), key=lambda i: -lengths[i])
        of_B, first_B = torch.tensor([lengths[i] for i in order]), torch.tensor([starts[i] for i in order])
        inside_TB = torch.arange(int(of_B[0]))[:, None] < of_B
        at = (torch.arange(int(of_B[0]))[:, None] + first_B)[inside_TB].to(self.device)
        own = torch.tensor(order, device=self.device)
        made, ends = self.model.read(x_RD.index_select(0, at), inside_TB.sum(1), _taken(state, own))
        hidden_RD = x_RD.new_zeros(x_RD.shape).index_copy(0, at, made)
        pairs = zip(state, ends, strict=True)
        return hidden_RD, tuple(
            tuple(old.index_copy(0, own, new) for old, new in zip(before, behind, strict=True))
            for before, behind in pairs
        )


class _DecodedRows:
    """Rows that are gone on with from their states; see `backbone.Decoding`."""

    def __init__(self, backbone: RecurrentBackbone, hidden_BD: torch.Tensor, state: State) -> None:
        self._backbone, self.hidden, self._state = backbone, hidden_BD, state

    def admit(self, rows: Sequence[Row], prefix: PrefixState | None) -> bool:
        """See Decoding."""
        more = self._backbone.prefill(rows, prefix)
        assert isinstance(more, _DecodedRows)
        self.hidden = torch.cat([self.hidden, more.hidden])
        both = zip(self._state, more._state, strict=True)
        self._state = tuple(tuple(map(torch.cat, zip(*layers, strict=True))) for layers in both)
        return True

    def step(self, tokens_N: torch.Tensor) -> None:
        """See Decoding."""
        self.hidden, self._state = self._backbone.stepped(tokens_N, self._state)

    def select(self, rows_M: torch.Tensor) -> None:
        """See Decoding."""
        self.hidden, self._state = self.hidden.index_select(0, rows_M), _taken(self._state, rows_M)


def _taken(state: State, rows: torch.Tensor) -> State:
    """The states of some rows, in this order."""
    return tuple(tuple(part.index_select(0, rows) for part in layer) for layer in state)


def _kept(state: State) -> KVCache:
    """States as pairs; where there is no cell state, the second has no columns."""
    return tuple((layer[0], layer[1] if len(layer) > 1 else layer[0][:, :0]) for layer in state)


def _state_of(pairs: KVCache) -> State:
    """States out of pairs."""
    return tuple(tuple(part for part in pair if part.shape[1]) for pair in pairs)
