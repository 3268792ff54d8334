"""What does a method reach with default settings, beside naive Bayes and zero-shot, and at what cost?

    python benchmarks/accuracy.py DATA sst2 trec subj waimai banking77 [--seed 0]
    python benchmarks/accuracy.py DATA sst2 --set data.limit=2000 --method soft_prompt prefix lora full

DATA is a folder with SET/train.jsonl, test.jsonl and, where there is one, dev.jsonl; the task files are in
benchmarks/tasks. Each result is appended to a results file; a run that was stopped goes on from its checkpoint, and one
that is in the results file is not made again. Everything is chosen on dev; test is scored once.
"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path

import machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=int, default=1, help="seeds trained in one pass")
    parser.add_argument("--method", nargs="+", default=["soft_prompt"], help="methods, one run each")
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--results", type=Path, default=Path("accuracy.jsonl"))
    parser.add_argument("--out", type=Path, default=Path("runs"))
    given = parser.parse_args()

    from trimtab.jobs import tune
    from trimtab.task_file import read_task

    done = [json.loads(line) for line in given.results.read_text().splitlines()] if given.results.exists() else []
    for name, method in product(given.sets, given.method):
        key = {"set": name, "method": method, "seed": given.seed, "runs": given.runs, "overrides": given.overrides}
        if any(all(r.get(k) == v for k, v in key.items()) for r in done):
            continue
        overrides = [f"method={method}", f"train.seed={given.seed}", f"train.runs={given.runs}", *given.overrides]
        task = read_task(Path(__file__).parent / "tasks" / f"{name}.yaml", overrides)
        out = given.out / f"{name}-{method}-{given.seed}-{given.runs}"
        resume = (out / "checkpoint.safetensors").exists()
        if resume:
            task = tune.restated(task, out, given.data)
        tuned = tune.run(task, out, base=given.data, resume=resume, on_step=_say)
        report = tuned.report
        row = {
            **key,
            "test": report.test.accuracy if report.test else None,
            "macro_f1": report.test.macro_f1 if report.test else None,
            "interval": report.test.intervals["accuracy"].__dict__ if report.test else None,
            "dev": [r.dev_accuracy for r in report.runs],
            "beside": {b.name: b.accuracy for b in report.baselines},
            "train_rows": report.data.train_rows,
            "test_rows": report.data.test_rows,
            "train_seconds": report.cost.train_seconds,
            "rows_per_second": report.cost.examples_per_second,
            "peak_memory_bytes": report.cost.peak_memory_bytes,
            "trained_parameters": report.method.trained_parameters,
            "bytes_on_disk": report.method.bytes_on_disk,
            "steps": report.settings["train"]["steps"],  # type: ignore[index, call-overload]
            "batch_size": report.settings["train"]["batch_size"],  # type: ignore[index, call-overload]
            **machine.describe(),
        }
        with given.results.open("a") as results:
            results.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)


def _say(record, plan) -> None:  # type: ignore[no-untyped-def]
    if record.dev:
        print(f"step {record.step} of {plan.steps}: dev {[round(d.accuracy, 4) for d in record.dev if d]}", flush=True)


if __name__ == "__main__":
    main()
