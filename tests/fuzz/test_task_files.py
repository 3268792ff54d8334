"""Task files of every kind of answer and method, changed at random: a task, or one message."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from outcomes import JSON, TEXTS, damaged, deep, few, value_or_message

from trimtab.errors import TaskError
from trimtab.kinds.choose import kind_of, template_of
from trimtab.settings.answers import ANSWERS
from trimtab.settings.file import dump_task, make_task, read_task
from trimtab.settings.methods import METHODS
from trimtab.settings.task import Task

NEEDED = {"choice": {"options": "options"}}
WHOLE: list[dict[str, Any]] = [
    make_task({"answer": {"kind": kind, **NEEDED.get(kind, {})}, "method": {"name": method}, "labels": ["a", "b"],
               "data": {"train": "rows.jsonl"}}).model_dump(mode="json")
    for kind in ANSWERS for method in METHODS
]  # fmt: skip


def places(content: dict[str, Any], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Where the settings are, groups among them."""
    found = []
    for name, value in content.items():
        found.append((*above, name))
        found += places(value, (*above, name)) if isinstance(value, dict) else []
    return found


@st.composite
def changed(draw: st.DrawFn) -> dict[str, Any]:
    """A whole task, up to three of its settings replaced or renamed."""
    content = yaml.safe_load(yaml.safe_dump(draw(st.sampled_from(WHOLE))))
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(places(content)))
        group = content
        for name in above:
            group = group[name]
        if draw(st.booleans()):
            group[last] = draw(JSON)
        else:
            group[draw(TEXTS)] = group.pop(last)
    return content


def use(task: Task | None) -> None:
    """What is asked of every task before anything is loaded."""
    if task is not None:
        value_or_message(lambda: (template_of(task).fields, kind_of(task.answer)))


@few(80)
@given(changed())
def test_settings(content):
    use(value_or_message(lambda: make_task(content)))


@few(25)
@given(changed())
def test_files(tmp_path, content):
    path = tmp_path / "task.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=False), encoding="utf-8")
    task = value_or_message(lambda: read_task(path))
    use(task)
    if task is not None:
        path.write_text(dump_task(task), encoding="utf-8", errors="replace")
        back = value_or_message(lambda: read_task(path))
        assert back is not None


@few(60)
@given(st.sampled_from([yaml.safe_dump(task).encode() for task in WHOLE[::7]]).flatmap(damaged))
def test_damaged_files(tmp_path, content):
    path = tmp_path / "task.yaml"
    path.write_bytes(content)
    use(value_or_message(lambda: read_task(path)))


@few(60)
@given(st.sampled_from(places(WHOLE[0])).map(".".join) | TEXTS, TEXTS)
def test_overrides(tmp_path, name, value):
    path = tmp_path / "task.yaml"
    path.write_text("name: a\n", encoding="utf-8")
    use(value_or_message(lambda: read_task(path, [f"{name}={value}"])))


@pytest.mark.parametrize("depth", [60, 100, 300, 1000, 100_000])
@pytest.mark.parametrize("setting", ["name", "labels", "data: {columns"])
def test_nesting(tmp_path, depth, setting):
    path = tmp_path / "task.yaml"
    path.write_text(f"{setting}: {'[' * depth}{']' * depth}{'}' * setting.count('{')}\n", encoding="utf-8")
    with pytest.raises(TaskError) as caught:
        read_task(path)
    assert len(str(caught.value)) < 500
    if depth > 64:
        assert f"{path}:1: not valid YAML: it is nested too deeply. Check indentation, quotes and names." in str(
            caught.value
        )
    with pytest.raises(TaskError):
        make_task({"name": deep(min(depth, 3000))})


def test_aliases_that_stand_for_millions(tmp_path):
    path = tmp_path / "task.yaml"
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert math.prod([10] * 12) > 10**11
    with pytest.raises(TaskError) as caught:
        read_task(path)
    assert str(caught.value) == (
        f"{path}:6: not valid YAML: its aliases stand for more than a million values. "
        "Check indentation, quotes and names."
    )
    path.write_text("labels: &a [b, *a]\n", encoding="utf-8")
    with pytest.raises(TaskError) as caught:
        read_task(path)
    assert str(caught.value) == (
        f"{path}:1: not valid YAML: an alias stands within what it stands for. Check indentation, quotes and names."
    )
