"""A run's answers to dev and test, and other ways' beside them, scored. Knows no kinds and no pages."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from trimtab.backbones.open import Progress
from trimtab.data import Example, Splits
from trimtab.data.example import TextExample
from trimtab.data.leakage import Seen
from trimtab.evaluation.programs import pass_figures
from trimtab.evaluation.scores.texts import Figure
from trimtab.evaluation.slices.divided import divisions
from trimtab.evaluation.slices.sliced import Sliced, sliced
from trimtab.inference.engine import Engine
from trimtab.kinds.baseline import Learning
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.kind import Judging, Rival
from trimtab.kinds.prediction import Prediction
from trimtab.reports.format import capital, metric_text
from trimtab.reports.scored import Scored

# Names under which the engine knows the run and the backbone without a prompt.
RUN, ZERO_SHOT = "run", "zero-shot"
# Rows answered between two calls of `progress`.
CHUNK = 256


@dataclass(frozen=True)
class Judged:
    """What was found.

    Attributes:
        scored: scores on dev and test, and other ways on test or else on dev.
        cut: rows of test, or else of dev, that were shortened to fit.
        seconds: time to answer test; None where there is none.
        slices: scores of parts of the rows that the report rests on; None where there are none.
        leaks: on rows of dev and test that were trained on, a sentence a split, with the score of the others.
    """

    scored: Scored
    cut: int = 0
    seconds: float | None = None
    slices: Sliced | None = None
    leaks: tuple[str, ...] = ()


def judge(
    engine: Engine, classes: Sequence[str], splits: Splits, *, beside: bool, progress: Progress | None,
    run_code: bool = False, seen: Seen | None = None,
) -> Judged:  # fmt: skip
    """Score the run that the engine knows as `run` on dev and test, and other ways on test, or else on dev.

    Args:
        engine: knows the run, and where that is asked for the backbone without a prompt as `zero-shot`.
        classes: see `Kind.classes`.
        splits: the examples.
        beside: score other ways of doing the task too.
        progress: told what is being done.
        run_code: run answers as programs, against their rows' tests.
        seen: what the run was trained on, where that is known.
    """
    bound = engine.runs[RUN]
    kind = bound.kind
    doing = "scoring" if kind.judges_dev else "answering"
    of_dev = splits.dev if kind.judges_dev or not splits.test else []
    dev = _answers(engine, RUN, of_dev, f"{doing} dev", progress)
    began = time.perf_counter()
    test = _answers(engine, RUN, splits.test, f"{doing} test", progress)
    seconds = time.perf_counter() - began if test else None
    judged, predictions = (splits.test, test) if splits.test else (splits.dev, dev)
    rivals = _rivals(engine, classes, splits, judged, progress) if beside and predictions else []
    judging = Judging(
        bound,
        classes,
        (of_dev, kind.collected(dev, classes)) if dev else None,
        (splits.test, kind.collected(test, classes)) if test else None,
        rivals,
        _passed(judged, predictions, progress) if run_code else (),
    )
    cut = sum(answer.cut_tokens > 0 for answer in predictions)
    leaks = _leaks(bound, classes, {"test": (splits.test, test), "dev": (of_dev, dev)}, seen) if seen else ()
    slices = _sliced(bound, classes, judged, predictions) if predictions else None
    return Judged(kind.scored(judging), cut, seconds, slices, tuple(leaks))


def _sliced(
    bound: BoundTask, classes: Sequence[str], examples: Sequence[Example], predictions: Sequence[Prediction]
) -> Sliced:
    """Scores by length of the input, by right answer, and by the columns that the rows were read with."""
    kind = bound.kind
    scorer = kind.scorer(examples, classes, bound.task)
    answers_N = kind.comparable(kind.collected(predictions, classes))
    return sliced(scorer, answers_N, divisions(examples, classes), kind.wording(scorer).right)


def _leaks(
    bound: BoundTask, classes: Sequence[str], parts: Mapping[str, tuple[Sequence[Example], Sequence[Prediction]]],
    seen: Seen,
) -> Iterator[str]:  # fmt: skip
    """Says which rows of a split were trained on, and what is reached on the others."""
    kind = bound.kind
    for split, (examples, predictions) in parts.items():
        leak = seen.among(examples) if predictions else None
        if not leak:
            continue
        if not leak.clean:
            yield f"{capital(leak.said(split))}: its score says nothing of rows that are new."
            continue
        rows, answers = [examples[i] for i in leak.clean], [predictions[i] for i in leak.clean]
        scorer = kind.scorer(rows, classes, bound.task)
        score = scorer.score(scorer.rows(kind.comparable(kind.collected(answers, classes))))
        reached = metric_text(score, scorer.metric)
        yield f"{capital(leak.said(split))}: on the other {len(rows):,} it reaches {scorer.metric.name} {reached}."


def _answers(
    engine: Engine, name: str, examples: Sequence[Example], what: str, progress: Progress | None
) -> list[Prediction]:
    """Answers in order."""
    found: list[Prediction] = []
    for start in range(0, len(examples), CHUNK):
        if progress:
            progress(what, start, len(examples))
        found += engine.answer_examples(name, examples[start : start + CHUNK])
    if progress and examples:
        progress(what, len(examples), len(examples))
    return found


def _rivals(
    engine: Engine, classes: Sequence[str], splits: Splits, judged: Sequence[Example], progress: Progress | None
) -> list[Rival]:
    """What other ways answer: those that learn from train, and the backbone without a prompt."""
    bound, out = engine.runs[RUN], []
    given = Learning(splits.train, judged, bound.task, classes)
    for baseline in bound.kind.baselines if splits.train else ():
        if not baseline.reported:
            continue
        if progress:
            progress(f"scoring {baseline.reported}", 0, None)
        began = time.perf_counter()
        answers = baseline.answers(given)
        out.append(Rival(baseline.reported, answers, time.perf_counter() - began))
    if ZERO_SHOT in engine.runs:
        doing = "scoring zero-shot" if bound.kind.judges_dev else "answering, zero-shot"
        began = time.perf_counter()
        predictions = _answers(engine, ZERO_SHOT, judged, doing, progress)
        answers = bound.kind.collected(predictions, classes)
        out.append(Rival(ZERO_SHOT, answers, time.perf_counter() - began))
    return out


def _passed(examples: Sequence[Example], predictions: Sequence[Any], progress: Progress | None) -> list[Figure]:
    """pass@k of every answer's program."""
    texts = [[answer.text for answer in prediction.texts] for prediction in predictions]
    return pass_figures(cast("Sequence[TextExample]", examples), texts, progress) if texts else []
