"""Heads: where they start."""

from __future__ import annotations

import torch
from made_methods import IDS, method_of
from torch.nn import functional as F

from closeness import assert_near
from trimtab.backbones.layout import Row


def test_a_head_from_label_words_scores_as_they_do(pretrained):
    method = method_of(pretrained, "head")
    condition = method.condition(method.initial(0))
    ids = torch.tensor([word.ids[0] for word in method.material.verbalizer.words])
    with torch.no_grad():
        hidden = pretrained.backbone.forward([Row(i) for i in IDS])
        expected = pretrained.backbone.logits(hidden, ids)
    assert_near(F.linear(hidden, *condition.head), expected)
    assert not method_of(pretrained, {"name": "head", "init": "zero"}).initial(0)["weight"].any()
