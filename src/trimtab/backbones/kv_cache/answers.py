"""The KV cache of answers that an encoder-decoder says token by token. Knows nothing about which token comes next.

The encoder reads each row once. The keys and values that the decoder's layers make of that are made once, and stand
once, however many answers to the row there are. An answer keeps the keys and values of its own tokens; those of a
prompt's past stand beside them. All answers are of one length.

N answers, K rows that are read, T tokens of the longest, L tokens that the decoder reads at once, H heads, d head size,
D hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from transformers import Cache, DynamicCache, EncoderDecoderCache

from trimtab.backbones.attention.padded import AttendPadded
from trimtab.backbones.attention.scoring import Scoring
from trimtab.backbones.kv_cache.prompts import PromptSlots
from trimtab.backbones.kv_cache.shared import SharedKV, softmax
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import PrefixState

# (tokens [N, L] that the decoder reads behind those in the cache, what the encoder made of each row [N, T, D], whose
# size is no matter once the cache has its keys and values, the cache, their attention) -> hidden states [N, D] of the
# last token
Decode = Callable[[torch.Tensor, torch.Tensor, Cache, AttendPadded], torch.Tensor]

_SCALED = Scoring(1.0)  # the queries are scaled already


class CachedAnswers:
    """Answers of which keys and values are kept; see `backbone.Decoding`.

    They are in transformers' own cache, so that T5's relative bias and BART's positions are at their places.

    Args:
        decode: runs the decoder.
        rows: what is answered.
        start_NL: tokens that answers begin with.
        encoded_NTD: what the encoder made of each row.
        prefix: keys and values of the decoder's layers that stand before answers; or None.
    """

    hidden: torch.Tensor

    def __init__(
        self,
        decode: Decode,
        rows: Sequence[Row],
        start_NL: torch.Tensor,
        encoded_NTD: torch.Tensor,
        prefix: PrefixState | None,
    ) -> None:
        self._decode, device = decode, encoded_NTD.device
        self._answers, self._encoded = DynamicCache(), DynamicCache()
        self._cache = EncoderDecoderCache(self._answers, self._encoded)
        self._rows = SharedKV([row.text_length for row in rows], range(len(rows)), device)
        self._prompts = PromptSlots(device)
        self._prompts.admit(prefix, [row.prompt for row in rows])
        self._before = self._prompts.layers
        self.hidden = self._read(start_NL, encoded_NTD)

    def _read(self, ids_NL: torch.Tensor, encoded_NTD: torch.Tensor) -> torch.Tensor:
        return self._decode(ids_NL, encoded_NTD, self._cache, self._attend)

    def step(self, tokens_N: torch.Tensor) -> None:
        """See Decoding."""
        nothing_new = self.hidden.new_empty(len(tokens_N), 0, self.hidden.shape[1])
        self.hidden = self._read(tokens_N[:, None], nothing_new)

    def _attend(
        self, layer: int, to_encoder: bool, q_NHLd: torch.Tensor, keys: torch.Tensor, values: torch.Tensor,
        bias: torch.Tensor | None,
    ) -> torch.Tensor:  # fmt: skip
        """An answer's new tokens to its row, or to its prompt's past and to all of itself: [N, H, L, d]."""
        if to_encoder:
            scores, outside_NT = self._rows.scores(q_NHLd, keys), self._rows.outside_NP
            if outside_NT is not None:
                scores = scores.masked_fill(outside_NT[:, None, None], float("-inf"))
            return self._rows.weighted(softmax(scores, q_NHLd.dtype), values)
        own = torch.matmul(q_NHLd, keys.transpose(2, 3))
        if bias is not None:
            own = own + bias
        new = own.shape[2]
        if new > 1:  # what the decoder starts from: all that there is
            own = own.masked_fill(own.new_ones(new, new, dtype=torch.bool).triu(1), float("-inf"))
        before = self._before[layer] if self._before else None
        prompts = self._prompts.shared
        return prompts.beside(q_NHLd, before, prompts.outside_NP, own, values, _SCALED)

    def admit(self, rows: Sequence[Row], prefix: PrefixState | None) -> bool:
        """See Decoding: all answers are of one length, so that others cannot join them."""
        return False

    def select(self, rows_M: torch.Tensor) -> None:
        """See Decoding."""
        self._answers.reorder_cache(rows_M)
        made = tuple((layer.keys, layer.values) for layer in self._encoded.layers)
        for layer, (keys, values) in zip(self._encoded.layers, self._rows.select(rows_M, made), strict=True):
            layer.keys, layer.values = keys, values
        self._prompts.select(rows_M.tolist())
        self._before = self._prompts.layers
        self.hidden = self.hidden.index_select(0, rows_M)
