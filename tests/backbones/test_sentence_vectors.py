"""Vectors of texts against transformers' own hidden states, and the real encoder against what it is known to give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from encoders import save_encoder
from trimtab.backbones.pretrained import Pretrained, load
from trimtab.backbones.sentence_vectors import BATCH, sentence_vectors
from trimtab.errors import BackboneError

LONG = "the plot is awful , the cast boring and the end is not worth the wait"
TEXTS = ["a great and warm film", "cold", LONG, "", "好"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("encoders") / "bare", "bare")


@pytest.fixture(scope="module")
def encoder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    return load(folder, tmp_path_factory.mktemp("cache"), name="bare", precision="float32")


def by_hand(folder: Path, text: str, *, first: bool = False) -> np.ndarray:
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
    vector = hidden[0] if first else hidden.mean(0)
    return (vector / vector.norm()).numpy()


def test_they_are_means_of_hidden_states_of_length_one(folder: Path, encoder: Pretrained) -> None:
    said: list[tuple[str, int, int | None]] = []
    many = [*TEXTS, *(f"great {i}" for i in range(BATCH))]
    found = sentence_vectors(encoder, many, folder, lambda *given: said.append(given))
    for vector, text in zip(found, many, strict=True):
        np.testing.assert_allclose(vector, by_hand(folder, text), atol=1e-5)
    assert said == [("reading texts", BATCH, len(many)), ("reading texts", len(many), len(many))]
    assert sentence_vectors(encoder, []).shape == (0, encoder.backbone.hidden_size)


def write(folder: Path, name: str, content: object) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))


def test_a_folder_says_which_token_and_how_many(folder: Path, encoder: Pretrained, tmp_path: Path) -> None:
    write(tmp_path, "1_Pooling/config.json", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    found = sentence_vectors(encoder, TEXTS, tmp_path)
    for vector, text in zip(found, TEXTS, strict=True):
        np.testing.assert_allclose(vector, by_hand(folder, text, first=True), atol=1e-5)
    short = tmp_path / "short"
    write(short, "sentence_bert_config.json", {"max_seq_length": 4})
    ids = encoder.tokenizer(TEXTS[2], truncation=True, max_length=4)["input_ids"]
    cut = encoder.tokenizer.decode(ids, skip_special_tokens=True)
    np.testing.assert_allclose(sentence_vectors(encoder, [TEXTS[2]], short)[0], by_hand(folder, cut), atol=1e-5)


POOLING = (
    "asks for pooling_mode_max_tokens; known are the mean of all tokens and the first token. Choose another encoder, "
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"pooling_mode_max_tokens": True}, POOLING + "minilm-l6 say."),
        ("[" * 100_000, "not a JSON object. Fetch the model again."),
        ("[]", "not a JSON object. Fetch the model again."),
    ],
)
def test_what_is_not_known_is_refused(content: object, message: str, encoder: Pretrained, tmp_path: Path) -> None:
    write(tmp_path, "1_Pooling/config.json", content)
    with pytest.raises(BackboneError) as refused:
        sentence_vectors(encoder, TEXTS, tmp_path)
    assert str(refused.value) == f"{tmp_path / '1_Pooling' / 'config.json'}: {message}"


def test_a_language_model_is_refused(pretrained: Any) -> None:
    with pytest.raises(BackboneError) as refused:
        sentence_vectors(pretrained, TEXTS)
    assert str(refused.value) == (
        f"{pretrained.name}: a backbone of type 'llama' gives no vectors of sentences. Choose a sentence encoder, "
        "minilm-l6 say."
    )


@pytest.mark.real
def test_minilm_finds_what_means_the_same() -> None:
    from trimtab.backbones.open import open_backbone
    from trimtab.sources import find_model

    texts = ["My card was stolen yesterday.", "Somebody took my bank card.", "How warm is it in Rome in May?"]
    found = sentence_vectors(open_backbone("minilm-l6", precision="float32"), texts, find_model("minilm-l6").path)
    alike = found @ found.T
    assert alike[0, 1] > 0.6
    assert max(alike[0, 2], alike[1, 2]) < 0.2
