"""Cross entropy over the vocabulary in pieces equals plain cross entropy, value and gradient."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from models import VOCABULARY, tiny_model
from trimtab.backbones.causal import CausalBackbone
from trimtab.training import token_loss


@pytest.fixture
def backbone():
    return CausalBackbone(tiny_model("llama"))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("cap", [None, 2.0])
@pytest.mark.parametrize("trained", [False, True], ids=["frozen", "trained output vectors"])
def test_losses_in_pieces(backbone, monkeypatch, smoothing, cap, trained):
    monkeypatch.setattr(token_loss, "PIECE", 3 * VOCABULARY)  # three tokens a piece
    backbone.config.final_logit_softcapping = cap
    weight = backbone.output.weight.requires_grad_(trained)
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(10, backbone.hidden_size, generator=generator).requires_grad_()
    targets = torch.randint(VOCABULARY, (10,), generator=generator)
    share = torch.rand(10, generator=generator)
    losses = token_loss.token_losses(backbone, hidden, targets, smoothing)
    (losses * share).sum().backward()
    found = hidden.grad.clone(), weight.grad.clone() if trained else None
    hidden.grad = weight.grad = None
    logits = F.linear(hidden, weight)
    logits = torch.tanh(logits / cap) * cap if cap else logits
    expected = F.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)
    (expected * share).sum().backward()
    torch.testing.assert_close(losses, expected)
    torch.testing.assert_close(found[0], hidden.grad)
    if trained:
        torch.testing.assert_close(found[1], weight.grad)
