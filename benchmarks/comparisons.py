"""`trimtab compare` on public data, as the tables of docs/benchmarks.md have it.

    python benchmarks/comparisons.py DATA sst2 trec subj thucnews waimai --curve 32,128 --set data.limit=512
    python benchmarks/comparisons.py DATA sst2 --methods naive_bayes,zero_shot,soft_prompt,lora --seeds 3
    python benchmarks/comparisons.py DATA sst2 trec --shots 16 --draws 3 --set data.test_limit=500
    python benchmarks/comparisons.py --table sst2 trec [--draws 3]

DATA is a folder with SET/train.jsonl, test.jsonl and, where there is one, dev.jsonl; the task files are in
benchmarks/tasks. Everything is kept under --out: a second call, or one after a kill, measures only what is new. --table
prints what was measured as Markdown. A draw is a seed of the training rows, of the dev rows carved from them and of the
ways; draws are put together in one table.
"""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="the folder of the data (with --table: a first set)")
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--curve", default="", help="numbers of training rows, with commas between")
    parser.add_argument("--methods", default="", help="keys of the ways, with commas between")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--shots", type=int, help="training rows a label")
    parser.add_argument("--draws", type=int, default=0, help="samples of the training rows, a comparison each")
    parser.add_argument("--without-prompt", action="store_true")
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--out", type=Path, default=Path("comparisons"))
    parser.add_argument("--table", action="store_true", help="print what was measured as Markdown, measure nothing")
    given = parser.parse_args()
    if given.shots:
        given.overrides += [f"data.shots={given.shots}", "data.limit=null"]
    for name in [given.data, *given.sets] if given.table else given.sets:
        folders = [given.out / f"draw{draw}" / name for draw in range(given.draws)]
        if not given.table:
            for draw, folder in enumerate(folders):
                measure(Path(given.data), name, folder, given, [f"data.seed={draw}", f"train.seed={draw}"])
            if not folders:
                measure(Path(given.data), name, given.out / name, given, [])
        print(table_of_draws(folders) if folders else table(given.out / name), flush=True)


def measure(data: Path, name: str, out: Path, given: argparse.Namespace, seeds: list[str]) -> None:
    """Compare the ways on one set, or on a draw from it."""
    from trimtab.jobs import compare
    from trimtab.settings.file import read_task

    task = read_task(Path(__file__).parent / "tasks" / f"{name}.yaml", [*given.overrides, *seeds])
    wanted = compare.Wanted(
        methods=given.methods.split(",") if given.methods else None,
        seeds=given.seeds,
        curve=[int(rows) for rows in given.curve.split(",") if rows],
        without_prompt=given.without_prompt,
    )
    compare.run(
        task,
        out,
        wanted,
        base=data,
        on_cell=lambda way, seed, rows: print(f"{name}: {way.name}, {rows} training rows, seed {seed}", flush=True),
    )


def table_of_draws(folders: list[Path]) -> str:
    """Comparisons on several draws from the same rows as Markdown: a line a way, the best mean first."""
    from trimtab.reports.comparison import Comparison

    found = [folder / "compare.json" for folder in folders]
    made = [Comparison.model_validate_json(path.read_text(encoding="utf-8")) for path in found if path.exists()]
    if not made:
        raise SystemExit(f"{folders[0]}: nothing was measured.")
    scores, seconds = defaultdict(list), defaultdict(list)
    for way in (way for one in made for way in one.ways):
        scores[way.name].append(100 * way.score)
        seconds[way.name].append(way.train_seconds)
    first, draws = made[0], "a draw" if len(made) == 1 else f"{len(made)} draws"
    lines = [
        f"{first.name}: {draws} of {first.train_rows:,} training rows, {first.dev_rows:,} dev rows; "
        f"{first.test_rows:,} test rows",
        "",
        "| way | mean ± sd | each draw | training |",
        "| --- | --: | --- | --: |",
    ]
    for name, own in sorted(scores.items(), key=lambda item: -statistics.mean(item[1])):
        spread = f" ± {statistics.stdev(own):.1f}" if len(own) > 1 else ""
        each = ", ".join(f"{score:.1f}" for score in own)
        took = statistics.mean(seconds[name])
        lines.append(f"| {name} | {statistics.mean(own):.1f}{spread} | {each} | {took:,.0f} s |")
    return "\n".join([*lines, ""])


def table(folder: Path) -> str:
    """A comparison as Markdown: a line a way, then the learning curves, then what to choose."""
    from trimtab.reports.comparison import Comparison
    from trimtab.reports.format import bare_text

    made = Comparison.model_validate_json((folder / "compare.json").read_text(encoding="utf-8"))
    lines = [
        f"{made.name}: {made.train_rows:,} training rows, {made.dev_rows:,} dev rows, {made.test_rows:,} test rows",
        "",
        f"| way | {made.metric.name}, {made.split} (95%) | {''.join(f'{metric.name} | ' for metric in made.others)}"
        f"against the {made.reference.replace('_', ' ')} | p, Holm | trained | on disk | training | memory | alone "
        "| rows/s |",
        f"| --- |{' --: |' * (9 + len(made.others))}",
    ]
    for way in made.ways:
        apart = way.difference
        cells = [
            way.name,
            f"{way.score:.1%} ({way.interval.low:.1%} to {way.interval.high:.1%})".replace("%", ""),
            *(bare_text(way.mean(metric.name), metric) for metric in made.others),
            f"{100 * apart.points:+.1f}" if apart else "",
            ("< 0.001" if apart.p_adjusted < 0.001 else f"{apart.p_adjusted:.3f}") if apart else "",
            f"{way.trained_parameters:,}" if way.trained_parameters else "",
            f"{way.bytes_on_disk / 1e3:,.0f} kB" if way.bytes_on_disk else "",
            f"{way.train_seconds:,.1f} s",
            f"{way.peak_memory_bytes / 1e9:.1f} GB" if way.peak_memory_bytes else "",
            f"{1e3 * way.latency_seconds:,.0f} ms" if way.latency_seconds else "",
            f"{way.batch_rows_per_second:,.0f}" if way.batch_rows_per_second else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    rows = sorted({point[0] for line in made.curves for point in line.points})
    if rows:
        lines += ["", f"| training rows | {' | '.join(map(str, rows))} |", f"| --- |{' --: |' * len(rows)}"]
    for line in made.curves:
        scores = {count: f"{100 * score:.1f}" for count, score, _ in line.points}
        lines.append(f"| {line.name} | {' | '.join(scores.get(count, '') for count in rows)} |")
    return "\n".join([*lines, "", made.choose, ""])


if __name__ == "__main__":
    main()
