"""Templates by what stands in them, and what a dialogue or a chat template does not go with. Knows no one kind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trimtab.data.messages import MESSAGES
from trimtab.errors import TaskError
from trimtab.prompts.chat import DIALOGUE, is_dialogue
from trimtab.prompts.template import Template, parse_template
from trimtab.settings.methods import FewShotSettings
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
