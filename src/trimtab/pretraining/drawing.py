"""How a text goes on, word by word. Knows nothing about any one model.

V words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray


def drawn(
    following: Callable[[Sequence[int]], NDArray[np.float64]], before: Sequence[int], tokens: int, temperature: float,
    random: np.random.Generator, *, end: int, never: Sequence[int] = (),
) -> list[int]:  # fmt: skip
    """How a document goes on: at most `tokens` words, up to its end, which is left out.

    Args:
        following: p of each word [V] behind the beginning of a document, in an array of its own.
        before: its beginning.
        tokens: longest continuation.
        temperature: of what is drawn; 0 takes the likeliest word.
        random: what draws.
        end: the word that ends a document.
        never: words that are not said.
    """
    text = list(before)
    for _ in range(tokens):
        p_V = following(text)
        p_V[list(never)] = 0
        if temperature == 0:
            word = int(p_V.argmax())
        else:
            weights = (p_V / p_V.max()) ** (1 / temperature)
            sums = np.cumsum(weights)
            word = int(np.searchsorted(sums, random.random() * sums[-1], side="right"))
        if word == end:
            break
        text.append(word)
    return text[len(before) :]
