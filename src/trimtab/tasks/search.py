"""Hard prompt search: wordings and label words ranked on dev by successive halving. Knows nothing about files.

Wordings are ranked first, under the given label words; then label words, under the best wording. Candidates of a round
share passes, as runs of one engine do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example
from trimtab.errors import TrimtabError
from trimtab.inference.engine import Engine
from trimtab.inference.request import Request
from trimtab.kinds.bind import bind
from trimtab.kinds.prediction import LabelPrediction
from trimtab.methods.label_words import Words, word_proposals
from trimtab.prompts.proposals import Wording, wordings
from trimtab.runs.run import zero_shot
from trimtab.settings.task import Task

# A candidate is scored on at least this many rows in the first round, where there are as many.
FIRST_ROWS = 8
# Share of the budget that wordings get; label words get the rest.
WORDING_SHARE = 2 / 3


@dataclass(frozen=True)
class Candidate:
    """A task worded in some way, and its label words."""

    task: Task
    words: Words


@dataclass(frozen=True)
class Found:
    """The best candidate, and how many of which were ranked on how many rows scored."""

    best: Candidate
    wordings: int
    word_sets: int
    scored: int


def search(
    task: Task, words: Words, dev: Sequence[Example], pretrained: Pretrained, *, budget: int, chinese: bool,
    on_scored: Callable[[int], None] | None = None,
) -> Found:  # fmt: skip
    """Find the wording and the label words that answer dev best, zero-shot. The given ones are among the candidates.

    Args:
        task, words: as given.
        dev: labelled examples.
        pretrained: the backbone.
        budget: rows scored at most.
        chinese: propose in Chinese; else in English.
        on_scored: told how many rows have been scored.

    Raises:
        TrimtabError: what template or words as given have against them, or a row that does not fit.
    """
    generator = np.random.default_rng([task.train.seed, 4])
    rows = [dev[i] for i in generator.permutation(len(dev))]
    names = [own[0] for own in words.values()]
    given = Wording(task.task, task.template.text)
    first, *others = [Candidate(_worded(task, w), words) for w in wordings(given, names, chinese=chinese)]
    others = [others[i] for i in generator.permutation(len(others))]  # where not all can be tried, any may
    best, tried, scored = _ranked([first, *others], rows, pretrained, int(budget * WORDING_SHARE), on_scored, 0)
    bound = bind(zero_shot(best.task, words, pretrained).task, words, pretrained)
    sets = word_proposals(words, bound.verbalizer, pretrained.backbone, pretrained.tokenizer, chinese=chinese)
    candidates = (Candidate(best.task, own) for own in sets)
    best, tried_sets, scored = _ranked(candidates, rows, pretrained, budget - scored, on_scored, scored)
    return Found(best, tried, tried_sets, scored)


def _worded(task: Task, wording: Wording) -> Task:
    template = task.template.model_copy(update={"text": wording.text})
    return task.model_copy(update={"task": wording.task, "template": template})


def _ranked(
    candidates: Iterable[Candidate], rows: Sequence[Example], pretrained: Pretrained, budget: int,
    on_scored: Callable[[int], None] | None, scored: int,
) -> tuple[Candidate, int, int]:  # fmt: skip
    """The best candidate by accuracy, then loss, of equals the first; how many were ranked; rows scored till now.

    Successive halving (Jamieson & Talwalkar 2016): in each round those left are scored on some rows more, as many for
    each as an even part of the budget allows, and the better half goes on.
    """
    engine, ranked = _loaded(candidates, pretrained, budget)
    alive, right, loss, seen = list(ranked), dict.fromkeys(ranked, 0), dict.fromkeys(ranked, 0.0), 0
    rounds = _rounds(len(ranked))
    for _ in range(rounds):
        sample = rows[seen : seen + budget // rounds // len(alive)]
        seen += len(sample)
        pairs = [(name, example) for example in sample for name in alive]
        answers = engine.answer([Request(name, example.fields, example.where) for name, example in pairs])
        for (name, example), answer in zip(pairs, answers, strict=True):
            assert isinstance(answer, LabelPrediction)
            right[name] += max(answer.probabilities, key=answer.probabilities.__getitem__) == example.answer
            loss[name] -= math.log(max(answer.probabilities[example.answer or ""], 1e-30))
        scored += len(pairs)
        if on_scored:
            on_scored(scored)
        alive = sorted(alive, key=lambda name: (-right[name], loss[name]))[: math.ceil(len(alive) / 2)]
    return ranked[alive[0]], len(ranked), scored


def _rounds(candidates: int) -> int:
    """Rounds until one of them is left."""
    return math.ceil(math.log2(candidates))


def _loaded(
    candidates: Iterable[Candidate], pretrained: Pretrained, budget: int
) -> tuple[Engine, dict[str, Candidate]]:
    """An engine with as many of the candidates as the budget can rank; the first must do, others may be unfit."""
    engine, ranked = Engine(pretrained), dict[str, Candidate]()
    for candidate in candidates:
        count = len(ranked) + 1
        if count * _rounds(count) * FIRST_ROWS > budget:
            break
        name = str(len(ranked))
        try:
            engine.add(name, zero_shot(candidate.task, candidate.words, pretrained))
        except TrimtabError:  # two labels with one word, say
            if not ranked:
                raise
            continue
        ranked[name] = candidate
    return engine, ranked
