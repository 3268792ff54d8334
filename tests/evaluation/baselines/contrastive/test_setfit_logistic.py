"""SetFit: what its process is handed and gives back, what it refuses, and once the real one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from made_rows import ENGLISH, LABELS, made_rows

from trimtab.data.example import Example
from trimtab.errors import MissingExtraError, TrimtabError, is_installed
from trimtab.evaluation.baselines.contrastive import setfit_logistic as module
from trimtab.evaluation.baselines.contrastive.setfit_logistic import setfit_logistic
from trimtab.sources import find_model

# In place of the library's process: it notes what it finds, and gives class after class.
NOTED = """
import json, os, sys
asked = json.load(open("asked.json"))
noted = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "TQDM_DISABLE")}
noted |= {"folder": os.getcwd(), "asked": asked}
json.dump(noted, open(asked["encoder"] + "/noted.json", "w"))
classes = len(set(asked["answers"]))
found = [[float(n % classes == c) for c in range(classes)] for n in range(len(asked["asked"]))]
json.dump(found, open("found.json", "w"))
"""


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library counts as installed, whether or not it is."""
    monkeypatch.setitem(sys.modules, "setfit", ModuleType("setfit"))


def put(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    """A script in place of the library's process."""
    (folder / "process.py").write_text(text)
    monkeypatch.setattr(module, "_PROCESS", folder / "process.py")


def row(text: str, label: str) -> Example:
    return Example({"title": "On", "text": text}, label, "made up")


@pytest.mark.usefixtures("installed")
def test_what_is_handed_over_and_given_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put(monkeypatch, tmp_path, NOTED)
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    train = [row("a", "odd"), row("b", "good"), row("c", "good"), row("d", "odd")]
    asked = [row("e", "bad"), row("f", "bad"), row("g", "bad")]
    found = setfit_logistic(train, asked, LABELS, encoder=tmp_path, threads=3, seed=7)
    assert found.probabilities_NC.tolist() == [[1, 0, 0], [0, 0, 1], [1, 0, 0]]  # train has none that are bad
    assert found.answers_N.tolist() == [0, 2, 0]
    noted: dict[str, Any] = json.loads((tmp_path / "noted.json").read_text())
    handed = noted["asked"]
    assert handed["texts"] == ["On a", "On b", "On c", "On d"]
    assert handed["answers"] == [2, 0, 0, 2]
    assert handed["asked"] == ["On e", "On f", "On g"]
    assert sorted(handed["paired_answers"]) == [0, 2]  # one of each label, of two rows that may be paired
    assert len(handed["paired"]) == 2
    assert set(handed["paired"]) <= set(handed["texts"])
    assert handed["seed"] == 7
    assert (noted["OMP_NUM_THREADS"], noted["CUDA_VISIBLE_DEVICES"], noted["TQDM_DISABLE"]) == ("3", "", "1")
    assert not Path(noted["folder"]).exists()


@pytest.mark.usefixtures("installed")
def test_an_error_of_the_library_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put(monkeypatch, tmp_path, "raise ValueError('no such encoder')")
    with pytest.raises(TrimtabError) as caught:
        setfit_logistic([row("a", "good"), row("b", "bad")], [row("c", "bad")], LABELS, encoder=tmp_path, threads=1)
    assert str(caught.value) == (
        "way 'setfit': SetFit ended with an error (ValueError: no such encoder). "
        "Name another encoder as `embeddings`, one of sentence-transformers, or leave this way out."
    )


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("train", "found"), [([row("a", "bad")], "the label 'bad' alone"), ([], "no row")])
def test_one_label_makes_no_pairs(train: list[Example], found: str, tmp_path: Path) -> None:
    with pytest.raises(TrimtabError) as caught:
        setfit_logistic(train, [row("b", "bad")], LABELS, encoder=tmp_path, threads=1)
    assert str(caught.value) == (
        f"way 'setfit': train holds {found}, expected two labels or more, as pairs of rows are compared. "
        "Add rows with other labels, or leave this way out."
    )


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "setfit", None)  # type: ignore[arg-type]
    with pytest.raises(MissingExtraError) as caught:
        setfit_logistic([row("a", "good"), row("b", "bad")], [], LABELS, encoder=tmp_path, threads=1)
    assert str(caught.value) == (
        "way 'setfit' needs the SetFit library, which is not installed. "
        "Install it with `pip install 'trimtab[setfit]'`."
    )


@pytest.mark.real
@pytest.mark.skipif(not is_installed("setfit"), reason="SetFit is not installed: pip install 'trimtab[setfit]'")
def test_minilm_learns_from_a_few_rows_and_leaves_no_trace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    train, rows = made_rows(16, 1, ENGLISH), made_rows(40, 2, ENGLISH)
    found = setfit_logistic(train, rows, LABELS, encoder=find_model("minilm-l6").path, threads=1)
    assert np.mean([LABELS[n] == row.answer for n, row in zip(found.answers_N, rows, strict=True)]) > 0.5
    np.testing.assert_allclose(found.probabilities_NC.sum(1), 1, rtol=1e-6)
    assert "setfit" not in sys.modules
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
