"""Objectives: of soft prompts on tiny labelled rows, with prompts for them; and of any task that is bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

import tiny
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.methods.method import Condition
from trimtab.settings.file import make_task
from trimtab.training.loop import Parameters
from trimtab.training.objective import Objective
from trimtab.training.word_criterion import WordCriterion

WORDS = {
    "one token": {"negative": ["negative"], "positive": ["positive"]},
    "several words": {"negative": ["negative", "awful"], "positive": ["positive", "great"]},
    "several tokens": {"negative": ["not a good film", "bad"], "positive": ["a good film"]},
}
BRANCHES = {"negative": ["not a good film"], "positive": ["a good film"], "neither": ["a great film"]}


def make_objective(
    pretrained: Pretrained, words: str = "one token", *, n: int = 24, smoothing: float = 0.0, dropout: float = 0.0,
    seeds: tuple[int, ...] = (0, 1, 2), task: str = "is it good ?", **more: Any,
) -> Objective:  # fmt: skip
    """The objective of soft prompts of four vectors; its dev are the first eight rows of train."""
    text = "{task}\nText: {text}\nAnswer:{answer}" if task else "{text}\nAnswer:{answer}"
    made = make_task({"task": task, "template": {"text": text}, "method": {"length": 4, "dropout": dropout}, **more})
    bound = bind(made, WORDS.get(words) or BRANCHES, pretrained)
    examples = [Example({"text": row["text"]}, row["label"], "here") for row in tiny.rows(n)]
    targets: Any = bound.kind.targets(bound, bound.encode(examples), examples, None)[0]

    def condition(parameters: Parameters, step: int | None, run: int) -> Condition:
        noise = None if step is None else torch.Generator().manual_seed(seeds[run] * 1_000_003 + step)
        return bound.method.condition(parameters, noise)

    criterion = WordCriterion(bound.verbalizer, targets, targets[:8], smoothing)
    return Objective(pretrained.backbone, criterion, condition, bound.prompt)


def prompts(n: int) -> list[dict[str, torch.Tensor]]:
    """Parameters of several runs."""
    generator = torch.Generator().manual_seed(2)
    return [{"prompt": torch.randn(4, 32, generator=generator).requires_grad_()} for _ in range(n)]


def before_rows(objective: Objective, parameters: Parameters) -> torch.Tensor:
    """Input embeddings [P, D] of what is read before every row."""
    return objective.prompt(objective.condition(parameters, None, 0), objective.backbone).embeddings


def objective_on(bound: BoundTask, examples: Sequence[Example]) -> Objective:
    """The objective of a bound task, as its kind of answer makes it, on rows that are both train and dev."""
    targets = bound.kind.targets(bound, bound.encode(examples), examples, None)[0]
    criterion = bound.kind.criterion(bound, targets, targets, None)
    return Objective(
        bound.pretrained.backbone, criterion, lambda own, *_: bound.method.condition(own), bound.prompt
    )  # fmt: skip
