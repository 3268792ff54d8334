"""What is tuned where a task file names no method. Knows nothing about run folders."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example
from trimtab.errors import TrimtabError
from trimtab.jobs.ways import FEW
from trimtab.prompts.demonstrations import usual_count
from trimtab.settings.methods import FewShotSettings, PrefixSettings
from trimtab.settings.task import Task

# A start of more tokens costs more time, memory and disk than it is worth.
LONGEST_START = 1024

Made = TypeVar("Made")


def with_usual_method(
    task: Task,
    words: Mapping[str, Sequence[str]],
    train: Sequence[Example],
    pretrained: Pretrained,
    make: Callable[[Task], Made],
) -> tuple[Made, str]:
    """What `make` makes of the task with its usual method, and a note where that is not a soft prompt.

    Where demonstrations are refused it is a soft prompt; what else is refused is so for that one too.

    Args:
        task, words, train, pretrained: as `context_tuned` takes them.
        make: makes something of a task, or raises TrimtabError.
    """
    usual = context_tuned(task, words, train, pretrained)
    if usual is not None:
        with suppress(TrimtabError):
            return make(usual), note(len(train))
    return make(task), ""


def context_tuned(
    task: Task, words: Mapping[str, Sequence[str]], train: Sequence[Example], pretrained: Pretrained
) -> Task | None:
    """The task with context tuning as its method, where that is the default; None where a soft prompt is.

    Context tuning does best on up to `FEW` rows of labels or choices (docs/benchmarks.md, Few rows), on a causal
    backbone and single texts; it is the default if the demonstrations take at most about `LONGEST_START` tokens. A
    learning rate that is set is taken to be meant for a soft prompt.

    Args:
        task: the settings.
        words: label -> its words.
        train: training rows.
        pretrained: the backbone.
    """
    given = "method" in task.model_fields_set or task.train.rate is not None
    if given or len(train) > FEW or not isinstance(pretrained.backbone, CausalBackbone):
        return None
    dialogue = task.template.chat or "{messages}" in task.template.text
    if task.answer.kind not in ("label", "choice") or "{soft" in task.template.text or dialogue:
        return None
    around = task.template.text.replace("{task}", task.task)  # the words of the template are part of each of them
    texts = [" ".join([around, *example.fields.values()]) for example in train]
    tokens = statistics.median(map(len, pretrained.tokenizer(texts, add_special_tokens=False)["input_ids"]))
    if tokens * usual_count(FewShotSettings(), len(words), len(train)) > LONGEST_START:
        return None
    return task.model_copy(update={"method": PrefixSettings(init="demonstrations")})


def note(rows: int) -> str:
    """Says what was picked, why, and how to have the other."""
    return (
        f"method: context tuning (a prefix that starts from training rows), which does best on as few rows as {rows}; "
        "--set method=soft_prompt tunes a soft prompt, which is far smaller."
    )
