"""From a task's settings of its answers to the kind they are of. Knows nothing about what a kind does."""

from __future__ import annotations

from typing import Any

from trimtab.kinds.choices import Choices
from trimtab.kinds.kind import Kind
from trimtab.kinds.labels import Labels
from trimtab.kinds.multilabel import MultiLabels
from trimtab.kinds.numbers import Numbers
from trimtab.kinds.spans import Spans
from trimtab.kinds.tags import Tags
from trimtab.kinds.texts import Texts
from trimtab.prompts import Template
from trimtab.settings.answers import (
    AnswerSettings,
    ChoiceAnswer,
    LabelAnswer,
    MultiLabelAnswer,
    NumberAnswer,
    SpanAnswer,
    TagsAnswer,
    TextAnswer,
)
from trimtab.settings.task import Task


def kind_of(settings: AnswerSettings) -> Kind[Any]:
    """The kind of answer that the settings are of."""
    match settings:
        case LabelAnswer():
            return Labels(settings)
        case MultiLabelAnswer():
            return MultiLabels(settings)
        case ChoiceAnswer():
            return Choices(settings)
        case NumberAnswer():
            return Numbers(settings)
        case TagsAnswer():
            return Tags(settings)
        case SpanAnswer():
            return Spans(settings)
        case TextAnswer():
            return Texts(settings)


def template_of(task: Task) -> Template:
    """The parsed template of a task; tells the fields to read before a backbone is at hand."""
    return kind_of(task.answer).template(task)
