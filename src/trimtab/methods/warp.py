"""WARP (Hambardzumyan et al. 2021): a soft prompt and a vector for each label, trained together. Knows no rows.

The label words give way to vectors that are trained as the prompt is; that they start from what each class looks like
is ProtoVerb's idea (Cui et al. 2022). C labels, D hidden, P prompt length.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch

from trimtab.methods.head import Head
from trimtab.methods.headed import BIAS, WEIGHT
from trimtab.methods.method import Condition, Material, Tensors
from trimtab.methods.soft_prompt import ReadPrompt, SoftPrompt
from trimtab.settings.methods import HeadSettings, SoftPromptSettings, WarpSettings

# Learning rate of the class vectors (AdamW).
RATE = 0.001


@dataclass(frozen=True)
class Warp:
    """A soft prompt before the row, or in the template's soft slots, and a linear layer that scores the labels.

    Where answers are tags or a number, the layer says those.
    """

    settings: WarpSettings
    material: Material
    read_prompt: ReadPrompt
    adapts: bool = False
    headed: bool = True

    @cached_property
    def prompt(self) -> SoftPrompt:
        """The soft prompt by itself."""
        own = self.settings
        like = SoftPromptSettings(
            length=own.length, init=own.init, init_text=own.init_text, init_run=own.init_run, dropout=own.dropout
        )
        return SoftPrompt(like, self.material, self.read_prompt)

    @property
    def tokens(self) -> int:
        """P, or 0 where the template has the places."""
        return self.prompt.tokens

    @property
    def rate(self) -> float:
        """The prompt's."""
        return self.prompt.rate

    def initial(self, seed: int) -> Tensors:
        """`prompt` [P, D], `head.weight` [C, D] and `head.bias` [C], as they are before anything is fitted to rows.

        Raises TrimtabError where the text or run to start from will not do.
        """
        zero = self.settings.vectors == "zero"
        head = Head(HeadSettings(init="zero" if zero else "labels"), self.material).initial(seed)
        return {**self.prompt.initial(seed), WEIGHT: head["weight"], BIAS: head["bias"]}

    def factor(self, name: str) -> float:
        """The class vectors' rate keeps its ratio to the prompt's own default."""
        return RATE / self.rate if name in (WEIGHT, BIAS) else 1.0

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """Both at once."""
        soft = self.prompt.condition({"prompt": tensors["prompt"]}, noise)
        return replace(soft, head=(tensors[WEIGHT], tensors[BIAS]))
