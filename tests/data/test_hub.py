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
from trimtab.data.class_names import namer
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


def test_configurations_and_slices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def load(*names: str, split: str) -> FakeDataset:
        asked.append((*names, split))
        return FakeDataset([{"text": "a", "label": 1}])

    fake_datasets(monkeypatch, load)
    for source in ("hub:glue:sst2:train", "hub:glue:sst2:", "hub:glue:train[:10%]", "hub:glue:sst2:train[:100]"):
        assert len(list(read_records(source, base=tmp_path))) == 1
    assert asked == [
        ("glue", "sst2", "train"), ("glue", "sst2", "train"), ("glue", "train[:10%]"), ("glue", "sst2", "train[:100]"),
    ]  # fmt: skip
    assert error("hub:a:b:c:d", tmp_path) == (
        "hub:a:b:c:d: not a name on the hub. Write hub:NAME, hub:NAME:SPLIT or hub:NAME:CONFIGURATION:SPLIT."
    )

    def refuse(*names: str, split: str) -> FakeDataset:
        raise ValueError("Config name is missing.\nPlease pick one among the available configs: ['cola', 'sst2']")

    fake_datasets(monkeypatch, refuse)
    assert error("hub:glue", tmp_path) == (
        "hub:glue: `datasets` cannot load it (Config name is missing). "
        "Name one of its configurations: hub:NAME:CONFIGURATION:SPLIT."
    )


def test_classes_within_lists_and_objects_come_by_name() -> None:
    """Features as `datasets` 5.2 has them: a list has `feature`, an object is a dictionary."""
    classes = SimpleNamespace(names=["O", "B-x"])
    named = namer({"tags": SimpleNamespace(feature=classes), "spans": {"type": SimpleNamespace(feature=classes)}})
    row = {"tags": [0, 1], "spans": {"type": [1], "start": [3]}, "other": 1}
    assert named(row) == {"tags": ["O", "B-x"], "spans": {"type": ["B-x"], "start": [3]}, "other": 1}
