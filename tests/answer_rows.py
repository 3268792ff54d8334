"""Learnable rows whose answers are choices or numbers, and tasks on them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import tiny
from trimtab.settings.file import make_task
from trimtab.settings.task import Task

CHOICE = {"kind": "choice", "options": "options"}
TEMPLATES = {"choice": "{text} ?{answer}", "number": "Text: {text}\nScore:{answer}"}


def choices(n: int, seed: int) -> list[dict[str, object]]:
    """Rows with two to four options, one of which alone says something good; every third row in Chinese."""
    draw = random.Random(seed)
    out: list[dict[str, object]] = []
    for i in range(n):
        words, shape, text = (
            (list(tiny.CHINESE.values()), "这家店{}", "怎么样")
            if i % 3 == 0
            else (list(tiny.ENGLISH.values()), "the film was {}", "how was it")
        )
        options = [shape.format(word) for word in draw.sample(words[1], draw.randint(1, 3))]
        right = draw.randrange(len(options) + 1)
        options.insert(right, shape.format(draw.choice(words[0])))
        out.append({"text": text, "options": options, "label": right})
    return out


def numbers(n: int, seed: int) -> list[dict[str, object]]:
    draw = random.Random(seed)
    worth = {"positive": 8.0, "negative": 2.0}
    return [{"text": row["text"], "label": round(worth[row["label"]] + draw.random(), 2)} for row in tiny.rows(n, seed)]


def write_answers(folder: Path, test: int = 18) -> Path:
    """Write train, dev and test rows of both kinds into a folder; return it."""
    for name, n, seed in (("train", 48, 1), ("dev", 18, 2), ("test", test, 3)):
        tiny.write_rows(folder / f"choice-{name}.jsonl", choices(n, seed))
        tiny.write_rows(folder / f"number-{name}.jsonl", numbers(n, seed))
    return folder


def settings(kind: str, folder: Path, **changes: Any) -> Task:
    content = tiny.task(folder, template={"text": TEMPLATES[kind]})
    content |= {
        "data": {part: f"{kind}-{part}.jsonl" for part in ("train", "dev", "test")},
        "labels": {},
        "answer": CHOICE if kind == "choice" else "number",
    }
    for name, value in changes.items():
        content[name] = (
            {**content[name], **value} if isinstance(value, dict) and name in ("train", "template") else value
        )
    return make_task(content)
