"""A run ready to answer: bound to the backbone, each set of its tensors with what is read of it. Knows no requests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.prefix import Prompt
from trimtab.backbones.pretrained import Pretrained
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.methods.method import Condition
from trimtab.runs.run import Run


@dataclass(frozen=True)
class Member:
    """One set of a run's tensors, ready to answer.

    Attributes:
        condition: how it conditions the backbone.
        backbone: the backbone so conditioned: the engine's own, or one that shares with it all that is not changed.
        prompt: what is read before rows.
        content: the same for prompts that are read alike.
        shared: whether its rows share passes with those of others: it does not change the backbone.
    """

    condition: Condition
    backbone: Backbone
    prompt: Prompt
    content: str
    shared: bool

    @property
    def passes_with(self) -> int:
        """Rows of members with the same number share passes."""
        return 0 if self.shared else id(self)


@dataclass(frozen=True)
class Loaded:
    """A run and its members."""

    bound: BoundTask
    members: tuple[Member, ...]


def load(run: Run, pretrained: Pretrained) -> Loaded:
    """Make a run ready. Raises RunError if it was made for another backbone."""
    run.check_backbone(pretrained)
    bound = bind(run.task, run.words, pretrained, examples=run.examples)
    return Loaded(bound, tuple(_member(bound, tensors, pretrained.backbone) for tensors in run.answering))


def _member(bound: BoundTask, tensors: Mapping[str, torch.Tensor], backbone: Backbone) -> Member:
    with torch.no_grad():
        condition = bound.method.condition({name: x.to(backbone.device) for name, x in tensors.items()})
        own = condition.on(backbone)
        prompt, shared = bound.prompt(condition, own), not condition.apart
        return Member(condition, own, prompt, _content(prompt, None if shared else own), shared)


def _content(prompt: Prompt, apart: Backbone | None) -> str:
    """A hash of all that the state of a prompt follows from."""
    digest = hashlib.sha256(f"{id(apart) if apart else 0} {prompt.shift} {prompt.past_length}".encode())
    vectors = [prompt.embeddings, *([] if prompt.soft is None else [prompt.soft])]
    for x in (*vectors, *(part for layer in prompt.past or () for part in layer)):
        digest.update(f"{x.dtype} {tuple(x.shape)}".encode())
        digest.update(x.detach().contiguous().cpu().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
