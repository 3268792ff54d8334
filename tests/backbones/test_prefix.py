"""Prompts side by side: which keys, vectors and positions are whose."""

from __future__ import annotations

import torch

from trimtab.backbones.prefix import PrefixState, Prompt, as_prompts, joined_caches, packed_pasts


def cache(tokens: int, first: float):
    """Two layers of keys and values [tokens, 1, 2], counting up."""
    counted = (first + torch.arange(tokens * 2.0)).view(tokens, 1, 2)
    return tuple((counted + 100 * layer, -counted - 100 * layer) for layer in range(2))


def test_a_prompt_is_as_long_as_its_past_and_its_vectors():
    vectors = torch.zeros(3, 4)
    assert (Prompt(vectors).past_length, Prompt(vectors).length) == (0, 3)
    assert (Prompt(vectors, cache(5, 0)).past_length, Prompt(vectors, cache(5, 0)).length) == (5, 8)
    assert [prompt.length for prompt in as_prompts([vectors, Prompt(vectors[:1])])] == [3, 1]


def test_states_join_in_order():
    soft = torch.ones(2, 4)
    first = PrefixState(cache(2, 0), (2,), (soft,), (7,))
    empty = PrefixState((), (0,))  # read without anything to say of soft vectors and shifts
    both = PrefixState(cache(4, 50), (1, 3))
    assert PrefixState.join([first]) is first
    joined = PrefixState.join([first, empty, both])
    assert joined.lengths == (2, 0, 1, 3)
    assert joined.soft == (soft, None, None, None)
    assert joined.shifts == (7, 0, 0, 0)
    for layer, (keys, values) in enumerate(joined.layers):
        expected = torch.tensor([0, 1, 2, 3, 50, 51, 52, 53, 54, 55, 56, 57.0]).view(6, 1, 2) + 100 * layer
        assert torch.equal(keys, expected)
        assert torch.equal(values, -expected)


def test_pasts_are_packed_without_those_that_have_none():
    given = [Prompt(torch.zeros(1, 4), cache(1, 0)), Prompt(torch.zeros(2, 4)), Prompt(torch.zeros(0, 4), cache(2, 9))]
    packed = packed_pasts(given, torch.float64)
    assert packed is not None
    assert [layer[0].dtype for layer in packed] == [torch.float64] * 2
    assert packed[1][0].flatten().tolist() == [100, 101, 109, 110, 111, 112]
    assert packed_pasts(given[1:2], torch.float32) is None


def test_gradients_reach_each_cache():
    caches = [tuple((k.requires_grad_(), v) for k, v in cache(n, 0)) for n in (1, 2)]
    (joined_caches(caches)[0][0] * torch.tensor([1.0, 2, 3]).view(3, 1, 1)).sum().backward()
    assert caches[0][0][0].grad.flatten().tolist() == [1, 1]
    assert caches[1][0][0].grad.flatten().tolist() == [2, 2, 3, 3]
