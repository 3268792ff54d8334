"""A task bound to a backbone: what is read before a row, in which order, and what the row keeps for itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from trimtab.data import Example
from trimtab.inference.request import Request
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.settings.file import make_task

WORDS = {"bad": ["bad"], "good": ["good"]}
SHOWN = [Example({"text": f"film {i}"}, ("bad", "good")[i % 2], f"r:{i}") for i in range(4)]
LEADING = (7, 8)


def bound_to(pretrained: Any, method: Any, *, text: str = "{task}\nText: {text}{answer}") -> BoundTask:
    """A task whose texts begin with two tokens, as those of some backbones do."""
    task = make_task({"task": "good ?", "template": {"text": text}, "method": method})
    return replace(bind(task, WORDS, pretrained, examples=SHOWN), leading=LEADING)


def before(bound: BoundTask) -> list[int]:
    return bound.before(bound.method.condition(bound.method.initial(0)))


def test_a_soft_prompt_stands_behind_leading_tokens_or_before_them(pretrained: Any) -> None:
    head = pretrained.tokenizer("good ?\nText:")["input_ids"]
    assert before(bound_to(pretrained, {"length": 3})) == [7, 8, -1, -2, -3, *head]
    assert before(bound_to(pretrained, {"length": 3, "before_leading": True})) == [-1, -2, -3, 7, 8, *head]
    for method in ({"name": "prefix", "length": 3}, "lora", "zero_shot"):
        assert before(bound_to(pretrained, method)) == [7, 8, *head]


def test_soft_slots_stand_within_the_text(pretrained: Any) -> None:
    bound = bound_to(pretrained, "soft_prompt", text="Say {soft:2}{text}{soft:1}\nAnswer:{answer}")
    say, slots = pretrained.tokenizer("Say")["input_ids"], [i for i in before(bound) if i < 0]
    assert before(bound)[: 2 + len(say)] == [7, 8, *say]
    [row] = bound.encode([SHOWN[0]])
    assert [*slots, *(i for i in row.ids if i < 0)] == [-1, -2, -3]


@pytest.mark.parametrize("choice", ["fixed", "nearest"])
def test_demonstrations_for_all_stand_before_rows_and_those_of_a_row_in_it(choice: str, pretrained: Any) -> None:
    bound = bound_to(pretrained, {"name": "few_shot", "demonstrations": 2, "choice": choice})
    head = pretrained.tokenizer("good ?\nText:")["input_ids"]
    [row] = bound.encode([SHOWN[0]])
    own = pretrained.tokenizer(" film 0")["input_ids"]
    if choice == "fixed":
        assert before(bound) == [7, 8, *bound.demonstrations.ids, *head]
        assert (bound.shown, row.demonstrations) == (bound.demonstrations.ids, 0)
        assert list(row.ids) == own
    else:
        assert before(bound) == [7, 8]
        assert bound.shown == ()
        assert row.demonstrations > 0
        assert list(row.ids[row.demonstrations :]) == [*head, *own]


def test_what_is_read_before_rows_as_embeddings(pretrained: Any) -> None:
    bound = bound_to(pretrained, {"length": 3})
    condition = bound.method.condition(bound.method.initial(0))
    table = pretrained.backbone.model.get_input_embeddings().weight
    head = pretrained.tokenizer("good ?\nText:")["input_ids"]
    expected = torch.cat([table[list(LEADING)], condition.soft, table[head]])  # type: ignore[list-item]
    torch.testing.assert_close(bound.prompt(condition, pretrained.backbone).embeddings, expected)


def test_a_request_is_read_as_an_example_is(pretrained: Any) -> None:
    bound = bound_to(pretrained, {"length": 3})
    assert bound.asked(Request("run", {"text": "film 1"})) == bound.encode([SHOWN[1]])[0]
