"""A backbone held against its own model as transformers runs it, before it is trusted. Knows nothing of files.

What is compared is what both make of the rows of a trial. In float32 right arithmetic differs by next to nothing. In
fewer bits rounding differs too, and how far that takes a model is measured: its own code is run again with noise of the
size of one rounding on all that its modules make.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from trimtab.backbones.backbone import AnswerPlace, Backbone
from trimtab.backbones.door.trial import Made, Trial, by_backbone, by_transformers, trial_for
from trimtab.backbones.door.unserved import unserved
from trimtab.backbones.door.windows import narrowed
from trimtab.backbones.silence import quiet

# In float32: share of the spread of what is expected. Right families stay below 1e-5, wrong ones begin at a tenth.
_SINGLE = 1e-3
# In fewer bits: how often the distance that rounding was found to make. Right families stay below twice.
_ROUNDINGS = 4.0
# The part of a row's tokens that must be within it; a mixture of experts takes another turn at a few of them.
_TOKENS = 0.75

_WHERE = {
    "training": "in a training pass its scores are not those that transformers makes",
    "words": "the scores of single words are not those that transformers makes",
    "gradient": "gradients of prompts are not those that transformers makes",
    "read before": "behind a prompt that was read before its scores are not those that transformers makes",
    "token by token": "said token by token, its scores are not those that transformers makes",
}


def require_equal(backbone: Backbone) -> None:
    """Compare a backbone with its model as transformers runs it.

    Raises:
        UnservedError: they differ, one of them fails, or the model has layers that do without attention.
    """
    config = backbone.model.config
    with narrowed(backbone) as (own, window):
        trial = trial_for(own, window)
        try:
            with _as_transformers_runs_it(own):
                expected = by_transformers(own, trial)
                again = None if own.dtype == torch.float32 else _again_with_noise(own, trial)
            found = by_backbone(own, trial)
            seen = 0 if own.own_attention else _layers_seen(own)
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # whatever a family's code raises where it is called in a way it does not know
            first = str(error).strip().partition("\n")[0] or type(error).__name__
            raise unserved(config, f"its code cannot be run over packed rows ({first.rstrip('.')})") from error
    layers = int(getattr(own.config, "num_hidden_layers", 0))
    if own.answer_place is not AnswerPlace.APART and not own.own_attention and seen != layers:
        raise unserved(config, f"{layers - seen} of its {layers} layers do without the attention that is shared")
    for part, what in _WHERE.items():
        if part in expected.parts and (away := _away(part, found, expected, again)):
            raise unserved(config, f"{what} ({away})")


@contextmanager
def _as_transformers_runs_it(backbone: Backbone) -> Iterator[None]:
    """The model with its own attention for a while."""
    ours = backbone.model.config._attn_implementation
    with quiet():
        backbone.model.set_attn_implementation("eager")
        try:
            yield
        finally:
            backbone.model.set_attn_implementation(ours)


def _layers_seen(backbone: Backbone) -> int:
    """How many layers call the shared attention, as a prompt that is read has keys and values in each."""
    with torch.no_grad():
        return len(backbone.read_prefix([backbone.embed_with([0], None)]).layers)


def _again_with_noise(backbone: Backbone, trial: Trial) -> Made:
    """The model's own code once more, all that its innermost modules make changed by about one rounding."""
    draw = torch.Generator().manual_seed(3)
    size = torch.finfo(backbone.dtype).eps / 2

    def change(_: nn.Module, __: object, out: Any) -> Any:
        if not isinstance(out, torch.Tensor) or not out.is_floating_point():
            return out
        noise = torch.randn(out.shape, generator=draw).to(out.device) * size
        return (out.float() * (1 + noise)).to(out.dtype)

    leaves = [m for m in backbone.model.modules() if not any(True for _ in m.children())]
    handles = [leaf.register_forward_hook(change) for leaf in leaves]
    try:
        return by_transformers(backbone, trial)
    finally:
        for handle in handles:
            handle.remove()


def _away(part: str, found: Made, expected: Made, again: Made | None) -> str:
    """How far the rows of one part are from what is expected, in words; "" where they are near enough."""
    for i, (own, theirs) in enumerate(zip(found.parts[part], expected.parts[part], strict=True)):
        if own.shape != theirs.shape or not bool(own.isfinite().all()):
            return "they are no finite numbers" if own.shape == theirs.shape else "they are of another shape"
        size = float(theirs.square().mean().sqrt())
        if again is None:
            away, most = float(_distances(own, theirs).max()), _SINGLE * size
        else:
            away = float(_distances(own, theirs).quantile(_TOKENS))
            most = _ROUNDINGS * float(_distances(again.parts[part][i], theirs).quantile(_TOKENS))
        if away > most:
            return f"by {away / size:.2g} of their size, where rounding makes {most / size:.1g} at most"
    return ""


def _distances(found: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Root mean square of the difference, row by row of a matrix."""
    return (found - expected).square().mean(-1).sqrt()
