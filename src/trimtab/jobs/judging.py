"""Scores of a run on dev and test, and of other ways of doing the task. Knows nothing about how they are shown."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from trimtab.backbones.open import Progress
from trimtab.data import Example, Splits
from trimtab.evaluation.baselines.naive_bayes import majority, naive_bayes
from trimtab.evaluation.chance.tests import paired_f1_test, paired_permutation_test, paired_test
from trimtab.evaluation.scores.labels import Scores, score
from trimtab.evaluation.scores.numbers import mean_number, numbers_of, ridge, score_numbers
from trimtab.evaluation.scores.tags import TagScores, commonest_tag, commonest_tag_of_token, entity_counts, score_tags
from trimtab.evaluation.scores.texts import difference, nearest_answer, score_written
from trimtab.inference.engine import Engine, Prediction, Request
from trimtab.jobs.programs import pass_figures
from trimtab.reports.run_report import (
    Baseline,
    NumberBaseline,
    NumberReport,
    TagBaseline,
    TagReport,
    WrittenBaseline,
    WrittenReport,
)
from trimtab.settings.answers import TagsAnswer, TextAnswer
from trimtab.settings.task import Task

# Names under which the engine knows the run and the backbone without a prompt.
RUN, ZERO_SHOT = "run", "zero-shot"
# Rows answered between two calls of `progress`.
CHUNK = 256


@dataclass(frozen=True)
class Judged:
    """What was found.

    Attributes:
        dev, test: scores of labels or choices; None for an empty split.
        baselines: other ways, on test or else on dev.
        number: the same where answers are numbers.
        tags: the same where they are tags.
        written: the same where they are free text; dev is scored only where there is no test.
        cut: rows of test, or else of dev, that were shortened to fit.
        seconds: time to answer test.
    """

    dev: Scores | None = None
    test: Scores | None = None
    baselines: list[Baseline] = field(default_factory=list)
    number: NumberReport | None = None
    cut: int = 0
    seconds: float | None = None
    tags: TagReport | None = None
    written: WrittenReport | None = None


def judge(
    engine: Engine, task: Task, labels: Sequence[str], splits: Splits, *, beside: bool, progress: Progress | None,
    run_code: bool = False,
) -> Judged:  # fmt: skip
    """Score the run that the engine knows as `run` on dev and test, and other ways on test, or else on dev.

    Args:
        engine: knows the run, and where that is asked for the backbone without a prompt as `zero-shot`.
        task: the run's.
        labels: its labels; of choices names of the options' places (`option_names`).
        splits: the examples.
        beside: score other ways of doing the task too.
        progress: told what is being done.
        run_code: run answers in free text as programs, against their rows' tests.
    """
    if isinstance(task.answer, TextAnswer):
        return _judge_texts(engine, task, task.answer, splits, beside=beside, progress=progress, run_code=run_code)
    dev = _answers(engine, RUN, splits.dev, "scoring dev", progress)
    began = time.perf_counter()
    test = _answers(engine, RUN, splits.test, "scoring test", progress)
    seconds = time.perf_counter() - began if test else None
    judged, answers = (splits.test, test) if splits.test else (splits.dev, dev)
    cut = sum(answer.cut_tokens > 0 for answer in answers)
    if task.answer.kind == "number":
        others = _number_baselines(splits.train, judged, task, _numbers(answers), progress) if beside else []
        report = NumberReport(
            dev=score_numbers(splits.dev, _numbers(dev)) if dev else None,
            test=score_numbers(splits.test, _numbers(test)) if test else None,
            baselines=others,
        )
        return Judged(number=report, cut=cut, seconds=seconds)
    if isinstance(task.answer, TagsAnswer):
        kind = task.answer
        tags = TagReport(
            dev=_tag_scores(splits.dev, _tags(dev), kind) if dev else None,
            test=_tag_scores(splits.test, _tags(test), kind) if test else None,
            baselines=_tag_baselines(splits.train, judged, kind, _tags(answers), progress) if beside else [],
        )
        return Judged(tags=tags, cut=cut, seconds=seconds)
    baselines = []
    if beside and answers:
        ours = _probabilities(answers, len(labels))
        baselines = _baselines(engine, splits.train, judged, labels, task, ours, progress)
    return Judged(
        score(splits.dev, _probabilities(dev, len(labels)), labels) if dev else None,
        score(splits.test, _probabilities(test, len(labels)), labels) if test else None,
        baselines, None, cut, seconds,
    )  # fmt: skip


def option_names(splits: Splits) -> list[str]:
    """Names of the places that options stand at, as many as the row with the most of them has."""
    most = max((len(e.options) for part in (splits.train, splits.dev, splits.test) for e in part), default=0)
    return [f"option {i}" for i in range(1, most + 1)]


def _answers(
    engine: Engine, name: str, examples: Sequence[Example], what: str, progress: Progress | None
) -> list[Prediction]:
    """Answers in order."""
    found: list[Prediction] = []
    for start in range(0, len(examples), CHUNK):
        if progress:
            progress(what, start, len(examples))
        chunk = examples[start : start + CHUNK]
        found += engine.answer([Request(name, e.fields, e.where, e.options, e.tokens) for e in chunk])
    if progress and examples:
        progress(what, len(examples), len(examples))
    return found


def _probabilities(answers: Sequence[Prediction], columns: int) -> np.ndarray:
    """Probabilities [N, C]; a row with fewer options than others has 0 behind them."""
    out = np.zeros((len(answers), columns))
    for row, answer in zip(out, answers, strict=True):
        row[: len(answer.probabilities)] = list(answer.probabilities.values())
    return out


def _numbers(answers: Sequence[Prediction]) -> np.ndarray:
    return np.array([answer.number for answer in answers], dtype=np.float64)


def _baselines(
    engine: Engine,
    train: Sequence[Example],
    judged: Sequence[Example],
    labels: Sequence[str],
    task: Task,
    ours: np.ndarray,
    progress: Progress | None,
) -> list[Baseline]:
    gold = np.array([e.options.index(e.answer or "") if e.options else labels.index(e.answer or "") for e in judged])
    right = ours.argmax(-1) == gold
    out = []
    from_train = ("majority",) if task.answer.kind == "choice" else ("majority", "naive Bayes")
    for name in [*(from_train if train else ()), *((ZERO_SHOT,) if ZERO_SHOT in engine.runs else ())]:
        if progress:
            progress(f"scoring {name}", 0, None)
        began = time.perf_counter()
        match name:
            case "majority":
                probabilities = majority(train, judged, labels)
            case "naive Bayes":
                probabilities = naive_bayes(train, judged, labels, language=task.language)
            case _:
                answers = _answers(engine, ZERO_SHOT, judged, "scoring zero-shot", progress)
                probabilities = _probabilities(answers, len(labels))
        scores = score(judged, probabilities, labels, worst=0)
        out.append(
            Baseline(
                name=name,
                accuracy=scores.accuracy,
                interval=scores.intervals["accuracy"],
                seconds=time.perf_counter() - began,
                p_value=paired_test(right, probabilities.argmax(-1) == gold),
            )
        )
    return out


def _number_baselines(
    train: Sequence[Example], judged: Sequence[Example], task: Task, ours: np.ndarray, progress: Progress | None
) -> list[NumberBaseline]:
    if not train or not judged:
        return []
    gold = numbers_of(judged)
    out = []
    for name in ("mean", "ridge regression"):
        if progress:
            progress(f"scoring {name}", 0, None)
        began = time.perf_counter()
        found = mean_number(train, judged) if name == "mean" else ridge(train, judged, language=task.language)
        scores = score_numbers(judged, found, worst=0)
        out.append(
            NumberBaseline(
                name=name,
                rmse=scores.rmse,
                interval=scores.intervals["rmse"],
                mae=scores.mae,
                pearson=scores.pearson,
                spearman=scores.spearman,
                seconds=time.perf_counter() - began,
                p_value=paired_permutation_test((ours - gold) ** 2, (found - gold) ** 2),
            )
        )
    return out


def _judge_texts(
    engine: Engine, task: Task, kind: TextAnswer, splits: Splits, *, beside: bool, progress: Progress | None,
    run_code: bool,
) -> Judged:  # fmt: skip
    """Answers in free text take long: those to dev are asked for only where there is no test."""
    part, judged = ("test", splits.test) if splits.test else ("dev", splits.dev)
    began = time.perf_counter()
    answers = _answers(engine, RUN, judged, f"answering {part}", progress)
    seconds = time.perf_counter() - began if splits.test else None
    if not judged:
        return Judged(written=WrittenReport())
    ours = [answer.label for answer in answers]
    unfinished = sum(answer.texts[0].ended == "length" for answer in answers)
    scores = score_written(judged, ours, metrics=kind.metrics, language=task.language, unfinished=unfinished)
    if run_code:
        scores = replace(scores, figures=[*scores.figures, *pass_figures(judged, answers, progress)])
    names = ["nearest answer"] if splits.train and beside else []
    names += [ZERO_SHOT] if ZERO_SHOT in engine.runs and beside else []
    baselines = []
    for name in names:
        if progress:
            progress(f"scoring {name}", 0, None)
        began = time.perf_counter()
        if name == ZERO_SHOT:
            found = [a.label for a in _answers(engine, ZERO_SHOT, judged, f"answering {part}, zero-shot", progress)]
        else:
            found = nearest_answer(splits.train, judged, language=task.language)
        took = time.perf_counter() - began
        theirs = score_written(judged, found, metrics=kind.metrics, language=task.language, samples=0)
        p_value = difference(judged, ours, found, scores.headline.name, task.language)
        baselines.append(WrittenBaseline(name=name, figures=theirs.figures, seconds=took, p_value=p_value))
    test, dev = (scores, None) if splits.test else (None, scores)
    cut = sum(answer.cut_tokens > 0 for answer in answers)
    return Judged(written=WrittenReport(dev=dev, test=test, baselines=baselines), cut=cut, seconds=seconds)


def _tags(answers: Sequence[Prediction]) -> list[tuple[str, ...]]:
    return [answer.tagged.tags for answer in answers if answer.tagged]


def _tag_scores(
    examples: Sequence[Example], found: Sequence[Sequence[str]], kind: TagsAnswer, worst: int = 20
) -> TagScores:
    return score_tags(examples, found, plain=kind.scheme == "plain", join=kind.join, worst=worst)


def _tag_baselines(
    train: Sequence[Example],
    judged: Sequence[Example],
    kind: TagsAnswer,
    ours: Sequence[Sequence[str]],
    progress: Progress | None,
) -> list[TagBaseline]:
    if not train or not judged:
        return []
    plain, out = kind.scheme == "plain", []
    own = entity_counts(judged, ours, plain)
    ways = {"commonest tag": commonest_tag, "commonest tag of each token": commonest_tag_of_token}
    for name, way in ways.items():
        if progress:
            progress(f"scoring {name}", 0, None)
        began = time.perf_counter()
        found = way(train, judged, plain)
        scores = _tag_scores(judged, found, kind, worst=0)
        out.append(
            TagBaseline(
                name=name,
                f1=scores.f1,
                interval=scores.intervals["f1"],
                precision=scores.precision,
                recall=scores.recall,
                macro_f1=scores.macro_f1,
                token_accuracy=scores.token_accuracy,
                seconds=time.perf_counter() - began,
                p_value=paired_f1_test(own, entity_counts(judged, found, plain)),
            )
        )
    return out
