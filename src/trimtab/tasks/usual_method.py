"""What is tuned where a task file names no method, and what a head reads. Knows nothing about run folders."""

from __future__ import annotations

import statistics

from trimtab.backbones.pretrained import Pretrained
from trimtab.prompts import is_dialogue
from trimtab.prompts.demonstrations import usual_count
from trimtab.settings.methods import AutoSettings, FewShotSettings, HeadSettings, PrefixSettings, SoftPromptSettings
from trimtab.settings.task import Task
from trimtab.tasks.rows import TaskRows

# Up to so many training rows are few.
FEW = 200
# A start of more tokens costs more time, memory and disk than it is worth.
LONGEST_START = 1024
# Settings of `train` that say where and how safely any method is carried out, and not how one is trained.
OF_ANY_METHOD = {"seed", "threads", "precision", "device", "checkpoint_seconds"}


def with_search(task: Task) -> Task:
    """The task with `method: auto` where it says neither which method is tuned nor how.

    A setting of training (a rate, a number of steps) and soft slots in the template are taken to be meant for a soft
    prompt.

    Args:
        task: the settings, as they were given.
    """
    told = "method" in task.model_fields_set or task.train.model_fields_set - OF_ANY_METHOD
    if told or "{soft" in task.template.text:
        return task
    return task.model_copy(update={"method": AutoSettings()})


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
    named = "method" in task.model_fields_set and not isinstance(task.method, AutoSettings)
    given = named or task.train.rate is not None
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


def without_auto(task: Task) -> Task:
    """The task with a soft prompt for `method: auto`, which is settled elsewhere (`trimtab.ways.auto`)."""
    return task.model_copy(update={"method": SoftPromptSettings()}) if isinstance(task.method, AutoSettings) else task


def with_reading(task: Task, rows: TaskRows, pretrained: Pretrained) -> Task:
    """The task with what its head reads written out, where that is left open.

    What is fitted to labels reads the mean over a row, half way up a causal backbone, but on up to `FEW` rows, on which
    the label words' own vectors may help (docs/methods.md, Heads); else a head reads the last layer where the row is
    answered.

    Args:
        task: the settings.
        rows: its rows.
        pretrained: the backbone.
    """
    method, layers = task.method, pretrained.backbone.fused_layers
    if not isinstance(method, HeadSettings) or "layer" in method.model_fields_set or layers < 2:
        return task
    usual = method.fitted and rows.kind.counted_by_label and len(rows.splits.train) > FEW
    if method.pooling != "mean" and (not usual or "pooling" in method.model_fields_set):
        return task
    return task.model_copy(update={"method": method.model_copy(update={"layer": layers // 2, "pooling": "mean"})})
