"""Names of the hub, through a stand-in for `datasets`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import pytest

from reading import error
from trimtab.data import Record, read_records
from trimtab.errors import MissingExtraError


class FakeDataset(list[dict[str, object]]):
    features: ClassVar = {
        "text": SimpleNamespace(dtype="string"),
        "label": SimpleNamespace(names=["negative", "positive"]),
    }


def fake_datasets(monkeypatch: pytest.MonkeyPatch, load: Callable[..., object]) -> None:
    module = ModuleType("datasets")
    module.load_dataset = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)


def test_a_hub_name_gives_labels_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def load(name: str, split: str) -> FakeDataset:
        asked.append((name, split))
        return FakeDataset([{"text": "a", "label": 1}, {"text": "b", "label": 0}, {"text": "c", "label": -1}])

    fake_datasets(monkeypatch, load)
    records = list(read_records("hub:org/reviews:validation", base=tmp_path))
    assert records[0] == Record({"text": "a", "label": "positive"}, "hub:org/reviews:validation:1")
    assert [record.values["label"] for record in records if isinstance(record, Record)] == [
        "positive",
        "negative",
        None,
    ]
    list(read_records("hub:org/reviews", base=tmp_path))
    assert asked == [("org/reviews", "validation"), ("org/reviews", "train")]


def test_hub_errors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError) as caught:
        read_records("hub:org/reviews", base=tmp_path)
    assert str(caught.value) == (
        "hub:org/reviews needs the datasets library, which is not installed. "
        "Install it with `pip install 'trimtab[hub]'`."
    )

    def load(name: str, split: str) -> FakeDataset:
        raise ValueError("Unknown split.\nShould be one of train")

    fake_datasets(monkeypatch, load)
    assert error("hub:org/reviews", tmp_path) == (
        "hub:org/reviews: `datasets` cannot load it (Unknown split). "
        "Check the name, the split and the connection, or download the data and give a file."
    )
