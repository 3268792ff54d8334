"""What settings several kinds of answer do not go with, and the template of most of them. Knows no one kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from trimtab.data.messages import MESSAGES
from trimtab.errors import TaskError
from trimtab.prompts.chat import DIALOGUE, is_dialogue
from trimtab.prompts.template import Template, parse_template
from trimtab.settings.methods import FewShotSettings, SearchSettings, ZeroShotSettings
from trimtab.settings.task import Task

if TYPE_CHECKING:
    from trimtab.backbones.pretrained import Pretrained


def answered_template(task: Task) -> Template:
    """The parsed template of a task whose answer has a place in it; that of dialogues is one field.

    Raises:
        TaskError: a template that cannot be parsed, or that puts text beside a dialogue.
    """
    dialogue = is_dialogue(text := task.template.text)
    template = parse_template(DIALOGUE if dialogue else text, task.task, task.template.truncate or (), tail=True)
    if MESSAGES in template.fields and not dialogue:
        raise TaskError(
            f"template.text has {{{MESSAGES}}}, which is a whole dialogue, beside other text: {text!r}.",
            "Let it stand alone, and put what is to be said of it into `task`; or give the field another name.",
        )
    if task.template.truncate is None and "text" in template.fields:
        return replace(template, truncate=frozenset({"text"}))
    return template


def check_no_dialogue(task: Task, plural: str) -> None:
    """Raise TaskError where the template stands for a whole dialogue."""
    if is_dialogue(task.template.text):
        raise TaskError(
            f"template.text stands for a whole dialogue, and the answers of this task are {plural}.",
            "Set answer to text.",
        )


def check_chat(task: Task, pretrained: Pretrained | None) -> None:
    """Refuse what does not go with dialogues, or with a chat template around rows.

    Raises:
        TaskError: few-shot, or a backbone that is not causal.
    """
    if not is_dialogue(task.template.text) and not task.template.chat:
        return
    if isinstance(task.method, FewShotSettings):
        raise TaskError(
            "method 'few_shot' shows examples as plain text, and rows of this task are turns of a dialogue.",
            "Choose another method, or set template.chat to false.",
        )
    backbone = pretrained.backbone if pretrained else None
    if backbone is not None and (backbone.whole_rows or not backbone.generates):
        raise TaskError(
            f"a chat template needs a causal backbone, and one of type '{backbone.config.model_type}' is "
            f"{backbone.title}.",
            "Choose another backbone.",
        )


def check_all_answered(task: Task, plural: str) -> None:
    """Raise TaskError where no answer is to be given to unsure rows, and answers are none of a fixed set of labels."""
    given = next((name for name in ("abstain", "answer_from") if getattr(task.labels, name) is not None), None)
    if given:
        raise TaskError(
            f"labels.{given} is set, and the answers of this task are {plural}.",
            "Take it out: only a run whose answers are labels can leave rows unanswered.",
        )


def check_no_labels(task: Task, plural: str) -> None:
    """Raise TaskError where labels are given, and answers are of another kind."""
    check_all_answered(task, plural)
    if task.labels.words:
        raise TaskError(
            f"labels are given, and the answers of this task are {plural}.",
            "Take `labels` out, or set answer to label.",
        )


def check_skew(task: Task, plural: str, choose_by: Sequence[str] = ()) -> None:
    """Refuse weights of labels, and what is chosen by, where answers are of a kind without them.

    Args:
        task: the settings.
        plural: what several answers are called.
        choose_by: what the kind may choose by besides its own score; nothing where it has no labels.

    Raises:
        TaskError: at the first of them.
    """
    train = task.train
    if train.class_weights != "none" and not choose_by:
        raise TaskError(
            f"train.class_weights weighs labels, and the answers of this task are {plural}.", "Take it out."
        )
    if train.choose_by is not None and train.choose_by not in choose_by:
        raise TaskError(
            f"train.choose_by is '{train.choose_by}', and the answers of this task are {plural}.",
            f"Set it to {' or '.join(choose_by)}, or take it out." if choose_by else "Take it out.",
        )


def check_trained(task: Task, plural: str) -> None:
    """Raise TaskError where the method trains nothing, and answers are read by a head that must be trained."""
    if isinstance(task.method, ZeroShotSettings | FewShotSettings | SearchSettings):
        raise TaskError(
            f"method '{task.method.name}' trains nothing, and {plural} are read by a layer that must be trained.",
            "Choose a method that trains, head or soft_prompt say.",
        )


def headed_misfit(way: str, plural: str, *, trained: bool) -> str | None:
    """Why a way does not give answers that are read by a head, as a clause; None where it does."""
    if not trained:
        return f"trains nothing, and {plural} are read by a layer that must be trained"
    if way == "context_tuning":
        return f"starts from few-shot, and {plural} are read by a layer that must be trained"
    return f"gives labels, and the answers of this task are {plural}" if way == "multitask_prompt" else None


def check_read_at_tokens(task: Task, plural: str, pretrained: Pretrained | None) -> None:
    """Refuse what does not go with answers that a head reads at the tokens of a row.

    Raises:
        TaskError: a chat template, labels, what trains nothing, or an encoder-decoder.
    """
    check_no_dialogue(task, plural)
    if task.template.chat:
        raise TaskError(
            f"template.chat puts the answer behind the row, and {plural} are read within it.",
            "Set template.chat to false.",
        )
    check_no_labels(task, plural)
    check_skew(task, plural)
    check_trained(task, plural)
    if pretrained and not pretrained.backbone.reads_tokens:
        raise TaskError(
            f"{plural} are read at the tokens of the row, which needs a causal backbone or an encoder; one of type "
            f"'{pretrained.backbone.config.model_type}' is {pretrained.backbone.title}.",
            "Choose another backbone.",
        )
