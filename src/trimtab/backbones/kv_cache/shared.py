"""Keys and values that stand once for all rows that attend to them. Knows nothing about models.

They are those of texts: prompts, or what an encoder has read. Rows look at them with one token or a few at a time.

N rows, K texts, m rows of the text with the most, P tokens of the longest text, T tokens of the longest row, J
key/value heads, G queries of a row for each of them, d head size, S tokens of all prompts.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from trimtab.backbones.attention.scoring import Scoring
from trimtab.backbones.prefix import KVCache


class SharedKV:
    """Which rows read which of K texts. All rows of a text meet its keys in one product, and its values in another.

    Keys and values [K, J, P, d] are the caller's, whatever is finite behind a text's end.

    Args:
        lengths: tokens of each text.
        text_of_row: which of them each row reads.
        device: where keys and values are.

    Attributes:
        longest: P.
        lengths_N: tokens of each row's text.
        outside_NP: True where a slot of a row's text holds no token; None where all do.
    """

    def __init__(self, lengths: Sequence[int], text_of_row: Sequence[int], device: torch.device) -> None:
        self._lengths_K = torch.tensor(list(lengths), device=device)
        self._place(list(text_of_row))

    def _place(self, text_of_row: list[int]) -> None:
        """Give each row its place among those of its text."""
        device, self._text_of_row = self._lengths_K.device, text_of_row
        self.longest = int(self._lengths_K.max())
        self.lengths_N = self._lengths_K[torch.tensor(text_of_row, dtype=torch.long, device=device)]
        slots_P = torch.arange(self.longest, device=device)
        even = bool((self._lengths_K == self.longest).all())
        self.outside_NP = None if even else slots_P >= self.lengths_N[:, None]
        counts = [0] * len(self._lengths_K)
        at = []
        for k in text_of_row:
            at.append(counts[k])
            counts[k] += 1
        self._most = max(counts)
        places = [k * self._most + j for k, j in zip(text_of_row, at, strict=True)]
        filled = places == list(range(len(counts) * self._most))
        self._place_N = None if filled else torch.tensor(places, device=device)

    def select(self, rows_M: torch.Tensor, layers: KVCache) -> KVCache:
        """Go on with these rows, in this order.

        Returns:
            Keys and values to go on with: as they are, or those of the texts still read where half are not any more.
        """
        text_of_row = [self._text_of_row[i] for i in rows_M.tolist()]
        used = sorted(set(text_of_row))
        if 2 * len(used) > len(self._lengths_K):
            self._place(text_of_row)
            return layers
        used_K = torch.tensor(used, device=self._lengths_K.device)
        self._lengths_K = self._lengths_K.index_select(0, used_K)
        self._place([used.index(k) for k in text_of_row])
        P = self.longest
        return tuple((k[:, :, :P].index_select(0, used_K), v[:, :, :P].index_select(0, used_K)) for k, v in layers)

    def scores(self, q_NJGd: torch.Tensor, keys_KJPd: torch.Tensor) -> torch.Tensor:
        """Products of rows' queries with their text's keys: [N, J, G, P]."""
        return self._by_row(torch.matmul(self._by_text(q_NJGd), keys_KJPd.transpose(2, 3)), q_NJGd)

    def weighted(self, shares_NJGP: torch.Tensor, values_KJPd: torch.Tensor) -> torch.Tensor:
        """Sums of their text's values: [N, J, G, d]."""
        return self._by_row(torch.matmul(self._by_text(shares_NJGP), values_KJPd), shares_NJGP)

    def beside(
        self,
        q_NJGd: torch.Tensor,
        text: tuple[torch.Tensor, torch.Tensor] | None,
        hidden_NP: torch.Tensor | None,
        own_NJGT: torch.Tensor,
        values_NJTd: torch.Tensor,
        scoring: Scoring,
    ) -> torch.Tensor:
        """Attend to a text and to a row's own tokens, the softmax over both: [N, J, G, d].

        Args:
            q_NJGd: queries.
            text: keys and values of the texts [K, J, P, d]; or None where they have no token.
            hidden_NP: True where a row does not see a slot of its text; None where it sees all.
            own_NJGT: scores of the row's own tokens, -inf where they are not seen.
            values_NJTd: the values of these.
            scoring: how scores of the text, and shares of both, are made.
        """
        if text is None or not self.longest:
            return torch.matmul(scoring.shares(own_NJGT, q_NJGd.dtype), values_NJTd)
        before = scoring.scores(self.scores(q_NJGd, text[0]))
        if hidden_NP is not None:
            before = before.masked_fill(hidden_NP[:, None, None], float("-inf"))
        shares = scoring.shares(torch.cat([before, own_NJGT], -1), q_NJGd.dtype)
        P = self.longest
        return torch.matmul(shares[..., P:], values_NJTd) + self.weighted(shares[..., :P], text[1])

    def _by_text(self, x_NJGe: torch.Tensor) -> torch.Tensor:
        """[N, J, G, e] -> [K, J, m G, e]."""
        _, J, G, e = x_NJGe.shape
        K, m = len(self._lengths_K), self._most
        if self._place_N is not None:
            x_NJGe = x_NJGe.new_zeros(K * m, J, G, e).index_copy_(0, self._place_N, x_NJGe)
        return x_NJGe.reshape(K, m, J, G, e).transpose(1, 2).reshape(K, J, m * G, e)

    def _by_row(self, x: torch.Tensor, like_NJG: torch.Tensor) -> torch.Tensor:
        """[K, J, m G, e] -> [N, J, G, e]."""
        _, J, G, _ = like_NJG.shape
        K, m = len(self._lengths_K), self._most
        x = x.view(K, J, m, G, -1).transpose(1, 2).reshape(K * m, J, G, -1)
        return x if self._place_N is None else x.index_select(0, self._place_N)


def softmax(scores: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Over the last axis, worked out in float32."""
    return torch.softmax(scores, -1, dtype=torch.float32).to(dtype)
