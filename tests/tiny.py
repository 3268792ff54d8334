"""A tiny backbone folder, learnable data and task files for tests that run whole jobs in seconds."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CONTEXT = 256
ENGLISH = {
    "positive": ["wonderful", "funny", "great", "warm"],
    "negative": ["awful", "boring", "bad", "cold"],
}
CHINESE = {"好评": ["好吃", "很快", "热情", "满意"], "差评": ["难吃", "太慢", "冷淡", "失望"]}


def rows(n: int, seed: int = 0, words: Mapping[str, list[str]] = ENGLISH) -> list[dict[str, str]]:
    """`n` labelled texts, labels in turn, whose words give the label away."""
    draw = random.Random(seed)
    labels = list(words)
    shapes = (
        ("这家店{}，{}。", "外卖{}，真的{}！", "服务{}，味道{}。")
        if words is CHINESE
        else ("a {} and {} film", "the plot is {} , the cast {}", "{} from start to end , and {} too")
    )
    out = []
    for i in range(n):
        label = labels[i % len(labels)]
        out.append({"text": draw.choice(shapes).format(*draw.sample(words[label], 2)), "label": label})
    return out


def write_rows(path: Path, content: Iterable[Mapping[str, object]]) -> Path:
    """Write JSON Lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content), encoding="utf-8")
    return path


def save_tokenizer(folder: Path) -> None:
    """Train a byte-level BPE tokenizer with an end token on the texts of both languages."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    texts = [f"Text: {row['text']}\nAnswer: {row['label']}" for w in (ENGLISH, CHINESE) for row in rows(200, words=w)]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>").save_pretrained(folder)


def save_backbone(folder: Path, seed: int = 0, context: int = CONTEXT) -> Path:
    """Save a seeded Llama of two layers and its tokenizer, as a folder that `backbone:` may name."""
    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=400,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        initializer_range=0.3,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def task(backbone: Path | str, **changes: Any) -> dict[str, Any]:
    """Settings of a small job on `reviews.jsonl`; a change such as `train={"steps": 3}` is merged into its group."""
    settings: dict[str, Any] = {
        "name": "reviews",
        "backbone": str(backbone),
        "task": "is the film good ?",
        "data": {"train": "reviews.jsonl", "dev": "dev.jsonl", "test": "test.jsonl"},
        "labels": ["negative", "positive"],
        "method": {"length": 5},
        "train": {"steps": 8, "batch_size": 8, "evaluate_every": 4, "threads": 1, "precision": "float32"},
    }
    for name, value in changes.items():
        before = settings.get(name, {})
        settings[name] = {**before, **value} if isinstance(value, dict) and isinstance(before, dict) else value
    return settings


def write_task(folder: Path, backbone: Path | str, **changes: Any) -> Path:
    """Write train, dev and test rows and a task file into `folder`; return the task file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, n, seed in (("reviews", 64, 1), ("dev", 24, 2), ("test", 24, 3)):
        if not (folder / f"{name}.jsonl").exists():
            write_rows(folder / f"{name}.jsonl", rows(n, seed))
    path = folder / "task.yaml"
    path.write_text(yaml.safe_dump(task(backbone, **changes), sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path
