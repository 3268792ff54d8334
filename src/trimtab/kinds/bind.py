"""A task bound to a backbone: template, words, head and method. Knows nothing about training or files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from trimtab.backbones.backbone import AnswerPlace, Backbone
from trimtab.backbones.pretrained import Pretrained
from trimtab.data.example import Example
from trimtab.errors import TaskError
from trimtab.kinds.bound_task import BoundTask, before_leading
from trimtab.kinds.choose import kind_of
from trimtab.kinds.nearest import Nearest
from trimtab.kinds.row_encoder import causal_encoder, framed_encoder, most_tokens, room_behind
from trimtab.methods.choose import make_method
from trimtab.methods.method import Material
from trimtab.prompts import (
    Demonstrations,
    DialogueEncoder,
    Encoder,
    Template,
    around_ids,
    fit_demonstrations,
    is_dialogue,
    leading_ids,
    make_chat,
)
from trimtab.prompts.demonstrations import usual_count
from trimtab.prompts.encoding import head_ids
from trimtab.prompts.template import goes_on
from trimtab.runs.run import read_prompt
from trimtab.settings.methods import (
    FewShotSettings,
    MultitaskPromptSettings,
    PrefixSettings,
    PTuningSettings,
    SearchSettings,
    SoftPromptSettings,
    WarpSettings,
    ZeroShotSettings,
)
from trimtab.settings.task import Task


def bind(
    task: Task,
    words: Mapping[str, Sequence[str]],
    pretrained: Pretrained,
    base: Path | None = None,
    examples: Sequence[Example] = (),
    training: bool = False,
    start: Sequence[int] = (),
) -> BoundTask:
    """Bind a task to a backbone.

    Args:
        task, words, pretrained: the task, its label words, and the backbone.
        base: where the method's relative paths start.
        examples: what few-shot shows, or chooses from.
        training: whether the same rows will be run many times.
        start: token ids of demonstrations that the method starts from, where it does.

    Raises:
        TrimtabError: what template, words, method or lengths have against it.
    """
    kind, tokenizer, backbone = kind_of(task.answer), pretrained.tokenizer, pretrained.backbone
    template = kind.template(task)
    kind.check(task, pretrained)
    _check_backbone(task, template, backbone)
    leading = around_ids(tokenizer)[0] if backbone.whole_rows else leading_ids(tokenizer)
    dialogue = is_dialogue(task.template.text)
    chat = make_chat(tokenizer) if task.template.chat or dialogue else None
    if chat:
        leading = list(chat.leading)
        if not dialogue:
            template = chat.around(template, "" if "{task}" in task.template.text else task.task.strip())
    verbalizer = kind.verbalizer(task, words, template, pretrained, training)
    _check_slots(task, template)
    material = Material(
        backbone, tokenizer, task.task, verbalizer, leading, [*leading, *head_ids(template, tokenizer)],
        template.soft, training, base or Path.cwd(),
        read=kind.headed, shown=start, generates=kind.generates,
    )  # fmt: skip
    method = make_method(task.method, material, lambda folder: read_prompt(folder, pretrained))
    most = most_tokens(task, backbone.context)
    room = room_behind(most, method.tokens, len(leading))
    shown, per_row = Demonstrations(), None
    if isinstance(task.method, FewShotSettings) and examples:
        count = task.method.demonstrations or usual_count(task.method, 0, len(examples))
        per_row = count if task.method.choice == "nearest" else None
        shown = fit_demonstrations(examples, template, tokenizer, verbalizer, room=room, nearest=per_row)
    encoder: Encoder | DialogueEncoder
    if backbone.whole_rows:
        encoder = framed_encoder(task, template, pretrained, prompt=method.tokens, most=most)
    else:
        room -= 0 if per_row else sum(map(len, shown.rows))
        encoder = causal_encoder(task, template, pretrained, chat, room=room, answer=kind.longest(verbalizer))
    nearest = Nearest(backbone, tuple(leading), encoder, shown, per_row) if per_row else None
    return BoundTask(
        task, kind, pretrained, template, encoder, verbalizer, tuple(leading), method, shown, nearest, chat
    )


def _check_backbone(task: Task, template: Template, backbone: Backbone) -> None:
    """Refuse what this kind of backbone cannot do: text behind the answer, demonstrations, answers in words.

    Raises:
        TaskError: at the first of them.
    """
    kind, name = backbone.config.model_type, task.method.name
    if template.tail and backbone.answer_place is AnswerPlace.APART:
        raise goes_on(task.template.text, "An encoder-decoder")
    if template.tail and backbone.answer_place is AnswerPlace.BEHIND:
        raise goes_on(task.template.text)
    if not backbone.scores_words and isinstance(task.method, ZeroShotSettings | FewShotSettings | SearchSettings):
        raise TaskError(
            f"method '{name}' answers in label words, and this backbone of type '{kind}' has no language-model head.",
            "Choose a method that trains one, head or lora say, or another backbone.",
        )
    takes_positions = isinstance(task.method, PrefixSettings) and task.method.takes_positions
    if takes_positions and not backbone.past_may_take_positions:
        raise TaskError(
            f"method.takes_positions is for encoders, and a backbone of type '{kind}' is {backbone.title}.",
            "Take it out.",
        )
    if backbone.whole_rows and isinstance(task.method, FewShotSettings):
        raise TaskError(
            f"method '{name}' needs a causal backbone, and one of type '{kind}' is {backbone.title}.",
            "Choose another method or backbone.",
        )


def _check_slots(task: Task, template: Template) -> None:
    """Refuse soft slots in the template that the method does not fill, or cannot fill as it is told to."""
    method = task.method
    fills = SoftPromptSettings | WarpSettings | PTuningSettings | MultitaskPromptSettings
    if template.soft and not isinstance(method, fills):
        raise TaskError(
            f"the template has {{soft}} slots, which method '{method.name}' does not fill.",
            "Take them out of template.text, or set method to soft_prompt or p_tuning.",
        )
    if template.soft and before_leading(task):
        raise TaskError(
            "method.before_leading puts the soft prompt before the row, and the template has {soft} slots.",
            "Take the slots out of template.text, or method.before_leading.",
        )
