"""metrics.jsonl of a run folder: a line a step. Knows nothing about how steps are made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trimtab.errors import TrimtabError
from trimtab.reports.run_report import CurvePoint
from trimtab.runs.folder import METRICS_FILE
from trimtab.training.loop import StepRecord

# A learning curve holds about this many training losses a run, each the mean of those since the one before.
POINTS = 200


def begin(folder: Path, choosing: float) -> None:
    """Begin the file, with the seconds that it took to choose what is shown or started from, if that was chosen."""
    line = json.dumps({"step": 0, "loss": [], "seconds": round(choosing, 4)}) + "\n" if choosing else ""
    (folder / METRICS_FILE).write_text(line, encoding="utf-8")


def append(folder: Path, record: StepRecord) -> None:
    """Add a step. Raises TrimtabError where it cannot be written."""
    line = {
        "step": record.step,
        "epoch": round(record.epoch, 6),
        "rate": record.rate,
        "loss": record.losses,
        "dev": [[d.accuracy, d.loss] if d else None for d in record.dev] if record.dev else None,
        "seconds": round(record.seconds, 4),
    }
    try:
        with (folder / METRICS_FILE).open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
    except OSError as error:
        raise TrimtabError(
            f"{folder / METRICS_FILE}: cannot be written ({error.strerror}).", "Free some space, then use --resume."
        ) from None


def read(folder: Path) -> list[dict[str, Any]]:
    """What was written so far, the steps behind what was chosen before; a line cut short by a kill is left out."""
    records = []
    for line in (folder / METRICS_FILE).read_text(encoding="utf-8").split("\n"):
        try:
            records.append(json.loads(line))
        except ValueError:
            continue
    return records


def keep(folder: Path, steps: int) -> None:
    """Forget the steps after the first `steps`: they will be made again."""
    kept = [
        json.dumps(r) + "\n" for r in (read(folder) if (folder / METRICS_FILE).is_file() else []) if r["step"] <= steps
    ]
    (folder / METRICS_FILE).write_text("".join(kept), encoding="utf-8")


def seconds(folder: Path) -> float:
    """Time spent choosing and in steps, evaluations included."""
    return float(sum(r["seconds"] for r in read(folder)))


def pace(folder: Path) -> float:
    """Steps a second, counted once a run that took part, evaluations included."""
    steps = [r for r in read(folder) if r["step"]]
    stepped = sum(sum(loss is not None for loss in r["loss"]) for r in steps)
    return float(stepped / max(sum(r["seconds"] for r in steps), 1e-9))


def curve(folder: Path, seeds: Sequence[int]) -> list[CurvePoint]:
    """The learning curve of each run: every evaluation, and the training losses between them, averaged."""
    records = [record for record in read(folder) if record["step"]]
    every = max(1, len(records) // POINTS)
    points = []
    for k, seed in enumerate(seeds):
        window: list[float] = []
        for record in records:
            if record["loss"][k] is None:
                continue
            window.append(record["loss"][k])
            dev = record["dev"][k] if record["dev"] else None
            if dev is None and record["step"] % every:
                continue
            points.append(
                CurvePoint(
                    seed=seed,
                    step=record["step"],
                    epoch=record["epoch"],
                    loss=sum(window) / len(window),
                    rate=record["rate"],
                    dev_score=dev[0] if dev else None,
                )
            )
            window = []
    return points
