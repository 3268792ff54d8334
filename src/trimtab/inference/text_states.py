"""Texts to the mean hidden state of each, as the backbone reads it without a prompt. Knows nothing about tasks.

N texts, D hidden.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from trimtab.backbones.layout import Row
from trimtab.backbones.open import Progress
from trimtab.backbones.prefix import Prompt
from trimtab.backbones.pretrained import Pretrained
from trimtab.decoding.scoring import passes
from trimtab.prompts import tokenize
from trimtab.training.kept_rows import read_states

# Tokens of a text that are read.
MOST_TOKENS = 128


def text_states(pretrained: Pretrained, texts: Sequence[str], progress: Progress | None = None) -> NDArray[np.float32]:
    """Return the mean over the tokens of each text of the last hidden states, shape (N, D); 0 of a text without any.

    Args:
        pretrained: the backbone.
        texts: the texts; the first `MOST_TOKENS` tokens of each are read.
        progress: told how many have been read.
    """
    backbone, most = pretrained.backbone, min(MOST_TOKENS, pretrained.backbone.context - 1)
    rows = [list(tokenize(pretrained.tokenizer, text))[:most] for text in texts]
    found_ND = np.zeros((len(texts), backbone.hidden_size), dtype=np.float32)
    prompt = Prompt(backbone.embed_with([], None))
    read = [i for i, ids in enumerate(rows) if ids]
    done = 0
    for members in passes([len(rows[i]) for i in read]):
        own = [read[at] for at in members]
        with torch.no_grad():
            states_WD = read_states(backbone, [Row(rows[i], read_at=tuple(range(len(rows[i])))) for i in own], [prompt])
        each = torch.split(states_WD, [len(rows[i]) for i in own])
        found_ND[own] = torch.stack([states.mean(dim=0) for states in each]).cpu().numpy()
        done += len(own)
        if progress:
            progress("reading rows of train and test", done, len(read))
    return found_ND
