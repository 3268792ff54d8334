"""How much faster is a step of prompt tuning than PEFT's PromptTuning, and how much less memory does it take?

    python benchmarks/tuning_speed.py                      # the two headline points
    python benchmarks/tuning_speed.py --curve              # P in {20, 50, 100}, L in {32, 128, 512}, B in {8, 32}

Two worker processes, one of ours and one of PEFT's, hold the same weights, data and dtype and take turns; a step is
forward, backward and AdamW, the answer one token at the end of each row. Each point prints medians and their ratio, and
is appended to a results file; points already there are not measured again.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import multiprocessing
import statistics
import time
from pathlib import Path
from typing import Literal

import machine
import torch


def memory(field: str) -> int:
    """VmRSS or VmHWM of this process, in bytes."""
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(field + ":"))
    return int(line.split()[1]) * 1024


def page_in(model: torch.nn.Module) -> None:
    """Read every weight once: weights mapped from a file are in memory only then, and a step is not to count them."""
    for weight in model.parameters():
        weight.detach().sum()


def inputs(rows: int, length: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(100, 20_000, (rows, length), generator=generator)


class Ours:
    def __init__(self, folder: str, dtype: torch.dtype) -> None:
        from trimtab.backbones.pretrained import load
        from trimtab.sources import cache_folder

        precision: Literal["float32", "bfloat16"] = "bfloat16" if dtype == torch.bfloat16 else "float32"
        self.backbone = load(Path(folder), cache_folder(), name="", precision=precision, device="cpu").backbone
        page_in(self.backbone.model)

    def prepare(self, P: int, L: int, B: int) -> None:
        from trimtab.backbones.layout import Row

        self.rows = [Row(ids.tolist()) for ids in inputs(B, L)]
        self.prompt = torch.randn(P, self.backbone.hidden_size).requires_grad_()
        self.optimiser = torch.optim.AdamW([self.prompt], lr=1e-3)
        self.only = torch.tensor([100, 200])
        self.labels = torch.arange(B) % 2

    def step(self) -> None:
        self.optimiser.zero_grad()
        layout = self.backbone.pack(self.rows, len(self.prompt))
        hidden = self.backbone.forward(layout, [self.prompt * self.backbone.embedding_rms])
        torch.nn.functional.cross_entropy(self.backbone.logits(hidden, self.only), self.labels).backward()
        self.optimiser.step()


class Peft:
    def __init__(self, folder: str, dtype: torch.dtype) -> None:
        from transformers import AutoModelForCausalLM

        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
        page_in(self.model)

    def prepare(self, P: int, L: int, B: int) -> None:
        from peft import PromptTuningConfig, TaskType, get_peft_model

        base = getattr(self, "tuned", None)
        model = base.unload() if base is not None and hasattr(base, "unload") else self.model
        self.tuned = get_peft_model(model, PromptTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=P))
        self.tuned.train()
        ids = inputs(B, L)
        answers = torch.where(torch.arange(B) % 2 == 0, 100, 200)
        self.batch = {
            "input_ids": ids.clone(),
            "attention_mask": torch.ones_like(ids),
            "labels": torch.full_like(ids, -100),
        }
        self.batch["input_ids"][:, -1] = answers  # the answer token itself, as causal tuning has it
        self.batch["labels"][:, -1] = answers
        self.optimiser = torch.optim.AdamW([p for p in self.tuned.parameters() if p.requires_grad], lr=1e-3)

    def step(self) -> None:
        self.optimiser.zero_grad()
        self.tuned(**self.batch).loss.backward()
        self.optimiser.step()


def worker(kind: type, folder: str, dtype: str, threads: int, pipe: multiprocessing.connection.Connection) -> None:
    """Hold one side; answer (P, L, B) with the seconds of one step and the peak memory above the weights."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    side = kind(folder, getattr(torch, dtype))
    point = None
    before = 0
    while (asked := pipe.recv()) is not None:
        if asked != point:
            side.prepare(*asked)
            gc.collect()
            ctypes.CDLL(None).malloc_trim(0)  # what earlier points left behind does not count
            Path("/proc/self/clear_refs").write_text("5")
            before = memory("VmRSS")
            side.step()
            point = asked
        began = time.perf_counter()
        side.step()
        pipe.send((time.perf_counter() - began, memory("VmHWM") - before))


def start(
    ours: type, peft: type, folder: str, dtype: str, threads: int
) -> dict[str, multiprocessing.connection.Connection]:
    """The two sides, each in a process of its own, that take turns at what they are sent."""
    context = multiprocessing.get_context("spawn")
    sides = {}
    for name, kind in (("ours", ours), ("peft", peft)):
        sides[name], there = context.Pipe()
        context.Process(target=worker, args=(kind, folder, dtype, threads, there), daemon=True).start()
    return sides


