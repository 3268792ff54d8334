"""A soft prompt and class vectors in one: what each starts from, how fast it is trained, and what the rows get."""

from __future__ import annotations

import pytest
import torch
from made_methods import method_of
from test_soft_prompt import material

from trimtab.methods.choose import make_method
from trimtab.methods.headed import BIAS, WEIGHT
from trimtab.methods.warp import Warp
from trimtab.settings.methods import WarpSettings


def test_the_prompt_is_a_soft_prompt_and_the_head_says_the_labels(pretrained):
    method, alone = (method_of(pretrained, {"name": name, "length": 4}) for name in ("warp", "soft_prompt"))
    start = method.initial(3)
    assert torch.equal(start["prompt"], alone.initial(3)["prompt"])
    condition = method.condition(start)
    assert torch.equal(condition.soft, alone.condition(alone.initial(3)).soft)
    assert condition.head[0] is start[WEIGHT]
    assert condition.head[1] is start[BIAS]
    assert (method.tokens, method.headed, method.adapts) == (4, True, False)


def test_each_part_has_its_own_rate(pretrained):
    method, alone = method_of(pretrained, "warp"), method_of(pretrained, "soft_prompt")
    assert method.rate * method.factor("prompt") == alone.rate
    assert method.rate * method.factor(WEIGHT) == pytest.approx(0.001)
    assert method.rate * method.factor(BIAS) == pytest.approx(0.001)


def test_class_vectors_start_from_label_words_or_from_zero(pretrained):
    output, ids = pretrained.backbone.output.weight, [pretrained.tokenizer(f" {word}")["input_ids"][0] for word in
                                                      ("negative", "positive")]  # fmt: skip
    for vectors in ("fitted", "labels"):  # what is fitted may draw to the words
        start = method_of(pretrained, {"name": "warp", "vectors": vectors}).initial(0)
        assert torch.equal(start[WEIGHT], output[ids])
    zero = method_of(pretrained, {"name": "warp", "vectors": "zero"}).initial(0)
    assert not zero[WEIGHT].any()
    assert not zero[BIAS].any()


def test_dropout_falls_on_the_prompt_while_training(pretrained):
    method = method_of(pretrained, {"name": "warp", "length": 50, "dropout": 0.5})
    start = method.initial(0)
    dropped = method.condition(start, torch.Generator().manual_seed(0))
    assert (dropped.soft == 0).float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert torch.equal(dropped.head[0], start[WEIGHT])


def test_slots_of_the_template_say_the_length(pretrained):
    method = make_method(WarpSettings(length=9), material(pretrained, slots=6), read_prompt=None)
    assert isinstance(method, Warp)
    assert (method.tokens, method.initial(0)["prompt"].shape) == (0, (6, 32))
