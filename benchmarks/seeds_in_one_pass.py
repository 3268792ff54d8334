"""Is training K seeds in one pass faster than one after another?

    python benchmarks/seeds_in_one_pass.py --seeds 5

Same rows, steps and batch size a seed, alternating a step of all seeds together with a step of each alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import machine
import torch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--length", type=int, default=27, help="tokens a row")
    parser.add_argument("--prompt", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()

    from trimtab.backbones.layout import Row
    from trimtab.backbones.open import open_backbone

    backbone = open_backbone(given.model).backbone
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(100, 20_000, (given.seeds, given.batch, given.length), generator=generator)
    prompts = [torch.randn(given.prompt, backbone.hidden_size).mul(backbone.embedding_rms) for _ in range(given.seeds)]
    only = torch.tensor([100, 200])

    def step(seeds: list[int]) -> float:
        began = time.perf_counter()
        own = [prompts[k].clone().requires_grad_() for k in seeds]
        rows = [Row(row.tolist(), prompt=i) for i, k in enumerate(seeds) for row in ids[k]]
        logits = backbone.logits(backbone.forward(backbone.pack(rows, given.prompt), own), only)
        torch.nn.functional.cross_entropy(logits, torch.zeros(len(rows), dtype=torch.long)).backward()
        return time.perf_counter() - began

    every = list(range(given.seeds))
    step(every), step([0])
    together, apart = [], []
    for _ in range(given.rounds):
        together.append(step(every))
        apart.append(sum(step([k]) for k in every))
    print(json.dumps({**machine.describe(), **vars(given), "dtype": str(backbone.dtype)}))
    a, b = statistics.median(together), statistics.median(apart)
    print(f"{given.seeds} seeds in one pass: {a:.2f} s a step; one after another: {b:.2f} s; ratio {b / a:.2f}x")


if __name__ == "__main__":
    main()
