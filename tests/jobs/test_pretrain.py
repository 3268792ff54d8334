"""`trimtab pretrain`, and what its folder is used for, by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trimtab.errors import TrimtabError
from trimtab.jobs import pretrain as job

LINES = [f"the {animal} {verb} the {other}" for animal in ("cat", "dog", "bird") for verb in ("sees", "hears", "likes")
         for other in ("mouse", "cat", "child", "tree")]  # fmt: skip


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("\n".join(LINES))
    path = tmp_path / "corpus.yaml"
    path.write_text(
        "name: small\ndata: {train: a.txt, document: line, held_out: 0.3}\nmodel: {kind: ngram, order: 3}\n"
    )
    return path


def test_a_model_is_trained_scored_and_goes_on_with_texts(trimtab, corpus):
    done = trimtab("pretrain", corpus)
    assert done.code == 0, done.err
    assert done.out.startswith("runs/small: ")
    assert "dev: perplexity " in done.out
    figures = json.loads(Path("runs/small/figures.json").read_text())
    assert figures["scores"]["dev"]["perplexity"] < 6
    scored = json.loads(trimtab("perplexity", "runs/small", "a.txt", "--json").out)
    assert (scored["tokens"], scored["bytes"]) == (6 * len(LINES), sum(len(line) + 1 for line in LINES))
    said = trimtab("generate", "runs/small", "the", "--answers", "3", "--seed", "1")
    assert said.out == trimtab("generate", "runs/small", "the", "--answers", "3", "--seed", "1").out
    assert len(said.out.splitlines()) == 3
    assert all(line.startswith("the ") for line in said.out.splitlines())
    assert not list(Path("runs").glob("*.part"))
    again = trimtab("pretrain", corpus)
    assert again.err == (
        "trimtab: runs/small: the folder holds a trained model.\n         Choose another folder with --out.\n"
    )


def test_what_is_broken_off_leaves_no_folder(corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path / "cache"))

    def stop(text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job.run(corpus, out=tmp_path / "out", say=stop)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.part").exists()


def test_a_folder_without_a_model_is_told(tmp_path):
    with pytest.raises(TrimtabError) as caught:
        job.generate(tmp_path, "a", tokens=1, temperature=1, seed=0, answers=1)
    assert str(caught.value) == (
        f"{tmp_path}: not a trained model. Give the folder that `trimtab pretrain` wrote."
    )  # fmt: skip
