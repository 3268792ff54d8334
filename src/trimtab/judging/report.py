"""The report of a run: scored on dev and test, its facts gathered, written. Knows nothing about verbs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trimtab.backbones.open import Progress
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example, Splits
from trimtab.data.leakage import Seen
from trimtab.errors import TrimtabError
from trimtab.inference.engine import Engine
from trimtab.judging.facts import data_facts, made_with, method_facts, run_facts
from trimtab.judging.judge import RUN, ZERO_SHOT, judge
from trimtab.judging.shift import shift_of
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.choose import kind_of
from trimtab.reports.files import read_report, write_report
from trimtab.reports.findings.choose import findings_of
from trimtab.reports.findings.shift import shift_sentence
from trimtab.reports.run_report import Cost, CurvePoint, RunReport, TriedWay
from trimtab.reports.scored import Scored
from trimtab.runs.folder import make_folder
from trimtab.runs.run import Run, as_given, zero_shot
from trimtab.runs.trained_on import trained_on
from trimtab.settings.methods import ZeroShotSettings
from trimtab.settings.task import DataSettings


def report_of(
    tuned: Run,
    pretrained: Pretrained,
    splits: Splits,
    *,
    folder: Path,
    beside: bool,
    notes: Sequence[str],
    curve: list[CurvePoint],
    cost: Cost,
    data: DataSettings | None = None,
    progress: Progress | None = None,
    run_code: bool = False,
    tried: Sequence[TriedWay] = (),
) -> RunReport:
    """Score a run on dev and test, make its report and write it to `folder`.

    Args:
        tuned, pretrained, splits: the run, its backbone, and the examples.
        beside: score other ways of doing the task too.
        notes: what was done to the data, a sentence each.
        curve, cost: of the training; the speed of answering is added.
        data: where the examples came from, if not as the run's task says.
        progress: told what is being done.
        run_code: run answers as programs (see `run`).
        tried: the ways that were tried, where the method was picked from several.
    """
    kind = kind_of(tuned.task.answer)
    for part in (splits.train, splits.dev, splits.test):
        kind.check_rows(part, tuned.words)
    classes = kind.classes(splits, tuned.words)
    make_folder(folder)
    judged = splits.test or splits.dev
    engine = _engine_of(tuned, pretrained, untrained=bool(beside and judged))
    bound = engine.runs[RUN]
    found = judge(
        engine, classes, splits, beside=beside, progress=progress, run_code=run_code, seen=_seen(tuned, splits)
    )
    if found.seconds is not None:
        cost = cost.model_copy(update={"predict_rows_per_second": len(splits.test) / found.seconds})
    settings = data or tuned.task.data
    shift = shift_of(splits, settings, tuned.task.language, pretrained, progress) if judged else None
    shifted = shift_sentence(shift, "test" if splits.test else "dev")
    cut = [f"{found.cut} of {len(judged)} rows were shortened to fit."] if found.cut else []
    notes = [*notes, *kind.missed(splits, tuned.words), *cut]
    report = RunReport(
        **made_with(tuned.task, tuned.backbone, pretrained),
        method=method_facts(tuned, bound.method.tokens or bound.template.soft),
        data=data_facts(splits, classes, settings, notes),
        cost=cost,
        curve=curve,
        runs=run_facts(tuned),
        scored=found.scored,
        slices=found.slices,
        shift=shift,
        tried=list(tried),
        template_example=_as_read(bound, (judged or splits.train)[0]),
        warnings=[*found.leaks, *filter(None, [shifted]), *_warnings(tuned), *_unfound(tuned, found.scored)],
    )
    write_report(folder, report)
    return report


def _engine_of(tuned: Run, pretrained: Pretrained, *, untrained: bool) -> Engine:
    """What answers for the run, and, where asked to and where words are scored, for the backbone without a prompt."""
    engine = Engine(pretrained)
    bound = engine.add(RUN, tuned)
    words = not bound.kind.headed and pretrained.backbone.scores_words
    if untrained and words and tuned.task.method != ZeroShotSettings():
        engine.add(ZERO_SHOT, zero_shot(*as_given(tuned), pretrained))
    return engine


def _seen(tuned: Run, splits: Splits) -> Seen | None:
    """What the run was trained on, other tasks' rows among it; None where neither its folder nor the splits say."""
    known = trained_on(Path(tuned.name))
    if not splits.train:
        return known
    own = Seen.of(splits.train)
    return own | known if known else own


def _as_read(bound: BoundTask, example: Example) -> str:
    """How a row reads as text, demonstrations before it, answer included."""
    [row] = bound.encode([example])
    shown = str(bound.pretrained.tokenizer.decode([*bound.shown, *row.ids[: row.demonstrations]]))
    return shown + bound.kind.as_read(bound, example, row)


def _warnings(tuned: Run) -> list[str]:
    facts = tuned.facts
    found = [tuned.task.notice] if tuned.task.notice else []
    if facts["stopped"]:
        found.append(f"Training was stopped at step {facts['steps']} of {facts['planned_steps']}; `--resume` goes on.")
    elif facts.get("enough"):
        found.append(f"Training ended at step {facts['steps']} of {facts['planned_steps']}, as the time was up.")
    elif facts["steps"] < facts["planned_steps"]:
        found.append(
            f"Training ended at step {facts['steps']} of {facts['planned_steps']}, as dev had not improved for "
            f"{tuned.task.train.patience} evaluations (train.patience)."
        )
    return found


def _unfound(tuned: Run, scored: Scored) -> list[str]:
    """Names answers that are never found, and what of the settings may help."""
    said, train = findings_of(scored).unfound(), tuned.task.train
    if not said:
        return []
    if not any(tuned.tensors):
        return [said]
    helps = []
    if train.class_weights == "none":
        helps.append("train.class_weights=balanced, which weighs rare labels up")
    if train.choose_by != "macro_f1":
        helps.append("train.choose_by=macro_f1, by which every label counts alike on dev")
    return [f"{said} What may help: {'; '.join([*helps, 'more training rows of them'])}."]


def report_before(folder: Path) -> RunReport | None:
    """The report that a run folder holds, if it does."""
    try:
        return read_report(folder / "report.json")
    except TrimtabError:
        return None
