"""`trimtab compare`: every way to do a task, on the same rows, with what each costs and what is chance."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trimtab.backbones.open import Progress, backbone_of
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import check_labels, load_splits, stratified_sample
from trimtab.errors import TrimtabError
from trimtab.evaluation.scorers.choose import Measure, measure_of
from trimtab.inference.bound import labels_of, template_of
from trimtab.jobs.cells import Material, fingerprint, is_kept, measure
from trimtab.jobs.evaluate import made_with
from trimtab.jobs.folder import OnStep
from trimtab.jobs.programs import programs_of
from trimtab.jobs.untrained import DRAW_ROWS
from trimtab.jobs.ways import WayKind, most_telling, pick_ways
from trimtab.reports.choosing import choose
from trimtab.reports.comparison import Comparison, LeftOut
from trimtab.reports.figures import Cell, Measured, compare, curve_lines, disagreements
from trimtab.reports.files import write_comparison
from trimtab.runs.run import backbone_facts
from trimtab.settings.answers import TextAnswer
from trimtab.settings.methods import FewShotSettings
from trimtab.settings.task import Task
from trimtab.training.plan import make_plan

# Rows that are read in the time that an answer of some two dozen tokens is said in, by a small model on a CPU.
ANSWER_SAID = 8


@dataclass(frozen=True)
class Wanted:
    """What a comparison is asked for.

    Attributes:
        methods: keys of the ways; the default set for the machine where None.
        seeds: seeds of every way that has a seed, from the task's own on.
        reference: key of the way that the others are compared with; the soft prompt by default, else the first.
        curve: numbers of training rows to measure every way on beside all of them.
        without_prompt: whether to measure tuned ways with their prompt taken away too.
        budget_seconds: the most time to take, or None.
        price_an_hour, currency: what an hour of this machine costs.
        run_code: run answers in free text as Python programs, in a sandbox, against the tests of their rows.
    """

    methods: Sequence[str] | None = None
    seeds: int = 1
    reference: str | None = None
    curve: Sequence[int] = ()
    without_prompt: bool = False
    budget_seconds: float | None = None
    price_an_hour: float | None = None
    currency: str = ""
    run_code: bool = False


# (way, seed, training rows) -> told before a cell is measured
OnCell = Callable[[WayKind, int, int], None]


def run(
    task: Task,
    out: Path,
    wanted: Wanted = Wanted(),
    *,
    base: Path,
    offline: bool = False,
    agree: bool = False,
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
        pretrained: a backbone in memory, where the caller has one.
        on_cell, on_step, progress: told what is being done.

    Raises:
        TrimtabError: whatever is wrong with settings, data, backbone or disk.
        KeyboardInterrupt: the user stopped it; what was measured is kept.
    """
    began = time.monotonic()
    splits = load_splits(task.data, template_of(task).fields, task.answer, base=base)
    words = {label: list(w) for label, w in labels_of(task, [e.answer or "" for e in splits.train]).items()}
    for part in (splits.train, splits.dev, splits.test):
        check_labels(part, list(words))
    judged = splits.test or splits.dev
    passes = programs_of(task.answer, judged, out, progress) if wanted.run_code else None
    scored_by = measure_of(task.answer, judged, list(words), task.language, passes)
    if pretrained is None:
        pretrained = backbone_of(task, base, offline=offline, agree=agree, progress=progress)
    gpu = pretrained.backbone.device.type == "cuda"
    ways = pick_ways(wanted.methods, gpu, task.answer.kind, len(splits.train))
    reference = _reference(wanted.reference, ways)
    whole = Material(task, base, splits, words, pretrained, scored_by, out, wanted.without_prompt, offline)
    asked = _asked(task, wanted, ways, whole)
    measured, left_out = _measure(asked, wanted, began, on_cell, on_step, progress)
    made = _figures(whole, wanted, reference, measured, left_out)
    write_comparison(out, made)
    return made


