"""Learnable rows whose answers are choices or numbers, tasks on them, and each through a plain model."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import tiny
from trimtab.data.example import ChoiceExample, NumberExample
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


def choice_examples(rows: Sequence[dict[str, Any]]) -> list[ChoiceExample]:
    """Rows of choices as they are read."""
    return [
        ChoiceExample({"text": row["text"]}, row["options"][row["label"]], "x", options=tuple(row["options"]))
        for row in rows
    ]


def number_examples(rows: Sequence[dict[str, Any]]) -> list[NumberExample]:
    """Rows of numbers as they are read."""
    return [NumberExample({"text": row["text"]}, str(row["label"]), "x", number=row["label"]) for row in rows]


def given_by_hand(model: Any, tokenizer: Any, prompt: torch.Tensor | None, *texts: str) -> torch.Tensor:
    """Embeddings [T, D] of the soft prompt in the model's units and of texts tokenised apart."""
    table = model.get_input_embeddings().weight
    ids = [i for text in texts for i in tokenizer(text, add_special_tokens=False)["input_ids"]]
    vectors = table[torch.tensor(ids)]
    return vectors if prompt is None else torch.cat([prompt * table.square().mean().sqrt(), vectors])


def option_score(model: Any, given: torch.Tensor, ids: list[int], mean: bool) -> torch.Tensor:
    """Log-likelihood of an option's tokens behind a row, by the untouched model."""
    whole = torch.cat([given, model.get_input_embeddings()(torch.tensor(ids))])
    logits = model(inputs_embeds=whole[None], use_cache=False).logits[0]
    found = torch.log_softmax(logits, -1)[len(given) - 1 : -1][range(len(ids)), ids]
    return found.mean() if mean else found.sum()


def number_state(model: Any, tokenizer: Any, prompt: torch.Tensor, text: str) -> torch.Tensor:
    """Hidden state [D] that a number is read from, by the untouched model."""
    given = given_by_hand(model, tokenizer, prompt, "Text:", f" {text}", "\nScore:")
    state: torch.Tensor = model.model(inputs_embeds=given[None]).last_hidden_state[0, -1]
    return state
