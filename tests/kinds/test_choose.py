"""From settings to kinds: each has its own, and kinds agree with their settings and with what they read and predict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trimtab.kinds.choices import Choices
from trimtab.kinds.choose import kind_of, template_of
from trimtab.kinds.labels import Labels
from trimtab.kinds.multilabel import MultiLabels
from trimtab.kinds.numbers import Numbers
from trimtab.kinds.spans import Spans
from trimtab.kinds.tags import Tags
from trimtab.kinds.texts import Texts
from trimtab.settings.answers import ANSWERS
from trimtab.settings.file import make_task

KINDS = {
    "label": Labels, "multilabel": MultiLabels, "choice": Choices, "number": Numbers, "tags": Tags, "span": Spans,
    "text": Texts,
}  # fmt: skip
ANSWER: dict[str, Any] = {"choice": {"kind": "choice", "options": "options"}}


def test_every_kind_of_answer_has_its_own() -> None:
    assert set(KINDS) == set(ANSWERS)
    for name, its_class in KINDS.items():
        task = make_task({"answer": ANSWER.get(name, name)})
        kind = kind_of(task.answer)
        assert type(kind) is its_class
        assert kind.settings is task.answer
        assert kind.plural == task.answer.plural


@pytest.mark.parametrize(
    ("name", "headed", "generates", "own_options", "counted_by_label", "judges_dev"),
    [
        ("label", False, False, False, True, True),
        ("multilabel", True, False, False, False, True),
        ("choice", False, False, True, False, True),
        ("number", True, False, False, False, True),
        ("tags", True, False, False, False, True),
        ("span", True, False, False, False, True),
        ("text", False, True, False, False, False),
    ],
)
def test_what_sets_kinds_apart(
    name: str, headed: bool, generates: bool, own_options: bool, counted_by_label: bool, judges_dev: bool
) -> None:
    kind = kind_of(make_task({"answer": ANSWER.get(name, name)}).answer)
    assert (kind.headed, kind.generates, kind.own_options) == (headed, generates, own_options)
    assert (kind.counted_by_label, kind.judges_dev) == (counted_by_label, judges_dev)
    assert kind.settles_on_all(make_task({})) is (name in ("multilabel", "span"))
    assert kind.tests is None
    assert kind.learnt_from_train


def test_answers_that_are_programs_name_their_tests() -> None:
    assert kind_of(make_task({"answer": {"kind": "text", "tests": "check"}}).answer).tests == "check"


def test_templates_tell_the_fields_to_read() -> None:
    assert template_of(make_task({"template": {"text": "{a} / {b}{answer}"}})).fields == ("a", "b")
    assert template_of(make_task({"answer": "tags", "template": {"text": "{title}: {tokens}"}})).tagged == "tokens"
    assert template_of(make_task({"answer": "span"})).tagged == "context"
    assert template_of(make_task({"answer": "text", "template": {"text": "{messages}"}})).fields == ("messages",)


def test_no_kind_needs_torch_to_be_imported() -> None:
    """What needs a backbone is imported where it is used: at the top of a file only for types."""
    import trimtab.kinds

    for path in Path(trimtab.kinds.__file__).parent.glob("*.py"):
        if path.stem in ("bind", "nearest", "row_encoder"):  # which are read once there is a backbone
            continue
        top = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(("import", "from"))]
        assert not [line for line in top if "torch" in line or "trimtab.backbones" in line], path.name
