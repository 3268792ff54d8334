"""How fast is text tuned and said, beside PEFT's PromptTuning with transformers' own `generate`?

    python benchmarks/text_speed.py
    python benchmarks/text_speed.py --rounds 5 --rows 1 32

Both sides hold the same weights in the same number format and take turns in one process. Saying: a prompt of P tokens,
rows of L tokens, N new tokens each, greedy, none ending early; tokens said a second, reading the rows included. Tuning:
a step (forward, backward, AdamW) on rows of L tokens with answers of A tokens; answer tokens a second. Medians are
printed, and each measurement is appended to a results file.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
import torch


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randint(100, 20_000, shape, generator=torch.Generator().manual_seed(seed))


class Ours:
    def __init__(self, folder: Path, precision: Any, P: int) -> None:
        from transformers import AutoTokenizer

        from trimtab.backbones.pretrained import load
        from trimtab.sources import cache_folder

        self.backbone = load(folder, cache_folder(), name="", precision=precision, device="cpu").backbone
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.prompt = torch.randn(P, self.backbone.hidden_size).requires_grad_()
        self.optimiser = torch.optim.AdamW([self.prompt], lr=1e-3)

    def say(self, B: int, L: int, N: int) -> None:
        from trimtab.backbones.layout import Row
        from trimtab.decoding.generation import Ask, write
        from trimtab.settings.answers import TextAnswer

        with torch.no_grad():
            state = self.backbone.read_prefix([self.prompt.detach() * self.backbone.embedding_rms])
        settings = TextAnswer(max_tokens=N, min_tokens=N)
        asks = [Ask(Row(ids.tolist()), settings, N) for ids in drawn(0, B, L)]
        for _ in write(self.backbone, asks, state, self.tokenizer, [self.tokenizer.eos_token_id]):
            pass

    def tune(self, B: int, L: int, A: int) -> None:
        from trimtab.backbones.layout import Row
        from trimtab.training.token_loss import token_losses

        self.optimiser.zero_grad()
        whole = drawn(1, B, L + A)
        layout = self.backbone.pack([Row(ids[:-1].tolist()) for ids in whole], len(self.prompt))
        wanted = torch.cat([torch.arange(start + L - 1, start + L + A - 1) for start in layout.starts])
        hidden = self.backbone.forward(layout, [self.prompt * self.backbone.embedding_rms], wanted=wanted)
        token_losses(self.backbone, hidden, whole[:, L:].flatten()).mean().backward()
        self.optimiser.step()


class Peft:
    def __init__(self, folder: Path, dtype: torch.dtype, P: int) -> None:
        from peft import PromptTuningConfig, TaskType, get_peft_model
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
        self.tuned = get_peft_model(model, PromptTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=P))
        self.optimiser = torch.optim.AdamW([p for p in self.tuned.parameters() if p.requires_grad], lr=1e-3)

    def say(self, B: int, L: int, N: int) -> None:
        self.tuned.eval()
        ids = drawn(0, B, L)
        with torch.no_grad():
            self.tuned.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=N, min_new_tokens=N,
                do_sample=False, pad_token_id=0,
            )  # fmt: skip

    def tune(self, B: int, L: int, A: int) -> None:
        self.tuned.train()
        self.optimiser.zero_grad()
        ids = drawn(1, B, L + A)
        labels = ids.clone()
        labels[:, :L] = -100
        self.tuned(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss.backward()
        self.optimiser.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 32], help="rows said together")
    parser.add_argument("--prompt", type=int, default=20, help="P")
    parser.add_argument("--results", type=Path, default=Path("text_speed.jsonl"))
    given = parser.parse_args()

    from trimtab.backbones.pretrained import model_folder, pick_precision
    from trimtab.sources import cache_folder, find_model

    folder = model_folder(find_model(given.model).path, cache_folder())
    dtype = pick_precision(given.dtype, torch.device("cpu"))
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    precision = str(dtype).removeprefix("torch.")
    about = {**machine.describe(), "model": given.model, "dtype": precision, "P": given.prompt}
    print(json.dumps(about), flush=True)
    ours, peft = Ours(folder, precision, given.prompt), Peft(folder, dtype, given.prompt)
    L, N, A = 32, 48, 24
    jobs: list[tuple[str, int, int, Callable[[Any], None]]] = [
        (f"say, {B} rows", B * N, B, lambda side, B=B: side.say(B, L, N)) for B in given.rows
    ]
    jobs.append((f"tune, 16 rows of {L} + {A}", 16 * A, 16, lambda side: side.tune(16, L, A)))
    print("| what | ours, tokens/s | PEFT, tokens/s | ratio |\n| --- | --: | --: | --: |")
    for name, tokens, rows, job in jobs:
        seconds: dict[str, list[float]] = {"ours": [], "peft": []}
        for round_ in range(given.rounds + 1):  # the first is not counted
            for side_name, side in (("ours", ours), ("peft", peft)):
                began = time.perf_counter()
                job(side)
                if round_:
                    seconds[side_name].append(time.perf_counter() - began)
        with given.results.open("a") as out:
            out.write(json.dumps({**about, "what": name, "rows": rows, "tokens": tokens, "seconds": seconds}) + "\n")
        mine, theirs = (statistics.median(seconds[side]) for side in ("ours", "peft"))
        print(f"| {name} | {tokens / mine:.1f} | {tokens / theirs:.1f} | {theirs / mine:.1f}x |", flush=True)


if __name__ == "__main__":
    main()