def flops(config: object, P: int, L: int, B: int) -> tuple[float, float]:
    """FLOP of matrix products of a step, forward and backward to the activations: ours and PEFT's."""
    D, width, H = config.hidden_size, config.intermediate_size, config.num_attention_heads  # type: ignore[attr-defined]
    J = config.num_key_value_heads  # type: ignore[attr-defined]
    d = getattr(config, "head_dim", None) or D // H
    layers = config.num_hidden_layers  # type: ignore[attr-defined]
    token = 2 * layers * (D * d * (H + 2 * J) + H * d * D + 3 * D * width)
    scores = 2 * 2 * layers * H * d  # query x key, probabilities x value, for each pair
    ours = 2 * token * (B * L + P) + 2 * scores * (B * (L * P + L * L / 2) + P * P / 2)
    theirs = 2 * token * B * (P + L) + 2 * scores * B * (P + L) ** 2 / 2
    theirs += 2 * 2 * B * (P + L) * D * config.vocab_size  # type: ignore[attr-defined]
    return ours, theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument(
        "--rounds", type=int, default=3, help="steps of each side a point; halved for the largest points"
    )
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--points", nargs="*", metavar="P,L,B", help="these points only")
    parser.add_argument("--results", type=Path, default=Path("tuning_speed.jsonl"))
    given = parser.parse_args()

    from transformers import AutoConfig

    from trimtab.backbones.pretrained import model_folder, pick_precision
    from trimtab.sources import cache_folder, find_model

    folder = str(model_folder(find_model(given.model).path, cache_folder()))
    dtype = str(pick_precision(given.dtype, torch.device("cpu"))).removeprefix("torch.")
    torch.set_num_threads(given.threads)
    about = {**machine.describe(), "model": given.model, "dtype": dtype}
    peak = machine.matrix_peak(getattr(torch, dtype))
    print(json.dumps(about), f"matrix peak {peak / 1e9:.0f} GFLOP/s", flush=True)
    points = [(100, 32, 32), (20, 32, 32)]
    if given.curve:
        points += [(P, L, B) for L in (32, 128, 512) for B in (8, 32) for P in (20, 50, 100) if (P, L, B) not in points]
    if given.points:
        points = [(int(p), int(length), int(b)) for p, length, b in (point.split(",") for point in given.points)]
    done = [json.loads(line) for line in given.results.read_text().splitlines()] if given.results.exists() else []
    sides = start(Ours, Peft, folder, dtype, given.threads)
    config = AutoConfig.from_pretrained(folder)
    print(
        "|   P |   L |  B | ours ex/s | PEFT ex/s | ratio | FLOP limit | share of peak | memory ours | PEFT | share |"
    )
    print(
        "| --: | --: | -: | --------: | --------: | ----: | ---------: | ------------: | ----------: | ---: | ----: |"
    )
    for P, L, B in points:
        key = {"P": P, "L": L, "B": B, "dtype": dtype, "cpu": about["cpu"], "threads": given.threads}
        row = next((r for r in done if all(r.get(k) == v for k, v in key.items())), None)
        if row is None:
            seconds: dict[str, list[float]] = {"ours": [], "peft": []}
            held: dict[str, int] = {}
            for _ in range(given.rounds if B * L <= 4096 else max(1, given.rounds // 2)):
                for name, pipe in sides.items():
                    pipe.send((P, L, B))
                    took, peak_bytes = pipe.recv()
                    seconds[name].append(took)
                    held[name] = peak_bytes
            row = {**key, "seconds": seconds, "bytes": held, "peak": peak, **about}
            with given.results.open("a") as out:
                out.write(json.dumps(row) + "\n")
        ours, theirs = (statistics.median(row["seconds"][name]) for name in ("ours", "peft"))
        work, their_work = flops(config, P, L, B)
        print(
            f"| {P:3d} | {L:3d} | {B:2d} | {B / ours:9.2f} | {B / theirs:9.2f} | {theirs / ours:4.1f}x | "
            f"{their_work / work:9.1f}x | {100 * work / ours / row['peak']:12.0f}% | "
            f"{row['bytes']['ours'] / 1e6:8.0f} MB | "
            f"{row['bytes']['peft'] / 1e6:.0f} MB | {100 * row['bytes']['ours'] / row['bytes']['peft']:.0f}% |",
            flush=True,
        )
    for pipe in sides.values():
        pipe.send(None)


if __name__ == "__main__":
    main()
