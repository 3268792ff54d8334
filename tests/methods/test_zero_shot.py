"""Nothing trained: the backbone as it is, its answers measured against a calibration where a run holds one."""

from __future__ import annotations

import torch
from made_methods import IDS, logits, method_of

from closeness import assert_near
from trimtab.backbones.layout import Row
from trimtab.methods.method import trained
from trimtab.methods.zero_shot import CALIBRATION, ZeroShot


def test_all_untrained_methods_leave_the_backbone_as_it_is(pretrained):
    with torch.no_grad():
        plain = pretrained.backbone.logits(pretrained.backbone.forward([Row(ids) for ids in IDS]))
        for name in ("zero_shot", "few_shot", "search"):
            method = method_of(pretrained, name)
            assert method == ZeroShot()
            assert method.initial(0) == {}
            assert_near(logits(pretrained.backbone, method.condition({})), plain)


def test_a_calibration_is_kept_and_handed_on_and_nothing_of_it_is_trained():
    kept = {CALIBRATION: torch.tensor([-0.1, -2.4])}
    assert trained(kept) == {}
    condition = ZeroShot().condition(kept)
    assert condition.calibration is kept[CALIBRATION]
    assert not condition.apart
    assert ZeroShot().condition({}).calibration is None
