"""What turns rows of a task into token ids for a backbone, and how long they may be. Knows nothing about labels."""

from __future__ import annotations

from trimtab.backbones.pretrained import Pretrained
from trimtab.errors import TaskError
from trimtab.kinds.bound_task import before_leading
from trimtab.prompts import Chat, DialogueEncoder, Encoder, Frame, Template, around_ids, is_dialogue
from trimtab.settings.methods import PrefixSettings
from trimtab.settings.task import Task


def most_tokens(task: Task, context: int) -> int:
    """Longest row in tokens, prompt and answer included. Raises TaskError where `context` cannot hold it."""
    most = task.template.max_tokens or context
    if most > context:
        raise TaskError(
            f"template.max_tokens is {most}, but the backbone's context is {context}.", f"Set it to {context} or less."
        )
    return most


def room_behind(most: int, prompt: int, leading: int) -> int:
    """Tokens that are left of `most` behind a prompt and leading tokens. Raises TaskError where none are."""
    room = most - prompt - leading
    if room < 1:
        raise TaskError(
            f"a prompt of {prompt} tokens leaves no room for the input within {most} tokens.",
            "Lower method.length or raise template.max_tokens.",
        )
    return room


def causal_encoder(
    task: Task, template: Template, pretrained: Pretrained, chat: Chat | None, *, room: int, answer: int
) -> Encoder | DialogueEncoder:
    """The encoder of rows that stand behind a prompt, in plain text or as the chat template writes them.

    Args:
        task, template, pretrained: the task, its template and the backbone.
        chat: how the backbone's chat template writes rows; None where they are plain text.
        room: tokens for a row and its answer.
        answer: longest answer in tokens.

    Raises:
        TaskError: the template's own text leaves no room for the input.
    """
    if chat and is_dialogue(task.template.text):
        return DialogueEncoder(chat, task.task.strip(), budget=room, answer_tokens=answer)
    plain = chat.plain if chat else None
    return Encoder(template, pretrained.tokenizer, budget=room, answer_tokens=answer, plain=plain)


def framed_encoder(task: Task, template: Template, pretrained: Pretrained, *, prompt: int, most: int) -> Encoder:
    """The encoder of rows that hold all of it, soft vectors and head included, as an encoder reads them.

    Args:
        task, template, pretrained: the task, its template and the backbone.
        prompt: tokens that the method adds to a row.
        most: longest row in tokens.

    Raises:
        TaskError: the template's own text leaves no room for the input.
    """
    past = prompt if isinstance(task.method, PrefixSettings) else 0
    frame = _frame(template, pretrained, prompt - past, first=before_leading(task))
    return Encoder(template, pretrained.tokenizer, budget=most - past - len(frame), answer_tokens=0, frame=frame)


def _frame(template: Template, pretrained: Pretrained, soft: int, *, first: bool) -> Frame:
    """What stands in an encoder's rows besides text, `soft` vectors in front of it where the template has no slots."""
    before, after = around_ids(pretrained.tokenizer)
    front = () if template.soft else tuple(-1 - j for j in range(soft))
    masked = pretrained.backbone.answers_at_mask and not template.tagged
    mask = (int(pretrained.tokenizer.mask_token_id),) if masked else ()
    return Frame((*front, *before) if first else (*before, *front), mask, tuple(after))
