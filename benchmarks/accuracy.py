"""What does a method reach with default settings, beside naive Bayes and zero-shot, and at what cost?

    python benchmarks/accuracy.py DATA sst2 trec subj waimai banking77 [--seed 0]
    python benchmarks/accuracy.py DATA sst2 --set data.limit=2000 --method soft_prompt prefix lora full
    python benchmarks/accuracy.py DATA trec --shots 16 --draws 3 --set data.test_limit=500 --method soft_prompt lora
    python benchmarks/accuracy.py --table

DATA is a folder with SET/train.jsonl, test.jsonl and, where there is one, dev.jsonl; the task files are in
benchmarks/tasks. Each result is appended to a results file; a run that was stopped goes on from its checkpoint, and one
that is in the results file is not made again. Everything is chosen on dev; test is scored once. A draw is a seed of the
training rows, of the dev rows carved from them and of the method. weibo_ner has no test: its dev.jsonl is taken for it,
and snips' validate.jsonl.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
from collections import defaultdict
from collections.abc import Callable
from itertools import product
from pathlib import Path

import machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--seed", type=int, default=0, help="of the first draw")
    parser.add_argument("--draws", type=int, default=1, help="samples of the training rows, one run each")
    parser.add_argument("--shots", type=int, help="training rows a label")
    parser.add_argument("--runs", type=int, default=1, help="seeds trained in one pass")
    parser.add_argument("--method", nargs="+", default=["soft_prompt"], help="methods, one run each")
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--results", type=Path, default=Path("accuracy.jsonl"))
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--table", action="store_true", help="print the results file as Markdown, measure nothing")
    given = parser.parse_args()
    if given.table:
        print(table(read(given.results)))
        return
    if given.data is None or not given.sets:
        parser.error("give the data folder and at least one set")
    if given.shots:
        given.overrides[:0] = [f"data.shots={given.shots}", "data.limit=null"]
    for seed, name, method in product(range(given.seed, given.seed + given.draws), given.sets, given.method):
        key = {"set": name, "method": method, "seed": seed, "runs": given.runs, "overrides": given.overrides}
        once(given.results, key, lambda key=key: measure(given.data, given.out, **key))


def once(results: Path, key: dict, make: Callable[[], dict]) -> None:  # type: ignore[type-arg]
    """Measure what is not in the results file yet, and append it, with its key and the machine."""
    if any(all(row.get(k) == v for k, v in key.items()) for row in read(results)):
        return
    row = {**key, **make(), **machine.describe()}
    with results.open("a") as out:
        out.write(json.dumps(row) + "\n")
    print(json.dumps(row), flush=True)


def read(results: Path) -> list[dict]:  # type: ignore[type-arg]
    """The rows of a results file; none where there is no such file."""
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def measure(data: Path, out: Path, set: str, method: str, seed: int, runs: int, overrides: list[str]) -> dict:  # type: ignore[type-arg]
    """Tune and judge once."""
    from trimtab.jobs import tune
    from trimtab.settings.file import read_task

    seeds = [f"train.seed={seed}", f"data.seed={seed}", f"train.runs={runs}"]
    task = read_task(Path(__file__).parent / "tasks" / f"{set}.yaml", [f"method={method}", *seeds, *overrides])
    stem = hashlib.sha256(json.dumps(overrides).encode()).hexdigest()[:8]
    folder = out / f"{set}-{method}-{seed}-{runs}-{stem}"
    report = tune.run(task, folder, base=data, resume=(folder / "task.yaml").exists(), on_step=_say).report
    return {
        **_reached(report),
        **({"test_of_each": each_seed(folder)} if runs > 1 and report.scored.test else {}),
        "dev": [r.dev_score for r in report.runs],
        "train_rows": report.data.train_rows,
        "test_rows": report.data.test_rows,
        "train_seconds": report.cost.train_seconds,
        "rows_per_second": report.cost.examples_per_second,
        "peak_memory_bytes": report.cost.peak_memory_bytes,
        "trained_parameters": report.method.trained_parameters,
        "bytes_on_disk": report.method.bytes_on_disk,
        "steps": report.settings["train"]["steps"],  # type: ignore[index, call-overload]
        "batch_size": report.settings["train"]["batch_size"],  # type: ignore[index, call-overload]
    }


def each_seed(folder: Path) -> list[float]:
    """Accuracy on test of each seed trained in one pass; the report scores the one that was best on dev."""
    from dataclasses import replace

    from trimtab import load_splits
    from trimtab.backbones.open import backbone_of
    from trimtab.inference.engine import Engine
    from trimtab.kinds.choose import template_of
    from trimtab.runs.run import load_run

    run = load_run(folder)
    engine = Engine(backbone_of(run.task, folder))
    rows = load_splits(run.task.data, template_of(run.task).fields, run.task.answer, base=folder).test
    right = []
    for seed in range(len(run.tensors)):
        engine.add(f"seed {seed}", replace(run, kept=seed))
        parts = [rows[at : at + 64] for at in range(0, len(rows), 64)]
        given = [answer for part in parts for answer in engine.answer_examples(f"seed {seed}", part)]
        right.append(statistics.mean(a.label == row.answer for a, row in zip(given, rows, strict=True)))
    return right


def _reached(report) -> dict:  # type: ignore[no-untyped-def, type-arg]
    match report.scored.kind:
        case "tags":
            return reached_with_tags(report.scored)
        case "text":
            return reached_with_texts(report.scored)
    return reached(report.scored)


def reached(labels) -> dict:  # type: ignore[no-untyped-def, type-arg]
    """Scores on test, and those of the baselines."""
    return {
        "test": labels.test.accuracy if labels.test else None,
        "macro_f1": labels.test.macro_f1 if labels.test else None,
        "interval": labels.test.intervals["accuracy"].__dict__ if labels.test else None,
        "beside": {b.name: b.accuracy for b in labels.baselines},
    }


def reached_with_tags(tags) -> dict:  # type: ignore[no-untyped-def, type-arg]
    """The same where answers are tags, in F1 of entities."""
    return {
        "entity_f1": tags.test.f1 if tags.test else None,
        "macro_f1": tags.test.macro_f1 if tags.test else None,
        "interval": tags.test.intervals["f1"].__dict__ if tags.test else None,
        "beside": {b.name: b.f1 for b in tags.baselines},
    }


def reached_with_texts(texts) -> dict:  # type: ignore[no-untyped-def, type-arg]
    """The same where answers are free text, by every metric of the task."""
    found = texts.test
    return {
        "figures": {f.name: f.value for f in found.figures} if found else None,
        "intervals": {f.name: f.interval.__dict__ for f in found.figures if f.interval} if found else None,
        "beside": {b.name: {f.name: f.value for f in b.figures} for b in texts.baselines},
    }


def table(rows: list[dict]) -> str:  # type: ignore[type-arg]
    """Markdown: a line for each set, way of using it and method, draws taken together.

    Scores are accuracy, F1, or the first metric of texts that a task names.
    """
    groups = defaultdict(list)
    for row in rows:
        groups[row["set"], " ".join(row["overrides"]), row["method"]].append(row)
    lines = [
        "| set | settings | method | draws | training rows | test score | trained | seconds | memory | on disk |",
        "| --- | --- | --- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for (name, settings, method), own in groups.items():
        scores = [_score(row) for row in own]
        spread = f" ± {statistics.stdev(scores):.1f}" if len(scores) > 1 else ""
        mean = {key: statistics.mean(row[key] for row in own) for key in own[0] if isinstance(own[0][key], int | float)}
        cells = [
            name,
            settings,
            method,
            str(len(own)),
            f"{mean['train_rows']:,.0f}",
            f"{statistics.mean(scores):.1f}{spread}",
            f"{mean['trained_parameters']:,.0f}",
            f"{mean['train_seconds']:,.0f}",
            f"{mean['peak_memory_bytes'] / 1e6:,.0f} MB",
            f"{mean['bytes_on_disk'] / 1e3:,.0f} kB",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _score(row: dict) -> float:  # type: ignore[type-arg]
    """What stands in the table: the first metric of texts, else accuracy or F1 in percent."""
    if row.get("figures"):
        return next(iter(row["figures"].values()))
    return 100 * row.get("entity_f1", row.get("test"))


def _say(record, plan) -> None:  # type: ignore[no-untyped-def]
    if record.dev:
        print(f"step {record.step} of {plan.steps}: dev {[round(d.accuracy, 4) for d in record.dev if d]}", flush=True)


if __name__ == "__main__":
    main()
