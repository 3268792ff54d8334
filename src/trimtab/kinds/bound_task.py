"""A task bound to a backbone by its kind of answer. Knows nothing about any one kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trimtab.data.example import Example
from trimtab.settings.methods import SoftPromptSettings
from trimtab.settings.task import Task

if TYPE_CHECKING:
    from trimtab.backbones.backbone import Backbone
    from trimtab.backbones.prefix import Prompt
    from trimtab.backbones.pretrained import Pretrained
    from trimtab.kinds.kind import Input, Kind
    from trimtab.kinds.nearest import Nearest
    from trimtab.kinds.prediction import Prediction
    from trimtab.methods.method import Condition, Method
    from trimtab.prompts import Chat, Demonstrations, DialogueEncoder, EncodedRow, Encoder, Template, Verbalizer


@dataclass(frozen=True)
class BoundTask:
    """Everything that turns fields into token ids and scores into answers, for one backbone.

    Attributes:
        task: the settings.
        kind: the kind of answer.
        pretrained: the backbone.
        template, encoder: see prompts/.
        verbalizer: labels and words; of choices none, as each row has its own; of numbers a single one without words;
            of tags the tags, without words; of spans beginning and end, likewise.
        leading: token ids that come first in every text (Gemma's <bos>).
        method: what is trained, and how it conditions the backbone.
        demonstrations: worked examples, those that fit.
        nearest: finds those each row gets; None where all rows are shown the same.
        chat: how the backbone's chat template writes rows; None where rows are plain text.
    """

    task: Task
    kind: Kind[Any]
    pretrained: Pretrained
    template: Template
    encoder: Encoder | DialogueEncoder
    verbalizer: Verbalizer
    leading: tuple[int, ...]
    method: Method
    demonstrations: Demonstrations
    nearest: Nearest | None
    chat: Chat | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names, in order."""
        return self.verbalizer.labels

    @property
    def shown(self) -> tuple[int, ...]:
        """Token ids of the demonstrations that stand before all rows alike."""
        return () if self.nearest else self.demonstrations.ids

    def prompt(self, condition: Condition, backbone: Backbone) -> Prompt:
        """What is read before a row under this condition: leading tokens, soft prompt, demonstrations, head.

        Where each row gets demonstrations of its own, these and the head belong to the row.

        Args:
            condition: what conditions the backbone.
            backbone: the backbone as the condition wants it (`Condition.on`).
        """
        slots = bool(self.template.soft)
        return backbone.prompt(
            self.before(condition), condition.soft, condition.past, shift=condition.shift, slots=slots
        )  # fmt: skip

    def before(self, condition: Condition) -> list[int]:
        """Token ids of what a causal backbone reads before a row (see `prompt`), negative where soft vectors stand."""
        in_front = condition.soft is not None and not self.template.soft
        soft = [-1 - j for j in range(len(condition.soft))] if condition.soft is not None and in_front else []
        first = [*soft, *self.leading] if before_leading(self.task) else [*self.leading, *soft]
        return [*first, *self.shown, *(() if self.nearest else self.encoder.head_ids)]

    def encode(self, examples: Sequence[Example]) -> list[EncodedRow]:
        """Rows as the token ids that are read behind the prompt. Raises TrimtabError where one does not fit."""
        return self.kind.encode(self, examples)

    def asked(self, given: Input) -> EncodedRow:
        """A row to answer, likewise."""
        return self.encode([self.kind.example(given)])[0]

    def label_words(self) -> dict[str, list[str]]:
        """Label -> its words as they stand in a row, white space included; none where a head reads the answers."""
        if self.kind.headed:
            return {}
        return {
            label: [word.text for word in self.verbalizer.words if word.label == i]
            for i, label in enumerate(self.labels)
        }


def encoded(bound: BoundTask, examples: Sequence[Example], taken: Sequence[int] = ()) -> list[EncodedRow]:
    """Rows as token ids, behind their nearest demonstrations where each gets its own.

    Args:
        bound: the task.
        examples: the rows.
        taken: tokens of the budget that are not left for each row and what is shown before it; by default none.
    """
    rows = [(example.fields, example.where) for example in examples]
    if bound.nearest:
        return bound.nearest.encode(rows, taken)
    return [bound.encoder.encode(*row, own) for row, own in zip(rows, taken or [0] * len(rows), strict=True)]


def record(bound: BoundTask, prediction: Prediction) -> dict[str, object]:
    """An answer as plain values, with how many tokens of the input were cut to fit where some were."""
    answer = bound.kind.record(bound, prediction)
    return answer | ({"cut_tokens": prediction.cut_tokens} if prediction.cut_tokens else {})


def windows_note(rows: Sequence[EncodedRow]) -> list[str]:
    """A note on training rows that are read in several windows, where some are."""
    parted = [len(row.windows) for row in rows if row.further]
    read = f"are too long for one row and are read in {sum(parted)} windows"
    return [f"{len(parted)} of {len(rows)} training rows {read}."] if parted else []


def before_leading(task: Task) -> bool:
    """Whether a task's soft prompt stands before the tokens that begin every text."""
    return isinstance(task.method, SoftPromptSettings) and task.method.before_leading
