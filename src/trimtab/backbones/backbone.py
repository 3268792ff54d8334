"""What every backbone is and answers for itself, whatever its architecture. Knows nothing about models or tasks.

Causal models (causal.py), encoders (encoder.py), encoder-decoders (encoder_decoder.py) and the upper layers of a causal
model (views/late.py) are backbones. Who needs one asks what it can do, not which of these it is.

B rows, N rows that are decoded, K prompts, P prompt length, R tokens of all rows, L tokens of a past, Q soft vectors, M
wanted tokens, D hidden, V vocabulary, C wanted vocabulary entries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

import torch
from torch import nn

from trimtab.backbones.layout import Layout, Row
from trimtab.backbones.prefix import KVCache, PrefixState, Prompt


class AnswerPlace(StrEnum):
    """Where the answer to a row stands."""

    BEHIND = "behind"  # it goes on with the row's text, token by token
    WITHIN = "within"  # in the row, wherever the template says, with text before and behind it
    APART = "apart"  # it is a text of its own, which a decoder says after the row has been read


class Decoding(Protocol):
    """Rows that are decoded token by token, their keys and values cached (see `Backbone.prefill`).

    Attributes:
        hidden: final hidden states [N, D] of each row's last token, from which the next one is scored.
    """

    hidden: torch.Tensor

    def admit(self, rows: Sequence[Row], prefix: PrefixState | None) -> bool:
        """Read more rows, which stand behind those there are; see `prefill`. False where rows must begin together."""
        ...

    def step(self, tokens_N: torch.Tensor) -> None:
        """Put one token behind each row. Raises BackboneError where a row leaves the context."""
        ...

    def select(self, rows_M: torch.Tensor) -> None:
        """Go on with these rows, in this order; one may be taken several times."""
        ...


class Backbone(Protocol):
    """A frozen language model: prompts are read once, rows behind them, and scores made where they are asked for."""

    @property
    def model(self) -> Any:
        """The transformers model, frozen."""
        ...

    @property
    def config(self) -> Any:
        """Its configuration."""
        ...

    @property
    def title(self) -> str:
        """What kind of backbone it is, as the end of a sentence: `an encoder`."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights."""
        ...

    @property
    def parameters(self) -> int:
        """How many weights it has; those that are tied count once."""
        ...

    @property
    def heads(self) -> int:
        """Query heads of a layer."""
        ...

    @property
    def hidden_size(self) -> int:
        """D."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """V, rows that merely pad the output vectors included."""
        ...

    @property
    def context(self) -> int:
        """Longest row in tokens, prompt included."""
        ...

    @property
    def embedding(self) -> Any:
        """The module that holds the input embeddings [V, D]."""
        ...

    @property
    def embedding_rms(self) -> float:
        """Root mean square of the input embeddings: the unit that soft prompts are trained in."""
        ...

    @property
    def output(self) -> Any:
        """The language-model head, with output vectors [V, D]; None where there is none."""
        ...

    @property
    def start(self) -> tuple[int, ...]:
        """Token ids that the decoder reads before an answer that stands apart; else none."""
        ...

    @property
    def fused_layers(self) -> int:
        """How many layers run one by one, so that a prompt can enter between two; 0 where all run as one."""
        ...

    @property
    def answer_place(self) -> AnswerPlace:
        """Where the answer to a row stands."""
        ...

    @property
    def whole_rows(self) -> bool:
        """Whether a row is a whole text, with all that conditions it but a past: special tokens, soft vectors, head.

        Else these stand before it and are read once for all rows.
        """
        ...

    @property
    def scores_words(self) -> bool:
        """Whether it has a language-model head, so that label words can be scored."""
        ...

    @property
    def answers_at_mask(self) -> bool:
        """Whether words are scored at a mask token within the row, so that each must be a single token."""
        ...

    @property
    def generates(self) -> bool:
        """Whether it says answers token by token (`prefill`, `answer_row`)."""
        ...

    @property
    def reads_tokens(self) -> bool:
        """Whether the hidden state of every token of a row can be had (`Row.read_at`)."""
        ...

    @property
    def past_may_take_positions(self) -> bool:
        """Whether rows can count their positions from behind a past: always, or where its prompt says so (`shift`)."""
        ...

    @property
    def own_attention(self) -> bool:
        """Whether the model's layers are run as they are, so that prompts are read anew before each row."""
        ...

    @property
    def bidirectional(self) -> bool:
        """`whole_rows`, by what makes it so: a token sees what stands behind it."""
        ...

    @property
    def encoder_decoder(self) -> bool:
        """Whether answers stand apart (`answer_place`), by what makes it so."""
        ...

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """Input embeddings, scaled as the model scales them: [...] token ids -> [..., D]."""
        ...

    def embed_with(self, ids: Sequence[int], soft: torch.Tensor | None) -> torch.Tensor:
        """Input embeddings [T, D] in float32; a negative id -1 - j stands for the soft vector j of [Q, D]."""
        ...

    def prompt(
        self,
        ids: Sequence[int],
        soft: torch.Tensor | None = None,
        past: KVCache | None = None,
        *,
        shift: int = 0,
        slots: bool = False,
    ) -> Prompt:
        """What is read once before rows that these condition, of which whole rows hold all but the past themselves.

        Args:
            ids: token ids that stand before every row, negative for soft vectors; not looked at where rows are whole.
            soft: the soft vectors [Q, D]; for a prompt that enters late hidden states, which are all that is new there.
            past: keys and values [L, J, d] a layer that stand before everything.
            shift: positions that the past moves rows by, where that is left open.
            slots: whether rows that are not whole hold soft vectors too.
        """
        ...

    def answer_row(self, ids: Sequence[int], answer: Sequence[int], prompt: int = 0) -> Row:
        """A row with its answer, whose tokens are scored from the row's last token on, each at the one before it.

        Args:
            ids: the row's token ids.
            answer: the answer's, of which the last is not read: nothing is scored from it.
            prompt: index of the prompt that the row is read with.

        Raises:
            BackboneError: it says nothing token by token (`generates`).
        """
        ...

    def pack(self, rows: Sequence[Row], prefix_length: int = 0) -> Layout:
        """Pack rows for `forward`; keep the layout where the same rows are run again.

        Args:
            rows: at least one.
            prefix_length: length of the longest prompt in tokens, which blocks are sized by.
        """
        ...

    def read_prefix(self, prompts: Sequence[Prompt | torch.Tensor]) -> PrefixState:
        """Read K prompts (bare embeddings [P, D] will do; lengths may differ); gradients flow through the state."""
        ...

    def forward(
        self,
        rows: Layout | Sequence[Row],
        prefix: PrefixState | Sequence[Prompt | torch.Tensor] | None = None,
        *,
        wanted: torch.Tensor | None = None,
        checkpointing: bool = False,
    ) -> torch.Tensor:
        """Run rows behind their prompts.

        Args:
            rows: the rows, packed or not; `Row.prompt` says which prompt each is read with.
            prefix: prompts read before (`read_prefix`), or prompts (bare embeddings [P, D] will do) to read in this
                same pass, or None where rows stand alone.
            wanted: packed token indices whose hidden states are wanted; by default those that answers are scored at.
            checkpointing: keep only what enters each layer for the backward pass, and make the rest again there (Chen
                et al. 2016): much less memory, for another forward pass.

        Returns:
            Final hidden states [M, D] of the wanted tokens, ready for `logits`.

        Raises:
            BackboneError: a prompt and its row do not fit into the context, or an answer not into the decoder's.
        """
        ...

    def prefill(self, rows: Sequence[Row], prefix: PrefixState | None) -> Decoding:
        """Read rows without gradients and keep their keys and values, so that they can be gone on with.

        Args:
            rows: at least one, without answer trees; `Row.prompt` says which prompt each is read with.
            prefix: the prompts, read before; None where rows stand alone.

        Raises:
            BackboneError: a row that is longer than the context; or it says nothing token by token (`generates`).
        """
        ...

    def logits(self, hidden_MD: torch.Tensor, only: torch.Tensor | None = None) -> torch.Tensor:
        """Scores of the next token, float32: [M, D] -> [M, V], or [M, C] of the vocabulary entries `only` [C]."""
        ...

    def adapted(
        self, weights: Mapping[str, torch.Tensor] | None, modules: Mapping[str, nn.Module] | None = None
    ) -> Backbone:
        """This backbone with other weights and modules in it; it shares all else, and gradients flow to them."""
        ...
