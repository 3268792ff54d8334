from __future__ import annotations

import torch
from torch.nn import functional as F

from recurrent_models import recurrent_model
from trimtab.backbones.recurrent.gru import GRUConfig, GRUForCausalLM


def test_the_loss_is_that_of_each_next_token_that_is_named():
    model, ids = recurrent_model("gru"), torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
    labels = ids.clone()
    labels[0, 3:] = -100
    logits = model(input_ids=ids).logits
    told = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (1, 3)]
    expected = torch.stack([F.cross_entropy(logits[b, t], ids[b, t + 1]) for b, t in told]).mean()
    torch.testing.assert_close(model(input_ids=ids, labels=labels).loss, expected)


def test_what_is_dropped_is_drawn_while_it_is_trained_only():
    torch.manual_seed(0)
    model = GRUForCausalLM(GRUConfig(vocab_size=11, hidden_size=8, dropout=0.5))
    ids = torch.tensor([[1, 2, 3]])
    assert not torch.equal(model.train()(input_ids=ids).logits, model(input_ids=ids).logits)
    assert torch.equal(model.eval()(input_ids=ids).logits, model(input_ids=ids).logits)


def test_a_stretch_goes_on_from_the_state_of_the_one_before():
    model = recurrent_model("lstm")
    x_TBD = torch.randn(6, 2, 16)
    whole, end = model.read(x_TBD.flatten(0, 1), torch.full((6,), 2), model.start(2))
    first, state = model.read(x_TBD[:4].flatten(0, 1), torch.full((4,), 2), model.start(2))
    second, state = model.read(x_TBD[4:].flatten(0, 1), torch.full((2,), 2), state)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(state, end)
