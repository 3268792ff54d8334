"""Segments of a transformer: the loss and the score that transformers itself makes of the same tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from trimtab.errors import DataError
from trimtab.pretraining.neural.models import new_transformer
from trimtab.pretraining.neural.segments import Segments
from trimtab.settings.corpus import TransformerSettings

END = 0
IDS = np.append(np.random.default_rng(0).integers(1, 50, 42), END).astype(np.uint16)
TINY = TransformerSettings(layers=2, width=16, heads=2)


def losses(model, begin: int, stop: int) -> torch.Tensor:
    whole = torch.from_numpy(np.append(END, IDS).astype(np.int64))
    with torch.no_grad():
        return F.cross_entropy(model(whole[None, begin:stop]).logits[0], whole[begin + 1 : stop + 1], reduction="none")


def test_the_loss_is_that_of_the_segments_asked_for():
    model = new_transformer(TINY, 50, END, 10, 0)
    reader = Segments(model, IDS, length=10, seed=0, bfloat16=False)
    assert reader.rows == 4
    [loss] = reader.loss([0], [dict(model.named_parameters())], [[3, 0]], 0)
    expected = torch.cat([losses(model, 30, 40), losses(model, 0, 10)]).mean()
    torch.testing.assert_close(loss, expected)


def test_every_token_is_scored_once_behind_half_a_window(monkeypatch):
    monkeypatch.setattr("trimtab.pretraining.neural.segments.SCORED_TOGETHER", 30)
    model = new_transformer(TINY, 50, END, 10, 0)
    reader = Segments(model, IDS, length=10, seed=0, bfloat16=False)
    expected = float(losses(model, 0, 10).sum())
    expected += sum(float(losses(model, at, at + 10)[5:].sum()) for at in range(5, 33, 5))
    expected += float(losses(model, 33, 43)[-3:].sum())
    assert reader.nats(dict(model.named_parameters()), IDS) == pytest.approx(expected, rel=1e-6)


def test_a_text_that_is_shorter_than_a_segment_is_refused():
    with pytest.raises(DataError) as caught:
        Segments(new_transformer(TINY, 50, END, 44, 0), IDS, length=44, seed=0, bfloat16=False)
    assert str(caught.value) == (
        "train: 43 tokens, fewer than the 44 of a segment. Lower train.length, or give more text."
    )
