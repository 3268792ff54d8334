"""Templates with a place for the answer, and what neither dialogues nor labels go with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from encoders import save_encoder
from trimtab.backbones.pretrained import load
from trimtab.errors import TaskError
from trimtab.kinds.checks import answered_template, check_chat, check_no_dialogue, check_no_labels
from trimtab.settings.file import make_task
from trimtab.settings.task import Task


def task(text: str = "{text}{answer}", **changes: Any) -> Task:
    template = {"text": text, **changes.pop("template", {})}
    return make_task({"task": "good ?", "template": template, **changes})


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(TaskError) as caught:
        call()
    return str(caught.value)


def test_the_field_named_text_may_be_shortened_unless_the_task_says_which() -> None:
    assert answered_template(task("{title}: {text}{answer}")).truncate == {"text"}
    assert answered_template(task("{title}: {body}{answer}")).truncate == frozenset()
    own = answered_template(task("{title}: {text}{answer}", template={"truncate": ["title"]}))
    assert own.truncate == {"title"}
    assert answered_template(task("{text}{answer}", template={"truncate": []})).truncate == frozenset()


def test_the_task_stands_in_the_template() -> None:
    assert answered_template(task("{task}\nText: {text}\nAnswer:{answer}")).text({"text": "a film"}, " yes") == (
        "good ?\nText: a film\nAnswer: yes"
    )


def test_text_may_stand_behind_the_answer() -> None:
    """Whether the backbone reads both ways is asked where the task is bound."""
    assert answered_template(task("It was {answer} : {text}")).tail


def test_a_dialogue_is_one_field() -> None:
    template = answered_template(task("{messages}"))
    assert (template.fields, template.truncate) == (("messages",), frozenset())


def test_a_dialogue_stands_alone() -> None:
    assert refusal(lambda: answered_template(task("{text} {messages}{answer}"))) == (
        "template.text has {messages}, which is a whole dialogue, beside other text: '{text} {messages}{answer}'. "
        "Let it stand alone, and put what is to be said of it into `task`; or give the field another name."
    )


def test_only_texts_answer_dialogues() -> None:
    check_no_dialogue(task(), "labels")
    assert refusal(lambda: check_no_dialogue(task("{messages}"), "numbers")) == (
        "template.text stands for a whole dialogue, and the answers of this task are numbers. Set answer to text."
    )


FEW_SHOT = (
    "method 'few_shot' shows examples as plain text, and rows of this task are turns of a dialogue. "
    "Choose another method, or set template.chat to false."
)


def test_turns_do_not_go_with_demonstrations_in_plain_text() -> None:
    check_chat(task(method="few_shot"), None)
    check_chat(task(template={"chat": True}), None)
    assert refusal(lambda: check_chat(task(template={"chat": True}, method="few_shot"), None)) == FEW_SHOT
    assert refusal(lambda: check_chat(task("{messages}", method="few_shot"), None)) == FEW_SHOT


def test_turns_need_a_causal_backbone(pretrained: Any, tmp_path: Any) -> None:
    folder = save_encoder(tmp_path / "bert", "bert")
    encoder = load(folder, tmp_path / "cache", name="bert", precision="float32")
    check_chat(task(template={"chat": True}), pretrained)
    check_chat(task(), encoder)
    for own in (task(template={"chat": True}), task("{messages}")):
        assert refusal(lambda own=own: check_chat(own, encoder)) == (
            f"a chat template needs a causal backbone, and one of type 'bert' is {encoder.backbone.title}. "
            "Choose another backbone."
        )


def test_labels_are_only_for_labels() -> None:
    check_no_labels(task(), "tags")
    assert refusal(lambda: check_no_labels(task(labels=["a", "b"]), "tags")) == (
        "labels are given, and the answers of this task are tags. Take `labels` out, or set answer to label."
    )
