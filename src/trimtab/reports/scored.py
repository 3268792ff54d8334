"""The scored part of a run's report, a class a kind of answer. Knows nothing about what the figures say.

Every kind has the same three fields: scores on dev, scores on test, and what other ways reach on test (else on dev).
"""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.scores.labels import LabelScores
from trimtab.evaluation.scores.multilabel import MultiLabelScores
from trimtab.evaluation.scores.numbers import NumberScores
from trimtab.evaluation.scores.spans import SpanScores
from trimtab.evaluation.scores.tags import TagScores
from trimtab.evaluation.scores.texts import Figure, TextScores
from trimtab.reports.facts import Part


class Baseline(Part):
    """What every other way of doing the task has.

    Attributes:
        name: as it stands in a sentence, e.g. `naive Bayes`, `ridge regression`, `zero-shot`.
        seconds: what it took, training included.
        p_value: of the difference to the run; None where it was not tested.
    """

    name: str
    seconds: float | None = None
    p_value: float | None = None


class LabelBaseline(Baseline):
    """What another way of choosing among labels or options reaches.

    Attributes:
        accuracy, interval: share of rows answered rightly, and its 95% interval.
        p_value: by McNemar's exact test (`paired_test`).
    """

    accuracy: float
    interval: Interval | None = None


class MultiLabelBaseline(Baseline):
    """What another way of giving any number of labels reaches.

    Attributes:
        micro_f1, interval: F1 over all labels of all rows, and its 95% interval.
        macro_f1, subset_accuracy, hamming_loss: see `MultiLabelScores`.
        p_value: of the difference in micro F1 (`label_sets_p_value`).
    """

    micro_f1: float
    interval: Interval
    macro_f1: float
    subset_accuracy: float
    hamming_loss: float


class NumberBaseline(Baseline):
    """What another way of predicting numbers reaches.

    Attributes:
        rmse, interval: root of the mean squared error, and its 95% interval.
        mae, pearson, spearman: see `NumberScores`.
        p_value: of the difference in squared error (`paired_permutation_test`).
    """

    rmse: float
    interval: Interval
    mae: float
    pearson: float | None
    spearman: float | None


class TagBaseline(Baseline):
    """What another way of tagging reaches.

    Attributes:
        f1, interval: F1 over all entities, and its 95% interval.
        precision, recall, macro_f1, token_accuracy: see `TagScores`.
        p_value: of the difference in F1 (`paired_f1_test`).
    """

    f1: float
    interval: Interval
    precision: float
    recall: float
    macro_f1: float
    token_accuracy: float


class SpanBaseline(Baseline):
    """What another way of answering with a stretch of the context reaches.

    Attributes:
        f1, interval: mean F1, and its 95% interval.
        exact: share of answers that are the same as a right one.
        p_value: of the difference in F1 (`spans_p_value`).
    """

    f1: float
    interval: Interval
    exact: float


class TextBaseline(Baseline):
    """What another way of generating texts reaches.

    Attributes:
        figures: the same metrics as the run's, the headline first.
        p_value: of the difference in the headline's metric (`difference`).
    """

    figures: list[Figure]

    @property
    def figure(self) -> Figure:
        """The headline's."""
        return self.figures[0]


S = TypeVar("S")
B = TypeVar("B", bound=Baseline)


class ScoredPart(Part, Generic[S, B]):
    """Scores of one kind.

    Attributes:
        dev: on dev, which may have been used to choose; of texts only where there is no test.
        test: on test, or None where there is none.
        baselines: other ways, measured on test, or on dev where there is no test.
    """

    dev: S | None = None
    test: S | None = None
    baselines: list[B] = Field(default_factory=list)

    @property
    def headline(self) -> tuple[str, S] | None:
        """The split that the report rests on, `test` or else `dev`, with its scores; None where nothing was scored."""
        if self.test is not None:
            return "test", self.test
        return ("dev", self.dev) if self.dev is not None else None


class LabelReport(ScoredPart[LabelScores, LabelBaseline]):
    """Of a run whose answers are labels.

    Attributes:
        words: those that stand for each label.
        chosen_by: what runs were chosen by on dev (`train.choose_by`).
    """

    kind: Literal["label"] = "label"
    chosen_by: str | None = None
    words: dict[str, list[str]] = Field(default_factory=dict)


class MultiLabelReport(ScoredPart[MultiLabelScores, MultiLabelBaseline]):
    """Of a run that gives any number of labels.

    Attributes:
        thresholds: the probabilities from which on each is given.
        chosen_by: what runs were chosen by on dev (`train.choose_by`).
    """

    kind: Literal["multilabel"] = "multilabel"
    chosen_by: str | None = None
    thresholds: dict[str, float] = Field(default_factory=dict)


class ChoiceReport(ScoredPart[LabelScores, LabelBaseline]):
    """Of a run that chooses among options of each row; its classes are the places that options stand at."""

    kind: Literal["choice"] = "choice"


class NumberReport(ScoredPart[NumberScores, NumberBaseline]):
    """Of a run whose answers are numbers."""

    kind: Literal["number"] = "number"


class TagReport(ScoredPart[TagScores, TagBaseline]):
    """Of a run whose answers are a tag for each token."""

    kind: Literal["tags"] = "tags"


class SpanReport(ScoredPart[SpanScores, SpanBaseline]):
    """Of a run whose answers are stretches of a context; `threshold` is that from which on one is given."""

    kind: Literal["span"] = "span"
    threshold: float = 0.0


class TextReport(ScoredPart[TextScores, TextBaseline]):
    """Of a run whose answers are free text."""

    kind: Literal["text"] = "text"


Scored = Annotated[
    LabelReport | MultiLabelReport | ChoiceReport | NumberReport | TagReport | SpanReport | TextReport,
    Field(discriminator="kind"),
]
