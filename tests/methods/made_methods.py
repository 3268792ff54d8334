"""Methods made for tests, their tensors moved, and the scores that they give."""

from __future__ import annotations

import torch
from test_soft_prompt import material

from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import Prompt
from trimtab.methods.choose import make_method
from trimtab.methods.method import FIXED
from trimtab.settings.file import make_task

IDS = [[5, 6, 7, 8], [9, 9], [3, 14, 15, 92, 65]]


def method_of(pretrained, settings, **changes):
    given = settings if isinstance(settings, dict) else {"name": settings}
    return make_method(make_task({"method": given}).method, material(pretrained, **changes), read_prompt=None)


def moved(tensors, seed=3):
    """The tensors, those that are trained moved from where they start and asking for gradients."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: x if name.startswith(FIXED) else (x + 0.1 * torch.randn(x.shape, generator=generator)).requires_grad_()
        for name, x in tensors.items()
    }


def logits(backbone, condition, rows=IDS):
    """Scores of the next token by Trimtab."""
    soft = condition.soft if condition.soft is not None else torch.zeros(0, backbone.hidden_size)
    adapted = backbone.adapted(condition.weights, condition.modules)
    hidden = adapted.forward([Row(ids) for ids in rows], [Prompt(soft, condition.past)])
    return hidden if condition.head else adapted.logits(hidden)
