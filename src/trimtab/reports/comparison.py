"""What a comparison of ways to do one task holds. Knows nothing about how its figures came about or how they are shown.

A *way* is a method or a baseline; one line of the table. All ways are scored on the same rows.
"""

from __future__ import annotations

from statistics import fmean
from typing import Any, Literal

from pydantic import Field, JsonValue, model_validator

from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.metrics.metric import Metric
from trimtab.reports.facts import BackboneFacts, MachineFacts, Part
from trimtab.reports.migrations import comparison_of_version_3
from trimtab.reports.wording import Wording

COMPARISON_VERSION = 4
# No language model, the backbone as it is, or something trained.
WayGroup = Literal["baseline", "untrained", "tuned"]


class Difference(Part):
    """How a way's score differs from that of the reference, on the same rows.

    Attributes:
        points: score of this way less that of the reference, as a share (0.02 is two points).
        interval: 95% interval of that, over rows and seeds, paired; all such intervals of a comparison hold at once in
            95% of cases, and leave 0 out where `p_adjusted` is below 0.05.
        p_value: two-sided, of the paired test.
        p_adjusted: the same for all pairs of ways together (see `evaluation/chance/all_pairs`). Files that an older
            Trimtab wrote have Holm's correction over the differences to the reference, and intervals one by one.
        test: the test that gave the p-value: where both have one seed `McNemar`, `permutation` (on squared errors) or
            `randomisation`, else `sign flips over rows and seeds`; `sign flips of groups` where rows belong together.
    """

    points: float
    interval: Interval
    p_value: float
    p_adjusted: float
    test: str

    @property
    def real(self) -> bool:
        """Whether the difference is more than chance at the 5% level, after correction."""
        return self.p_adjusted < 0.05


class Way(Part):
    """One way to do the task.

    Attributes:
        key: its name in settings and on the command line (`soft_prompt`, `naive_bayes`).
        name: its name in a sentence (`soft prompt`, `naive Bayes`).
        kind: `baseline` (no language model), `untrained` (the backbone as it is) or `tuned`.
        always: what it gives to every row whatever that holds, e.g. `the commonest label`: what it reaches is what
            nothing is worth. None where it reads the row.
        seeds: seeds it was trained with; one 0 where it has none to choose.
        scores: one a seed, by the metric of the comparison.
        score: their mean.
        interval: 95% interval of the score over rows and seeds.
        dev_score: what it reached on dev, the mean over seeds, by whatever its steps were chosen by; None where nothing
            is chosen on dev.
        beside: name of a further metric -> its values, one a seed.
        difference: to the reference; None for the reference itself.
        trained_parameters, bytes_on_disk: of one seed's result; 0 where nothing is trained or kept.
        train_seconds: of one seed, the mean; choosing, by cross-validation or on dev, included.
        peak_memory_bytes: the most memory the process held while training it, or None where not measured.
        latency_seconds: median time of one request answered alone, or None.
        batch_rows_per_second: rows a second answered in batches of 32, or None.
        cost: of training one seed, in the currency of the comparison, or None where no price was set.
        without_prompt: score left when the prompt is taken away, or None where not asked for or it has none.
        notes: what a reader should know of it, a sentence each.
    """

    key: str
    name: str
    kind: WayGroup
    always: str | None = None
    seeds: list[int]
    scores: list[float]
    score: float
    interval: Interval
    dev_score: float | None = None
    beside: dict[str, list[float]] = Field(default_factory=dict)
    difference: Difference | None = None
    trained_parameters: int = 0
    bytes_on_disk: int = 0
    train_seconds: float = 0.0
    peak_memory_bytes: int | None = None
    latency_seconds: float | None = None
    batch_rows_per_second: float | None = None
    cost: float | None = None
    without_prompt: float | None = None
    notes: list[str] = Field(default_factory=list)

    def mean(self, name: str) -> float:
        """The mean over seeds of a further metric."""
        return fmean(self.beside[name])


