"""Learnable rows whose tokens are tagged, tasks on them, and each row alone through plain transformers code."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

import tiny
from encoders import plain
from trimtab.data.example import TaggedExample
from trimtab.kinds.bound_task import BoundTask
from trimtab.settings.file import make_task
from trimtab.settings.task import Task

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
    own = {
        "soft_prompt": {"length": 5},
        "warp": {"length": 5},
        "prefix": {"length": 3},
        "lora": {"rank": 2},
        "p_tuning": {"length": 3},
    }
    content["data"] = {part: f"{part}.jsonl" for part in ("train", "dev", "test")}
    content["method"] = {"name": method, **own.get(method, {})}
    del content["template"]
    for name, value in changes.items():
        before = content.get(name)
        content[name] = {**before, **value} if isinstance(value, dict) and isinstance(before, dict) else value
    return make_task(content)


def examples_of(content: list[dict[str, Any]]) -> list[TaggedExample]:
    """Rows as they are read."""
    return [
        TaggedExample(
            {"tokens": ""}, " ".join(row["tags"]), "here", tokens=tuple(row["tokens"]), tags=tuple(row["tags"])
        )
        for row in content
    ]


def with_tags(task: Task) -> Task:
    return task.model_copy(update={"answer": task.answer.model_copy(update={"tags": TAGS})})


def by_hand(bound: BoundTask, folder: Path, start: dict[str, torch.Tensor], tokens: list[str]) -> torch.Tensor:
    """Scores [W, C] of one row's tokens: each tokenised by itself, the untouched model run on all of them."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    condition = bound.method.condition(start)
    head = start.get("head.weight", start.get("weight")), start.get("head.bias", start.get("bias"))
    cjk = [token >= "一" for token in tokens]
    leads = [" ", *("" if a and b else " " for a, b in pairwise(cjk))]
    own = [tokenizer(a + b, add_special_tokens=False)["input_ids"] for a, b in zip(leads, tokens, strict=True)]
    before = tokenizer("Text:", add_special_tokens=False)["input_ids"]
    encoder = bound.pretrained.backbone.bidirectional
    soft = list(range(-1, -1 - len(condition.soft), -1)) if condition.soft is not None else []
    ids = [*([tokenizer.cls_token_id] if encoder else []), *soft, *before]
    places = []
    for piece in own:
        places.append(len(ids) if encoder else len(ids) + len(piece) - 1)
        ids += piece
    if not encoder:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        words = model.get_input_embeddings()(torch.tensor(ids).clamp(min=0))
        given = torch.stack([condition.soft[-1 - i] if i < 0 else words[at] for at, i in enumerate(ids)])  # type: ignore[index]
        hidden = model.model(inputs_embeds=given[None]).last_hidden_state[0]
    else:
        ids.append(tokenizer.sep_token_id)
        bare = not bound.pretrained.backbone.scores_words
        kind = AutoModel if bare else AutoModelForMaskedLM
        model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        if bare:
            hidden = plain(model, ids, condition.soft)
        else:
            kept: list[torch.Tensor] = []
            model.get_output_embeddings().register_forward_pre_hook(lambda _, given: kept.append(given[0][0]))
            plain(model, ids, condition.soft)
            [hidden] = kept
    return F.linear(hidden[places], *head)  # type: ignore[arg-type]
