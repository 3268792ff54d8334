"""Optimisers and learning-rate schedules. Knows nothing about what is optimised."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch

# Learning rates that serve by default, relative to AdamW's.
RATE_OF = {"adamw": 1.0, "adafactor": 1.0, "sgd": 50.0}
# Adafactor's steps are the rate times the RMS of the parameter, or times this where that is smaller. Its paper's 0.001
# would hold what starts at zero, as heads and LoRA's second factors do, near zero for good. With 1, steps are those of
# AdamW at the same rate.
SMALLEST = 1.0


def make_optimiser(
    name: Literal["adamw", "adafactor", "sgd"], parameters: Sequence[torch.Tensor], weight_decay: float
) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019), Adafactor (Shazeer & Stern 2018) or SGD with momentum 0.9.

    Each parameter is a group of its own, so that several runs share one optimiser without touching each other. Weight
    decay is decoupled from the gradient in all three. The rate is set before each step (see `rate_at`). AdamW works in
    one pass over a parameter where the device can (a tenth of the time on a CPU, without copies); it reads memory in
    order, so that parameters must be contiguous for it, as their gradients then are.
    """
    groups = [{"params": [parameter]} for parameter in parameters]
    match name:
        case "adamw":
            fused = all(p.device.type in ("cpu", "cuda") and p.is_contiguous() for p in parameters)
            return torch.optim.AdamW(groups, lr=0.0, weight_decay=weight_decay, fused=fused)
        case "adafactor":
            return torch.optim.Adafactor(groups, lr=0.0, weight_decay=weight_decay, eps=(None, SMALLEST))
        case "sgd":
            return _DecoupledSGD(groups, weight_decay)


class _DecoupledSGD(torch.optim.SGD):
    """SGD with momentum 0.9 whose weight decay shrinks the parameter directly."""

    def __init__(self, groups: list[dict[str, list[torch.Tensor]]], decay: float) -> None:
        super().__init__(groups, lr=0.0, momentum=0.9)
        self.decay = decay

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * self.decay)
        super().step(closure)


def rate_at(
    step: int,
    steps: int,
    rate: float,
    schedule: Literal["constant", "linear", "cosine", "exponential"],
    warmup: float,
) -> float:
    """Learning rate of a step (counted from 0): a linear rise over `warmup * steps` steps, then the schedule.

    linear and cosine end at 0 (Loshchilov & Hutter 2017 for cosine), exponential at 1% of the rate.
    """
    rise = round(warmup * steps)
    if step < rise:
        return rate * (step + 1) / rise
    done = (step - rise) / max(1, steps - rise)
    match schedule:
        case "constant":
            return rate
        case "linear":
            return rate * (1 - done)
        case "cosine":
            return rate * 0.5 * (1 + math.cos(math.pi * done))
        case "exponential":
            return float(rate * 0.01**done)
