"""Runs of every sort answered at once by several threads, runs added, replaced and removed meanwhile: is all as alone?

    python benchmarks/at_once.py --minutes 10

Threads ask for labels and texts of runs that share passes and of runs that adapt weights, open streams and drop half of
them, and add and remove runs under them, some through one scheduler that a thread of its own steps. Each answer is held
against the one that the run gives alone. Printed are requests, differences, and the memory of the process as it goes.
"""

from __future__ import annotations

import argparse
import random
import resource
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import machine

LABELS: dict[str, Any] = {
    "soft": {"name": "soft_prompt", "length": 20}, "prefix": {"name": "prefix", "length": 10},
    "lora": {"name": "lora", "rank": 4}, "head": "head", "full": "full",
}  # fmt: skip
TEXTS: dict[str, Any] = {"say soft": LABELS["soft"], "say prefix": LABELS["prefix"], "say lora": LABELS["lora"]}
ROWS = [
    "A film that knows what it wants.", "Dull.", "The cast is warm, and the plot goes nowhere at all for two hours.",
    "这部电影很好看 🙂", "I would not see it again, though my sister would; " * 4,
]  # fmt: skip
# Labels' log-odds may differ so much: rows are read beside others, in passes of another size.
NEAR = 2e-2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="smollm2-135m")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--threads", type=int, default=8)
    given = parser.parse_args()

    import torch

    from trimtab.backbones.open import open_backbone
    from trimtab.inference.engine import Engine
    from trimtab.inference.scheduler import Scheduler

    torch.set_num_threads(1)
    pretrained = open_backbone(given.backbone, precision="float32")
    engine = Engine(pretrained, prompt_bytes=8_000_000)  # less than all prompts take together
    made = {name: run_of(name, pretrained) for name in (*LABELS, *TEXTS)}
    for name, run in made.items():
        engine.add(name, run)
    alone = {(name, i): value(engine.answer([request(name, i)])[0]) for name in made for i in range(len(ROWS))}
    scheduler, stop = Scheduler(engine), threading.Event()
    counts, wrong = Counter[str](), []

    def stepping() -> None:
        while not stop.is_set():
            if not scheduler.step():
                time.sleep(0.002)

    def working(seed: int) -> None:
        draw = random.Random(seed)
        while not stop.is_set():
            name, i = draw.choice(list(made)), draw.randrange(len(ROWS))
            way = draw.choice(["answer", "submit", "submit", "stream", "change"])
            found: Any = None
            if way == "answer":
                found = value(engine.answer([request(name, i)])[0])
            elif way == "submit":
                done = threading.Event()
                ticket = scheduler.submit(
                    request(name, i), tell=lambda event, done=done: done.set() if not hasattr(event, "ids") else None
                )
                if draw.random() < 0.2:
                    scheduler.cancel(ticket)
                while not done.wait(0.2):
                    if stop.is_set():
                        return
                found = value(ticket.end.prediction) if hasattr(ticket.end, "prediction") else None
            elif way == "stream" and name in TEXTS:
                stream = engine.stream(request(name, i))
                if draw.random() < 0.5:
                    next(stream, None)  # and dropped
                else:
                    found = "".join(stream)
            elif way == "change":
                own = f"{name} {seed}"
                engine.replace(own, made[name])
                found = value(engine.answer([request(own, i)])[0])
                engine.remove(own)
            counts[way] += 1
            if found is not None and not same(found, alone[name, i]):
                wrong.append((way, name, i, found, alone[name, i]))

    began = time.monotonic()
    print(f"{machine.describe()['cpu']}, {given.threads} threads, {len(made)} runs")
    with ThreadPoolExecutor(given.threads + 1) as pool:
        futures = [pool.submit(stepping), *(pool.submit(working, seed) for seed in range(given.threads))]
        while time.monotonic() - began < 60 * given.minutes and not any(future.done() for future in futures):
            time.sleep(min(30.0, 60 * given.minutes / 4))
            print(
                f"{time.monotonic() - began:5.0f} s: {sum(counts.values()):,} requests, {len(wrong)} differ, "
                f"{memory():,.0f} MB",
                flush=True,
            )
        stop.set()
    for future in futures:
        future.result()
    print(f"{dict(counts)}; {len(wrong)} answers differ from those given alone.")
    for one in wrong[:10]:
        print(one)
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def run_of(name: str, pretrained: Any) -> Any:
    """A run whose tensors are moved a little from where they start."""
    import torch

    from trimtab.kinds.bind import bind
    from trimtab.runs.run import Run, backbone_facts
    from trimtab.settings.file import make_task

    words = {"negative": ["bad"], "positive": ["good"]} if name in LABELS else {}
    settings = {"backbone": pretrained.name, "method": (LABELS | TEXTS)[name]}
    answer = {"labels": words} if words else {"answer": {"kind": "text", "max_tokens": 12}}
    task = make_task({**settings, **answer})
    draw = torch.Generator().manual_seed(len(name))
    start = bind(task, words, pretrained).method.initial(0)
    small = 0.001 if name == "full" else 0.05
    tensors = {key: x + small * torch.randn(x.shape, generator=draw) for key, x in start.items()}
    return Run(name, task, words, (tensors,), 0, backbone_facts(pretrained), {})


def request(name: str, i: int) -> Any:
    from trimtab.inference.request import Request

    return Request(name, {"text": ROWS[i]})


def value(prediction: Any) -> Any:
    """The text that was said, or the log-odds of a label."""
    import math

    if hasattr(prediction, "texts"):
        return prediction.texts[0].text
    own = prediction.probabilities
    return math.log(own["positive"]) - math.log(own["negative"])


def same(found: Any, expected: Any) -> bool:
    return found == expected if isinstance(expected, str) else abs(found - expected) < NEAR


def memory() -> float:
    """Resident memory in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    main()
