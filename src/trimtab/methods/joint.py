"""A soft prompt trained together with another method. Knows nothing about tasks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from trimtab.methods.method import Condition, Method, Tensors
from trimtab.methods.soft_prompt import SoftPrompt

PROMPT = "prompt"


@dataclass(frozen=True)
class Joint:
    """A soft prompt beside a method that changes the backbone; each at its own rate.

    Attributes:
        prompt: the soft prompt.
        other: the other method, whose rate is the run's.
    """

    prompt: SoftPrompt
    other: Method

    @property
    def tokens(self) -> int:
        """Those of both."""
        return self.prompt.tokens + self.other.tokens

    @property
    def rate(self) -> float:
        """The other method's."""
        return self.other.rate

    @property
    def adapts(self) -> bool:
        """As the other method."""
        return self.other.adapts

    @property
    def headed(self) -> bool:
        """As the other method."""
        return self.other.headed

    def initial(self, seed: int) -> Tensors:
        """The tensors of both; the prompt's is `prompt`."""
        return {**self.prompt.initial(seed), **self.other.initial(seed)}

    def factor(self, name: str) -> float:
        """The prompt keeps the ratio of the two methods' own default rates."""
        return self.prompt.rate / self.other.rate if name == PROMPT else self.other.factor(name)

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """Both at once."""
        others = {name: tensor for name, tensor in tensors.items() if name != PROMPT}
        soft = self.prompt.condition({PROMPT: tensors[PROMPT]}, noise).soft
        return replace(self.other.condition(others, noise), soft=soft)
