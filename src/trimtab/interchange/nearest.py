"""A soft prompt described by the vocabulary entries nearest to it. Knows nothing about files.

P prompt length, D hidden, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from trimtab.backbones.pretrained import Pretrained
from trimtab.errors import RunError
from trimtab.interchange.peft import bound_run
from trimtab.runs.run import Run
from trimtab.settings.methods import MultitaskPromptSettings, PTuningSettings, SoftPromptSettings, WarpSettings

CAUTION = (
    "A description, not an equivalent: the nearest vocabulary entry to each vector, by cosine. Put into a prompt as "
    "text, these words do not do what the soft prompt does."
)


def describe(run: Run, pretrained: Pretrained) -> dict[str, Any]:
    """The nearest token to each vector of a soft prompt, and its cosine, as plain values.

    Raises:
        RunError: the run's method has no soft prompt, or it is of another backbone.
    """
    if not isinstance(run.task.method, SoftPromptSettings | WarpSettings | PTuningSettings | MultitaskPromptSettings):
        raise RunError(
            f"{run.name}: method '{run.task.method.name}' has no soft prompt to put into words.",
            "Only soft_prompt and p_tuning have one.",
        )
    _, condition = bound_run(run, pretrained)
    assert condition.soft is not None
    cosines, ids = nearest(condition.soft, pretrained.backbone.embedding.weight)
    decode = pretrained.tokenizer.decode
    return {
        "caution": CAUTION,
        "text": decode(ids.tolist()),
        "tokens": [
            {"id": i, "text": decode([i]), "cosine": round(cosine, 4)}
            for i, cosine in zip(ids.tolist(), cosines.tolist(), strict=True)
        ],
    }


def nearest(soft_PD: torch.Tensor, embeddings_VD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Largest cosine of each vector with any embedding, and which: [P, D] and [V, D] -> [P], [P]."""
    with torch.no_grad():
        words = embeddings_VD.float()
        norms = words.norm(dim=1).clamp(min=1e-12)
        best = (F.normalize(soft_PD.float(), dim=1) @ words.T / norms).max(1)
    return best.values, best.indices
