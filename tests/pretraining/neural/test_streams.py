"""Truncated back-propagation beside a loop by hand, and what is scored beside the whole stream read at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from recurrent_models import recurrent_model
from trimtab.errors import DataError
from trimtab.pretraining.neural import streams as room
from trimtab.pretraining.neural.reader import CarryingTraining
from trimtab.pretraining.neural.streams import Streams
from trimtab.training.loop import DevScore, Plan

END = 0
IDS = np.append(np.random.default_rng(0).integers(1, 50, 43), END).astype(np.uint16)


def without_dropout(kind: str):
    model = recurrent_model(kind, 50, 8)
    model.dropout.p = 0.0
    return model


def test_two_segments_are_those_of_a_loop_by_hand():
    """Streams of 14 tokens are read in segments of 5, 5 and 4; then the next pass starts from zeros."""
    model = without_dropout("lstm")
    hand = nn.LSTM(8, 8, 2)
    embedding, bias = nn.Parameter(model.embedding.weight.detach().clone()), nn.Parameter(model.output.bias.detach())
    with torch.no_grad():
        for i, layer in enumerate(model.layers):
            for own, name in ((layer.input, "ih"), (layer.recurrence, "hh")):
                getattr(hand, f"weight_{name}_l{i}").copy_(own.weight)
                getattr(hand, f"bias_{name}_l{i}").copy_(own.bias)
    bias = nn.Parameter(bias.clone())
    optimiser = torch.optim.SGD([embedding, bias, *hand.parameters()], 0.5, momentum=0.9)

    reader = Streams(model, IDS, streams=3, length=5, seed=0, bfloat16=False)
    plan = Plan(reader.rows, 4, 3, 4, 0.5, (0,), optimiser="sgd", schedule="constant", warmup=0, clip=None)
    training = CarryingTraining(
        plan, [dict(model.named_parameters())], reader.loss, lambda *_: [DevScore(0, 0)], reader=reader
    )
    losses = [record.losses[0] for record in training.steps()]

    whole = torch.from_numpy(np.append(END, IDS).astype(np.int64))
    read = torch.stack([whole[k * 14 : k * 14 + 14] for k in range(3)], 1)
    told = torch.stack([whole[k * 14 + 1 : k * 14 + 15] for k in range(3)], 1)
    state = None
    for (begin, stop), loss in zip(((0, 5), (5, 10), (10, 14), (0, 5)), losses, strict=True):
        state = None if begin == 0 else tuple(part.detach() for part in state)
        hidden, state = hand(embedding[read[begin:stop]], state)
        own = F.cross_entropy((hidden @ embedding.T + bias).flatten(0, 1), told[begin:stop].flatten())
        optimiser.zero_grad()
        own.backward()
        optimiser.step()
        assert loss == pytest.approx(own.item(), abs=1e-5)
    torch.testing.assert_close(training.parameters[0]["embedding.weight"], embedding, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        training.parameters[0]["layers.1.recurrence.weight"], hand.weight_hh_l1, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("kind", ["rnn", "gru"])
@pytest.mark.parametrize("streams", [1, 3])
def test_every_token_is_scored_once(kind, streams, monkeypatch):
    monkeypatch.setattr(room, "SCORED_LENGTH", len(IDS) // streams)
    model = without_dropout(kind)
    reader = Streams(model, IDS, streams=2, length=6, seed=0, bfloat16=False)
    expected, before = 0.0, END
    for own in np.array_split(IDS.astype(np.int64), streams):  # the longer ones first
        ids = torch.from_numpy(np.append(before, own))[None]
        expected += F.cross_entropy(model(ids[:, :-1]).logits[0], ids[0, 1:], reduction="sum").item()
        before = own[-1]
    assert reader.nats(dict(model.named_parameters()), IDS) == pytest.approx(expected, rel=1e-6)


def test_more_streams_than_tokens_are_refused():
    with pytest.raises(DataError) as caught:
        Streams(recurrent_model("rnn", 50, 8), IDS, streams=45, length=6, seed=0, bfloat16=False)
    assert str(caught.value) == (
        "train: 44 tokens, which cannot be cut into 45 streams. Lower train.batch_size, or give more text."
    )
