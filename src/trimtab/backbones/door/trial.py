"""The rows that a model is tried with, as transformers runs it and as a backbone does. Knows nothing of verdicts.

Three rows of different lengths behind two prompts: in a training pass with gradients, behind prompts that were read
before, and said token by token.

T tokens of a text, t scored tokens of a row, P prompt length, D hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from trimtab.backbones.backbone import AnswerPlace, Backbone
from trimtab.backbones.layout import Row

# Tokens of the two prompts, and of the rows' texts; what is said behind a text.
_PROMPTS = (3, 2)
_TEXTS = (4, 1, 6)
_SAID = 2


@dataclass(frozen=True)
class TriedRow:
    """One row of a trial.

    Attributes:
        text: token ids.
        said: token ids that go on with it, or answer it.
        prompt: index of its prompt.
    """

    text: tuple[int, ...]
    said: tuple[int, ...]
    prompt: int


@dataclass(frozen=True)
class Trial:
    """Prompts, as token ids, and the rows behind them.

    Attributes:
        prompts: token ids of each prompt.
        rows: the rows.
        words: some vocabulary entries, whose scores are made by themselves.
    """

    prompts: tuple[tuple[int, ...], ...]
    rows: tuple[TriedRow, ...]
    words: tuple[int, ...]


@dataclass
class Made:
    """What comes of a trial, as numbers that ought to be the same whoever makes them.

    Attributes:
        parts: by name, one tensor [t, numbers] a row or prompt.
    """

    parts: dict[str, list[torch.Tensor]] = field(default_factory=dict)


def trial_for(backbone: Backbone, longer_than: int) -> Trial:
    """Rows of tokens that stand for nothing special, one of them longer than a sliding window of `longer_than`."""
    special = _special(backbone.model.config) | _special(backbone.config)
    size = min(backbone.vocabulary_size, len(backbone.embedding.weight))
    usual = [i for i in range(size) if i not in special][: 1 << 16] or list(range(size))
    draw = torch.Generator().manual_seed(1)

    def ids(n: int) -> tuple[int, ...]:
        return tuple(usual[i] for i in torch.randint(len(usual), (n,), generator=draw).tolist())

    texts = [*_TEXTS[:-1], max(_TEXTS[-1], longer_than + 2)]
    rows = tuple(TriedRow(ids(n), ids(_SAID), i % 2) for i, n in enumerate(texts))
    return Trial(tuple(ids(n) for n in _PROMPTS), rows, tuple(sorted(set(ids(8)))))


def _special(config: Any) -> set[int]:
    """Token ids that a configuration names: of padding, ends, images."""
    named = (value for name, value in config.to_dict().items() if name.endswith(("token_id", "token_index")))
    return {i for value in named for i in (value if isinstance(value, list) else [value]) if isinstance(i, int)}


def by_backbone(backbone: Backbone, trial: Trial) -> Made:
    """What the backbone makes of a trial, in each of the ways it reads rows."""
    made = Made()
    soft = [backbone.embed_with(ids, None).detach().requires_grad_() for ids in trial.prompts]
    slots = [[-1 - i for i in range(len(ids))] for ids in trial.prompts]
    prompts = [backbone.prompt(ids, own) for ids, own in zip(slots, soft, strict=True)]
    rows = [_row(backbone, row, slots[row.prompt], said=True) for row in trial.rows]
    layout = backbone.pack(rows, max(prompt.length for prompt in prompts))
    firsts = [row.text_length - 1 if backbone.answer_place is AnswerPlace.APART else 0 for row in rows]
    ends = [(start, first, start + len(row.ids)) for start, first, row in zip(layout.starts, firsts, rows, strict=True)]
    sizes = [end - start - first for start, first, end in ends]
    wanted = torch.cat([torch.arange(start + first, end) for start, first, end in ends]).to(backbone.device)

    hidden = backbone.forward(layout, prompts, wanted=wanted)
    made.parts["training"] = _by_row(_scores(backbone, hidden).detach(), sizes)
    few = _few(backbone, hidden, trial)
    made.parts["words"] = _by_row(few.detach(), sizes)
    grads = torch.autograd.grad(_loss(_by_row(few, sizes)), soft)
    made.parts["gradient"] = [grad.float() for grad in grads]
    with torch.no_grad():
        state = backbone.read_prefix(prompts)
        hidden = backbone.forward(layout, state, wanted=wanted)
        made.parts["read before"] = _by_row(_scores(backbone, hidden), sizes)
    if backbone.generates:
        begun = backbone.prefill([_row(backbone, row, slots[row.prompt], said=False) for row in trial.rows], state)
        steps = [_scores(backbone, begun.hidden)]
        for said in zip(*(row.said for row in trial.rows), strict=True):
            begun.step(torch.tensor(said, device=backbone.device))
            steps.append(_scores(backbone, begun.hidden))
        made.parts["token by token"] = list(torch.stack(steps, 1).detach())
    return made


def _row(backbone: Backbone, row: TriedRow, slots: Sequence[int], *, said: bool) -> Row:
    ids = (*slots, *row.text) if backbone.whole_rows else row.text
    if backbone.answer_place is AnswerPlace.WITHIN:
        return Row(ids, row.prompt, read_at=None if backbone.scores_words else tuple(range(len(ids))))
    return backbone.answer_row(ids, (*row.said, row.said[0]), row.prompt) if said else Row(ids, row.prompt)


def _by_row(made: torch.Tensor, sizes: list[int]) -> list[torch.Tensor]:
    return list(torch.split(made, sizes))


def _scores(backbone: Backbone, hidden: torch.Tensor) -> torch.Tensor:
    return backbone.logits(hidden) if backbone.scores_words else hidden.float()


def _few(backbone: Backbone, hidden: torch.Tensor, trial: Trial) -> torch.Tensor:
    words = torch.tensor(trial.words, device=backbone.device)
    return backbone.logits(hidden, words) if backbone.scores_words else hidden.float()


def _loss(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    """A number that follows from the scores [t, C] of rows, with gradients of no regular kind."""
    draw = torch.Generator().manual_seed(2)
    parts = [(row.float() * torch.randn(row.shape, generator=draw).to(row.device)).sum() for row in rows]
    return torch.stack(parts).sum()


def by_transformers(backbone: Backbone, trial: Trial) -> Made:
    """What the model's own code makes of a trial, each row by itself behind the tokens of its prompt.

    The model must have transformers' own attention meanwhile.
    """
    words = torch.tensor(trial.words, device=backbone.device)
    scores, few, entered = [], [], []
    for row in trial.rows:
        with _entering(backbone) as read:
            scores.append(_own_scores(backbone, trial.prompts[row.prompt], row))
        few.append(scores[-1].index_select(1, words) if backbone.scores_words else scores[-1])
        entered.append(read[0])
    gradients = torch.autograd.grad(_loss(few), entered)
    made = Made({"training": [own.detach() for own in scores], "words": [own.detach() for own in few]})
    made.parts["gradient"] = [
        torch.stack(
            [
                gradient[0, : len(ids)].float() / backbone.embed_scale
                for gradient, row in zip(gradients, trial.rows, strict=True)
                if row.prompt == k
            ]
        ).sum(0)
        for k, ids in enumerate(trial.prompts)
    ]
    made.parts["read before"] = made.parts["training"]
    if backbone.generates:
        made.parts["token by token"] = [own[-1 - _SAID :] for own in made.parts["training"]]
    return made


@contextmanager
def _entering(backbone: Backbone) -> Iterator[list[torch.Tensor]]:
    """Note down what is embedded, the first the row itself, so that gradients of it can be asked for."""
    read: list[torch.Tensor] = []

    def note(_: nn.Module, __: object, embedded: torch.Tensor) -> torch.Tensor:
        read.append(embedded.detach().requires_grad_())
        return read[-1].clone()

    weight = backbone.embedding.weight
    places = [m for m in backbone.model.modules() if isinstance(m, nn.Embedding) and m.weight is weight]
    handles = [place.register_forward_hook(note) for place in places]
    try:
        yield read
    finally:
        for handle in handles:
            handle.remove()


def _own_scores(backbone: Backbone, prompt: Sequence[int], row: TriedRow) -> torch.Tensor:
    """Scores [t, V] of a row by the model itself, or its hidden states [t, D] where it scores nothing."""

    def as_ids(ids: Sequence[int]) -> torch.Tensor:
        return torch.tensor([list(ids)], device=backbone.device)

    given: dict[str, Any] = {"input_ids": as_ids((*prompt, *row.text))}
    skipped = 0
    match backbone.answer_place:
        case AnswerPlace.BEHIND:
            given, skipped = {"input_ids": as_ids((*prompt, *row.text, *row.said)), "use_cache": False}, len(prompt)
        case AnswerPlace.APART:
            given |= {"decoder_input_ids": as_ids((*backbone.start, *row.said)), "use_cache": False}
            skipped = len(backbone.start) - 1
    with torch.enable_grad():
        scores: torch.Tensor = backbone.model(**given)[0][0, skipped:]
    return scores.float()
