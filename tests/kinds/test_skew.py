"""Which kinds of answer may be weighed and chosen by labels, and what the others say."""

from __future__ import annotations

from typing import Any

import pytest

from trimtab.errors import TaskError
from trimtab.kinds.choose import kind_of
from trimtab.settings.file import make_task

OTHERS: dict[str, tuple[Any, str]] = {
    "number": ("number", "numbers"),
    "tags": ("tags", "tags"),
    "text": ("text", "texts"),
    "choice": ({"kind": "choice", "options": "options"}, "choices"),
}


def refusal(answer: Any, **train: str) -> str:
    template = "{tokens}" if answer == "tags" else "{text}{answer}"
    task = make_task({"answer": answer, "train": train, "template": {"text": template}})
    with pytest.raises(TaskError) as caught:
        kind_of(task.answer).check(task)
    return str(caught.value)


@pytest.mark.parametrize("kind", OTHERS)
def test_other_answers_have_no_labels_to_weigh_or_choose_by(kind: str) -> None:
    answer, plural = OTHERS[kind]
    assert refusal(answer, class_weights="balanced") == (
        f"train.class_weights weighs labels, and the answers of this task are {plural}. Take it out."
    )
    assert refusal(answer, choose_by="macro_f1") == (
        f"train.choose_by is 'macro_f1', and the answers of this task are {plural}. Take it out."
    )


def test_sets_of_labels_are_not_chosen_by_accuracy() -> None:
    assert refusal("multilabel", choose_by="accuracy") == (
        "train.choose_by is 'accuracy', and the answers of this task are sets of labels. "
        "Set it to macro_f1, or take it out."
    )
    for answer in ("label", "multilabel"):
        task = make_task({"answer": answer, "train": {"choose_by": "macro_f1", "class_weights": "balanced"}})
        kind_of(task.answer).check(task)