class CurveLine(Part):
    """The learning curve of one way: (training rows, mean score, 95% interval), by rising rows."""

    key: str
    name: str
    points: list[tuple[int, float, Interval]]


class Disagreement(Part):
    """A row on which the ways do not agree.

    Attributes:
        where: place of origin.
        fields: template field -> text, long texts shortened.
        answer: the right answer as text; of free text the first that is right.
        answers: key of a way -> the answer it gives (that of its first seed).
        scores: key of a way -> the score of that answer alone, where answers are tags or free text.
    """

    where: str
    fields: dict[str, str]
    answer: str
    answers: dict[str, str]
    scores: dict[str, float] = Field(default_factory=dict)


class LeftOut(Part):
    """A way that was asked for and not measured, and why, in a clause (`the time was up`)."""

    key: str
    name: str
    why: str


class Comparison(Part):
    """Everything compare.json and compare.html say.

    Attributes:
        version: version of this layout; of an older one what is read is brought to this.
        name: name of the task.
        created: date and time, ISO 8601.
        trimtab: version of Trimtab.
        task: task description, "" where there is none.
        backbone, machine: what the language model's ways ran on.
        answer: the kind of answer.
        metric: what ways are scored, ranked and tested by.
        others: further metrics, the values of which stand beside the score.
        wording: how answers and metric are spoken of.
        labels: the classes; none where answers are of another kind.
        train_rows, dev_rows, test_rows: rows of the splits that all ways share.
        splits: SHA-256 of the rows of train, dev and test, by split; the same for every way.
        split: the one the figures are of, `test`, or `dev` where there is no test.
        reference: key of the way the others are compared with.
        ways: the best first.
        luck: by how much the score of the first of them is likely to be too high, as it was picked for it on these very
            rows, as a share; None for a single way, or where an older Trimtab wrote the file.
        left_out: what was asked for and not measured.
        curves: learning curves, empty where not asked for.
        disagreements: rows on which the reference and its best rivals differ, the most divided first.
        price_an_hour, currency: what an hour of the machine costs, where the user set it.
        seconds: what measuring all of it took, what was measured before included.
        choose: what to choose and why, two sentences that follow from the figures.
        chosen: key of the way that they say to choose, "" where they name none.
        notes: what was done to the data, a sentence each.
        warnings: what the reader should know first, a sentence each.
        settings: the task as resolved.
    """

    version: int = COMPARISON_VERSION
    name: str
    created: str
    trimtab: str
    task: str = ""
    backbone: BackboneFacts
    machine: MachineFacts
    answer: str = "label"
    metric: Metric
    others: list[Metric] = Field(default_factory=list)
    wording: Wording
    labels: list[str]
    train_rows: int
    dev_rows: int
    test_rows: int
    splits: dict[str, str]
    split: str
    reference: str
    ways: list[Way]
    luck: float | None = None
    warnings: list[str] = Field(default_factory=list)
    left_out: list[LeftOut] = Field(default_factory=list)
    curves: list[CurveLine] = Field(default_factory=list)
    disagreements: list[Disagreement] = Field(default_factory=list)
    price_an_hour: float | None = None
    currency: str = ""
    seconds: float = 0.0
    choose: str = ""
    chosen: str = ""
    notes: list[str] = Field(default_factory=list)
    settings: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _of_this_version(cls, content: Any) -> Any:
        match content:
            case {"version": int(version)} if version < COMPARISON_VERSION:
                return comparison_of_version_3(content) | {"version": COMPARISON_VERSION}
        return content

    @property
    def rows(self) -> int:
        """Rows that the figures are of."""
        return self.test_rows if self.split == "test" else self.dev_rows

    def gap(self, one: Way, other: Way) -> float:
        """How much better one way's score is than another's, as a share; below 0 where it is worse."""
        return self.metric.goodness(one.score) - self.metric.goodness(other.score)
