"""What is tuned where a task file names no method. Knows nothing about run folders."""

from __future__ import annotations

import statistics

from trimtab.backbones.pretrained import Pretrained
from trimtab.prompts import is_dialogue
from trimtab.prompts.demonstrations import usual_count
from trimtab.settings.methods import FewShotSettings, PrefixSettings
from trimtab.settings.task import Task
from trimtab.tasks.rows import TaskRows

# Up to so many training rows are few.
FEW = 200
# A start of more tokens costs more time, memory and disk than it is worth.
LONGEST_START = 1024


def context_tuned(task: Task, rows: TaskRows, pretrained: Pretrained) -> Task | None:
    """The task with context tuning as its method, where that is the default; None where a soft prompt is.

    Context tuning does best on up to `FEW` rows of labels or choices (docs/benchmarks.md, Few rows), on a causal
    backbone and single texts; it is the default if the demonstrations take at most about `LONGEST_START` tokens. A
    learning rate that is set is taken to be meant for a soft prompt.

    Args:
        task: the settings.
        rows: its rows.
        pretrained: the backbone.
    """
    train = rows.splits.train
    given = "method" in task.model_fields_set or task.train.rate is not None
    if given or len(train) > FEW or pretrained.backbone.whole_rows:
        return None
    dialogue = task.template.chat or is_dialogue(task.template.text)
    if rows.kind.headed or rows.kind.generates or "{soft" in task.template.text or dialogue:
        return None
    around = task.template.text.replace("{task}", task.task)  # the words of the template are part of each of them
    texts = [" ".join([around, *example.fields.values()]) for example in train]
    tokens = statistics.median(map(len, pretrained.tokenizer(texts, add_special_tokens=False)["input_ids"]))
    if tokens * usual_count(FewShotSettings(), len(rows.words), len(train)) > LONGEST_START:
        return None
    return task.model_copy(update={"method": PrefixSettings(init="demonstrations")})


def note(rows: int) -> str:
    """Says what was picked, why, and how to have the other."""
    return (
        f"method: context tuning (a prefix that starts from training rows), which does best on as few rows as {rows}; "
        "--set method=soft_prompt tunes a soft prompt, which is far smaller."
    )
