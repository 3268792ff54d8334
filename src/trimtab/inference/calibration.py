"""Contextual calibration (Zhao et al. 2021). Knows nothing about files or training.

C labels.
"""

from __future__ import annotations

import torch

from trimtab.data.example import Example
from trimtab.decoding.scoring import Query, read_scores
from trimtab.kinds.bound_task import BoundTask
from trimtab.methods.method import Condition

# What stands in every field of a row without content (section 4 of the paper).
CONTENT_FREE = ("N/A", "", "[MASK]")


def content_free(bound: BoundTask) -> torch.Tensor:
    """Log [C] of the mean label probabilities of rows without content, behind the task's own prompt, float32.

    With these as `Condition.calibration` answers are softmax(log p - log p_cf), the paper's W p with
    W = diag(p_cf)^-1, normalised.
    """
    rows = bound.encode(
        [Example(dict.fromkeys(bound.template.fields, text), None, repr(text)) for text in CONTENT_FREE]
    )
    queries = [Query(row.ids, 0, bound.kind.reader(bound, row, Condition()), answer=row.answer) for row in rows]
    backbone = bound.pretrained.backbone
    with torch.no_grad():
        state = backbone.read_prefix([bound.prompt(Condition(), backbone)])
    shares = [scores.exp() for _, scores in read_scores(backbone, queries, state)]
    return torch.stack(shares).mean(0).clamp_min(torch.finfo(torch.float32).tiny).log()
