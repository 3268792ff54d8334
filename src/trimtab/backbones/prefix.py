"""What a backbone reads before rows, and what it keeps of it. Knows nothing about models or how prompts are trained.

K prompts, S tokens of all prompts, P tokens of a prompt, L tokens of a past, Q soft vectors, D hidden, J key/value
heads, d head size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

# Keys and values of each layer, positions applied: [tokens, J, d], unless it is said otherwise.
KVCache = tuple[tuple[torch.Tensor, torch.Tensor], ...]


@dataclass(frozen=True)
class Prompt:
    """What conditions the rows of one run.

    Attributes:
        embeddings: [P, D], read before every row; P may be 0.
        past: keys and values [L, J, d] a layer, positions applied, that stand before the embeddings; or None.
        soft: vectors [Q, D] that the negative ids of rows stand for; or None.
        shift: positions that an encoder's rows are moved by; other backbones' rows are moved by what stands before.
    """

    embeddings: torch.Tensor
    past: KVCache | None = None
    soft: torch.Tensor | None = None
    shift: int = 0

    @property
    def past_length(self) -> int:
        """L."""
        return int(self.past[0][0].shape[0]) if self.past else 0

    @property
    def length(self) -> int:
        """L + P: tokens before a row."""
        return self.past_length + int(self.embeddings.shape[0])


@dataclass(frozen=True)
class PrefixState:
    """Keys and values of K prompts, packed one after another: what the backbone keeps after reading them.

    Attributes:
        layers: keys and values [S, J, d] a layer, positions applied; empty where no prompt has a token.
        lengths: tokens of each prompt.
        soft: the soft vectors of each prompt, for rows that hold some.
        shifts: what each prompt moves the positions of an encoder's rows by.
        names: what each prompt is known by, wherever it stands: made when it is read.
        vectors: embeddings [P, D] of prompts that are read anew before each row (own_code/); else none.
    """

    layers: KVCache
    lengths: tuple[int, ...]
    soft: tuple[torch.Tensor | None, ...] = ()
    shifts: tuple[int, ...] = ()
    names: tuple[object, ...] = field(default=(), compare=False, repr=False)
    vectors: tuple[torch.Tensor, ...] = ()

    def __post_init__(self) -> None:
        """Name prompts that have just been read."""
        if len(self.names) != len(self.lengths):
            object.__setattr__(self, "names", tuple(object() for _ in self.lengths))

    @staticmethod
    def join(states: Sequence[PrefixState]) -> PrefixState:
        """Put prompts read separately side by side; their indices follow in order."""
        if len(states) == 1:
            return states[0]
        return PrefixState(
            joined_caches([state.layers for state in states if state.layers]),
            tuple(length for state in states for length in state.lengths),
            tuple(vectors for state in states for vectors in state.soft or (None,) * len(state.lengths)),
            tuple(shift for state in states for shift in state.shifts or (0,) * len(state.lengths)),
            tuple(name for state in states for name in state.names),
            tuple(vectors for state in states for vectors in state.vectors),
        )


def joined_caches(parts: Sequence[KVCache]) -> KVCache:
    """Put keys and values of several prompts one after another, layer by layer."""
    return tuple(
        (torch.cat([k for k, _ in layer]), torch.cat([v for _, v in layer])) for layer in zip(*parts, strict=True)
    )


def packed_pasts(prompts: Sequence[Prompt], dtype: torch.dtype) -> KVCache | None:
    """Keys and values that stand before some prompts, those of one after those of another; None where none has any."""
    pasts = [prompt.past for prompt in prompts if prompt.past]
    return tuple((k.to(dtype), v.to(dtype)) for k, v in joined_caches(pasts)) if pasts else None


def as_prompts(given: Sequence[Prompt | torch.Tensor]) -> list[Prompt]:
    """Prompts, of which some may be given as their bare embeddings [P, D]."""
    return [prompt if isinstance(prompt, Prompt) else Prompt(prompt) for prompt in given]
