"""Answers of an encoder-decoder that are gone on with, token by token. Knows nothing about which token comes next.

The encoder reads each row once. The keys and values that the decoder's layers make of that are made once, and stand
once, however many answers to the row there are. An answer keeps the keys and values of its own tokens; those of a
prompt's past stand beside them. All answers are of one length.

N answers, K rows that are read, T tokens of the longest, L tokens that the decoder reads at once, H heads, d head size,
D hidden.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import DynamicCache, EncoderDecoderCache

from trimtab.backbones.encoder_decoder import EncoderDecoderBackbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import PrefixState
from trimtab.backbones.shared import Shared, prompts_of, softmax


class KeptAnswers:
    """See `decoding.Decoding`.

    Keys and values are in transformers' own cache, so that T5's relative bias and BART's positions are at their places.
    """

    hidden: torch.Tensor

    def __init__(self, backbone: EncoderDecoderBackbone, rows: Sequence[Row], prefix: PrefixState | None) -> None:
        self._backbone, device = backbone, backbone.device
        self._answers, self._encoded = DynamicCache(), DynamicCache()
        self._kept = EncoderDecoderCache(self._answers, self._encoded)
        self._rows = Shared([row.text_length for row in rows], range(len(rows)), device)
        past = backbone.decoder_past(prefix)
        self._prompts, self._before = prompts_of(past, [row.prompt for row in rows], device)
        start_NL = torch.tensor([backbone.start] * len(rows), device=device)
        self.hidden = self._read(start_NL, backbone.encoded(rows, prefix))

    def _read(self, ids_NL: torch.Tensor, encoded_NTD: torch.Tensor) -> torch.Tensor:
        return self._backbone.decoded(ids_NL, encoded_NTD, self._kept, self._attend)

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
        return self._prompts.beside(q_NHLd, before, self._prompts.outside_NP, own, values)

    def select(self, rows_M: torch.Tensor) -> None:
        """See Decoding."""
        self._answers.reorder_cache(rows_M)
        made = tuple((layer.keys, layer.values) for layer in self._encoded.layers)
        for layer, (keys, values) in zip(self._encoded.layers, self._rows.select(rows_M, made), strict=True):
            layer.keys, layer.values = keys, values
        self._before = self._prompts.select(rows_M, self._before)
        self.hidden = self.hidden.index_select(0, rows_M)
