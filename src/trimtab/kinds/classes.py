"""Answers out of classes, labels or the places of options, collected and scored. Knows no one kind.

N rows, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trimtab.kinds.kind import Judging
from trimtab.kinds.prediction import LabelPrediction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trimtab.evaluation.baselines.class_answers import ClassAnswers
    from trimtab.evaluation.scores.labels import LabelScores
    from trimtab.reports.scored import LabelBaseline


def collected_classes(predictions: Sequence[LabelPrediction], classes: Sequence[str]) -> ClassAnswers:
    """Probabilities [N, C] of labels, or of options by their places: a row with fewer than others has 0 behind them."""
    import numpy as np

    from trimtab.evaluation.baselines.class_answers import likeliest

    out = np.zeros((len(predictions), len(classes)))
    for row, prediction in zip(out, predictions, strict=True):
        row[: len(prediction.probabilities)] = list(prediction.probabilities.values())
    return likeliest(out)


def scored_classes(judging: Judging) -> tuple[LabelScores | None, LabelScores | None, list[LabelBaseline]]:
    """Scores of labels, or of places of options, on dev and on test, and what other ways reach."""
    from trimtab.evaluation.chance.mcnemar import mcnemar_test
    from trimtab.evaluation.scores.gold import answer_ids, groups_among
    from trimtab.evaluation.scores.labels import score_labels
    from trimtab.reports.scored import LabelBaseline

    labels = judging.bound.task.labels
    dev, test = (
        score_labels(
            part[0], part[1].probabilities_NC, judging.classes, answer_from=labels.answer_from, wanted=labels.abstain
        )
        if part
        else None
        for part in (judging.dev, judging.test)
    )
    baselines = []
    if judging.headline:
        examples, ours = judging.headline
        gold_N, groups = answer_ids(examples, judging.classes), groups_among(examples)
        for rival in judging.rivals:
            scores = score_labels(examples, rival.answers.probabilities_NC, judging.classes, worst=0)
            baselines.append(
                LabelBaseline(
                    name=rival.name,
                    accuracy=scores.accuracy,
                    interval=scores.intervals["accuracy"],
                    seconds=rival.seconds,
                    p_value=mcnemar_test(ours.answers_N == gold_N, rival.answers.answers_N == gold_N, groups),
                )
            )
    return dev, test, baselines


def as_objects(answers: Sequence[Any]) -> NDArray[Any]:
    """Answers that are no numbers as an array [N], each kept as it is."""
    import numpy as np

    return np.fromiter(answers, dtype=object, count=len(answers))
