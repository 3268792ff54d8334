"""How long is a training step of each method, beside PEFT's own (or plain transformers, for full fine-tuning)?

    python benchmarks/method_speed.py
    python benchmarks/method_speed.py --methods prefix lora --tokens 20 --length 32 --batch 32

Two worker processes hold the same weights, data and dtype and take turns; a step is forward, backward and AdamW on rows
whose answer is one of two tokens. PEFT's side is told the same sizes: virtual tokens, encoder width, rank and layers.
Each method prints medians and their ratio, and is appended to a results file; what is there is not measured again.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import machine
import torch
from tuning_speed import inputs, page_in, start

METHODS = ("soft_prompt", "prefix", "p_tuning", "lora", "dora", "ia3", "full")
RATE = 1e-3


class Ours:
    """A step as `trimtab tune` takes it: the method, the objective and the backbone, on rows of given tokens."""

    def __init__(self, folder: str, dtype: torch.dtype) -> None:
        from trimtab.backbones.pretrained import load
        from trimtab.sources import cache_folder

        self.pretrained = load(Path(folder), cache_folder(), name="", precision=_name(dtype), device="cpu")
        page_in(self.pretrained.backbone.model)

    def prepare(self, method: str, P: int, L: int, B: int) -> None:
        from trimtab.kinds.bind import bind
        from trimtab.methods.method import trained
        from trimtab.settings.task import Task
        from trimtab.training.objective import Objective
        from trimtab.training.targets import LabelTarget
        from trimtab.training.word_criterion import WordCriterion

        settings: dict[str, Any] = {"name": method}
        if method == "dora":
            settings = {"name": "lora", "dora": True}
        if method in ("soft_prompt", "prefix", "p_tuning"):
            settings["length"] = P
        words = {"yes": ["yes"], "no": ["no"]}
        task = Task.model_validate(
            {"task": "Yes or no?", "template": {"text": "{text}{answer}"}, "labels": words, "method": settings}
        )
        bound = bind(task, words, self.pretrained, training=True)
        rows = [LabelTarget(tuple(ids.tolist()), i % 2) for i, ids in enumerate(inputs(B, L))]
        start = bound.method.initial(0)
        self.parameters = {name: tensor.clone().requires_grad_() for name, tensor in trained(start).items()}
        self.optimiser = torch.optim.AdamW(self.parameters.values(), lr=RATE)
        self.objective = Objective(
            self.pretrained.backbone,
            WordCriterion(bound.verbalizer, rows, []),
            lambda own, step, run: bound.method.condition({**start, **own}),
            bound.prompt,
            alone=bound.method.adapts,
        )

    def step(self) -> None:
        self.optimiser.zero_grad()
        every = [list(range(len(self.objective.criterion.train)))]
        self.objective.loss([0], [self.parameters], every, 0).sum().backward()
        self.optimiser.step()


class Peft:
    def __init__(self, folder: str, dtype: torch.dtype) -> None:
        self.folder, self.dtype = folder, dtype

    def prepare(self, method: str, P: int, L: int, B: int) -> None:
        from peft import get_peft_model
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(self.folder, dtype=self.dtype)
        self.model = model if method == "full" else get_peft_model(model, _config(method, P))
        page_in(self.model)
        self.model.train()
        ids = inputs(B, L)
        answers = torch.where(torch.arange(B) % 2 == 0, 100, 200)
        self.batch = {
            "input_ids": torch.cat([ids[:, :-1], answers[:, None]], 1),  # the answer's token last
            "attention_mask": torch.ones_like(ids),
            "labels": torch.cat([torch.full_like(ids[:, :-1], -100), answers[:, None]], 1),
        }
        self.optimiser = torch.optim.AdamW([p for p in self.model.parameters() if p.requires_grad], lr=RATE)

    def step(self) -> None:
        self.optimiser.zero_grad()
        self.model(**self.batch).loss.backward()
        self.optimiser.step()


def _config(method: str, P: int) -> Any:
    import peft

    from trimtab.settings.methods import LoraSettings, PTuningSettings

    kind = peft.TaskType.CAUSAL_LM
    match method:
        case "soft_prompt":
            return peft.PromptTuningConfig(task_type=kind, num_virtual_tokens=P)
        case "prefix":
            return peft.PrefixTuningConfig(task_type=kind, num_virtual_tokens=P)
        case "p_tuning":
            return peft.PromptEncoderConfig(
                task_type=kind, num_virtual_tokens=P, encoder_hidden_size=PTuningSettings().hidden
            )
        case "ia3":
            return peft.IA3Config(task_type=kind)
    own = LoraSettings()
    return peft.LoraConfig(
        task_type=kind, r=own.rank, lora_alpha=own.alpha, target_modules="all-linear", use_dora=method == "dora"
    )


def _name(dtype: torch.dtype) -> Any:
    return str(dtype).removeprefix("torch.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--tokens", type=int, default=20, help="P")
    parser.add_argument("--length", type=int, default=32, help="L")
    parser.add_argument("--batch", type=int, default=32, help="B")
    parser.add_argument("--results", type=Path, default=Path("method_speed.jsonl"))
    given = parser.parse_args()

    from trimtab.backbones.pretrained import model_folder, pick_precision
    from trimtab.sources import cache_folder, find_model

    folder = str(model_folder(find_model(given.model).path, cache_folder()))
    dtype = _name(pick_precision(given.dtype, torch.device("cpu")))
    about = {**machine.describe(), "model": given.model, "dtype": dtype, "threads": given.threads}
    print(json.dumps(about), flush=True)
    done = [json.loads(line) for line in given.results.read_text().splitlines()] if given.results.exists() else []
    print("| method | ours, s | PEFT, s | ratio | memory, ours | memory, PEFT |")
    print("| --- | --: | --: | --: | --: | --: |")
    for method in given.methods:
        key = {"method": method, "P": given.tokens, "L": given.length, "B": given.batch, **about}
        row = next((r for r in done if all(r.get(k) == v for k, v in key.items())), None)
        if row is None:
            row = {**key, **measure(method, folder, dtype, given)}
            with given.results.open("a") as out:
                out.write(json.dumps(row) + "\n")
        ours, theirs = (statistics.median(row["seconds"][name]) for name in ("ours", "peft"))
        held = [f"{row['bytes'][name] / 1e6:,.0f} MB" for name in ("ours", "peft")]
        print(f"| {method} | {ours:.2f} | {theirs:.2f} | {theirs / ours:.2f}x | {' | '.join(held)} |", flush=True)


def measure(method: str, folder: str, dtype: str, given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Seconds of each step, and the peak memory above the weights, of both sides in processes of their own."""
    sides = start(Ours, Peft, folder, dtype, given.threads)
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    held: dict[str, int] = {}
    for _ in range(given.rounds):
        for name, pipe in sides.items():
            pipe.send((method, given.tokens, given.length, given.batch))
            took, held[name] = pipe.recv()
            seconds[name].append(took)
    for pipe in sides.values():
        pipe.send(None)
    return {"seconds": seconds, "bytes": held}


if __name__ == "__main__":
    main()
