"""Where sources and backbones are: names that mean the same from any folder, and files that stayed elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimtab.sources.places import absolute, is_here, local_or_known


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A task's folder, and the folder that the program runs in."""
    base, here = tmp_path / "base", tmp_path / "here"
    base.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    return base, here


def test_files_become_absolute_and_names_stay(folders: tuple[Path, Path]) -> None:
    base, here = folders
    (base / "rows.jsonl").touch()
    (here / "rows.jsonl").touch()
    assert absolute("rows.jsonl", base) == str(base / "rows.jsonl")
    assert absolute("../here/rows.jsonl", base) == str(here / "rows.jsonl")
    assert absolute(str(here / "rows.jsonl"), base) == str(here / "rows.jsonl")
    assert absolute("none.jsonl", base) == str(base / "none.jsonl")  # which an error then names
    for same in (None, "-", "hub:org/data", "movie-reviews", "chinese-reviews:test"):
        assert absolute(same, base) == same


def test_a_file_that_is_named_as_demo_data_is_the_file(folders: tuple[Path, Path]) -> None:
    base, here = folders
    (base / "movie-reviews").touch()
    assert absolute("movie-reviews", base) == str(base / "movie-reviews")
    assert absolute("movie-reviews", here) == "movie-reviews"


def test_what_can_still_be_read(folders: tuple[Path, Path]) -> None:
    base, here = folders
    (here / "rows.jsonl").touch()
    for source in ("rows.jsonl", str(here / "rows.jsonl"), "hub:org/data", "movie-reviews:dev"):
        assert is_here(source)
    for source in (None, str(base / "rows.jsonl"), "none.jsonl", "movie-review"):
        assert not is_here(source)


def test_a_backbone_beside_the_task_or_here_becomes_absolute(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, here = folders
    (base / "model").mkdir()
    (here / "model").mkdir()
    (here / "other.gguf").touch()
    assert local_or_known("model", base) == str(base / "model")
    assert local_or_known("other.gguf", base) == str(here / "other.gguf")
    assert local_or_known(str(here / "model"), base) == str(here / "model")
    for name in ("smollm2-135m", "hub:org/model", "absent/model"):
        assert local_or_known(name, base) == name
    monkeypatch.setenv("HOME", str(base))
    assert local_or_known("~/model", here) == str(base / "model")
    assert local_or_known("~/none", here) == "~/none"
