"""Vectors of texts against hidden states that transformers makes of each text alone, prompts in front."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

import encoders
import tiny
from adapters import moved_run
from closeness import assert_near
from trimtab.backbones.pretrained import Pretrained, load
from trimtab.errors import BackboneError, RunError, TaskError
from trimtab.inference.vectors import Embedder
from trimtab.settings.file import make_task

TEXTS = ["a wonderful film", "", "好吃 and 🙂", "bad", "the plot is awful , the cast wonderful"]
WORDS = {"negative": ["bad"], "positive": ["good"]}


def states(pretrained: Pretrained, ids: list[int], before: torch.Tensor | None = None) -> list[torch.Tensor]:
    """Hidden states [T, D] behind each layer, the last one behind the norm, by transformers' own attention."""
    model = pretrained.backbone.model
    x = pretrained.backbone.embed(torch.tensor(ids))
    skipped = 0 if before is None else len(before)
    x = x if before is None else torch.cat([before, x])
    ours = model.config._attn_implementation
    model.set_attn_implementation("eager")
    with torch.no_grad():
        out = model(inputs_embeds=x[None], output_hidden_states=True)
    model.set_attn_implementation(ours)
    return [layer[0, skipped:] for layer in out.hidden_states]


@pytest.mark.parametrize(
    ("pooling", "layer"), [("mean", None), ("last", None), ("first", None), ("mean", 1), ("last", 1)]
)
def test_a_bare_backbone(pretrained: Pretrained, pooling: str, layer: int | None) -> None:
    found = np.stack(list(Embedder(pretrained, pooling=pooling, layer=layer)(TEXTS)))  # type: ignore[arg-type]
    for vector, text in zip(found, TEXTS, strict=True):
        ids = pretrained.tokenizer(text)["input_ids"]
        if not ids:
            assert not vector.any()
            continue
        own = states(pretrained, ids)[-1 if layer is None else layer]
        expected = {"mean": own.mean(0), "last": own[-1], "first": own[0]}[pooling]
        assert_near(torch.from_numpy(vector), expected)


def test_a_run_reads_its_template_behind_its_prompt(pretrained: Pretrained) -> None:
    method = {"name": "soft_prompt", "length": 3}
    run = moved_run(pretrained, make_task({"backbone": "tiny", "method": method, "labels": WORDS}), WORDS)
    embedder = Embedder(pretrained, run, normalise=True)
    [found] = embedder([TEXTS[0]])
    loaded = embedder._loaded
    assert loaded is not None
    prompt, ids = loaded.members[0].prompt, loaded.bound.encoder.encode({"text": TEXTS[0]}).ids
    expected = states(pretrained, list(ids), prompt.embeddings)[-1].mean(0)
    assert_near(torch.from_numpy(found), torch.nn.functional.normalize(expected, dim=0))
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    with pytest.raises(TaskError, match=r"^input: no field 'text'\. Did you mean 'texts'\?"):
        list(embedder([{"texts": "a"}]))


def test_an_encoder_reads_its_special_tokens(tmp_path) -> None:
    folder = encoders.save_encoder(tmp_path / "bare", "bare")
    encoder = load(folder, tmp_path / "cache", name="bare", precision="float32")
    texts = ["a great film", "bad"]
    found = np.stack(list(Embedder(encoder)(texts)))
    for vector, text in zip(found, texts, strict=True):
        assert_near(torch.from_numpy(vector), states(encoder, encoder.tokenizer(text)["input_ids"])[-1].mean(0))


def test_long_texts_are_cut_and_many_are_read_in_order(pretrained: Pretrained) -> None:
    texts = [" ".join(["film"] * (1 + i % 7)) for i in range(1100)] + ["film " * 5000]
    found = np.stack(list(Embedder(pretrained, most=5)(texts)))
    assert found.shape == (1101, pretrained.backbone.hidden_size)
    assert np.allclose(found[0], found[7], atol=1e-5)
    cut = " ".join(["film"] * 9)
    assert np.allclose(found[-1], next(Embedder(pretrained, most=5)([cut])), atol=1e-5)


def test_what_cannot_be_read_is_refused(pretrained: Pretrained) -> None:
    with pytest.raises(BackboneError, match=r"^method\.layer is 3, and the backbone has 2 layers\."):
        Embedder(pretrained, layer=3)
    task = make_task({"backbone": "tiny", "method": {"name": "soft_prompt", "length": 3}, "labels": WORDS})
    one = moved_run(pretrained, task, WORDS)
    settings = {"backbone": "tiny", "method": {"name": "soft_prompt", "length": 3}, "labels": WORDS}
    both = make_task({**settings, "train": {"ensemble": True}})
    two = dataclasses.replace(one, tensors=one.tensors * 2, task=both)
    with pytest.raises(RunError, match=r"^the run answers as the mean of 2 prompts, and has no one hidden state\."):
        Embedder(pretrained, two)


def test_rows_of_tiny_data(pretrained: Pretrained) -> None:
    assert sum(1 for _ in Embedder(pretrained)(row["text"] for row in tiny.rows(5))) == 5
