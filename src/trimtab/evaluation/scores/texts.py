"""Scores of answers in free text as a report holds them, and a baseline. Knows nothing about models or files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trimtab.data.example import Example
from trimtab.evaluation.interval.row_sums import Unit
from trimtab.evaluation.metrics.choose import compare_texts, metric_names, score_texts
from trimtab.evaluation.scores.labels import Interval
from trimtab.evaluation.text.words import Language, joined_fields, words

# What is reported where a task does not say; the first is the headline.
DEFAULT_METRICS = ("chrF", "BLEU", "ROUGE-L", "EM", "F1", "length ratio")
# Characters of a field or an answer that are shown.
SHOWN = 600


@dataclass(frozen=True)
class Figure:
    """One metric.

    Attributes:
        name: as the field writes it, e.g. `ROUGE-L`.
        value, interval: over all rows, in `unit`, and its 95% bootstrap interval; None for distinct-n.
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
class WrittenScores:
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


def score_written(
    examples: Sequence[Example],
    answers: Sequence[str],
    *,
    metrics: Sequence[str] | None = None,
    language: Language = "auto",
    unfinished: int = 0,
    samples: int = 20,
) -> WrittenScores:
    """Score answers against what is right for N examples.

    Args:
        examples: the rows, with their references.
        answers: an answer a row.
        metrics: names out of `TEXT_METRICS`, the headline first; `DEFAULT_METRICS` by default.
        language: whose rules to follow.
        unfinished: see WrittenScores.
        samples: how many rows are shown.

    Raises:
        TrimtabError: no rows, an unknown metric.
    """
    names = metric_names(metrics or DEFAULT_METRICS)
    references = [list(e.references) for e in examples]
    inputs = ["\n".join(e.fields.values()) for e in examples]
    by_row = next((name for name in names if name in _BY_ROW), "ROUGE-L")
    found = score_texts(
        answers, references, metrics=list(dict.fromkeys([*names, by_row])), language=language, inputs=inputs
    )
    scores = {score.name: score for score in found.scores}
    per_row = np.array(scores[by_row].per_row or [0.0] * len(answers))
    return WrittenScores(
        rows=len(answers),
        language=found.language,
        figures=[
            Figure(s.name, s.value, s.interval, s.unit, s.higher_is_better, s.what, s.signature)
            for s in (scores[name] for name in names)
        ],
        unfinished=unfinished,
        ranked_by=by_row,
        samples=[_sample(examples[i], answers[i], float(per_row[i])) for i in _shown(per_row, samples)],
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


def _sample(example: Example, answer: str, score: float) -> Sample:
    fields = {name: _short(text) for name, text in example.fields.items()}
    return Sample(example.where, fields, [_short(text) for text in example.references[:3]], _short(answer), score)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} …"


def difference(
    examples: Sequence[Example], ours: Sequence[str], theirs: Sequence[str], metric: str, language: Language = "auto"
) -> float | None:
    """Two-sided p-value of the difference in a metric between two ways of answering the same rows.

    By approximate randomisation (Riezler & Maxwell 2005); None for distinct-n.
    """
    references = [list(e.references) for e in examples]
    inputs = ["\n".join(e.fields.values()) for e in examples]
    [found] = compare_texts(ours, theirs, references, metrics=[metric], language=language, inputs=inputs)
    return found.p_value


def nearest_answer(train: Sequence[Example], examples: Sequence[Example], *, language: Language = "auto") -> list[str]:
    """Answer each example with the answer of the training row whose input is most like its own.

    Likeness is the cosine of TF-IDF weights over words (Salton & Buckley 1988), Chinese segmented.

    Args:
        train: examples with answers, at least one.
        examples: what to answer.
        language: language of the texts.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts, asked = ([joined_fields(e) for e in rows] for rows in (train, examples))
    weigh = TfidfVectorizer(analyzer=lambda text: words(text, language), sublinear_tf=True)
    try:
        known = weigh.fit_transform(texts)
    except ValueError:  # not a word anywhere
        return [train[0].answer or "" for _ in examples]
    nearest: list[str] = []
    for start in range(0, len(asked), 256):
        likeness = weigh.transform(asked[start : start + 256]) @ known.T
        nearest += [train[int(i)].answer or "" for i in np.asarray(likeness.argmax(axis=1)).ravel()]
    return nearest