def _figures(
    whole: Material, wanted: Wanted, reference: str, measured: Sequence[tuple[Measured, int]], left_out: list[LeftOut]
) -> Comparison:
    """The comparison of what was measured. Raises TrimtabError where that is not the reference."""
    task, splits, pretrained = whole.task, whole.splits, whole.pretrained
    full = [way for way, rows in measured if rows == len(splits.train)]
    if reference not in {way.key for way in full}:
        why = next(left.why for left in left_out if left.key == reference)
        raise TrimtabError(
            f"--reference: '{reference}' could not be measured ({why}).",
            "Give more time, or name another reference.",
        )
    measure = whole.measure
    compared, against_best = compare(full, measure, reference, price_an_hour=wanted.price_an_hour)
    made = Comparison(
        **made_with(task, backbone_facts(pretrained), pretrained),
        answer=task.answer.kind,
        metric=measure.metric,
        others=list(measure.others),
        labels=list(whole.words),
        train_rows=len(splits.train),
        dev_rows=len(splits.dev),
        test_rows=len(splits.test),
        splits={part: fingerprint(getattr(splits, part)) for part in ("train", "dev", "test") if getattr(splits, part)},
        part="test" if splits.test else "dev",
        reference=reference,
        ways=compared,
        left_out=left_out,
        curves=curve_lines(measured, measure) if wanted.curve else [],
        disagreements=disagreements(full, whole.judged, measure, reference) if len(full) > 1 else [],
        price_an_hour=wanted.price_an_hour,
        currency=wanted.currency,
        seconds=sum(cell.seconds for way, _ in measured for cell in way.cells),
        notes=[*splits.note, *_notes(task, measure, bool(splits.test), wanted.run_code)],
    )
    return choose(made, against_best)


def _reference(name: str | None, ways: Sequence[WayKind]) -> str:
    keys = [way.key for way in ways]
    if name is None:
        return "soft_prompt" if "soft_prompt" in keys else keys[-1]
    if name not in keys:
        raise TrimtabError(f"--reference: '{name}' is not among the ways compared.", f"They are {', '.join(keys)}.")
    return name


def _notes(task: Task, measure: Measure, tested: bool, run_code: bool) -> list[str]:
    notes = []
    if not tested:
        notes.append("The figures are of dev, on which the best step of tuned ways was chosen: they flatter those.")
    if isinstance(task.answer, TextAnswer) and task.answer.tests and not run_code:
        notes.append(
            f"No program was run: ways are compared by {measure.metric.name} of their text, not by the tests in "
            f"'{task.answer.tests}', which --run-code runs."
        )
    return notes


def _asked(task: Task, wanted: Wanted, ways: Sequence[WayKind], whole: Material) -> list[tuple[WayKind, int, Material]]:
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


def _measure(
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
                why = " ".join(part for part in (error.message, error.hint) if part)
        if why:
            on_fewer = "" if rows == len(asked[0][2].splits.train) else f" on {rows} rows"
            name = f"{way.name}{on_fewer}, seed {seed}" if (way.key, rows) in cells else f"{way.name}{on_fewer}"
            left_out[f"{way.key} {rows} {seed}"] = LeftOut(key=way.key, name=name, why=why.rstrip("."))
    measured = [(Measured(key, kinds[key].name, kinds[key].kind, found), rows) for (key, rows), found in cells.items()]
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
    if way.method is None or not speeds:
        return ""
    needed = _rows_answered(way, material) / max(speeds)
    return "" if needed <= left else f"it would take about {needed / 60:.0f} min, and {left / 60:.0f} min were left"


def _rows_answered(way: WayKind, material: Material) -> float:
    """The work of a way, in rows answered zero-shot."""
    judged = len(material.judged)
    if way.kind == "untrained":
        drawn = FewShotSettings().draws * min(DRAW_ROWS, len(material.splits.dev)) if way.seeded else 0
        return way.cost * (judged + drawn)
    rows = sum(len(example.references) or 1 for example in material.splits.train)
    plan = make_plan(material.task.train, rows, 1.0)
    evaluations = plan.steps / plan.evaluate_every
    read = way.cost * plan.steps * plan.batch_size + evaluations * len(material.splits.dev)
    return read / (ANSWER_SAID if material.answer.kind == "text" else 1) + judged
