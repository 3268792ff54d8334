"""What the report of a run holds. Knows nothing about how its figures came about or how they are shown."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from trimtab.evaluation.scores.labels import Interval, Scores
from trimtab.evaluation.scores.numbers import NumberScores
from trimtab.evaluation.scores.tags import TagScores
from trimtab.evaluation.scores.texts import Figure, WrittenScores

VERSION = 2


class Part(BaseModel):
    """Base of the parts of a report: unknown names are errors, values do not change, NaN survives JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class BackboneFacts(Part):
    """The frozen model: where it came from, its licence, its content hash and its number of parameters."""

    name: str
    origin: str
    licence: str
    content_hash: str
    parameters: int


class MethodFacts(Part):
    """What was trained: the method, its length in tokens, trained values, and bytes on disk."""

    name: str
    length: int | None = None
    trained_parameters: int
    bytes_on_disk: int


class DataFacts(Part):
    """The examples.

    Attributes:
        train_rows, dev_rows, test_rows: rows used; 0 where there is no such part.
        sources: part (`train`, `dev`, `test`) -> where its rows came from.
        label_counts: part -> label -> rows.
        language: language of the texts (`en`, `zh`, `mixed`), or "" where unknown.
        notes: what was done to the data or noticed in it, a sentence each.
    """

    train_rows: int
    dev_rows: int
    test_rows: int
    sources: dict[str, str] = Field(default_factory=dict)
    label_counts: dict[str, dict[str, int]] = Field(default_factory=dict)
    language: str = ""
    notes: list[str] = Field(default_factory=list)


class MachineFacts(Part):
    """What it ran on: processor or accelerator, CPU threads, number format of the frozen weights."""

    cpu: str
    threads: int
    precision: str


class Cost(Part):
    """What it took: seconds (choosing on dev included), rows a second, bytes; None where not measured."""

    train_seconds: float | None = None
    examples_per_second: float | None = None
    peak_memory_bytes: int | None = None
    predict_rows_per_second: float | None = None


class CurvePoint(Part):
    """One record of the training of one run.

    Attributes:
        dev_accuracy: of numbers R squared, of tags F1, of texts the mean probability of a token; where dev was scored.
    """

    seed: int
    step: int
    epoch: float
    loss: float
    rate: float
    dev_accuracy: float | None = None


class RunFacts(Part):
    """One trained run: its seed, its best dev accuracy (of numbers R squared, of tags F1, of texts the mean
    probability of a token), and whether it answers."""

    seed: int
    dev_accuracy: float | None
    kept: bool


class Baseline(Part):
    """What another way of doing the task reaches on the same rows as the headline.

    Attributes:
        name: as it stands in a sentence, e.g. `naive Bayes`, `majority`, `zero-shot`.
        accuracy: share of rows answered rightly.
        interval: 95% interval of the accuracy.
        seconds: what it took, training included.
        p_value: of the difference to the tuned prompt (`paired_test`).
    """

    name: str
    accuracy: float
    interval: Interval | None = None
    seconds: float | None = None
    p_value: float | None = None


class NumberBaseline(Part):
    """What another way of predicting numbers reaches on the same rows as the headline.

    Attributes:
        name: as it stands in a sentence, e.g. `ridge regression`.
        rmse, interval: root of the mean squared error and its 95% interval.
        mae, pearson, spearman: see `NumberScores`.
        seconds: what it took, training included.
        p_value: of the difference in squared error to the run (`paired_permutation_test`).
    """

    name: str
    rmse: float
    interval: Interval
    mae: float
    pearson: float | None
    spearman: float | None
    seconds: float | None = None
    p_value: float | None = None


class NumberReport(Part):
    """The scores of a run whose answers are numbers: on dev, on test, and of baselines on test (else on dev)."""

    dev: NumberScores | None = None
    test: NumberScores | None = None
    baselines: list[NumberBaseline] = Field(default_factory=list)


class TagBaseline(Part):
    """What another way of tagging reaches on the same rows as the headline.

    Attributes:
        name: as it stands in a sentence, e.g. `commonest tag of each token`.
        f1, interval: F1 over all entities and its 95% interval.
        precision, recall, macro_f1, token_accuracy: see `TagScores`.
        seconds: what it took, training included.
        p_value: of the difference in F1 to the run (`paired_f1_test`).
    """

    name: str
    f1: float
    interval: Interval
    precision: float
    recall: float
    macro_f1: float
    token_accuracy: float
    seconds: float | None = None
    p_value: float | None = None


class TagReport(Part):
    """The scores of a run whose answers are tags: on dev, on test, and of baselines on test (else on dev)."""

    dev: TagScores | None = None
    test: TagScores | None = None
    baselines: list[TagBaseline] = Field(default_factory=list)


class WrittenBaseline(Part):
    """What another way of answering in free text reaches on the same rows as the headline.

    Attributes:
        name: as it stands in a sentence, e.g. `nearest answer`.
        figures: the same metrics as the run's, the headline first.
        seconds: what it took, training included.
        p_value: of the difference in the headline's metric to the run (`difference`).
    """

    name: str
    figures: list[Figure]
    seconds: float | None = None
    p_value: float | None = None

    @property
    def figure(self) -> Figure:
        """The headline's."""
        return self.figures[0]


class WrittenReport(Part):
    """The scores of a run whose answers are free text: on test, or else on dev, and of baselines there."""

    dev: WrittenScores | None = None
    test: WrittenScores | None = None
    baselines: list[WrittenBaseline] = Field(default_factory=list)


class RunReport(Part):
    """Everything report.json, report.html and card.md say about a run.

    Attributes:
        version: version of this layout.
        name: name of the task.
        created: date and time, ISO 8601.
        trimtab: version of Trimtab.
        task: task description, "" where there is none.
        settings: the task as resolved.
        answer: what kind of answer the task has.
        number: scores and baselines where that is a number; `baselines`, `dev` and `test` are empty then.
        tags: likewise, where that is a tag a token.
        written: likewise, where that is free text.
        curve: records of training, of all runs.
        baselines: measured on test, or on dev where there is no test.
        dev: scores on dev, which may have been used to choose.
        test: scores on test, or None where there is none.
        template_example: how one row reads as text.
        label_words: label -> the words that stand for it.
        warnings: what the reader should know first, a sentence each.
    """

    version: int = VERSION
    name: str
    created: str
    trimtab: str
    task: str = ""
    backbone: BackboneFacts
    method: MethodFacts
    data: DataFacts
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    machine: MachineFacts
    cost: Cost = Cost()
    curve: list[CurvePoint] = Field(default_factory=list)
    runs: list[RunFacts] = Field(default_factory=list)
    answer: Literal["label", "choice", "number", "tags", "text"] = "label"
    number: NumberReport | None = None
    tags: TagReport | None = None
    written: WrittenReport | None = None
    baselines: list[Baseline] = Field(default_factory=list)
    dev: Scores | None = None
    test: Scores | None = None
    template_example: str = ""
    label_words: dict[str, list[str]] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
