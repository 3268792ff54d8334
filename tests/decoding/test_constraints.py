"""Answers that may be one of a list, a pattern or a schema: random walks over what is allowed, read by other means."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import torch

from trimtab.backbones.pretrained import Pretrained
from trimtab.decoding.constraints import Constraint, Without, make_constraint
from trimtab.errors import TrimtabError
from trimtab.settings.answers import TextAnswer

END = 0


def constraint(pretrained: Pretrained, **settings: Any) -> Constraint:
    made = make_constraint(TextAnswer(**settings), pretrained.tokenizer, 400, [END])
    assert made is not None
    return made


def allowed(made: Constraint) -> list[int]:
    scores = torch.zeros(400)
    made.forbid(scores)
    return torch.isfinite(scores).nonzero().flatten().tolist()


def walk(made: Constraint, pretrained: Pretrained, seed: int, most: int = 80) -> str:
    """An answer whose tokens are drawn among those that are allowed, up to its end."""
    random, ids = torch.Generator().manual_seed(seed), []
    for _ in range(most):
        may = allowed(made)
        if END in may and (len(may) == 1 or torch.rand((), generator=random) < 0.5):
            return pretrained.tokenizer.decode(ids).removeprefix(" ").removeprefix("\n")
        token = may[int(torch.randint(len(may), (), generator=random))]
        if token != END:
            ids.append(token)
            made.took(token)
    raise AssertionError("an answer without an end")


def test_what_is_not_constrained_is_free(pretrained: Pretrained) -> None:
    assert make_constraint(TextAnswer(), pretrained.tokenizer, 400, [END]) is None


def test_a_pattern_is_what_pythons_own_finds(pretrained: Pretrained) -> None:
    pattern = "[0-9]{2,4}( (euro|yuan))?|无"
    found = {walk(constraint(pretrained, pattern=pattern), pretrained, seed) for seed in range(12)}
    assert all(re.fullmatch(pattern, text) for text in found), found
    assert len(found) > 4


def test_one_of_a_list_is_each_of_it_and_nothing_else(pretrained: Pretrained) -> None:
    texts = ["a warm film", "a cold film", 'so "so"', "好 😀"]
    assert {walk(constraint(pretrained, one_of=texts), pretrained, seed) for seed in range(8)} <= set(texts)
    for text in texts:
        made = constraint(pretrained, one_of=texts)
        for token in pretrained.tokenizer(f" {text}", add_special_tokens=False)["input_ids"]:
            assert END not in allowed(made)
            assert token in allowed(made)
            made.took(token)
        assert allowed(made) == [END]


def test_a_schema_gives_json_that_fits_it(pretrained: Pretrained) -> None:
    schema = {
        "type": "object", "required": ["good", "stars"], "additionalProperties": False,
        "properties": {"good": {"type": "boolean"}, "stars": {"enum": [1, 2, 3]}},
    }  # fmt: skip
    for seed in range(6):
        content = json.loads(walk(constraint(pretrained, json_schema=schema), pretrained, seed))
        assert set(content) == {"good", "stars"}
        assert content["good"] in (True, False)
        assert content["stars"] in (1, 2, 3)


def test_an_answer_goes_on_apart_from_its_copy(pretrained: Pretrained) -> None:
    made = constraint(pretrained, one_of=["12", "34"])
    other = made.again()
    [three] = pretrained.tokenizer("3", add_special_tokens=False)["input_ids"]
    made.took(three)
    assert three not in allowed(made)
    assert three in allowed(other)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"pattern": "[a"}, "answer.pattern cannot be read: "), ({"json_schema": {"type": "colour"}}, "answer.json_sch")],
)
def test_what_cannot_be_read_is_told(settings: dict[str, Any], said: str, pretrained: Pretrained) -> None:
    with pytest.raises(TrimtabError) as error:
        constraint(pretrained, **settings)
    assert error.value.message.startswith(said)
    assert "\n" not in error.value.message
    assert error.value.hint == "Correct it."


def test_a_tokenizer_that_cannot_be_followed_is_told(pretrained: Pretrained) -> None:
    with pytest.raises(TrimtabError) as error:
        constraint(replace(pretrained, tokenizer=object()), one_of=["a"])
    assert error.value.message.startswith("answer.one_of: the tokenizer of this backbone cannot be followed (")
    assert error.value.hint == "Take the setting out."


def test_tokens_that_are_never_said():
    scores_V = torch.arange(4.0)
    own = Without([1, 3]).again()
    own.took(2)
    own.forbid(scores_V)
    assert scores_V.tolist() == [0.0, float("-inf"), 2.0, float("-inf")]
