"""Does the task description help a soft prompt? Does the label word matter? Does the length? One table each, on SST-2.

    python benchmarks/folklore.py DATA
    python benchmarks/folklore.py DATA --shots 16 --draws 1 --table length
    python benchmarks/folklore.py --print

Each variant differs from the defaults in one thing, and is tuned on the same draws of --shots rows a label; dev
chooses the step, test is scored once. Zero-shot is the same template and label words without a prompt. Results are
appended to a file, and what is there is not measured again.
"""

from __future__ import annotations

import argparse
import statistics
from itertools import product
from pathlib import Path

from accuracy import measure, once, read

TOLD = '"{task}\\nReview: {text}\\nSentiment:{answer}"'
TABLES: dict[str, dict[str, list[str]]] = {
    "description": {
        "nowhere: the prompt starts from common words": ["method.init=vocabulary"],
        "nowhere: the prompt starts from noise": ["method.init=random"],
        "nowhere: the prompt starts from the label words": ["method.init=labels"],
        "the prompt starts from it (default)": [],
        "in the template; the prompt starts from common words": [f"template.text={TOLD}", "method.init=vocabulary"],
        "in the template, and the prompt starts from it": [f"template.text={TOLD}"],
    },
    "words": {
        "negative, positive (default)": [],
        "bad, good": ["labels={negative: [bad], positive: [good]}"],
        "terrible, great": ["labels={negative: [terrible], positive: [great]}"],
        "no, yes": ['labels={negative: ["no"], positive: ["yes"]}'],
        "cat, dog": ["labels={negative: [cat], positive: [dog]}"],
        "positive, negative (the wrong way round)": ["labels={negative: [positive], positive: [negative]}"],
    },
    "length": {
        "1": ["method.length=1"],
        "5": ["method.length=5"],
        "20 (default)": [],
        "50": ["method.length=50"],
        "100": ["method.length=100"],
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--shots", type=int, default=32, help="training rows a label")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="seed of the first draw")
    parser.add_argument("--table", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--set", dest="overrides", action="append", default=[], help="for all variants")
    parser.add_argument("--results", type=Path, default=Path("folklore.jsonl"))
    parser.add_argument("--out", type=Path, default=Path("runs/folklore"))
    parser.add_argument("--print", action="store_true", help="print what was measured as Markdown, measure nothing")
    given = parser.parse_args()
    common = [f"data.shots={given.shots}", "data.dev_limit=100", "data.test_limit=500", *given.overrides]
    if not given.print:
        if given.data is None:
            parser.error("give the data folder")
        for draw, name in product(range(given.first, given.first + given.draws), given.table):
            for own in TABLES[name].values():
                key = {"set": "sst2", "method": "soft_prompt", "seed": draw, "runs": 1, "overrides": [*common, *own]}
                once(given.results, key, lambda key=key: measure(given.data, given.out, **key))
    rows = read(given.results)
    for name in given.table:
        print(table(name, [row for row in rows if row["overrides"][: len(common)] == common], len(common)), flush=True)


def table(name: str, rows: list[dict], common: int) -> str:  # type: ignore[type-arg]
    """A line a variant: zero-shot, then accuracy on test as mean ± standard deviation over draws, and each draw."""
    lines = [f"| {name} | zero-shot | tuned, mean ± sd | each draw |", "| --- | --: | --: | --- |"]
    for variant, own in TABLES[name].items():
        found = sorted((row for row in rows if row["overrides"][common:] == own), key=lambda row: row["seed"])
        if not found:
            continue
        scores = [100 * row["test"] for row in found]
        spread = f" ± {statistics.stdev(scores):.1f}" if len(scores) > 1 else ""
        before = f"{100 * found[0]['beside']['zero-shot']:.1f}"
        each = ", ".join(f"{score:.1f}" for score in scores)
        lines.append(f"| {variant} | {before} | {statistics.mean(scores):.1f}{spread} | {each} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
