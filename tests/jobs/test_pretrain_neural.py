"""`trimtab pretrain` of recurrent models and transformers: trained, resumed, and used as any backbone is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import tiny
from trimtab.errors import TrimtabError
from trimtab.jobs import perplexity
from trimtab.jobs import pretrain as job
from whole_jobs import Killed, dying_at, tuned

LINES = [f"the {animal} {verb} the {other}" for animal in ("cat", "dog", "bird") for verb in ("sees", "hears", "likes")
         for other in ("mouse", "cat", "child", "tree")]  # fmt: skip
MODELS = {
    "lstm": {"kind": "lstm", "layers": 1, "dropout": 0.1, "width": 16},
    "gru": {"kind": "gru", "layers": 1, "width": 16},
    "transformer": {"kind": "transformer", "layers": 1, "width": 16, "heads": 2},
}
TRAIN = {"steps": 24, "batch_size": 4, "length": 8, "rate": 0.05, "evaluate_every": 8, "checkpoint_seconds": 0}
FILES = ("model.safetensors", "config.json", "tokenizer.json")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("\n".join(LINES))
    path = tmp_path / "corpus.yaml"
    write(path, MODELS["gru"])
    return path


def write(path: Path, model: dict, **train: object) -> None:
    data = {"train": "a.txt", "document": "line", "held_out": 0.3}
    path.write_text(yaml.safe_dump({"name": "small", "data": data, "model": model, "train": {**TRAIN, **train}}))


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_what_is_killed_and_resumed_ends_with_the_same_bits(kind, corpus, tmp_path):
    write(corpus, MODELS[kind], length=32 if kind == "transformer" else 8)
    losses: list[float] = []
    seldom = ["train.checkpoint_seconds=60"]
    trained = job.run(
        corpus, seldom, out=tmp_path / "whole", on_step=lambda record, *_: losses.append(record.losses[0])
    )
    assert sum(losses[-5:]) < 0.75 * sum(losses[:5])
    assert trained.scores["dev"].perplexity < 8
    kill = dying_at(17)
    with pytest.raises(Killed):
        job.run(corpus, out=tmp_path / "out", on_step=lambda record, plan, _: kill(record, plan))
    assert not (tmp_path / "out").exists()
    with pytest.raises(TrimtabError) as caught:
        job.run(corpus, out=tmp_path / "out")
    assert str(caught.value) == (
        f"{tmp_path / 'out.part'}: holds a training that was not finished. Go on with --resume, or delete the folder."
    )
    with pytest.raises(TrimtabError) as caught:
        job.run(corpus, ["train.rate=0.01"], out=tmp_path / "out", resume=True)
    assert str(caught.value) == (
        f"{tmp_path / 'out.part'}: begun with other settings: train.rate was 0.05, is 0.01. Give the settings it was "
        "begun with, or choose another folder with --out."
    )
    steps: list[int] = []
    job.run(corpus, out=tmp_path / "out", resume=True, on_step=lambda record, *_: steps.append(record.step))
    assert steps[0] == 17
    for name in FILES:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("out")) == ["out"]
    assert not (tmp_path / "out" / "checkpoint.safetensors").exists()


def test_other_texts_are_not_gone_on_with(corpus, tmp_path):
    kill = dying_at(2)
    with pytest.raises(Killed):
        job.run(corpus, out=tmp_path / "out", on_step=lambda record, plan, _: kill(record, plan))
    (tmp_path / "a.txt").write_text("\n".join(reversed(LINES)))
    with pytest.raises(TrimtabError) as caught:
        job.run(corpus, out=tmp_path / "out", resume=True)
    assert str(caught.value) == (
        f"{tmp_path / 'out.part'}: begun with other texts than train holds now. Put the former ones back, or choose "
        "another folder with --out."
    )


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_what_comes_out_is_a_backbone(kind, trimtab, corpus, tmp_path):
    write(corpus, MODELS[kind], length=64, checkpoint_seconds=60)
    corpus.write_text(corpus.read_text() + "tokenizer: {kind: bpe, size: 300}\n")
    done = trimtab("pretrain", corpus, "--out", tmp_path / "lm")
    assert done.code == 0, done.err
    assert "step 24 of 24 (pass " in done.err
    assert "dev: perplexity " in done.out
    said = trimtab("generate", tmp_path / "lm", "the cat", "--answers", "3", "--seed", "1", "--tokens", "6")
    assert (
        said.out
        == trimtab("generate", tmp_path / "lm", "the cat", "--answers", "3", "--seed", "1", "--tokens", "6").out
    )
    assert len(said.out.splitlines()) == 3
    assert all(line.startswith("the cat") for line in said.out.splitlines())
    assert trimtab("generate", tmp_path / "lm", "--temperature", "0", "--tokens", "9").code == 0
    scored = json.loads(trimtab("perplexity", tmp_path / "lm", tmp_path / "a.txt", "--json").out)
    assert 1 < scored["perplexity"] < 300
    pretrained = perplexity.open_scorer(str(tmp_path / "lm")).pretrained
    tiny.write_task(tmp_path, str(tmp_path / "lm"), train={"steps": 4, "evaluate_every": 2})
    assert tuned(tmp_path, pretrained).stopped_at is None


def test_a_text_beyond_the_context_is_refused(corpus, tmp_path):
    write(corpus, MODELS["transformer"], steps=1, length=32)
    job.run(corpus, ["train.checkpoint_seconds=60"], out=tmp_path / "lm")
    with pytest.raises(TrimtabError) as caught:
        job.generate(tmp_path / "lm", "the cat", tokens=30, temperature=1, seed=0, answers=1)
    assert str(caught.value) == (
        f"{tmp_path / 'lm'}: the model reads 32 tokens, and the text has 2 and is to get 30. Shorten the text, or "
        "lower --tokens."
    )


def test_a_training_stops_where_dev_gets_no_better(corpus, tmp_path):
    write(corpus, MODELS["gru"], steps=400, rate=0.5, patience=2, evaluate_every=5, checkpoint_seconds=60)
    steps: list[int] = []
    job.run(corpus, out=tmp_path / "lm", on_step=lambda record, *_: steps.append(record.step))
    assert len(steps) < 400
