"""`trimtab compare`: every way to do a task, on the same rows, with what each costs and what is chance."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from trimtab.data.example import TextExample
from trimtab.data.memory import RowsInMemory
from trimtab.errors import TaskError
from trimtab.evaluation.programs import programs_of
from trimtab.reports.files import write_comparison
from trimtab.runs.folder import write_json
from trimtab.runs.lock import held
from trimtab.settings.task import Task
from trimtab.tasks.rows import read_rows
from trimtab.ways.wanted import OnCell, Wanted
from trimtab.ways.ways import WayKind, pick_ways

if TYPE_CHECKING:
    from trimtab.backbones.open import Progress
    from trimtab.backbones.pretrained import Pretrained
    from trimtab.reports.comparison import Comparison
    from trimtab.tuning.folder import OnStep

PASSED_FILE = "passed.json"
# The default ways for the machine, with one seed, without a learning curve.
EVERYTHING = Wanted()


def run(
    task: Task,
    out: Path | str,
    wanted: Wanted = EVERYTHING,
    *,
    base: Path | str,
    offline: bool = False,
    agree: bool = False,
    rows: Mapping[str, RowsInMemory] | None = None,
    pretrained: Pretrained | None = None,
    on_cell: OnCell | None = None,
    on_step: OnStep | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare ways to do a task.

    Args:
        task: the settings; its method's are used for the way of that name.
        out: folder for compare.json, compare.html and what was measured; a second call measures only what is new.
        wanted: the ways, and what to find out about them.
        base: folder at which the task's relative paths start.
        offline, agree: see `trimtab.sources.find_model`.
        rows: rows in memory, by split, in place of what the task names (see `trimtab.jobs.tune.run`).
        pretrained: a backbone in memory, where the caller has one.
        on_cell, on_step, progress: told what is being done.

    Raises:
        TrimtabError: whatever is wrong with settings, data, backbone or disk.
        KeyboardInterrupt: the user stopped it; what was measured is kept.
    """
    out, base = Path(out), Path(base)
    with held(out, "comparing"):
        began = time.monotonic()
        read = read_rows(task, base, rows=rows)
        kind, splits, words = read.kind, read.splits, read.words
        asked = pick_ways(wanted.methods, False, kind) if wanted.methods else None
        judged = splits.test or splits.dev
        kept = (out / PASSED_FILE, write_json)
        passes = (
            programs_of(kind.tests, cast("Sequence[TextExample]", judged), kept, progress) if wanted.run_code else None
        )
        scorer = kind.scorer(judged, list(words), task, passes)

        from trimtab.backbones.open import backbone_of  # loads torch: mistakes in the task and its rows are told before
        from trimtab.ways.cells import Material
        from trimtab.ways.comparing import asked_for, figures, measure_all

        if pretrained is None:
            pretrained = backbone_of(task, base, offline=offline, agree=agree, progress=progress)
        gpu = pretrained.backbone.device.type == "cuda"
        ways = asked or pick_ways(None, gpu, kind, len(splits.train))
        reference = _reference(wanted.reference, ways)
        whole = Material(task, base, splits, words, pretrained, scorer, out, wanted.without_prompt, offline)
        cells = asked_for(task, wanted, ways, whole)
        measured, left_out = measure_all(cells, wanted, began, on_cell, on_step, progress)
        made = figures(whole, wanted, reference, measured, left_out)
        write_comparison(out, made)
        return made


def _reference(name: str | None, ways: Sequence[WayKind]) -> str:
    keys = [way.key for way in ways]
    if name is None:
        return "soft_prompt" if "soft_prompt" in keys else keys[-1]
    if name not in keys:
        raise TaskError(f"--reference: '{name}' is not among the ways compared.", f"They are {', '.join(keys)}.")
    return name
