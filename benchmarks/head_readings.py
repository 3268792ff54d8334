"""What a fitted head reads: the last state where a row is answered, or the mean over the row half way up, on dev.

    python benchmarks/head_readings.py DATA trec sst2 subj thucnews waimai --rows 1000 --dev 500
    python benchmarks/head_readings.py DATA trec sst2 subj waimai --shots 16 --dev 300

DATA is a folder with SET/train.jsonl; the task files are in benchmarks/tasks. Train and dev are drawn from train; test
has no part in it. Prints a line for each set, and appends each figure to --out, so that nothing is measured twice.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

READINGS = {"last": ("method.layer=null", "method.pooling=answer"), "half way up": ("method.pooling=mean",)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder of the data")
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--rows", type=int, default=1000, help="training rows")
    parser.add_argument("--shots", type=int, help="training rows a label, in place of --rows")
    parser.add_argument("--dev", type=int, default=500, help="rows of dev")
    parser.add_argument("--out", type=Path, default=Path("head-readings.jsonl"))
    given = parser.parse_args()
    before = [json.loads(line) for line in given.out.read_text().splitlines()] if given.out.exists() else []
    for name in given.sets:
        reached = {}
        for reading, overrides in READINGS.items():
            key = {"set": name, "reading": reading, "rows": given.shots or given.rows, "shots": bool(given.shots)}
            key["dev"] = given.dev
            known = next((line["accuracy"] for line in before if {k: line[k] for k in key} == key), None)
            if known is None:
                known = measured(given, name, overrides)
                with given.out.open("a") as out:
                    out.write(json.dumps({**key, "accuracy": known}) + "\n")
            reached[reading] = known
        print(f"{name}: " + ", ".join(f"{reading} {100 * x:.1f}%" for reading, x in reached.items()), flush=True)


def measured(given: argparse.Namespace, name: str, overrides: Sequence[str]) -> float:
    """Accuracy on dev of a head that reads so."""
    from trimtab.data import Splits
    from trimtab.jobs import tune
    from trimtab.settings.file import read_task
    from trimtab.tasks.rows import read_rows

    settings = ["method.name=head", "data.test=null", "data.dev=null", *overrides]
    task = read_task(Path(__file__).parent / "tasks" / f"{name}.yaml", settings)
    splits = read_rows(task, given.data).splits
    rows = [*splits.train, *splits.dev]
    random.Random(0).shuffle(rows)
    dev, rest = rows[: given.dev], rows[given.dev :]
    by_label = defaultdict(list)
    for row in rest:
        by_label[row.answer].append(row)
    shots = [row for own in by_label.values() for row in own[: given.shots]] if given.shots else []
    train = shots or rest[: given.rows]
    with tempfile.TemporaryDirectory() as folder:
        made = tune.run(task, Path(folder) / "run", base=given.data, splits=Splits(train, dev, []), report=False)
    return float(made.run.facts["dev_accuracy"][0])


if __name__ == "__main__":
    main()
