"""Mean hidden states of texts: those of transformers' own model."""

from __future__ import annotations

import numpy as np
import torch
from transformers import AutoModel

from trimtab.inference.text_states import MOST_TOKENS, text_states
from trimtab.prompts import tokenize


def test_they_are_the_mean_of_what_transformers_gives(pretrained, tiny_folder):
    texts = ["a warm film", "", "the plot is awful , the cast boring " * 30]
    said = []
    found = text_states(pretrained, texts, lambda what, done, of: said.append((what, done, of)))
    model = AutoModel.from_pretrained(tiny_folder, dtype=torch.float32)
    for text, own in zip(texts, found, strict=True):
        ids = list(tokenize(pretrained.tokenizer, text))[:MOST_TOKENS]
        if not ids:
            assert not own.any()
            continue
        with torch.no_grad():
            theirs = model(torch.tensor([ids])).last_hidden_state[0].mean(dim=0).numpy()
        assert np.allclose(own, theirs, atol=1e-4)
    assert said[-1] == ("reading rows of train and test", 2, 2)
