"""Files of a run folder: there in full or not at all, whatever happens while they are written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trimtab.errors import RunError
from trimtab.runs.folder import PROMPT_FILE, TASK_FILE, check_finished, folder_named, write_whole


def test_a_run_is_finished_once_its_prompt_is_there(tmp_path: Path) -> None:
    done, begun = tmp_path / "done", tmp_path / "begun"
    for folder in (done, begun):
        folder.mkdir()
        (folder / TASK_FILE).touch()
    (done / PROMPT_FILE).touch()
    check_finished(done, done)
    for folder in (begun, tmp_path / "none", done / TASK_FILE):
        with pytest.raises(RunError) as caught:
            check_finished(done, folder)
        assert str(caught.value) == (
            f"{folder}: not a finished run (no prompt.safetensors). Give the folder `trimtab tune` wrote; an "
            "interrupted one goes on with `trimtab tune FOLDER --resume`."
        )


def test_texts_bytes_and_what_writes_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, "好的 \ud83d\r\n")
    assert path.read_bytes() == "好的 ?\r\n".encode()
    write_whole(path, b"\xff\0")
    assert path.read_bytes() == b"\xff\0"
    seen: list[str] = []

    def write(file: Path) -> None:
        seen.append(file.name)
        assert path.read_bytes() == b"\xff\0", "the old file is there until the new one is whole"
        file.write_text("new")

    write_whole(path, write)
    assert (path.read_text(), seen) == ("new", ["a.json"])  # some writers go by the name
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_where_writing_fails_the_old_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if step == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    if step == "replace":
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(RunError) as caught:
        write_whole(path, full if step == "write" else "new")
    assert str(caught.value) == (
        f"{path}: cannot be written (No space left on device). Free some space, or choose another folder."
    )
    assert isinstance(caught.value.__cause__, OSError)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_other_errors_leave_nothing_behind_either(tmp_path: Path) -> None:
    def fails(file: Path) -> None:
        file.write_text("half")
        raise ValueError("of ours")

    with pytest.raises(ValueError, match="of ours"):
        write_whole(tmp_path / "a.json", fails)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    left = tmp_path / "a.json.part"
    left.mkdir()
    (left / "a.json").write_text("half")
    write_whole(tmp_path / "a.json", "whole")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.json": "whole"}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        write_whole(tmp_path / "none" / "a.json", "x")
    assert str(caught.value) == (
        f"{tmp_path / 'none' / 'a.json'}: cannot be written (No such file or directory). Free some space, or choose "
        "another folder."
    )


def test_others_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    import torch

    from trimtab.runs.tensors import save_tensors

    before = os.umask(0o022)
    try:
        save_tensors(tmp_path / "tensors", {"a": torch.zeros(2)}, {})
        write_whole(tmp_path / "text", "text")
        os.umask(0o077)
        write_whole(tmp_path / "own", "text")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"tensors": 0o644, "text": 0o644, "own": 0o600}


@pytest.mark.parametrize("name", ["reviews", "a b: c", "sst2/16 shots", "情感", "..a", "x" * 247])
def test_a_task_gives_its_folder_its_name(name: str) -> None:
    assert folder_named(name) == Path("runs", *name.split("/"))
    assert folder_named(name, "compare-") == Path("runs", *f"compare-{name}".split("/"))


@pytest.mark.parametrize(
    "name",
    ["../../x", "..", ".", "/tmp/x", "a/../../x", "a//b", "a/", "a/./b", "..\\x", "a\x1b[1m", "a\nb", "\0", "x" * 256],
)
def test_a_name_that_would_be_a_place_elsewhere_is_refused(name: str) -> None:
    shown = name.replace("\x1b", r"\x1b").replace("\n", r"\n").replace("\0", r"\x00")
    for before in ("", "compare-"):
        with pytest.raises(RunError) as caught:
            folder_named(name, before)
        assert str(caught.value) == (
            f"name: '{shown}' cannot be the name of a folder in runs/. "
            "Name the task otherwise, or choose a folder with --out."
        )
