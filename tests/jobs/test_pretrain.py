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


def test_a_hidden_markov_model_is_trained_scored_and_goes_on_with_texts(trimtab, corpus):
    corpus.write_text(
        "name: hidden\ndata: {train: a.txt, document: line, held_out: 0.3}\n"
        "model: {kind: hmm, states: 5, iterations: 40}\n"
    )
    done = trimtab("pretrain", corpus)
    assert done.code == 0, done.err
    assert "iteration 40 of 40: train perplexity " in done.err
    figures = json.loads(Path("runs/hidden/figures.json").read_text())
    assert figures["scores"]["dev"]["perplexity"] < 5
    scored = json.loads(trimtab("perplexity", "runs/hidden", "a.txt", "--json").out)
    assert (scored["tokens"], scored["bytes"]) == (6 * len(LINES), sum(len(line) + 1 for line in LINES))
    said = trimtab("generate", "runs/hidden", "the", "--answers", "2", "--seed", "1")
    assert [line.split()[0] for line in said.out.splitlines()] == ["the", "the"]


NOT_FOR = "not for runs/small, which `trimtab pretrain` wrote.\n        "
WHOLE = "The model reads each document whole: leave it out."
STDIN = "standard input: a trained model reads a text more than once.\n         Save it as a file, and name that."


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--format", "text"), "Texts are read by their endings: leave it out, and name the file by what it holds."),
        (("--context", "8"), WHOLE),
        (("--stride", "8"), WHOLE),
        (("--per-row",), "Leave it out: of a trained model there are totals of each file."),
    ],
)
def test_options_that_have_no_part_in_scoring_by_a_folder_are_refused(trimtab, corpus, options, told):
    assert trimtab("pretrain", corpus).code == 0
    done = trimtab("perplexity", "runs/small", "a.txt", *options)
    assert (done.code, done.err) == (2, f"trimtab: {options[0]}: {NOT_FOR} {told}\n")


def test_standard_input_is_refused(trimtab, corpus):
    assert trimtab("pretrain", corpus).code == 0
    assert trimtab("perplexity", "runs/small").err == f"trimtab: {STDIN}\n"
