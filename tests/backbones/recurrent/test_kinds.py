from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

from recurrent_models import KINDS, recurrent_model
from trimtab.backbones.recurrent import gru, lstm, rnn
from trimtab.backbones.recurrent.kinds import is_recurrent, make_known

STEPS = {"rnn": rnn.step, "lstm": lstm.step, "gru": gru.step}
MODULES = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@pytest.mark.parametrize("kind", KINDS)
def test_scores_and_gradients_are_those_of_torchs_own_modules(kind):
    model = recurrent_model(kind)
    theirs = MODULES[kind](16, 16, 2, batch_first=True)
    for n, layer in enumerate(model.layers):
        theirs.get_parameter(f"weight_ih_l{n}").data.copy_(layer.input.weight)
        theirs.get_parameter(f"weight_hh_l{n}").data.copy_(layer.recurrence.weight)
        theirs.get_parameter(f"bias_ih_l{n}").data.copy_(layer.input.bias)
        theirs.get_parameter(f"bias_hh_l{n}").data.copy_(layer.recurrence.bias)
    ids = torch.randint(97, (3, 7))
    x = model.embedding(ids).detach()
    ours_x, their_x = x.clone().requires_grad_(), x.clone().requires_grad_()
    ours = model(inputs_embeds=ours_x).logits
    expected = model.output(theirs(their_x)[0])
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(model(input_ids=ids).logits, ours)
    expected.square().sum().backward()
    ours.square().sum().backward()
    torch.testing.assert_close(ours_x.grad, their_x.grad, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_does_what_its_equations_say(kind):
    model = recurrent_model(kind, layers=1)
    layer = model.layers[0].weights()
    x_TBD = torch.randn(5, 3, 16)
    state = tuple(torch.randn(3, 16) for _ in range(model.states))
    out, ends = model.run(x_TBD.flatten(0, 1), torch.full((5,), 3), state, layer)
    for x_BD, own in zip(x_TBD, out.view(5, 3, 16), strict=True):
        state = STEPS[kind](x_BD, state, layer)
        torch.testing.assert_close(own, state[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(ends, state, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_opens_what_was_saved(kind, tmp_path):
    make_known()
    make_known()
    model = recurrent_model(kind)
    model.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").is_file()
    opened = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert type(opened) is KINDS[kind][1]
    assert opened.output.weight is opened.embedding.weight
    ids = torch.tensor([[3, 1, 4]])
    torch.testing.assert_close(opened(input_ids=ids).logits, model(input_ids=ids).logits)
    assert is_recurrent(AutoConfig.from_pretrained(tmp_path))
    assert not is_recurrent(LlamaConfig())
