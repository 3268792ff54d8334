"""Soft prompt (Lester et al. 2021): vectors in front of the input, the only thing trained. Knows nothing about tasks.

The trained parameter is the prompt in units of the backbone's embedding RMS, so that one learning rate serves all
backbones. P prompt length, D hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from trimtab.backbones.causal import CausalBackbone
from trimtab.errors import TrimtabError
from trimtab.prompts.template import tokenize
from trimtab.spec import MethodSettings

# Ordinary words stand early in a vocabulary built by merging frequent pairs; Lester et al. sample the 5,000 commonest.
COMMON = 5000


def initial(
    settings: MethodSettings,
    backbone: CausalBackbone,
    tokenizer: Any,
    *,
    task: str,
    label_words: Sequence[str],
    seed: int,
) -> torch.Tensor:
    """The prompt before training: [P, D] float32, in units of the embedding RMS.

    Text shorter than the prompt is repeated, longer text is cut. Starts from text get noise of a tenth
    of the embedding RMS, so that seeds differ.

    Raises:
        TrimtabError: where the text to start from is empty.
    """
    generator = np.random.default_rng([seed, 1])
    device, length, rms = backbone.device, settings.length, backbone.embedding_rms
    match settings.init:
        case "random":
            noise = torch.from_numpy(generator.standard_normal((length, backbone.hidden_size)))
            return noise.float().to(device)
        case "vocabulary":
            special = set(tokenizer.all_special_ids)
            common = [i for i in range(min(COMMON, backbone.vocabulary_size)) if i not in special]
            ids = generator.choice(common, size=length, replace=length > len(common)).tolist()
        case "labels":
            ids = [i for word in label_words for i in tokenize(tokenizer, word)]
        case "text":
            ids = tokenize(tokenizer, settings.init_text or "")
        case "task":
            ids = tokenize(tokenizer, task)
            if not ids:  # no description to start from: the label words say most about the task
                ids = [i for word in label_words for i in tokenize(tokenizer, word)]
    if not ids:
        raise TrimtabError("method.init is 'text' but method.init_text is empty.", "Give the text to start from.")
    repeated = torch.tensor((ids * (length // len(ids) + 1))[:length], device=device)
    with torch.no_grad():
        start = backbone.embed(repeated).float() / rms
    noise = torch.from_numpy(generator.standard_normal(tuple(start.shape))).float().to(device)
    return start + noise * (0.1 if settings.init in ("task", "labels", "text") else 0.0)


def prefix(
    prompt_PD: torch.Tensor,
    backbone: CausalBackbone,
    *,
    leading_ids: Sequence[int] = (),
    head_ids: Sequence[int] = (),
    dropout: float = 0.0,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """All that is read before a row: the tokenizer's leading tokens, the prompt, the template's constant head.

    Args:
        prompt_PD: the prompt, in units of the embedding RMS; P may be 0.
        leading_ids, head_ids: token ids.
        dropout: share of prompt values zeroed (the others scaled up), drawn from `generator`.

    Returns:
        Embeddings [len(leading_ids) + P + len(head_ids), D]; gradients flow to the prompt.
    """
    prompt = prompt_PD
    if dropout:
        keep = torch.rand(prompt.shape, generator=generator).to(prompt.device) >= dropout
        prompt = prompt * keep / (1 - dropout)
    device = backbone.device
    fixed = [torch.tensor(list(ids), dtype=torch.long, device=device) for ids in (leading_ids, head_ids)]
    with torch.no_grad():
        before, after = (backbone.embed(ids).float() for ids in fixed)
    return torch.cat([before, prompt * backbone.embedding_rms, after])
