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
from trimtab.spec import Task
from trimtab.spec_methods import FewShotSettings, PrefixSettings

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

    Where a prefix is refused, for its demonstrations say, it is a soft prompt; what else is refused is so for that one
    too.

    Args:
        task, words, train, pretrained: as `prefix_for` takes them.
        make: makes something of a task, or raises TrimtabError.
    """
    method = prefix_for(task, words, train, pretrained)
    if method is not None:
        with suppress(TrimtabError):
            return make(task.model_copy(update={"method": method})), note(method, len(train))
    return make(task), ""


def prefix_for(
    task: Task, words: Mapping[str, Sequence[str]], train: Sequence[Example], pretrained: Pretrained
) -> PrefixSettings | None:
    """The prefix that is the method by default on a causal backbone and single texts; None where a soft prompt is.

    For free text a prefix does better than a soft prompt (docs/benchmarks.md, Texts). For labels and choices one that
    starts from demonstrations does, on up to `FEW` rows (docs/benchmarks.md, Few rows), if these take at most about
    `LONGEST_START` tokens. A learning rate that is set is taken to be meant for a soft prompt.

    Args:
        task: the settings.
        words: label -> its words.
        train: training rows.
        pretrained: the backbone.
    """
    given = "method" in task.model_fields_set or task.train.rate is not None
    dialogue = task.template.chat or "{messages}" in task.template.text
    if given or dialogue or "{soft" in task.template.text or not isinstance(pretrained.backbone, CausalBackbone):
        return None
    if task.answer.kind == "text":
        return PrefixSettings()
    if task.answer.kind not in ("label", "choice") or len(train) > FEW:
        return None
    around = task.template.text.replace("{task}", task.task)  # the words of the template are part of each of them
    texts = [" ".join([around, *example.fields.values()]) for example in train]
    tokens = statistics.median(map(len, pretrained.tokenizer(texts, add_special_tokens=False)["input_ids"]))
    demonstrations = usual_count(FewShotSettings(), len(words), len(train))
    return PrefixSettings(init="demonstrations") if tokens * demonstrations <= LONGEST_START else None


def note(method: PrefixSettings, rows: int) -> str:
    """Says what was picked, why, and how to have the other."""
    if method.init == "demonstrations":
        what = f"context tuning (a prefix that starts from training rows), which does best on as few rows as {rows}"
    else:
        what = "a prefix, which does better than a soft prompt where answers are texts"
    return f"method: {what}; --set method=soft_prompt tunes a soft prompt, which is far smaller."
