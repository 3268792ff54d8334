"""Which kinds of answer go with which settings, methods and backbones. Knows nothing about how answers are scored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example
from trimtab.data.tagged import check_tags
from trimtab.data.tags import OUTSIDE
from trimtab.errors import TrimtabError
from trimtab.prompts import Template, is_dialogue, make_chat
from trimtab.prompts.template import goes_on
from trimtab.settings.answers import ChoiceAnswer, NumberAnswer, TagsAnswer, TextAnswer
from trimtab.settings.methods import FewShotSettings, HeadSettings, PrefixSettings, SearchSettings, ZeroShotSettings
from trimtab.settings.task import Task

# The longest answer that is picked, in tokens.
MOST_TOKENS = 256


def check_answer(task: Task, backbone: CausalBackbone | None = None) -> None:
    """Refuse what does not go with the task's kind of answer; with a backbone, also what does not go with that.

    Raises:
        TrimtabError: labels beside another kind, a method that needs labels, an encoder that should score options, a
            dialogue that is not answered in text or by a causal backbone.
    """
    answer, method = task.answer, task.method
    _check_chat(task, backbone)
    if answer.kind == "label":
        return
    if task.labels.words:
        raise TrimtabError(
            f"labels are given, and the answers of this task are {answer.plural}.",
            "Take `labels` out, or set answer to label.",
        )
    untrained = isinstance(method, ZeroShotSettings | FewShotSettings | SearchSettings)
    if isinstance(answer, NumberAnswer | TagsAnswer) and untrained:
        raise TrimtabError(
            f"method '{method.name}' trains nothing, and {answer.plural} are read by a layer that must be trained.",
            "Choose a method that trains, head or soft_prompt say.",
        )
    if isinstance(answer, TagsAnswer):
        if backbone is not None and backbone.encoder_decoder:
            raise TrimtabError(
                "tags are read at the tokens of the row, which needs a causal backbone or an encoder; one of type "
                f"'{backbone.config.model_type}' is {backbone.title}.",
                "Choose another backbone.",
            )
        return
    if isinstance(answer, NumberAnswer):
        if task.train.label_smoothing:
            raise TrimtabError(
                "train.label_smoothing spreads probability over labels, and the answers of this task are numbers.",
                "Take it out.",
            )
        return
    if isinstance(answer, TextAnswer):
        _check_text(task, backbone)
        return
    if isinstance(method, HeadSettings | SearchSettings):
        raise TrimtabError(
            f"method '{method.name}' needs labels that are the same for all rows, and each row has options of its own.",
            "Choose another method, soft_prompt or lora say.",
        )
    if isinstance(method, ZeroShotSettings | FewShotSettings) and method.calibrate:
        raise TrimtabError(
            "method.calibrate needs labels that are the same for all rows, and each row has options of its own.",
            "Take it out.",
        )
    if isinstance(answer, ChoiceAnswer) and backbone is not None and backbone.bidirectional:
        raise TrimtabError(
            f"options are scored as text, which needs a causal backbone; one of type '{backbone.config.model_type}' is "
            "an encoder.",
            "Choose another backbone.",
        )


def check_kind(task: Task, template: Template, backbone: CausalBackbone) -> None:
    """Refuse what this kind of backbone cannot do: text behind the answer, demonstrations, answers in words.

    Raises:
        TrimtabError: at the first of them.
    """
    kind, name = backbone.config.model_type, task.method.name
    if template.tail and backbone.encoder_decoder:
        raise goes_on(task.template.text, "An encoder-decoder")
    if template.tail and not backbone.bidirectional:
        raise goes_on(task.template.text)
    if not backbone.scores_words and isinstance(task.method, ZeroShotSettings | FewShotSettings | SearchSettings):
        raise TrimtabError(
            f"method '{name}' answers in label words, and this backbone of type '{kind}' has no language-model head.",
            "Choose a method that trains one, head or lora say, or another backbone.",
        )
    if backbone.encoder_decoder and isinstance(task.method, PrefixSettings) and task.method.takes_positions:
        raise TrimtabError(
            f"method.takes_positions is for encoders, and a backbone of type '{kind}' is {backbone.title}.",
            "Take it out.",
        )
    if backbone.bidirectional and isinstance(task.method, FewShotSettings):
        raise TrimtabError(
            f"method '{name}' needs a causal backbone, and one of type '{kind}' is {backbone.title}.",
            "Choose another method or backbone.",
        )


def _check_chat(task: Task, backbone: CausalBackbone | None) -> None:
    """Refuse what does not go with dialogues, or with a chat template around rows."""
    dialogue = is_dialogue(task.template.text)
    if dialogue and task.answer.kind != "text":
        raise TrimtabError(
            f"template.text stands for a whole dialogue, and the answers of this task are {task.answer.plural}.",
            "Set answer to text.",
        )
    if not dialogue and not task.template.chat:
        return
    if task.answer.kind == "tags":
        raise TrimtabError(
            "template.chat puts the answer behind the row, and tags are read within it.", "Set template.chat to false."
        )
    if isinstance(task.method, FewShotSettings):
        raise TrimtabError(
            "method 'few_shot' shows examples as plain text, and rows of this task are turns of a dialogue.",
            "Choose another method, or set template.chat to false.",
        )
    if backbone is not None and (backbone.bidirectional or backbone.encoder_decoder or not backbone.scores_words):
        raise TrimtabError(
            f"a chat template needs a causal backbone, and one of type '{backbone.config.model_type}' is "
            f"{backbone.title}.",
            "Choose another backbone.",
        )


def _check_text(task: Task, backbone: CausalBackbone | None) -> None:
    """Refuse what does not go with free text."""
    method = task.method
    if isinstance(method, HeadSettings | SearchSettings):
        raise TrimtabError(
            f"method '{method.name}' needs labels, and the answers of this task are texts.",
            "Choose another method, soft_prompt or lora say.",
        )
    if isinstance(method, ZeroShotSettings | FewShotSettings) and method.calibrate:
        raise TrimtabError("method.calibrate needs labels, and the answers of this task are texts.", "Take it out.")
    if task.train.ensemble:
        raise TrimtabError(
            "train.ensemble takes the mean of labels' probabilities, and the answers of this task are texts.",
            "Take it out; the best run on dev answers.",
        )
    if backbone is not None and (
        not backbone.scores_words or (backbone.bidirectional and not backbone.encoder_decoder)
    ):
        raise TrimtabError(
            f"free text is said token by token, and a backbone of type '{backbone.config.model_type}' is "
            f"{backbone.title}.",
            "Choose a causal backbone or an encoder-decoder.",
        )


def settled_answer(task: Task, train: Sequence[Example]) -> Task:
    """The task with what numbers are standardised by, or the tags there are, picked from its training rows.

    What it says itself stands. Raises TrimtabError where it names tags and a training row has another.
    """
    if isinstance(task.answer, TagsAnswer):
        found = {tag for example in train for tag in example.tags or ()}
        tags = task.answer.tags or sorted(found, key=_in_order)
        check_tags(train, tags)
        return task.model_copy(update={"answer": task.answer.model_copy(update={"tags": tags})})
    if not isinstance(task.answer, NumberAnswer):
        return task
    numbers = np.array([example.number for example in train], dtype=np.float64)
    mean = float(numbers.mean()) if task.answer.mean is None else task.answer.mean
    sd = float(numbers.std()) or 1.0 if task.answer.sd is None else task.answer.sd
    return task.model_copy(update={"answer": task.answer.model_copy(update={"mean": mean, "sd": sd})})


def settled_length(task: Task, train: Sequence[Example], pretrained: Pretrained) -> Task:
    """The task with the longest answer, in tokens, picked from its training rows, unless it says or has no texts."""
    if not isinstance(task.answer, TextAnswer) or task.answer.max_tokens is not None:
        return task
    chat = task.template.chat or is_dialogue(task.template.text)
    lead = make_chat(pretrained.tokenizer).lead if chat else " "
    texts = [lead + text for example in train for text in example.references]
    longest = max(map(len, pretrained.tokenizer(texts, add_special_tokens=False)["input_ids"]), default=MOST_TOKENS)
    # Its end token, and one for white space that is written otherwise; half of the context is the input's.
    most = min(longest + 2, MOST_TOKENS, pretrained.backbone.context // 2)
    return task.model_copy(update={"answer": task.answer.model_copy(update={"max_tokens": most})})


def _in_order(tag: str) -> tuple[bool, str, str]:
    """`O` first, then entities by type, their beginnings before the rest."""
    prefix, _, kind = tag.partition("-")
    return tag != OUTSIDE, kind or prefix, prefix
