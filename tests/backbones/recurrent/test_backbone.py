from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from recurrent_models import KINDS, recurrent_model
from trimtab.backbones.door.comparison import require_equal
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import PrefixState
from trimtab.backbones.recurrent.backbone import RecurrentBackbone

ROWS = [Row([3, 1, 4], 0), Row([1, 5, 9, 2, 6], 1), Row([7], 1), Row([5, 8], 0)]
# The text, and behind it two words that begin alike: 11 12, 11 13, and a third of its own, 14.
TREE = Row([3, 1, 11, 14, 12, 13], 1, (-1, -1, 0, 0))
PATHS = {2: [11], 3: [14], 4: [11, 12], 5: [11, 13]}


@pytest.fixture(params=KINDS)
def backbone(request):
    return RecurrentBackbone(recurrent_model(request.param))


def naive(backbone, soft, ids):
    """Hidden states of a row by the model's layers one token after another, its prompt read anew."""
    words = backbone.model.embedding(torch.tensor(ids, dtype=torch.long))
    state, out = backbone.model.start(1), []
    for x_D in torch.cat([soft, words]):
        hidden, state = backbone.model.read(x_D[None], torch.tensor([1]), state)
        out.append(hidden[0])
    return torch.stack(out[len(soft) :])


def prompts(backbone):
    torch.manual_seed(4)
    return [torch.randn(n, backbone.hidden_size).requires_grad_() for n in (4, 2)]


def test_rows_behind_prompts_are_those_of_a_loop_that_reads_its_prompt_for_every_row(backbone):
    ours, theirs = prompts(backbone), prompts(backbone)
    found = backbone.forward(ROWS, [backbone.prompt([-1 - i for i in range(len(p))], p) for p in ours])
    expected = torch.stack([naive(backbone, theirs[row.prompt], row.ids)[-1] for row in ROWS])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    found.square().sum().backward()
    expected.square().sum().backward()
    for own, right in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own.grad, right.grad, rtol=1e-4, atol=1e-5)


def test_rows_behind_a_state_that_was_kept_and_joined_are_the_same(backbone):
    given = prompts(backbone)
    with torch.no_grad():
        expected = backbone.forward(ROWS, given)
        state = PrefixState.join([backbone.read_prefix([prompt]) for prompt in given])
        torch.testing.assert_close(backbone.forward(ROWS, state), expected, rtol=1e-5, atol=1e-5)
        alone = [backbone.forward([replace(row, prompt=0)], [given[row.prompt]])[0] for row in ROWS]
    torch.testing.assert_close(torch.stack(alone), expected, rtol=1e-5, atol=1e-5)


def test_each_node_of_a_tree_goes_on_from_its_parent(backbone):
    ours, theirs = prompts(backbone), prompts(backbone)
    layout = backbone.pack([ROWS[1], TREE, ROWS[0]])
    wanted = torch.tensor([layout.starts[1] + place for place in PATHS])
    found = backbone.forward(layout, ours, wanted=wanted)
    expected = torch.stack([naive(backbone, theirs[1], [3, 1, *path])[-1] for path in PATHS.values()])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    found.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(ours[1].grad, theirs[1].grad, rtol=1e-4, atol=1e-5)


def test_rows_that_are_gone_on_with_and_picked_are_those_of_a_loop(backbone):
    given = prompts(backbone)
    with torch.no_grad():
        decoding = backbone.prefill(ROWS, backbone.read_prefix(given))
        decoding.step(torch.tensor([2, 4, 6, 8]))
        decoding.select(torch.tensor([3, 1, 1]))
        decoding.step(torch.tensor([10, 20, 30]))
        texts = [(0, [5, 8, 8, 10]), (1, [1, 5, 9, 2, 6, 4, 20]), (1, [1, 5, 9, 2, 6, 4, 30])]
        expected = torch.stack([naive(backbone, given[k], ids)[-1] for k, ids in texts])
    torch.testing.assert_close(decoding.hidden, expected, rtol=1e-5, atol=1e-5)


def test_a_past_is_the_state_that_a_prompt_starts_from(backbone):
    soft = torch.randn(5, backbone.hidden_size)
    with torch.no_grad():
        behind = backbone.read_prefix([soft[:3]])
        prompt = backbone.prompt([-1, -2], soft[3:], behind.layers)
        expected = backbone.read_prefix([soft, backbone.embed_with([], None)])
        found = backbone.read_prefix([prompt, backbone.embed_with([], None)])
    for own, right in zip(found.layers, expected.layers, strict=True):
        torch.testing.assert_close(own, right, rtol=1e-5, atol=1e-5)
    assert found.lengths == (3, 0)
    assert not any(bool(part[1].any()) for pair in found.layers for part in pair)


def test_soft_vectors_within_rows_and_rows_without_prompts_are_read(backbone):
    soft = torch.randn(2, backbone.hidden_size)
    with torch.no_grad():
        found = backbone.forward([Row([3, -2, 4])], [backbone.prompt([], soft, slots=True)])
        words = backbone.embed(torch.tensor([3, 3, 4]))
        words[1] = soft[1]
        expected = naive(backbone, words[:2], [4])
        bare = backbone.forward([Row([3, 1])])
        torch.testing.assert_close(bare[0], naive(backbone, soft[:0], [3, 1])[-1])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_with_checkpointing_the_gradients_are_the_same(backbone):
    plain, again = prompts(backbone), prompts(backbone)
    backbone.forward([*ROWS, TREE], plain).square().sum().backward()
    backbone.forward([*ROWS, TREE], again, checkpointing=True).square().sum().backward()
    torch.testing.assert_close([p.grad for p in again], [p.grad for p in plain])


def test_other_weights_are_read_and_given_gradients(backbone):
    name = "layers.0.recurrence.weight"
    weight = torch.zeros_like(backbone.model.get_parameter(name)).requires_grad_()
    given = prompts(backbone)
    adapted = backbone.adapted({name: weight})
    changed = recurrent_model(backbone.config.model_type.removeprefix("trimtab-"))
    changed.get_parameter(name).data.zero_()
    found = adapted.forward(ROWS, given)
    torch.testing.assert_close(found, RecurrentBackbone(changed).forward(ROWS, given))
    found.square().sum().backward()
    assert bool(weight.grad.any())
    assert not torch.equal(backbone.forward(ROWS, given), found)


class Doubled(nn.Module):
    """A linear layer with something put around it, as LoRA is."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.in_features = layer, layer.in_features

    def forward(self, x):
        return 2 * self.layer(x)


def test_what_is_put_around_a_layer_has_its_effect(backbone):
    layer = backbone.model.layers[1].recurrence
    adapted = backbone.adapted(None, {"layers.1.recurrence": Doubled(layer)})
    weights = {"layers.1.recurrence.weight": 2 * layer.weight, "layers.1.recurrence.bias": 2 * layer.bias}
    expected = backbone.adapted(weights).forward(ROWS, prompts(backbone))
    torch.testing.assert_close(adapted.forward(ROWS, prompts(backbone)), expected, rtol=1e-4, atol=1e-5)


def test_the_door_lets_it_in(backbone):
    require_equal(backbone)
