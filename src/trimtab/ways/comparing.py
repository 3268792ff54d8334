"""Every way that is asked for, measured in turn, and what it comes to. Knows nothing about verbs.

A learning curve is the same on fewer training rows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from trimtab.backbones.open import Progress
from trimtab.data import stratified_sample
from trimtab.data.leakage import Seen
from trimtab.errors import TaskError, TrimtabError
from trimtab.evaluation.scorers.scorer import Scorer
from trimtab.judging.facts import made_with
from trimtab.kinds.kind import Kind
from trimtab.reports.choosing import choose
from trimtab.reports.comparison import Comparison, LeftOut
from trimtab.reports.figures import Cell, Measured, compare, curve_lines, disagreements
from trimtab.reports.format import capital, metric_text
from trimtab.runs.folder import no_room
from trimtab.runs.run import backbone_facts
from trimtab.settings.task import Task
from trimtab.tuning.folder import OnStep
from trimtab.ways.cells import Material, fingerprint, is_kept, measure
from trimtab.ways.foreseen import rows_answered
from trimtab.ways.wanted import OnCell, Wanted
from trimtab.ways.ways import BaselineWay, WayKind, most_telling


def figures(
    whole: Material, wanted: Wanted, reference: str, measured: Sequence[tuple[Measured, int]], left_out: list[LeftOut]
) -> Comparison:
    """The comparison of what was measured, with another reference where the one by default is not among that.

    Raises:
        TaskError: nothing was measured, or not the reference that was asked for.
    """
    task, splits, pretrained = whole.task, whole.splits, whole.pretrained
    full = [way for way, rows in measured if rows == len(splits.train)]
    instead = []
    if reference not in {way.key for way in full}:
        why = next(left.why for left in left_out if left.key == reference)
        if wanted.reference is not None or not full:
            raise TaskError(
                f"--reference: '{reference}' could not be measured ({why}).",
                "Give more time, or name another reference.",
            )
        other = next((way for way in reversed(full) if way.kind == "tuned"), full[-1])
        instead = [f"The reference is {other.name}, as '{reference}' could not be measured: {why}."]
        reference = other.key
    scorer = whole.scorer
    found = compare(full, scorer, reference, price_an_hour=wanted.price_an_hour)
    made = Comparison(
        **made_with(task, backbone_facts(pretrained), pretrained),
        answer=task.answer.kind,
        wording=whole.kind.wording(scorer),
        metric=scorer.metric,
        others=list(scorer.others),
        labels=list(whole.words),
        train_rows=len(splits.train),
        dev_rows=len(splits.dev),
        test_rows=len(splits.test),
        splits={part: fingerprint(getattr(splits, part)) for part in ("train", "dev", "test") if getattr(splits, part)},
        split="test" if splits.test else "dev",
        reference=reference,
        ways=found.ways,
        luck=found.luck,
        left_out=left_out,
        curves=curve_lines(measured, scorer) if wanted.curve else [],
        disagreements=disagreements(full, whole.judged, scorer, reference) if len(full) > 1 else [],
        price_an_hour=wanted.price_an_hour,
        currency=wanted.currency,
        seconds=sum(cell.seconds for way, _ in measured for cell in way.cells),
        notes=[*splits.note, *_notes(whole.kind, scorer, bool(splits.test), wanted.run_code)],
        warnings=[*instead, *_without_leaks(whole, full)],
    )
    return choose(made, found.against_best)


def _without_leaks(whole: Material, ways: Sequence[Measured]) -> list[str]:
    """What ways reach on the scored rows that do not stand in train, where some do; the mean over seeds."""
    leak = Seen.of(whole.splits.train).among(whole.judged)
    split = "test" if whole.splits.test else "dev"
    if not leak:
        return []
    if not leak.clean:
        return [f"{capital(leak.said(split))}: the scores say nothing of rows that are new."]
    rows = [whole.judged[i] for i in leak.clean]
    scorer = whole.kind.scorer(rows, list(whole.words), whole.task)
    reached = {
        way.name: float(np.mean([scorer.score(scorer.rows(cell.answers[leak.clean])) for cell in way.cells]))
        for way in ways
    }
    ranked = sorted(reached, key=lambda name: -scorer.metric.goodness(reached[name]))
    listed = ", ".join(f"{name} {metric_text(reached[name], scorer.metric)}" for name in ranked)
    return [f"{capital(leak.said(split))}. {capital(scorer.metric.name)} on the other {len(rows):,}: {listed}."]


def _notes(kind: Kind[Any], scorer: Scorer, tested: bool, run_code: bool) -> list[str]:
    notes = []
    if not tested:
        notes.append("The figures are of dev, on which the best step of tuned ways was chosen: they flatter those.")
    if kind.tests is not None and not run_code:
        notes.append(
            f"No program was run: ways are compared by {scorer.metric.name} of their text, not by the tests in "
            f"'{kind.tests}', which --run-code runs."
        )
    return notes


def asked_for(
    task: Task, wanted: Wanted, ways: Sequence[WayKind], whole: Material
) -> list[tuple[WayKind, int, Material]]:
    """The cells to measure, in order: all ways on all rows, then the points of the learning curve, small ones first."""
    order = most_telling(ways) if wanted.budget_seconds is not None else list(ways)
    materials = [whole, *(_smaller(whole, rows) for rows in sorted(set(wanted.curve)))]
    materials = materials[:1] + [m for m in materials[1:] if len(m.splits.train) < len(whole.splits.train)]
    seeds = range(task.train.seed, task.train.seed + wanted.seeds)
    return [
        (way, seed, material)
        for material in materials
        for seed in seeds
        for way in order
        if way.seeded or seed == task.train.seed
    ]


def _smaller(whole: Material, rows: int) -> Material:
    """The same task on fewer training rows, and no more dev rows than those."""
    splits, data = whole.splits, whole.task.data
    train = stratified_sample(splits.train, rows, data.seed)
    dev = splits.dev if whole.judged is splits.dev else stratified_sample(splits.dev, rows, data.seed)
    limited = data.model_copy(update={"limit": len(train), "shots": None})
    return replace(
        whole,
        task=whole.task.model_copy(update={"data": limited}),
        splits=replace(splits, train=train, dev=dev),
        without_prompt=False,
    )


def measure_all(
    asked: Sequence[tuple[WayKind, int, Material]],
    wanted: Wanted,
    began: float,
    on_cell: OnCell | None,
    on_step: OnStep | None,
    progress: Progress | None,
) -> tuple[list[tuple[Measured, int]], list[LeftOut]]:
    """Every way as measured, with its number of training rows; and what was left out."""
    cells: dict[tuple[str, int], list[Cell]] = {}
    kinds: dict[str, WayKind] = {}
    left_out: dict[str, LeftOut] = {}
    for way, seed, material in asked:
        rows = len(material.splits.train)
        kinds[way.key] = way
        why = _too_long(way, seed, material, wanted, began, cells)
        if not why:
            if on_cell:
                on_cell(way, seed, rows)
            try:
                cell = measure(way, seed, material, on_step=on_step, progress=progress)
                cells.setdefault((way.key, rows), []).append(cell)
            except TrimtabError as error:
                if no_room(error):
                    raise  # a way is not worse for it: with room again, what is missing is measured
                why = " ".join(part for part in (error.message, error.hint) if part)
        if why:
            on_fewer = "" if rows == len(asked[0][2].splits.train) else f" on {rows} rows"
            name = f"{way.name}{on_fewer}, seed {seed}" if (way.key, rows) in cells else f"{way.name}{on_fewer}"
            left_out[f"{way.key} {rows} {seed}"] = LeftOut(key=way.key, name=name, why=why.rstrip("."))
    measured = [
        (Measured(key, kinds[key].name, kinds[key].group, found, _always(kinds[key]), kinds[key].seeded), rows)
        for (key, rows), found in cells.items()
    ]
    return measured, list(left_out.values())


def _too_long(
    way: WayKind, seed: int, material: Material, wanted: Wanted, began: float, cells: dict[tuple[str, int], list[Cell]]
) -> str:
    """Why a cell does not fit into the time left, or ""; the speed of answering is known from ways before it."""
    if wanted.budget_seconds is None or is_kept(way, seed, material):
        return ""
    left = wanted.budget_seconds - (time.monotonic() - began)
    if left <= 0:
        return "the time was up"
    speeds = [cell.batch_rows_per_second for found in cells.values() for cell in found if cell.batch_rows_per_second]
    if isinstance(way, BaselineWay) or not speeds:
        return ""
    needed = rows_answered(way, material) / max(speeds)
    return "" if needed <= left else f"it would take about {needed / 60:.0f} min, and {left / 60:.0f} min were left"


def _always(way: WayKind) -> str | None:
    """What a way gives to every row whatever that holds; None where it reads the row."""
    return way.baseline.always if isinstance(way, BaselineWay) and way.baseline else None
