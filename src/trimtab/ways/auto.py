"""The best way to do a task, found on dev within a time: `method: auto`. Knows nothing about verbs or reports.

Ways are tried in the order that their kind of answer has them in: what takes seconds first, so that there is a run that
answers soon, then what is trained in steps, as many as the time left allows. A training that is far behind the best way
half way through is left (racing: Maron & Moore 1994). The best of those tried is kept at every time; the rest goes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from trimtab.backbones.open import Progress
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Splits, stratified_sample
from trimtab.errors import TaskError, TrimtabError
from trimtab.evaluation.chance.paired import standard_error
from trimtab.evaluation.scorers.scorer import Scorer
from trimtab.evaluation.text.words import are_chinese
from trimtab.reports.choosing import in_a_sentence
from trimtab.reports.figures import Cell
from trimtab.reports.format import capital, duration, metric_text
from trimtab.reports.run_report import TriedWay
from trimtab.runs.folder import METRICS_FILE, SEARCH_FOLDER, no_room, write_whole
from trimtab.runs.run import Run, load_run, save_run
from trimtab.runs.trained_on import remember
from trimtab.settings.methods import AutoSettings
from trimtab.sources.catalogue import languages_of
from trimtab.sources.places import from_anywhere
from trimtab.tasks.resolve import resolve
from trimtab.tasks.rows import TaskRows
from trimtab.tasks.usual_method import FEW, without_auto
from trimtab.training.foresight import TIMED, Foresight
from trimtab.training.loop import Plan, StepRecord
from trimtab.tuning.folder import OnStep
from trimtab.tuning.prepare import prepare
from trimtab.ways.cells import Material, is_kept, measure, run_folder
from trimtab.ways.foreseen import rows_answered, rows_set_up
from trimtab.ways.search_state import begun
from trimtab.ways.ways import BaselineWay, MethodWay, WayKind, method_of, ways_of

# The time that is taken by default: so many times what the first training in steps is foreseen to take, within bounds.
TIMES, LEAST, MOST = 1.5, 120.0, 1800.0
# The smallest share of the usual steps that is worth making.
WORTH = 0.2
# Standard errors by which a training is behind when it is left, and by which what changes weights must be ahead.
BEHIND, AHEAD = 2.0, 1.5
# Rows of dev that ways are judged on where answers are said token by token.
SAID = 100
# With more labels than this they are many, and trees of their words large.
MANY = 20
# What the time left is taken to be, so that answering dev fits into it.
KEPT_FREE = 0.9

# (way, seconds left or None) -> told before a way is tried
OnWay = Callable[[WayKind, float | None], None]


@dataclass(frozen=True)
class Found:
    """What a search ended with.

    Attributes:
        run: the run that is kept, as it stands in the run folder.
        pretrained: what it was made for: the task's backbone, or its sentence encoder.
        tried: every way, in the order in which they were tried.
        why: which was kept, and why, a sentence each.
        stopped: whether the user stopped the search.
    """

    run: Run
    pretrained: Pretrained
    tried: list[TriedWay]
    why: list[str]
    stopped: bool


@dataclass(frozen=True)
class _Candidate:
    """A way that was measured, and the folder of its run; None of what leaves none."""

    way: WayKind
    folder: Path | None
    cell: Cell
    rows: NDArray[Any]
    score: float


def find(
    rows: TaskRows,
    pretrained: Pretrained,
    out: Path,
    *,
    offline: bool = False,
    on_way: OnWay | None = None,
    on_step: OnStep | None = None,
    progress: Progress | None = None,
) -> Found:
    """Try ways to do a task, and keep the best one as a run in `out`.

    Args:
        rows: the task, whose method is `auto`, and its rows; those of test are not looked at.
        pretrained: the backbone.
        out: the run folder; a search that was stopped there goes on.
        offline: do not use the network.
        on_way, on_step, progress: told what is being done.

    Raises:
        TaskError: no way that could be kept as a run could be tried.
        TrimtabError: whatever is wrong with settings, data, backbone or disk.
    """
    return _Search(rows, pretrained, out, offline, on_way, on_step, progress).run()


class _Search:
    def __init__(
        self, rows: TaskRows, pretrained: Pretrained, out: Path, offline: bool, on_way: OnWay | None,
        on_step: OnStep | None, progress: Progress | None,
    ) -> None:  # fmt: skip
        assert isinstance(rows.task.method, AutoSettings)
        self.auto, self.rows, self.out = rows.task.method, rows, out
        self.on_way, self.on_step, self.progress = on_way, on_step, progress
        folder = out / SEARCH_FOLDER
        self.state = begun(folder, from_anywhere(rows.task, rows.base))
        self.state.budget = self.auto.budget or self.state.budget
        self.began = time.monotonic() - self.state.spent
        splits = rows.splits
        judged = stratified_sample(splits.dev, SAID, rows.task.data.seed) if rows.kind.generates else splits.dev
        self.scorer: Scorer = rows.kind.scorer(judged, list(rows.words), rows.task)
        task = without_auto(rows.task)
        self.material = Material(
            task, rows.base, Splits(splits.train, judged, []), rows.words, pretrained, self.scorer, folder,
            offline=offline, enough=self._enough, alone=0,
        )  # fmt: skip
        self.seed = task.train.seed
        self.measured: list[_Candidate] = []
        self.tried: list[TriedWay] = []
        self.best: _Candidate | None = None
        self.foresight: Foresight | None = None

    def run(self) -> Found:
        """Every way in turn."""
        stopped = False
        for way in self._ways():
            try:
                self._try(way)
            except KeyboardInterrupt:
                self._note(way, None, "stopped")
                stopped = True
                break
        if self.best is None:
            if stopped:
                raise KeyboardInterrupt
            raise TaskError(
                f"method: auto found no way to do this task: {'; '.join(f'{t.name}: {t.note}' for t in self.tried)}",
                "Name a method.",
            )
        return self._found(stopped)

    def _ways(self) -> list[WayKind]:
        kind, known = self.rows.kind, ways_of(self.rows.kind)
        task, train = self.rows.task, self.rows.splits.train
        chinese = are_chinese([text for example in train for text in example.fields.values()], task.language)
        unread = chinese and "Chinese" not in (languages_of(task.embeddings) or ("Chinese",))
        ways = [known[key] for key in kind.tried_ways(few=len(train) <= FEW, many=len(self.rows.words) > MANY)]
        return [
            way
            for way in ways
            if not isinstance(way, MethodWay)
            or (not (way.encoder and unread) and (self.auto.change_weights or not way.changes_weights))
        ]

    def _try(self, way: WayKind) -> None:
        """Measure a way, if there is time, and keep its run where it is the best so far."""
        began = time.monotonic()
        if self.on_way:
            self.on_way(way, None if self.state.budget is None else self._left)
        try:
            material = self._planned(way)
            cell = measure(way, self.seed, material, on_step=self.on_step, progress=self.progress)
        except TrimtabError as error:
            if no_room(error):
                raise
            self._note(way, None, " ".join(part for part in (error.message, error.hint) if part), began)
            return
        finally:
            self.state.spent = time.monotonic() - self.began
            self.state.write()
        rows = self.scorer.rows(cell.answers)
        folder = run_folder(way, self.seed, material) if isinstance(way, MethodWay) else None
        candidate = _Candidate(way, folder, cell, rows, self.scorer.score(rows))
        self.measured.append(candidate)
        self._note(way, candidate, _left_at(folder) if folder and way.group == "tuned" else "", began)
        if folder and self._best() is candidate:
            self.best = candidate
            self._keep(candidate.way, folder)

    def _note(self, way: WayKind, candidate: _Candidate | None, note: str, began: float | None = None) -> None:
        seconds = candidate.cell.seconds if candidate else time.monotonic() - began if began else 0.0
        self.tried.append(
            TriedWay(
                key=way.key,
                name=way.name,
                kind=way.group,
                score=candidate.score if candidate else None,
                reached=metric_text(candidate.score, self.scorer.metric) if candidate else "",
                seconds=seconds,
                bytes_on_disk=candidate.cell.bytes_on_disk if candidate else 0,
                note=note,
            )
        )

    @property
    def _left(self) -> float:
        """Seconds left of the time that all may take."""
        assert self.state.budget is not None
        return self.state.budget - (time.monotonic() - self.began)

    def _planned(self, way: WayKind) -> Material:
        """What a way is measured with: of a training, as many steps as there is time for.

        Raises:
            TaskError: there is not enough time.
        """
        material = self.material
        if way.group != "tuned" or not isinstance(way, MethodWay) or method_of(way, material.task).fitted:
            if self.best is not None and not self._fits(self._needed(way)) and not is_kept(way, self.seed, material):
                raise self._too_long(self._needed(way))
            return material
        key = way.key
        if key not in self.state.steps:
            if not self._fits(self._needed(way, WORTH)):  # to time a few of its steps would take the rest
                raise self._too_long(self._needed(way))
            self.state.steps[key] = self._steps_that_fit(way)
            self.state.write()
        steps = self.state.steps[key]
        train = material.task.train.model_copy(update={"steps": steps, "epochs": None})
        return replace(material, task=material.task.model_copy(update={"train": train}))

    def _needed(self, way: WayKind, share: float = 1.0) -> float:
        """Seconds that a share of a way is foreseen to take, by the pace of what the backbone answered first."""
        read = [one for one in self.measured if isinstance(one.way, MethodWay) and not one.way.encoder]
        pace = read[0].cell.batch_rows_per_second if read else None
        if not pace or not isinstance(way, MethodWay):
            return 0.0
        twice = 2 * rows_set_up(way, self.material)  # for its steps to be timed, and to be made
        return (twice + share * rows_answered(way, self.material)) / pace

    def _fits(self, seconds: float) -> bool:
        """Whether there is so much time left."""
        return self.state.budget is None or 0 < self._left >= seconds

    def _too_long(self, seconds: float) -> TaskError:
        """What says that a way is not begun which would take so long."""
        assert self.state.budget is not None
        left = self._left
        if left <= 0:
            return TaskError("the time was up.", "")
        return TaskError(
            f"it would take about {duration(seconds)}, and {duration(left)} were left.",
            f"--budget {math.ceil((seconds + self.state.budget - left) / 60)}m leaves enough.",
        )

    def _steps_that_fit(self, way: MethodWay) -> int:
        """Steps for a training, by the time that a few of them take. Raises TaskError where too few would fit."""
        task, began = self.material.task, time.monotonic()
        task = task.model_copy(update={"method": method_of(way, task)})
        splits = self.material.splits
        rows = replace(self.rows, task=task, splits=splits)
        if self.progress:
            self.progress(f"timing {way.name}", 0, None)
        training = prepare(resolve(rows, self.material.pretrained, self.progress), self.progress).training
        plan = training.plan
        foresight = Foresight(plan)
        for record in islice(training.steps(), TIMED):
            foresight.saw(record)
        pace, setting_up = foresight.pace, time.monotonic() - began
        whole = foresight.whole + self._closing(foresight)
        if self.state.budget is None:
            spent = time.monotonic() - self.began
            self.state.budget = min(max(TIMES * whole + spent, LEAST), MOST)
        left = KEPT_FREE * self._left - (whole - plan.steps * pace) - setting_up
        steps = min(plan.steps, int(left / pace))
        if steps < WORTH * plan.steps:
            raise self._too_long(whole + setting_up)
        return steps

    def _closing(self, foresight: Foresight) -> float:
        """Seconds that a training takes once its steps are made: dev is answered, and before for what it settles."""
        plan, judged = foresight.plan, len(self.material.judged)
        if not self.rows.kind.generates:
            return foresight.judging * (1 + judged / max(plan.dev_rows, 1))
        said = [one.cell.batch_rows_per_second for one in self.measured if one.cell.batch_rows_per_second]
        return judged / max(said) if said else foresight.pace

    def _enough(self, record: StepRecord, plan: Plan) -> bool:
        """Whether to leave a training: the time is up but for answering dev, or half way through it is far behind.

        Raises:
            TaskError: the time is up before anything of it was scored.
        """
        if self.foresight is None or self.foresight.plan is not plan:
            self.foresight = Foresight(plan)
        self.foresight.saw(record)
        if not self._fits(self._closing(self.foresight)):
            if plan.evaluations(record.step):
                return True
            if self.best is not None:
                raise TaskError("the time was up before it was scored.", "")
        if not record.dev or self.best is None or self.scorer.metric.name != "accuracy":
            return False
        reached = max(score.accuracy for score in record.dev if score)
        n, best = plan.dev_rows, self.best.score
        error = math.sqrt(max(best * (1 - best), 1 / n) / n)
        return record.step >= plan.steps / 2 and best - reached > BEHIND * error

    def _best(self) -> _Candidate:
        """The best of the ways that can be kept; see `AutoSettings`."""
        kept = [one for one in self.measured if one.folder]
        goodness = self.scorer.metric.goodness
        apart = [one for one in kept if isinstance(one.way, MethodWay) and one.way.changes_weights]
        best = max([one for one in kept if one not in apart] or kept, key=lambda one: goodness(one.score))
        for other in apart:
            if self._ahead(other, best) > AHEAD:
                best = other
        if self.auto.smallest:
            alike = [one for one in kept if self._ahead(best, one) <= AHEAD]
            best = min(alike, key=lambda one: (one.cell.bytes_on_disk, -goodness(one.score)))
        return best

    def _ahead(self, one: _Candidate, other: _Candidate) -> float:
        """By how many standard errors of their difference, on the same rows, one way is better than another."""
        metric = self.scorer.metric
        gap = metric.goodness(one.score) - metric.goodness(other.score)
        if not gap:
            return 0.0
        scorer = self.scorer
        error = standard_error(scorer.moves(one.rows), scorer.moves(other.rows), scorer.groups)
        return gap / error if error else math.copysign(math.inf, gap)

    def _keep(self, way: WayKind, folder: Path) -> None:
        """Put the run of a way into the run folder, in place of what is there."""
        run = load_run(folder)
        write_whole(self.out / METRICS_FILE, (folder / METRICS_FILE).read_bytes())
        remember(self.out, self.rows.seen)
        save_run(self.out, replace(run, name=str(self.out), facts={**run.facts, "auto": way.key}))

    def _found(self, stopped: bool) -> Found:
        best = self.best
        assert best is not None
        tried = [one.model_copy(update={"kept": one.key == best.way.key}) for one in self.tried]
        return Found(load_run(self.out), self.material.of(best.way).pretrained, tried, self._why(best), stopped)

    def _why(self, best: _Candidate) -> list[str]:
        """Which way was kept, what of the others is known, and what was left out."""

        def said(one: _Candidate) -> str:
            return f"{in_a_sentence(one.way.name)} ({metric_text(one.score, self.scorer.metric)})"

        metric, spent = self.scorer.metric, self.state.spent
        out = [
            f"{len(self.measured)} ways were tried in {duration(spent)}; kept is {said(best)}, by {metric.name} on "
            f"{len(best.rows):,} rows of dev."
        ]
        others = sorted((one for one in self.measured if one is not best), key=lambda o: -metric.goodness(o.score))
        ahead = [one for one in others if metric.goodness(one.score) > metric.goodness(best.score)]
        for one in ahead:
            what = "is no run that can be kept" if isinstance(one.way, BaselineWay) else "is larger or served apart"
            out.append(f"{capital(said(one))} is ahead by {_chance(self._ahead(one, best))}, and {what}.")
        if others and not ahead:
            out.append(f"The next, {said(others[0])}, is behind by {_chance(self._ahead(best, others[0]))}.")
        left = [f"{tried.name} ({tried.note.rstrip('.')})" for tried in self.tried if tried.score is None]
        if left:
            out.append(f"Left out: {'; '.join(left)}.")
        return out


def _left_at(folder: Path) -> str:
    """Where the training of a run was left before its end, or ""."""
    facts = load_run(folder).facts
    return f"left at step {facts['steps']} of {facts['planned_steps']}" if facts["enough"] else ""


def _chance(errors: float) -> str:
    """What a gap of so many standard errors says."""
    return "more than chance is likely to make" if errors > BEHIND else "no more than chance may do"
