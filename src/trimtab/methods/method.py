"""What every method is: where its trained values start, and how they condition the backbone.

Knows nothing about any one method, tasks' data, or training.

P prompt length, Q soft vectors, C labels, D hidden, L past tokens, J key/value heads, d head size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.prefix import KVCache
from trimtab.prompts.verbalizer import Verbalizer

# What a run trains and keeps, by name; those whose name starts with FIXED are kept and not trained.
Tensors = dict[str, torch.Tensor]
FIXED = "fixed."


def trained(tensors: Tensors) -> Tensors:
    """Those of a run's tensors that are trained."""
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(FIXED)}


@dataclass(frozen=True)
class Condition:
    """How the tensors of one run condition the backbone. Gradients flow from every part to the tensors.

    Attributes:
        soft: vectors [Q, D] in the model's own units: the soft prompt, or what stands in the template's soft slots.
        past: keys and values [L, J, d] a layer that stand before everything.
        weights: weights that take the place of the backbone's, by name.
        modules: modules that take the place of the backbone's, by name, before the weights do.
        view: the part of the backbone that runs take in place of the whole; `soft` is what enters there.
        head: weight [C, D] and bias [C] that score labels in place of the label words.
        calibration: log-probabilities [C] that those of the answers are measured against.
        shift: positions that the past moves an encoder's rows by.
    """

    soft: torch.Tensor | None = None
    past: KVCache | None = None
    weights: Mapping[str, torch.Tensor] | None = None
    modules: Mapping[str, nn.Module] | None = None
    view: Backbone | None = None
    head: tuple[torch.Tensor, torch.Tensor] | None = None
    calibration: torch.Tensor | None = None
    shift: int = 0

    @property
    def apart(self) -> bool:
        """Whether rows under it need passes of their own."""
        return bool(self.weights or self.modules or self.view)

    def on(self, backbone: Backbone) -> Backbone:
        """The backbone as this wants it; the given one stays as it is."""
        return self.view or backbone.adapted(self.weights, self.modules)


@dataclass(frozen=True)
class Material:
    """What a method may start from.

    Attributes:
        backbone, tokenizer: the model.
        task: task description.
        verbalizer: labels and words.
        leading: token ids that come first in every text (Gemma's <bos>).
        head: ids of the tokens before every row: the leading ones and the template's head.
        slots: soft vectors the template has places for; 0 where it has none.
        training: whether the same rows will be run many times.
        base: folder at which relative paths start.
        read: whether a head reads the answers, whatever the backbone: numbers and tags.
        shown: ids of demonstrations to start from; none where the method starts from something else.
        generates: whether answers are said token by token.
    """

    backbone: Backbone
    tokenizer: Any
    task: str
    verbalizer: Verbalizer
    leading: Sequence[int] = ()
    head: Sequence[int] = ()
    slots: int = 0
    training: bool = False
    base: Path = Path()
    read: bool = False
    shown: Sequence[int] = ()
    generates: bool = False

    @property
    def headed(self) -> bool:
        """Whether only a head can answer: there are no words to score."""
        return self.read or not self.backbone.scores_words


class Method(Protocol):
    """A way to condition the backbone, ready for one backbone and task.

    Attributes:
        tokens: tokens it puts before the row by itself, trained keys and values included.
        rate: learning rate that serves by default (AdamW).
        adapts: whether it changes the backbone itself, so that runs cannot share passes.
        headed: whether a head that it trains answers.
    """

    @property
    def tokens(self) -> int: ...  # noqa: D102

    @property
    def rate(self) -> float: ...  # noqa: D102

    @property
    def adapts(self) -> bool: ...  # noqa: D102

    @property
    def headed(self) -> bool: ...  # noqa: D102

    def initial(self, seed: int) -> Tensors:
        """The tensors before training, float32."""
        ...

    def factor(self, name: str) -> float:
        """Learning rate of a tensor, relative to the run's."""
        ...

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """How these tensors condition the backbone; `noise` draws dropout, and is None when not training."""
        ...


def dropped(x: torch.Tensor, share: float, noise: torch.Generator | None) -> torch.Tensor:
    """Dropout from a generator: a share of the values zeroed, the others scaled up."""
    if not share or noise is None:
        return x
    keep = torch.rand(x.shape, generator=noise).to(x.device) >= share
    return x * keep / (1 - share)
