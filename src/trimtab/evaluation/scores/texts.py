"""Scores of answers in free text as a report holds them. Knows nothing about models or files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trimtab.data.example import TextExample
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.metrics.choose import metric_names
from trimtab.evaluation.metrics.compare import compare_texts
from trimtab.evaluation.metrics.metric import Unit
from trimtab.evaluation.metrics.score import MetricScore, score_texts
from trimtab.evaluation.scores.gold import groups_among, inputs_of, references_of
from trimtab.evaluation.text.words import Language

# What is reported where a task does not say; the first is the headline.
DEFAULT_METRICS = ("chrF", "BLEU", "ROUGE-L", "EM", "F1", "length ratio")
# Characters of a field or an answer that are shown.
SHOWN = 600


@dataclass(frozen=True)
class Figure:
    """One metric.

    Attributes:
        name: as the field writes it, e.g. `ROUGE-L`.
        value, interval: over all rows, in `unit`, and its 95% interval; None for distinct-n.
        unit: `points` from 0 to 100, `share` from 0 to 1, or `ratio`.
        higher_is_better: None where neither direction is.
        what: what it is, in one sentence.
        signature: what has to be the same for figures to be compared.
    """

    name: str
    value: float
    interval: Interval | None
    unit: Unit
    higher_is_better: bool | None
    what: str
    signature: str

    @property
    def scale(self) -> float:
        """What 1 is written as: 100 where values are points, else 1."""
        return 100.0 if self.unit == "points" else 1.0


@dataclass(frozen=True)
class Sample:
    """A row with its answer.

    Attributes:
        where: place of origin.
        fields: the input, long ones shortened.
        references: what is right, one of them is enough.
        answer: what was answered.
        score: of this row, by the metric that rows are ranked by.
    """

    where: str
    fields: dict[str, str]
    references: list[str]
    answer: str
    score: float


@dataclass(frozen=True)
class TextScores:
    """How well N answers in free text fit what is right.

    Attributes:
        rows: N.
        language: whose rules were followed.
        figures: a figure a metric, the headline first.
        unfinished: answers that are as long as they may be, and so may lack their end.
        ranked_by: the metric that `samples` are ranked by.
        samples: the rows with the lowest score, then some in between and the highest.
    """

    rows: int
    language: Literal["en", "zh"]
    figures: list[Figure]
    unfinished: int
    ranked_by: str
    samples: list[Sample]

    @property
    def headline(self) -> Figure:
        """The figure that the report rests on."""
        return self.figures[0]


def score_text_answers(
    examples: Sequence[TextExample],
    answers: Sequence[str],
    *,
    metrics: Sequence[str] | None = None,
    language: Language = "auto",
    unfinished: int = 0,
    samples: int = 20,
) -> TextScores:
    """Score answers against what is right for N examples.

    Args:
        examples: the rows, with their references.
        answers: an answer a row.
        metrics: names out of `TEXT_METRICS`, the headline first; `DEFAULT_METRICS` by default.
        language: whose rules to follow.
        unfinished: see TextScores.
        samples: how many rows are shown.

    Raises:
        TrimtabError: no rows, an unknown metric.
    """
    names = metric_names(metrics or DEFAULT_METRICS)
    by_row = next((name for name in names if name in _BY_ROW), "ROUGE-L")
    every = list(dict.fromkeys([*names, by_row]))
    found = score_texts(
        answers, references_of(examples), metrics=every, language=language, inputs=inputs_of(examples),
        groups=groups_among(examples),
    )  # fmt: skip
    scores = {score.name: score for score in found.scores}
    per_row = np.array(scores[by_row].per_row or [0.0] * len(answers))
    return TextScores(
        rows=len(answers),
        language=found.language,
        figures=[figure_of(scores[name]) for name in names],
        unfinished=unfinished,
        ranked_by=by_row,
        samples=[_sample(examples[i], answers[i], float(per_row[i])) for i in _shown(per_row, samples)],
    )


def figure_of(score: MetricScore) -> Figure:
    """Return a score as a report holds it, without its rows."""
    return Figure(
        score.name, score.value, score.interval, score.unit, score.higher_is_better, score.what, score.signature
    )


# Metrics whose value a row says something about the row.
_BY_ROW = {"chrF", "chrF++", "ROUGE-1", "ROUGE-2", "ROUGE-L", "F1", "entity F1"}


def _shown(per_row: np.ndarray, most: int) -> list[int]:
    """Half of the rows shown are the lowest, the others spread evenly over the rest, in the order of their scores."""
    order = np.argsort(per_row, kind="stable")
    if len(order) <= most:
        return [int(i) for i in order]
    low = most // 2
    rest = np.unique(np.linspace(low, len(order) - 1, most - low).round().astype(int))
    return [int(order[i]) for i in (*range(low), *rest)]


def _sample(example: TextExample, answer: str, score: float) -> Sample:
    fields = {name: _short(text) for name, text in example.fields.items()}
    return Sample(example.where, fields, [_short(text) for text in example.references[:3]], _short(answer), score)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} …"


def texts_p_value(
    examples: Sequence[TextExample],
    ours: Sequence[str],
    theirs: Sequence[str],
    metric: str,
    language: Language = "auto",
) -> float | None:
    """Return the two-sided p-value of the difference in a metric between two ways of answering the same rows.

    By approximate randomisation (Riezler & Maxwell 2005), rows of a group exchanged together; None for distinct-n.
    """
    references, inputs = references_of(examples), inputs_of(examples)
    [found] = compare_texts(
        ours, theirs, references, metrics=[metric], language=language, inputs=inputs, groups=groups_among(examples)
    )
    return found.p_value
