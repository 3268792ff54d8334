"""Which kinds of answer go with which settings, methods and backbones. Knows nothing about how answers are scored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example
from trimtab.errors import TrimtabError
from trimtab.prompts import is_dialogue
from trimtab.spec import Task
from trimtab.spec_answers import ChoiceAnswer, NumberAnswer, TextAnswer
from trimtab.spec_methods import FewShotSettings, HeadSettings, SearchSettings, ZeroShotSettings

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
            f"labels are given, and the answers of this task are {answer.kind}s.",
            "Take `labels` out, or set answer to label.",
        )
    untrained = isinstance(method, ZeroShotSettings | FewShotSettings | SearchSettings)
    if isinstance(answer, NumberAnswer):
        if untrained:
            raise TrimtabError(
                f"method '{method.name}' trains nothing, and numbers are read by a layer that must be trained.",
                "Choose a method that trains, head or soft_prompt say.",
            )
        if task.train.label_smoothing:
            raise TrimtabError(
                "train.label_smoothing spreads probability over labels, and the answers of this task are numbers.",
                "Take it out.",
            )
        return
    if isinstance(answer, TextAnswer):
        _check_text(task, backbone)
        return
    if isinstance(method, HeadSettings | FewShotSettings | SearchSettings):
        raise TrimtabError(
            f"method '{method.name}' needs labels that are the same for all rows, and each row has options of its own.",
            "Choose another method, soft_prompt or lora say.",
        )
    if isinstance(method, ZeroShotSettings) and method.calibrate:
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


def _check_chat(task: Task, backbone: CausalBackbone | None) -> None:
    """Refuse what does not go with dialogues, or with a chat template around rows."""
    dialogue = is_dialogue(task.template.text)
    if dialogue and task.answer.kind != "text":
        raise TrimtabError(
            f"template.text stands for a whole dialogue, and the answers of this task are {task.answer.kind}s.",
            "Set answer to text.",
        )
    if not dialogue and not task.template.chat:
        return
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
    """The task with what numbers are standardised by picked from its training rows, unless it says."""
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
    texts = [" " + text for example in train for text in example.references]
    longest = max(map(len, pretrained.tokenizer(texts, add_special_tokens=False)["input_ids"]), default=MOST_TOKENS)
    # Its end token, and one for white space that is written otherwise; half of the context is the input's.
    most = min(longest + 2, MOST_TOKENS, pretrained.backbone.context // 2)
    return task.model_copy(update={"answer": task.answer.model_copy(update={"max_tokens": most})})
