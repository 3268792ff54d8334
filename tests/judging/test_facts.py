"""Facts of data, machine and backbone, gathered."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from trimtab.data import Example, Splits
from trimtab.judging.facts import data_facts, machine_facts, made_with
from trimtab.settings.file import make_task
from trimtab.settings.task import DataSettings

ENGLISH, CHINESE = "the film was warm and funny", "味道很好，但是送餐太慢"


def rows(*texts: str, label: str = "good") -> list[Example]:
    return [Example({"text": text}, label, f"rows.jsonl:{i}") for i, text in enumerate(texts, 1)]


@pytest.mark.parametrize(
    ("texts", "language"),
    [([ENGLISH], "en"), ([CHINESE], "zh"), ([ENGLISH, CHINESE], "mixed"), ([f"{CHINESE} app"], "zh"), (["12 + 3"], "")],
)
def test_the_language_of_the_texts(texts: list[str], language: str) -> None:
    facts = data_facts(Splits(rows(*texts), [], [], []), [], DataSettings(train="a.jsonl"), [])
    assert facts.language == language


def test_rows_are_counted_by_split_and_label() -> None:
    splits = Splits(rows(ENGLISH, ENGLISH), [], [*rows(ENGLISH), *rows(ENGLISH, label="bad")], [])
    data = DataSettings(train="a.jsonl", test="hub:org/set")
    facts = data_facts(splits, ["bad", "good"], data, ["one row was left out"])
    assert (facts.train_rows, facts.dev_rows, facts.test_rows) == (2, 0, 2)
    assert facts.sources == {"train": "a.jsonl", "test": "hub:org/set"}
    assert facts.label_counts == {"train": {"bad": 0, "good": 2}, "test": {"bad": 1, "good": 1}}
    assert facts.notes == ["one row was left out"]
    assert data_facts(splits, [], data, []).label_counts == {}


def test_what_it_was_made_with() -> None:
    backbone = SimpleNamespace(dtype=torch.bfloat16, device=torch.device("cpu"), parameters=7)
    pretrained = SimpleNamespace(backbone=backbone)
    machine = machine_facts(pretrained)  # type: ignore[arg-type]
    assert (machine.precision, machine.threads) == ("bfloat16", torch.get_num_threads())
    assert machine.cpu
    task = make_task({"name": "reviews", "task": "Is it good?", "backbone": "x", "data": {"train": "a.jsonl"}})
    known = {"name": "x", "origin": "local", "licence": "MIT", "content_hash": "0"}
    found = made_with(task, known, pretrained)  # type: ignore[arg-type]
    assert (found["name"], found["task"], found["machine"]) == ("reviews", "Is it good?", machine)
    assert found["backbone"].model_dump() == known | {"parameters": 7}
    assert found["settings"] == task.model_dump(mode="json")
