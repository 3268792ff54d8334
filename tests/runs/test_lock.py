"""A folder held for one process."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimtab.errors import RunError
from trimtab.runs.lock import held


def test_it_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "one"
    with held(folder, "tuning"):
        with pytest.raises(RunError) as refused, held(folder, "comparing"):
            raise AssertionError
        assert str(refused.value) == (
            f"{folder}: another process is comparing there. Wait for it to end, or choose another folder with --out."
        )
        (folder / "kept").touch()
    assert [path.name for path in folder.iterdir()] == ["kept"]
    with held(folder, "tuning"):
        pass
    assert [path.name for path in folder.iterdir()] == ["kept"]


def test_a_folder_that_was_made_for_nothing_is_removed_and_one_that_was_there_stays(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), held(tmp_path / "runs" / "of" / "new", "tuning"):
        raise ZeroDivisionError
    (tmp_path / "old").mkdir()
    with held(tmp_path / "old", "tuning"):
        pass
    with held(tmp_path / "removed", "tuning"):
        (tmp_path / "removed" / ".lock").unlink()
        (tmp_path / "removed").rmdir()
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_what_cannot_be_held_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place, said in (
        ("file", "a file, not a folder. Choose another folder with --out."),
        ("file/in", "cannot be written (Not a directory). Choose another folder with --out."),
    ):
        with pytest.raises(RunError) as refused, held(tmp_path / place, "tuning"):
            raise AssertionError
        assert str(refused.value) == f"{tmp_path / place}: {said}"
