"""Uploaded runs on disk: whatever a kill leaves, the former runs or the new ones are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimtab.errors import RunError
from trimtab.runs.folder import PROMPT_FILE, TASK_FILE
from trimtab.serving.store import INDEX, Store

FILES = {TASK_FILE: b"task", PROMPT_FILE: b"prompt"}


def test_what_was_not_registered_is_swept_away(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = store.stage(FILES)
    store.register("a", first)
    store.stage(FILES)  # and killed
    again = Store(tmp_path)
    assert again.runs == {"a": first}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([INDEX, first.name])
    second = again.stage({**FILES, TASK_FILE: b"other"})
    again.register("a", second)
    assert {path.name for path in tmp_path.iterdir()} == {INDEX, second.name}
    again.forget("a")
    assert [path.name for path in tmp_path.iterdir()] == [INDEX]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    with pytest.raises(RunError) as raised:
        Store(tmp_path)
    assert str(raised.value) == (
        f"{tmp_path}: holds something else than uploaded runs. Choose an empty folder with --store."
    )


def test_a_damaged_index_is_told_and_nothing_swept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.register("a", store.stage(FILES))
    (tmp_path / INDEX).write_text("{")
    with pytest.raises(RunError) as raised:
        Store(tmp_path)
    assert str(raised.value) == f"{tmp_path / INDEX}: damaged, or not readable. Put it back, or choose another folder."
    assert len(list(tmp_path.iterdir())) == 2
