"""bfloat16 weights: the fused layers, the plain path and float32 agree as far as 8 bits allow."""

from __future__ import annotations

import copy

import pytest
import torch

from models import tiny_model
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.layout import Row


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gemma3", "gpt2"])
def test_bfloat16_follows_float32(architecture):
    rows = [Row([1, 2, 3]), Row([4, 5, 6, 7, 8])]
    results = []
    for dtype, fuse in ((torch.float32, True), (torch.bfloat16, True), (torch.bfloat16, False)):
        backbone = CausalBackbone(copy.deepcopy(tiny_model(architecture)).to(dtype), fuse=fuse)
        generator = torch.Generator().manual_seed(0)
        prompt = (torch.randn(6, backbone.hidden_size, generator=generator) * 0.2).requires_grad_()
        only = torch.tensor([3, 9, 11])
        logits = backbone.logits(backbone.forward(rows, [prompt]), only)
        assert logits.dtype == torch.float32
        torch.nn.functional.cross_entropy(logits, torch.tensor([0, 2])).backward()
        results.append((logits.detach(), prompt.grad))
    (exact, gradient), *rounded = results
    for logits, rounded_gradient in rounded:
        assert (logits - exact).norm() < 0.1 * exact.norm()
        assert torch.nn.functional.cosine_similarity(gradient.flatten(), rounded_gradient.flatten(), dim=0) > 0.98
