"""What the report of a run holds. Knows nothing about how its figures came about or how they are shown."""

from __future__ import annotations

from typing import Any

from pydantic import Field, JsonValue, model_validator

from trimtab.evaluation.shift.shift import Shift
from trimtab.evaluation.slices.sliced import Sliced
from trimtab.reports.facts import BackboneFacts, MachineFacts, Part
from trimtab.reports.migrations import run_report_of_version_2
from trimtab.reports.scored import Scored

VERSION = 3


class MethodFacts(Part):
    """What was trained: the method, its length in tokens, trained values, and bytes on disk."""

    name: str
    length: int | None = None
    trained_parameters: int
    bytes_on_disk: int


class DataFacts(Part):
    """The examples.

    Attributes:
        train_rows, dev_rows, test_rows: rows used; 0 where there is no such split.
        sources: split (`train`, `dev`, `test`) -> where its rows came from.
        label_counts: split -> label -> rows.
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


class Cost(Part):
    """What it took: seconds (choosing on dev included), rows a second, bytes; None where not measured."""

    train_seconds: float | None = None
    examples_per_second: float | None = None
    peak_memory_bytes: int | None = None
    predict_rows_per_second: float | None = None


class CurvePoint(Part):
    """One record of the training of one run.

    Attributes:
        dev_score: what runs are chosen by, where dev was scored: accuracy, of numbers R squared, of tags F1, of texts
            the mean probability of a token.
    """

    seed: int
    step: int
    epoch: float
    loss: float
    rate: float
    dev_score: float | None = None


class RunFacts(Part):
    """One trained run: its seed, its best score on dev (see `CurvePoint`), and whether it answers."""

    seed: int
    dev_score: float | None
    kept: bool


class TriedWay(Part):
    """A way that `method: auto` tried.

    Attributes:
        key, name: the way.
        kind: `baseline`, `untrained` or `tuned`.
        score: on dev; None where it was left out.
        reached: the same as text.
        seconds: what trying it took.
        bytes_on_disk: what its run takes; 0 where it trains nothing.
        note: why it was left out, or where its training was left, or "".
        kept: whether it is the one that is kept.
    """

    key: str
    name: str
    kind: str
    score: float | None = None
    reached: str = ""
    seconds: float = 0.0
    bytes_on_disk: int = 0
    note: str = ""
    kept: bool = False


class RunReport(Part):
    """Everything report.json, report.html and card.md say about a run.

    Attributes:
        version: version of this layout; of an older one what is read is brought to this.
        name: name of the task.
        created: date and time, ISO 8601.
        trimtab: version of Trimtab.
        task: task description, "" where there is none.
        settings: the task as resolved.
        curve: records of training, of all runs.
        scored: scores and baselines, by the kind of answer.
        slices: scores of parts of the rows that the report rests on; None where nothing was scored.
        shift: how far these rows are from train; None where that is not known.
        template_example: how one row reads as text.
        tried: the ways that were tried, where the method was picked from several.
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
    scored: Scored
    slices: Sliced | None = None
    shift: Shift | None = None
    template_example: str = ""
    tried: list[TriedWay] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _of_this_version(cls, content: Any) -> Any:
        match content:
            case {"version": int(version)} if version < VERSION:
                return run_report_of_version_2(content) | {"version": VERSION}
        return content
