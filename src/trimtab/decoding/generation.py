"""Answers in free text, token by token: greedy, drawn, or by beam search. Knows nothing about runs or templates.

N rows being gone on with, B beams of a row, V vocabulary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from transformers import LogitsProcessorList
from transformers.generation import logits_process as processors

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import PrefixState
from trimtab.decoding.constraints import Constraint
from trimtab.settings.answers import TextAnswer

# How an answer ended: with the end token, at a text of `stop`, or because it was as long as it may be.
Ended = Literal["end", "stop", "length"]


@dataclass(frozen=True)
class Ask:
    """One row to be answered in free text.

    Attributes:
        row: its tokens, and the prompt they are read with.
        settings: how the answer is found.
        most: tokens it may have, its end included.
        constraint: what it must be like; or None.
        lead: white space that the template puts before an answer: it belongs to the template, and no text of `stop` is
            looked for in it.
    """

    row: Row
    settings: TextAnswer
    most: int
    constraint: Constraint | None = None
    lead: str = ""


@dataclass(frozen=True)
class Written:
    """An answer.

    Attributes:
        ids: its tokens, without the end token.
        text: what they say, cut where a text of `stop` begins, without white space around it.
        log_likelihood: of the tokens, the end token included, by the backbone as it is (no temperature, no penalties).
        ended: how it ended.
    """

    ids: tuple[int, ...]
    text: str
    log_likelihood: float
    ended: Ended


@dataclass(frozen=True)
class Token:
    """A token as it was said: the row it belongs to, which of its answers, and the answer's tokens up to it."""

    row: int
    answer: int
    ids: tuple[int, ...]


@dataclass(frozen=True)
class Done:
    """All answers of a row, the best first, or in the order drawn."""

    row: int
    answers: tuple[Written, ...]


@dataclass
class _Line:
    """One text in the making."""

    row: int
    answer: int
    generator: torch.Generator | None = None
    constraint: Constraint | None = None
    ids: list[int] = field(default_factory=list)
    log_likelihood: float = 0.0


def write(
    backbone: Backbone, asks: Sequence[Ask], prefix: PrefixState | None, tokenizer: Any, ends: Sequence[int]
) -> Iterator[Token | Done]:
    """Answer rows, those of different prompts and settings in one batch; a row's answer does not depend on the others.

    Args:
        backbone: a causal one, or an encoder-decoder.
        asks: the rows.
        prefix: the prompts, read before; None where rows stand alone.
        tokenizer: says what tokens read like.
        ends: tokens that end an answer.

    Yields:
        Tokens as they are said (not an answer's last, nor those of beams), and each row's answers once they are there.
    """
    for beams in sorted({ask.settings.beams for ask in asks}):
        own = [i for i, ask in enumerate(asks) if ask.settings.beams == beams]
        way = _one_by_one if beams == 1 else _in_beams
        for event in way(backbone, [asks[i] for i in own], prefix, tokenizer, ends):
            yield (
                Token(own[event.row], event.answer, event.ids)
                if isinstance(event, Token)
                else Done(own[event.row], event.answers)
            )


def _one_by_one(
    backbone: Backbone, asks: Sequence[Ask], prefix: PrefixState | None, tokenizer: Any, ends: Sequence[int]
) -> Iterator[Token | Done]:
    """Greedy and drawn answers."""
    decoding = backbone.prefill([ask.row for ask in asks], prefix)
    lines = [
        _Line(i, k, _generator(ask, k), ask.constraint and ask.constraint.again())
        for i, ask in enumerate(asks)
        for k in range(ask.settings.answers)
    ]
    if len(lines) > len(asks):
        decoding.select(torch.tensor([line.row for line in lines], device=backbone.device))
    answers: list[dict[int, Written]] = [{} for _ in asks]
    while lines:
        logits = backbone.logits(decoding.hidden)
        scores = _scores(logits, lines, [asks[line.row].settings for line in lines], ends)
        chosen = [
            int(own.argmax()) if line.generator is None else _drawn(own, line.generator)
            for own, line in zip(scores, lines, strict=True)
        ]
        chosen_N = torch.tensor(chosen, device=logits.device)
        found = logits.gather(-1, chosen_N[:, None])[:, 0] - torch.logsumexp(logits, -1)
        left = []
        for at, (line, token, likelihood) in enumerate(zip(lines, chosen, found.tolist(), strict=True)):
            ask = asks[line.row]
            line.log_likelihood += likelihood
            written = _after(line, token, ask, tokenizer, ends)
            if written is None:
                left.append(at)
                yield Token(line.row, line.answer, tuple(line.ids))
                continue
            answers[line.row][line.answer] = written
            if len(answers[line.row]) == ask.settings.answers:
                yield Done(line.row, tuple(answers[line.row][k] for k in range(ask.settings.answers)))
        lines = [lines[at] for at in left]
        if lines:
            if len(left) < len(chosen):
                decoding.select(torch.tensor(left, device=backbone.device))
            decoding.step(chosen_N[left])


def _after(line: _Line, token: int, ask: Ask, tokenizer: Any, ends: Sequence[int]) -> Written | None:
    """Put a token behind a line; what it is, where that ends it."""
    if token in ends:
        return _written(line.ids, tokenizer, line.log_likelihood, "end")
    line.ids.append(token)
    if line.constraint is not None:
        line.constraint.took(token)
    if ask.settings.stop:
        text = tokenizer.decode(line.ids, skip_special_tokens=True)
        at = stopped_at(text, ask.settings.stop, ask.lead)
        if at is not None:
            return Written(tuple(line.ids), text[:at].strip(), line.log_likelihood, "stop")
    if len(line.ids) >= ask.most:
        return _written(line.ids, tokenizer, line.log_likelihood, "length")
    return None


