"""`method: auto` beside all that it could have kept, and beside rivals: its regret on test, its time, its calibration.

    python benchmarks/best_way.py DATA sst2 trec subj banking77 snips_intents thucnews csl_category waimai --rows 100
    python benchmarks/best_way.py DATA tnews rte boolq
    python benchmarks/best_way.py DATA sst2 trec --shots 8 --draws 3 --budget 2m
    python benchmarks/best_way.py --table

DATA is a folder with SET/train.jsonl, test.jsonl; the task files are in benchmarks/tasks. auto chooses on dev, which it
carves from train where there is none; then every run that it tried, and every rival, answers test once. SetFit is a
rival on few rows (--shots), where it is installed (`pip install 'trimtab[setfit]'`). The regret is
how much better the best of all of these is on test; the gap to the best rival (ways that leave no run of ours) is put
beside its standard error. Each figure is appended to --out, so that nothing is measured twice.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

RIVALS = ("majority", "naive_bayes", "tfidf", "ngrams", "embeddings")
FEW_SHOT_RIVAL = "setfit"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, help="the folder of the data")
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--rows", type=int, help="training rows; all by default")
    parser.add_argument("--shots", type=int, help="training rows a label, in place of --rows")
    parser.add_argument("--draws", type=int, default=1, help="samples of the training rows")
    parser.add_argument("--test", type=int, default=500, help="rows of test")
    parser.add_argument("--budget", help="the time that auto may take; its own default else")
    parser.add_argument("--out", type=Path, default=Path("best-way.jsonl"))
    parser.add_argument("--table", action="store_true", help="print what was measured as Markdown, measure nothing")
    given = parser.parse_args()
    known = [json.loads(line) for line in given.out.read_text().splitlines()] if given.out.exists() else []
    if given.table:
        print(table(known))
        return
    for name in given.sets:
        for draw in range(given.draws):
            key = {"set": name, "rows": given.rows, "shots": given.shots, "draw": draw, "test": given.test,
                   "budget": given.budget}  # fmt: skip
            if not any({k: line[k] for k in key} == key for line in known):
                line = {**key, **measured(given, name, draw)}
                with given.out.open("a") as file:
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
                print(table([line]).splitlines()[-1], flush=True)


def measured(given: argparse.Namespace, name: str, draw: int) -> dict[str, Any]:
    """One search, and all that was tried and its rivals on test."""
    from dataclasses import replace

    from trimtab.backbones.open import backbone_of
    from trimtab.errors import is_installed
    from trimtab.evaluation.chance.paired import standard_error
    from trimtab.inference.engine import Engine
    from trimtab.runs.run import load_run
    from trimtab.settings.file import read_task
    from trimtab.tasks.rows import read_rows
    from trimtab.ways import auto
    from trimtab.ways.cells import Material, answers_of, measure
    from trimtab.ways.ways import ways_of

    overrides = [f"data.test_limit={given.test}", f"data.seed={draw}", f"train.seed={draw}", "method=auto"]
    overrides += [f"data.shots={given.shots}", "data.limit=null"] if given.shots else []
    overrides += [f"data.limit={given.rows}"] if given.rows else []
    overrides += [f"method.budget={given.budget}"] if given.budget else []
    task = read_task(Path(__file__).parent / "tasks" / f"{name}.yaml", overrides)
    rows = read_rows(task, given.data)
    pretrained = backbone_of(rows.task, given.data)
    kind, ways = rows.kind, ways_of(rows.kind)
    scorer = kind.scorer(rows.splits.test, list(rows.words), rows.task)
    began, first = time.monotonic(), []

    def watch(way: Any, left: float | None) -> None:
        if (out / "prompt.safetensors").exists() and not first:
            first.append(time.monotonic() - began)

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "auto"
        out.mkdir()
        found = auto.find(rows, pretrained, out, on_way=watch)
        took = time.monotonic() - began
        on_test = Material(
            auto.without_auto(rows.task), given.data, rows.splits, rows.words, pretrained, scorer, Path(folder) / "test"
        )
        on_dev = replace(
            on_test, splits=replace(rows.splits, test=[]), folder=out / "tried",
            scorer=kind.scorer(rows.splits.dev, list(rows.words), rows.task),
        )  # fmt: skip
        each: dict[str, Any] = {}
        for run in sorted((out / "tried" / "runs").iterdir()):
            key = run.name.split("-")[0]
            way = ways[key]
            backbone = on_dev.of(way).pretrained
            if (run / "prompt.safetensors").exists() or key == "zero_shot":
                each[key] = scorer.rows(answers_of(load_run(run), backbone, rows.splits.test, None, key)[0])
        others = (*RIVALS, FEW_SHOT_RIVAL) if given.shots and is_installed(FEW_SHOT_RIVAL) else RIVALS
        rivals = {key: scorer.rows(measure(ways[key], draw, on_test).answers) for key in others}
        kept = next(tried.key for tried in found.tried if tried.kept)
        engine = Engine(found.pretrained)
        engine.add("run", found.run)
        answers = engine.answer_examples("run", rows.splits.test)
        scored = kind.collected(answers, list(rows.words))
    scores = {key: scorer.score(own) for key, own in (each | rivals).items()}
    best_rival = max(rivals, key=lambda key: scores[key])
    error = standard_error(scorer.moves(each[kept]), scorer.moves(rivals[best_rival]), scorer.groups)
    return {
        "kept": kept,
        "train": len(rows.splits.train),
        "seconds": took,
        "first": first[0] if first else took,
        "seconds_of": {tried.key: tried.seconds for tried in found.tried},
        "left_out": {tried.key: tried.note for tried in found.tried if tried.score is None},
        "dev": {tried.key: tried.score for tried in found.tried},
        "scores": scores,
        "regret": max(scores.values()) - scores[kept],
        "rival": best_rival,
        "ahead_of_rival": scores[kept] - scores[best_rival],
        "error": error,
        "calibration_error": _calibration_error(scored, rows),
    }


def _calibration_error(answers: Any, rows: Any) -> float:
    import numpy as np

    from trimtab.evaluation.scores.calibration import calibration

    places = {label: k for k, label in enumerate(rows.words)}
    right = np.array([places[example.answer] for example in rows.splits.test]) == answers.answers_N
    return calibration(answers.probabilities_NC.max(1), right)[1]


def table(lines: list[dict[str, Any]]) -> str:
    """What was measured as Markdown."""
    out = [
        "| set, training rows | kept | test | regret | best of all | best rival | against it ± error | first run, all "
        "| soft prompt alone | calibration error |",
        "| --- | --- | --: | --: | --- | --- | --: | --: | --: | --: |",
    ]
    for one in lines:
        scores = one["scores"]
        best = max(scores, key=lambda key: scores[key])
        alone = one["seconds_of"].get("soft_prompt") if one["dev"].get("soft_prompt") is not None else None
        size = f"{one['shots']} a label" if one["shots"] else f"{one['train']:,}"
        out.append(
            f"| {one['set']}, {size} | {one['kept']} | {100 * scores[one['kept']]:.1f} | {100 * one['regret']:.1f} "
            f"| {best} {100 * scores[best]:.1f} | {one['rival']} {100 * scores[one['rival']]:.1f} "
            f"| {100 * one['ahead_of_rival']:+.1f} ± {100 * one['error']:.1f} | {one['first']:.0f} s, "
            f"{one['seconds']:.0f} s "
            f"| {'' if alone is None else f'{alone:.0f} s'} | {100 * one['calibration_error']:.1f} |"
        )
    if len(lines) > 1:
        mean = statistics.mean(100 * one["regret"] for one in lines)
        worse = [one["set"] for one in lines if one["ahead_of_rival"] < -2 * one["error"]]
        out.append(f"\nMean regret {mean:.1f} points; more than two standard errors behind a rival: {worse or 'none'}.")
    return "\n".join(out)


if __name__ == "__main__":
    main()
