"""Models that are run by their own code are tuned, answer and talk as others do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

import encoders
import tiny
from families import OWN_CODE
from trimtab.backbones.open import backbone_of
from trimtab.errors import TrimtabError
from trimtab.inference.engine import Engine
from trimtab.inference.request import Request
from trimtab.jobs.tune import run as tune
from trimtab.kinds.prediction import TextPrediction
from trimtab.runs.run import load_run


def saved(folder: Path, name: str) -> Path:
    """A tiny seeded model of a family, in place of the usual one beside its tokenizer."""
    [family] = [one for one in OWN_CODE if one.name == name]
    masked = family.kind == "masked"
    (encoders.save_encoder if masked else tiny.save_backbone)(folder)
    words = len(encoders.WORDS) + len(encoders.SPECIAL) + 1 if masked else 400
    torch.manual_seed(0)
    more = {"vocab_size": words, "max_position_embeddings": 256, "eos_token_id": 0, "pad_token_id": 0}
    config = CONFIG_MAPPING[family.model_type](**(family.sizes | more))
    (AutoModelForMaskedLM if masked else AutoModelForCausalLM).from_config(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("name", "method"),
    [("LFM2", {"name": "soft_prompt", "length": 3}), ("LFM2", "head"),
     ("Falcon", {"name": "lora", "targets": ["query_key_value"]}),
     ("DeBERTa 2 and 3", "head"), ("DeBERTa 2 and 3", {"name": "soft_prompt", "length": 2})],
)  # fmt: skip
def test_labels(name: str, method: object, tmp_path: Path) -> None:
    backbone = saved(tmp_path / "backbone", name)
    template = {"text": "{text} it was {answer}"} if name.startswith("DeBERTa") and method != "head" else {}
    words = {"labels": {"negative": ["bad"], "positive": ["good"]}} if template else {}
    file = tiny.write_task(tmp_path, backbone, template=template, **words)
    settings = {**yaml.safe_load(file.read_text()), "method": method}
    file.write_text(yaml.safe_dump({k: v for k, v in settings.items() if v}))
    tuned = tune(file, tmp_path / "run")
    assert tuned is not None
    kept = load_run(tmp_path / "run")
    engine = Engine(backbone_of(kept.task, tmp_path))
    engine.add("run", kept)
    rows = [Request("run", {"text": text}) for text in ("a great film", "bad and cold , and the film is bad")]
    together = engine.answer(rows)
    for row, found in zip(rows, together, strict=True):
        [alone] = engine.answer([row])
        assert found.probabilities["positive"] == pytest.approx(alone.probabilities["positive"], abs=1e-5)


def test_texts_and_what_takes_no_prefix(tmp_path: Path) -> None:
    backbone = saved(tmp_path / "backbone", "Mamba 2")
    rows = [{"text": row["text"], "label": f"it is {row['label']}"} for row in tiny.rows(12)]
    tiny.write_rows(tmp_path / "rows.jsonl", rows)
    file = tmp_path / "task.yaml"
    how = "train: {steps: 2, batch_size: 4, threads: 1, precision: float32}\n"
    text = f"backbone: {backbone}\ndata: {{train: rows.jsonl}}\nanswer: {{kind: text, max_tokens: 4}}\n{how}"
    file.write_text(text + "method: {name: soft_prompt, length: 3}\n")
    tune(file, tmp_path / "run")
    kept = load_run(tmp_path / "run")
    engine = Engine(backbone_of(kept.task, tmp_path))
    engine.add("run", kept)
    [found] = engine.answer([Request("run", {"text": "a great film"})])
    assert isinstance(found, TextPrediction)
    assert "".join(engine.stream(Request("run", {"text": "a great film"}))) == found.texts[0].text
    file.write_text(text + "method: prefix\n")
    with pytest.raises(TrimtabError, match="'mamba2'"):
        tune(file, tmp_path / "other")
