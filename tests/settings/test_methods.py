"""Settings of methods: short forms, what they are called, and messages about those of another method, whole."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from trimtab.errors import TaskError
from trimtab.settings.file import make_task
from trimtab.settings.methods import METHODS

NAMES = [
    "soft_prompt", "warp", "prefix", "late_prompt", "p_tuning", "multitask_prompt", "lora", "ia3", "bitfit", "full",
    "head", "zero_shot", "few_shot", "search", "auto",
]  # fmt: skip


def refusal(method: object) -> str:
    with pytest.raises(TaskError) as caught:
        make_task({"method": method})
    return str(caught.value)


def test_a_bare_name_will_do_for_each():
    assert list(METHODS) == NAMES
    for name in NAMES:
        method = make_task({"method": name}).method
        assert (type(method), method.name) == (METHODS[name], name)
        assert make_task({"method": {"name": name}}).method == method
        assert make_task({"method": method}).method == method


def test_a_soft_prompt_unless_told():
    assert make_task({}).method.name == "soft_prompt"
    assert make_task({"method": {"length": 3}}).method.model_dump(exclude_unset=True) == {"length": 3}


@pytest.mark.parametrize(
    ("method", "described"),
    [
        ({"length": 7}, "7-token soft prompt"),
        ({"name": "prefix"}, "20-token prefix"),
        ({"init": "demonstrations", "demonstrations": 4, "length": 90}, "90-token soft prompt from 4 demonstrations"),
        ({"name": "lora", "rank": 4}, "LoRA"),
        ("few_shot", "few-shot"),
        ("full", "full fine-tuning"),
    ],
)
def test_how_a_method_is_called(method, described):
    assert make_task({"method": method}).method.described == described


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("lora_prompt", "task: unknown method 'lora_prompt'. Did you mean 'late_prompt'?"),
        ("xyz", f"task: unknown method 'xyz'. Known: {', '.join(NAMES)}."),
        (3, f"task: unknown method '3'. Known: {', '.join(NAMES)}."),
        ({"name": "ia3", "rank": 4}, "task: unknown setting 'method.rank'. Known here: name."),
        ({"rank": 4}, "task: unknown setting 'method.rank'. Known here: name, length, init, demonstrations, init_text, "
                      "init_run, dropout, before_leading."),
        ({"length": 0}, "task: method.length: Input should be greater than or equal to 1 (found 0). See "
                        "docs/task-file.md."),
        ({"name": "lora", "alpha": 0}, "task: method.alpha: Input should be greater than 0 (found 0). See "
                                       "docs/task-file.md."),
        ({"name": "head", "init": "task"}, "task: method.init: Input should be 'labels' or 'zero' (found 'task'). See "
                                           "docs/task-file.md."),
        ({"name": "few_shot", "draws": 101}, "task: method.draws: Input should be less than or equal to 100 (found "
                                             "101). See docs/task-file.md."),
    ],
)  # fmt: skip
def test_settings_that_will_not_do(method, message):
    assert refusal(method) == message


def test_settings_do_not_change():
    method = make_task({}).method
    with pytest.raises(ValidationError, match="Instance is frozen"):
        method.length = 3
