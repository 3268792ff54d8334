"""Learnable questions on contexts, tasks on them, and each row alone through plain transformers code."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

import tiny
from encoders import plain
from trimtab.data.spans.context import cut_context, leads
from trimtab.kinds.bound_task import BoundTask
from trimtab.settings.file import make_task
from trimtab.settings.task import Task

QUESTION = "what is bad ?"


def rows(n: int, seed: int, without: bool = True) -> list[dict[str, Any]]:
    """Contexts in which one word blames, the answer; every third has none where `without`, every fourth is Chinese."""
    draw = random.Random(seed)
    out: list[dict[str, Any]] = []
    for i in range(n):
        chinese = i % 4 == 3
        words = tiny.CHINESE if chinese else tiny.ENGLISH
        praise, blame = ("好评", "差评") if chinese else ("positive", "negative")
        none = without and i % 3 == 2
        two = [draw.choice(words[praise]), draw.choice(words[praise if none else blame])]
        answer = [] if none else [two[1]]
        draw.shuffle(two)
        shape = "这家店{}，味道{}。" if chinese else "the plot is {} , the cast {}"
        out.append({"question": QUESTION, "context": shape.format(*two), "answers": answer})
    return out


def write_spans(folder: Path, without: bool = True) -> Path:
    for name, n, seed in (("train", 96, 1), ("dev", 36, 2), ("test", 36, 3)):
        tiny.write_rows(folder / f"{name}.jsonl", rows(n, seed, without))
    return folder


def settings(folder: Path, method: str = "soft_prompt", **changes: Any) -> Task:
    content = tiny.task(folder, labels={}, answer="span", data=None, method=None, template=None, train={"steps": 6})
    own = {"soft_prompt": {"length": 5}, "prefix": {"length": 3}, "lora": {"rank": 2}}
    content["data"] = {part: f"{part}.jsonl" for part in ("train", "dev", "test")}
    content["method"] = {"name": method, **own.get(method, {})}
    del content["template"]
    for name, value in changes.items():
        before = content.get(name)
        content[name] = {**before, **value} if isinstance(value, dict) and isinstance(before, dict) else value
    return make_task(content)


def by_hand(
    bound: BoundTask, folder: Path, start: dict[str, torch.Tensor], question: str, context: str
) -> torch.Tensor:
    """Scores [1 + W, 2] of one row: no answer, then each token, tokenised by itself and read by the untouched model."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    condition = bound.method.condition(start)
    head = start.get("head.weight", start.get("weight")), start.get("head.bias", start.get("bias"))

    def ids_of(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    places = cut_context(context)
    before_each = [" ", *leads(context, places)[1:]][: len(places)]
    own = [ids_of(lead + context[a:b]) for lead, (a, b) in zip(before_each, places, strict=True)]
    before = ids_of("Question:") + ids_of(" " + question) + ids_of("\nContext:")
    encoder = bound.pretrained.backbone.bidirectional
    soft = list(range(-1, -1 - len(condition.soft), -1)) if condition.soft is not None else []
    ids = [*([tokenizer.cls_token_id] if encoder else []), *soft, *before]
    read = []
    for piece in own:
        read.append(len(ids) if encoder else len(ids) + len(piece) - 1)
        ids += piece
    if encoder:
        ids.append(tokenizer.sep_token_id)
        model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        return F.linear(plain(model, ids, condition.soft)[[0, *read]], *head)  # type: ignore[arg-type]
    ids += ids_of("\n")
    causal = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    words = causal.get_input_embeddings()(torch.tensor(ids).clamp(min=0))
    given = torch.stack([condition.soft[-1 - i] if i < 0 else words[at] for at, i in enumerate(ids)])  # type: ignore[index]
    hidden = causal.model(inputs_embeds=given[None]).last_hidden_state[0]
    return F.linear(hidden[[len(ids) - 1, *read]], *head)  # type: ignore[arg-type]
