"""Which learning rate serves a method, and how many steps? Scores on dev only: what the defaults were chosen by.

    python benchmarks/rates.py DATA sst2 --method prefix lora full
    python benchmarks/rates.py DATA sst2 --method prefix --rates 0.01 0.02 0.04
    python benchmarks/rates.py DATA sst2 --method soft_prompt --rates 0.08 --rows 32 --steps 50 100 200
    python benchmarks/rates.py --table

DATA is a folder with SET/train.jsonl and, where there is one, dev.jsonl; the task files are in benchmarks/tasks.
Without --rates each method runs at the rates of GRID. Each result is appended to a results file, and one that is in it
is not made again. Test is not read.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import product
from pathlib import Path

from accuracy import once, read

GRID = {
    "soft_prompt": (0.02, 0.08, 0.32),
    "prefix": (0.002, 0.008, 0.032),
    "late_prompt": (0.0025, 0.01, 0.04),
    "p_tuning": (0.01, 0.04, 0.16),
    "lora": (3e-4, 1e-3, 3e-3),
    "ia3": (3e-3, 1e-2, 3e-2),
    "head": (3e-4, 1e-3, 3e-3),
    "full": (1e-5, 3e-5, 1e-4),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--method", nargs="+", default=list(GRID), choices=list(GRID))
    parser.add_argument("--rates", nargs="+", type=float, help="learning rates, in each method's own unit")
    parser.add_argument("--rows", type=int, default=200, help="training rows")
    parser.add_argument("--dev-rows", type=int, default=200)
    parser.add_argument("--steps", nargs="+", type=int, default=[64], help="a run each")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--results", type=Path, default=Path("rates.jsonl"))
    parser.add_argument("--table", action="store_true", help="print the results file as Markdown, measure nothing")
    given = parser.parse_args()
    if given.table:
        print(table(read(given.results)))
        return
    if given.data is None or not given.sets:
        parser.error("give the data folder and at least one set")
    size = {"rows": given.rows, "dev_rows": given.dev_rows, "batch": given.batch, "overrides": given.overrides}
    for name, method in product(given.sets, given.method):
        for rate, steps in product(given.rates or GRID[method], given.steps):
            key = {"set": name, "method": method, "rate": rate, "steps": steps, **size}
            once(given.results, key, lambda key=key: measure(given.data, **key))


def measure(
    data: Path,
    set: str,
    method: str,
    rate: float,
    steps: int,
    rows: int,
    dev_rows: int,
    batch: int,
    overrides: list[str],
) -> dict:  # type: ignore[type-arg]
    """Train once; accuracy and loss on dev, half way and at the end."""
    from trimtab.jobs import tune
    from trimtab.settings.file import read_task

    settings = [
        f"method={method}",
        "data.test=null",
        f"data.limit={rows}",
        f"data.dev_limit={dev_rows}",
        f"train.rate={rate}",
        f"train.steps={steps}",
        f"train.batch_size={batch}",
        f"train.evaluate_every={(steps + 1) // 2}",
        *overrides,
    ]
    task = read_task(Path(__file__).parent / "tasks" / f"{set}.yaml", settings)
    seen: list[tuple[int, float, float]] = []
    seconds: list[float] = []

    def note(record, plan) -> None:  # type: ignore[no-untyped-def]
        seconds.append(record.seconds)
        seen.extend((record.step, score.accuracy, score.loss) for score in record.dev or () if score)

    with tempfile.TemporaryDirectory() as out:
        tune.run(task, Path(out), base=data, report=False, on_step=note)
    return {"dev": seen, "train_seconds": sum(seconds)}


def table(rows: list[dict]) -> str:  # type: ignore[type-arg]
    """Markdown: a line for each set, method, rate and length, with accuracy and loss on dev at each evaluation."""
    lines = [
        "| set | training rows | method | rate | steps | rows seen | dev accuracy | dev loss | seconds |",
        "| --- | --: | --- | --: | --: | --: | --: | --: | --: |",
    ]
    for row in rows:
        seen = ", ".join(f"{step * row['batch']:,}" for step, _, _ in row["dev"])
        right = ", ".join(f"{accuracy:.1%}" for _, accuracy, _ in row["dev"])
        loss = ", ".join(f"{loss:.3f}" for _, _, loss in row["dev"])
        took = f"{row['train_seconds']:,.0f}"
        run = f"{row['set']} | {row['rows']:,} | {row['method']} | {row['rate']:g} | {row['steps']:,}"
        lines.append(f"| {run} | {seen} | {right} | {loss} | {took} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
