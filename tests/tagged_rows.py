"""Learnable rows whose tokens are tagged, and tasks on them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import tiny
from trimtab.spec import Task
from trimtab.task_file import make_task

TAGS = ["O", "B-blame", "B-part", "I-part", "B-praise"]


def tag_of(word: str) -> str:
    praise, blame = tiny.ENGLISH["positive"], tiny.ENGLISH["negative"]
    return "B-praise" if word in praise else "B-blame" if word in blame else "O"


def rows(n: int, seed: int) -> list[dict[str, Any]]:
    """Sentences in which praise and blame are marked, and `the plot` and `the cast`; every fourth in Chinese."""
    out: list[dict[str, Any]] = []
    draw = random.Random(seed)
    for i, row in enumerate(tiny.rows(n, seed)):
        tokens = row["text"].split()
        tags = [tag_of(word) for word in tokens]
        for at, word in enumerate(tokens):
            if word in ("plot", "cast"):
                tags[at - 1 : at + 1] = ["B-part", "I-part"]
        if i % 4 == 3:
            kind, word = draw.choice([("praise", "满意"), ("blame", "失望")])
            tokens, tags = [*"真的", *word, "！"], ["O", "O", f"B-{kind}", "O", "O"]
        out.append({"tokens": tokens, "tags": tags})
    return out


def settings(folder: Path, method: str = "soft_prompt", **changes: Any) -> Task:
    content = tiny.task(folder, labels={}, answer="tags", data=None, method=None, template=None, train={"steps": 6})
    own = {"soft_prompt": {"length": 5}, "prefix": {"length": 3}, "lora": {"rank": 2}, "p_tuning": {"length": 3}}
    content["data"] = {part: f"{part}.jsonl" for part in ("train", "dev", "test")}
    content["method"] = {"name": method, **own.get(method, {})}
    del content["template"]
    for name, value in changes.items():
        before = content.get(name)
        content[name] = {**before, **value} if isinstance(value, dict) and isinstance(before, dict) else value
    return make_task(content)


def with_tags(task: Task) -> Task:
    return task.model_copy(update={"answer": task.answer.model_copy(update={"tags": TAGS})})
