"""Learnable rows that any number of labels fit, and tasks on them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import tiny
from trimtab.data.example import MultiLabelExample
from trimtab.data.label_sets import canonical
from trimtab.settings.file import make_task
from trimtab.settings.task import Task

WORDS = {"food": ["great", "cold"], "price": ["bad", "boring"], "service": ["warm", "awful"]}
LABELS = sorted(WORDS)


def rows(n: int, seed: int) -> list[dict[str, Any]]:
    """Rows with a word that gives it away for each label that fits; none fits some of them."""
    draw = random.Random(seed)
    out: list[dict[str, Any]] = []
    for _ in range(n):
        labels = [label for label in LABELS if draw.random() < 0.4]
        words = [draw.choice(WORDS[label]) for label in labels] + draw.sample(["the", "film", "and", "plot"], 2)
        draw.shuffle(words)
        out.append({"text": " ".join(words), "labels": labels})
    return out


def examples_of(content: list[dict[str, Any]]) -> list[MultiLabelExample]:
    """Rows as they are read."""
    return [
        MultiLabelExample(
            {"text": row["text"]}, canonical(row["labels"]), f"rows.jsonl:{i}", labels=tuple(row["labels"])
        )
        for i, row in enumerate(content, 1)
    ]


def write_label_sets(folder: Path) -> Path:
    """Write train, dev and test rows into a folder; return it."""
    for name, n, seed in (("train", 80, 1), ("dev", 40, 2), ("test", 40, 3)):
        tiny.write_rows(folder / f"{name}.jsonl", rows(n, seed))
    return folder


def settings(folder: Path | str, method: str = "soft_prompt", **changes: Any) -> Task:
    content = tiny.task(folder, task="", answer="multilabel", template={"text": "{text} :{answer}"}, method=None)
    content["data"] = {part: f"{part}.jsonl" for part in ("train", "dev", "test")}
    own = {
        "soft_prompt": {"length": 5},
        "warp": {"length": 5},
        "prefix": {"length": 3},
        "lora": {"rank": 2},
        "p_tuning": {"length": 3},
    }
    content["method"] = {"name": method, **own.get(method, {})}
    del content["labels"]
    for name, value in changes.items():
        before = content.get(name)
        content[name] = {**before, **value} if isinstance(value, dict) and isinstance(before, dict) else value
    return make_task(content)
