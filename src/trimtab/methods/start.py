"""Token ids a prompt starts from: the task description, the label words, a text, or common words.

Knows nothing about what is trained from them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch

from trimtab.errors import TrimtabError
from trimtab.methods.method import Material
from trimtab.prompts.tokens import tokenize

# Ordinary words stand early in a vocabulary built by merging frequent pairs; Lester et al. sample the 5,000 commonest.
COMMON = 5000


def start_ids(
    init: Literal["task", "labels", "vocabulary", "text", "demonstrations"],
    text: str | None,
    length: int,
    material: Material,
    generator: np.random.Generator,
) -> list[int]:
    """`length` token ids; a text that is shorter is repeated, a longer one cut.

    Raises:
        TrimtabError: where the text to start from is empty.
    """
    tokenizer = material.tokenizer
    label_ids = [i for word in material.verbalizer.words for i in tokenize(tokenizer, word.text)]
    match init:
        case "vocabulary":
            special = set(tokenizer.all_special_ids)
            common = [i for i in range(min(COMMON, material.backbone.vocabulary_size)) if i not in special]
            return [int(i) for i in generator.choice(common, size=length, replace=length > len(common))]
        case "labels":
            ids = label_ids
        case "text":
            ids = tokenize(tokenizer, text or "")
        case "demonstrations":
            ids = list(material.shown)
        case "task":  # without a description the label words say most about the task, then the template's head
            ids = tokenize(tokenizer, material.task) or label_ids or [i for i in material.head if i >= 0]
    if not ids and init != "text":
        raise TrimtabError(f"method.init is '{init}', and there is no such text.", "Describe the task under `task`.")
    if not ids:
        raise TrimtabError("method.init is 'text' but method.init_text is empty.", "Give the text to start from.")
    return (ids * (length // len(ids) + 1))[:length]


def normal(shape: tuple[int, ...], generator: np.random.Generator, device: torch.device) -> torch.Tensor:
    """Standard normal float32 numbers, the same on every machine and device."""
    return torch.from_numpy(generator.standard_normal(shape)).float().to(device)


def typical_size(x: torch.Tensor) -> float:
    """The standard deviation that normal numbers would have with the median magnitude of these.

    A few channels of hidden states, keys and values are many times larger than the rest (Dettmers et al. 2022, section
    4) and make up most of their mean square: by it a step would be far too long for all other channels. Of no numbers
    it is 1.
    """
    return 1.0 if not x.numel() else 1.4826 * float(x.abs().median())


def start_vectors(
    init: Literal["task", "labels", "vocabulary", "text", "demonstrations", "random"],
    text: str | None,
    length: int,
    material: Material,
    generator: np.random.Generator,
) -> torch.Tensor:
    """`length` vectors to start from, [length, D] float32, in units of the backbone's embedding RMS.

    Starts from text get noise of a tenth of the RMS, so that seeds differ. Raises TrimtabError as `start_ids` does.
    """
    backbone = material.backbone
    shape = (length, backbone.hidden_size)
    if init == "random":
        return normal(shape, generator, backbone.device)
    ids = torch.tensor(start_ids(init, text, length, material, generator), device=backbone.device)
    with torch.no_grad():
        start = backbone.embed(ids).float() / backbone.embedding_rms
    return start + normal(shape, generator, backbone.device) * (0.0 if init == "vocabulary" else 0.1)


def chosen_run(init_run: str | None, material: Material) -> Path:
    """The folder of the run to start from. Raises TrimtabError where none is set."""
    if init_run is None:
        raise TrimtabError("method.init is 'run' but method.init_run is not set.", "Give the run folder.")
    return material.base / init_run


def fitting(prompt: torch.Tensor, length: int, folder: Path) -> torch.Tensor:
    """The prompt of another run, as it is. Raises TrimtabError where it has another length."""
    if len(prompt) != length:
        raise TrimtabError(
            f"{folder}: its prompt has {len(prompt)} tokens, method.length is {length}.",
            f"Set method.length to {len(prompt)}.",
        )
    return prompt
