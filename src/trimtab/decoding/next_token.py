"""Scores of the next token as settings change them, and what tokens are drawn with. Knows nothing about models.

N texts, V vocabulary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from transformers import LogitsProcessorList
from transformers.generation import logits_process as processors

from trimtab.decoding.answer_text import Ask, Line
from trimtab.settings.answers import TextAnswer


def generator_of(ask: Ask, answer: int) -> torch.Generator | None:
    """What an answer is drawn with; None where nothing is drawn.

    The stream follows from the seed, the row's tokens and the number of the answer, and so is the same wherever the row
    stands. Rows that shared one would draw rare tokens together.
    """
    if not ask.settings.temperature:
        return None
    content = ",".join(map(str, (ask.settings.seed, answer, *ask.row.ids)))
    digest = hashlib.sha256(content.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def drawn(scores_V: torch.Tensor, generator: torch.Generator) -> int:
    """A token drawn by its scores."""
    return int(torch.multinomial(torch.softmax(scores_V.double().cpu(), -1), 1, generator=generator))


def changed(
    logits_NV: torch.Tensor, lines: Sequence[Line], settings: Sequence[TextAnswer], ends: Sequence[int]
) -> torch.Tensor:
    """Scores as the settings of each line change them: [N, V]."""
    if not any(line.constraint or _changing(own) for line, own in zip(lines, settings, strict=True)):
        return logits_NV
    scores_NV = logits_NV.clone()
    for at, line in enumerate(lines):
        if line.constraint is not None:
            line.constraint.forbid(scores_NV[at])
    groups: dict[int, list[int]] = {}
    for at, own in enumerate(settings):
        groups.setdefault(id(own), []).append(at)
    for members in groups.values():
        own = settings[members[0]]
        short = [at for at in members if len(lines[at].ids) < own.min_tokens]
        if short and ends:
            scores_NV[torch.tensor(short)[:, None], torch.tensor(list(ends))] = float("-inf")
        changes = _changes(own)
        if not changes:
            continue
        for length in sorted({len(lines[at].ids) for at in members}):
            alike = [at for at in members if len(lines[at].ids) == length]
            ids = torch.tensor([lines[at].ids for at in alike], dtype=torch.long, device=logits_NV.device)
            index = torch.tensor(alike, device=logits_NV.device)
            scores_NV[index] = changes(ids.view(len(alike), length), scores_NV[index])
    return scores_NV


def _changing(settings: TextAnswer) -> bool:
    """Whether scores are changed at all where nothing constrains the text."""
    return bool(
        settings.min_tokens or settings.repetition_penalty != 1 or settings.no_repeat_ngram or settings.temperature
    )


def _changes(settings: TextAnswer) -> LogitsProcessorList:
    """transformers' own processors, in its order; penalties look at the answer, not at the row."""
    out = LogitsProcessorList()
    if settings.repetition_penalty != 1:
        out.append(processors.RepetitionPenaltyLogitsProcessor(settings.repetition_penalty))
    if settings.no_repeat_ngram:
        out.append(processors.NoRepeatNGramLogitsProcessor(settings.no_repeat_ngram))
    if settings.temperature:
        out.append(processors.TemperatureLogitsWarper(settings.temperature))
        if settings.top_k is not None:
            out.append(processors.TopKLogitsWarper(settings.top_k))
        if settings.top_p is not None:
            out.append(processors.TopPLogitsWarper(settings.top_p))
        if settings.min_p is not None:
            out.append(processors.MinPLogitsWarper(settings.min_p))
    return out