def _written(ids: Sequence[int], tokenizer: Any, log_likelihood: float, ended: Ended) -> Written:
    text = tokenizer.decode(list(ids), skip_special_tokens=True).strip()
    return Written(tuple(ids), text, log_likelihood, ended)


def stopped_at(text: str, stop: Sequence[str], lead: str = "") -> int | None:
    """Where the first text of `stop` begins behind the template's own white space; None where there is none yet.

    Args:
        text: what was said so far.
        stop: the texts.
        lead: what the template puts before an answer, which may not have been said to its end yet.
    """
    if lead.startswith(text):
        return None
    begun = len(lead) if text.startswith(lead) else 0
    return min((at for each in stop if (at := text.find(each, begun)) >= 0), default=None)


def _generator(ask: Ask, answer: int) -> torch.Generator | None:
    """What an answer is drawn with; None where nothing is drawn.

    The stream follows from the seed, the row's tokens and the number of the answer, and so is the same wherever the row
    stands. Rows that shared one would draw rare tokens together.
    """
    if not ask.settings.temperature:
        return None
    content = ",".join(map(str, (ask.settings.seed, answer, *ask.row.ids)))
    digest = hashlib.sha256(content.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def _drawn(scores_V: torch.Tensor, generator: torch.Generator) -> int:
    return int(torch.multinomial(torch.softmax(scores_V.double().cpu(), -1), 1, generator=generator))


def _scores(
    logits_NV: torch.Tensor, lines: Sequence[_Line], settings: Sequence[TextAnswer], ends: Sequence[int]
) -> torch.Tensor:
    """Scores as the settings of each line change them: [N, V]."""
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


@dataclass
class _Search:
    """Beam search for one row: its live texts, their scores, and the best that have ended."""

    row: int
    lines: list[_Line]
    scores: list[float]
    ended: list[tuple[float, Written]] = field(default_factory=list)


def _in_beams(
    backbone: Backbone, asks: Sequence[Ask], prefix: PrefixState | None, tokenizer: Any, ends: Sequence[int]
) -> Iterator[Token | Done]:
    """Beam search as transformers does it (`early_stopping=False`), with the same number of beams for all rows."""
    width = asks[0].settings.beams
    decoding = backbone.prefill([ask.row for ask in asks], prefix)
    device = backbone.device
    decoding.select(torch.arange(len(asks), device=device).repeat_interleave(width))
    searches = [
        _Search(
            i,
            [_Line(i, k, None, ask.constraint and ask.constraint.again()) for k in range(width)],
            [0.0] + [float("-inf")] * (width - 1),
        )
        for i, ask in enumerate(asks)
    ]
    while searches:
        logits = torch.log_softmax(backbone.logits(decoding.hidden), -1)
        lines = [line for search in searches for line in search.lines]
        scores = _scores(logits, lines, [asks[line.row].settings for line in lines], ends)
        taken: list[int] = []
        tokens: list[int] = []
        left = []
        for at, search in enumerate(searches):
            span = slice(at * width, (at + 1) * width)
            parents = _grow(search, scores[span], logits[span], asks[search.row], tokenizer, ends)
            if parents is None:
                best = sorted(search.ended, key=lambda found: -found[0])[: asks[search.row].settings.answers]
                yield Done(search.row, tuple(written for _, written in best))
                continue
            left.append(search)
            taken += [at * width + parent for parent in parents]
            tokens += [line.ids[-1] for line in search.lines]
        searches = left
        if searches:
            decoding.select(torch.tensor(taken, device=device))
            decoding.step(torch.tensor(tokens, device=device))


def _grow(
    search: _Search, scores_BV: torch.Tensor, logits_BV: torch.Tensor, ask: Ask, tokenizer: Any, ends: Sequence[int]
) -> list[int] | None:
    """Put a token behind each live text; which text each came from, or None where the search is over."""
    width, settings = len(search.lines), ask.settings
    vocabulary = scores_BV.shape[1]
    total = scores_BV + torch.tensor(search.scores, device=scores_BV.device)[:, None]
    best = total.flatten().topk(min(max(2, 1 + len(ends)) * width, total.numel()))
    lines: list[_Line] = []
    scores: list[float] = []
    parents = []
    for rank, (score, place) in enumerate(zip(best.values.tolist(), best.indices.tolist(), strict=True)):
        if score == float("-inf") or len(lines) == width:
            break
        parent, token = divmod(place, vocabulary)
        old = search.lines[parent]
        line = _Line(
            old.row, old.answer, None, old.constraint and old.constraint.again(), list(old.ids),
            old.log_likelihood + float(logits_BV[parent, token]),
        )  # fmt: skip
        written = _after(line, token, ask, tokenizer, ends)
        if written is None:
            lines.append(line)
            scores.append(score)
            parents.append(parent)
        elif rank < width:
            length = len(line.ids) + (written.ended == "end")
            search.ended.append((score / length**settings.length_penalty, written))
    search.ended = sorted(search.ended, key=lambda found: -found[0])[:width]
    if not lines:
        return None
    length = len(lines[0].ids)
    hopeless = len(search.ended) == width and scores[0] / length**settings.length_penalty <= search.ended[-1][0]
    if hopeless:
        return None
    while len(lines) < width:  # fewer ways on than beams: the last stands in, without hope
        lines.append(_Line(lines[-1].row, lines[-1].answer, None, lines[-1].constraint and lines[-1].constraint.again(),
                           list(lines[-1].ids), lines[-1].log_likelihood))  # fmt: skip
        scores.append(float("-inf"))
        parents.append(parents[-1])
    search.lines, search.scores = lines, scores
    return parents
