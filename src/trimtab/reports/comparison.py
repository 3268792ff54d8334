"""What a comparison of ways to do one task holds. Knows nothing about how its figures came about or how they are shown.

A *way* is a method or a baseline; one line of the table. All ways are scored on the same rows.
"""

from __future__ import annotations

from statistics import fmean
from typing import Literal

from pydantic import Field, JsonValue

from trimtab.evaluation.scores.labels import Interval
from trimtab.reports.run_report import BackboneFacts, MachineFacts, Part

COMPARISON_VERSION = 3
# No language model, the backbone as it is, or something trained.
WayGroup = Literal["baseline", "untrained", "tuned"]


class Metric(Part):
    """What answers are scored by.

    Attributes:
        name: as it stands in a sentence: `accuracy`, `R²`, `entity F1`, `BLEU`.
        what: what it is, in a clause.
        unit: `share` and `points` are held as shares of 1 and shown as `91.2%` and `34.2` (which is held as 0.342);
            `ratio` is shown as `1.03`, and `own` is in the unit of the numbers that are answered.
        higher_is_better: None where neither direction is.
    """

    name: str
    what: str = ""
    unit: Literal["share", "points", "ratio", "own"] = "share"
    higher_is_better: bool | None = True

    def goodness(self, score: float) -> float:
        """The score, turned so that more is better."""
        return -score if self.higher_is_better is False else score


class Difference(Part):
    """How a way's score differs from that of the reference, on the same rows.

    Attributes:
        points: score of this way less that of the reference, as a share (0.02 is two points).
        interval: 95% interval of that, over rows and seeds, paired.
        p_value: two-sided, of the paired test.
        p_adjusted: the same after Holm's correction over all ways compared.
        test: `McNemar` (of numbers `permutation`, on squared errors; of tags and texts `randomisation`) where both
            have one seed, else `paired bootstrap`.
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
        seeds: seeds it was trained with; one 0 where it has none to choose.
        scores: one a seed, by the metric of the comparison.
        score: their mean.
        interval: 95% interval of the score over rows and seeds.
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
    seeds: list[int]
    scores: list[float]
    score: float
    interval: Interval
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
        version: version of this layout.
        name: name of the task.
        created: date and time, ISO 8601.
        trimtab: version of Trimtab.
        task: task description, "" where there is none.
        backbone, machine: what the language model's ways ran on.
        answer: the kind of answer.
        metric: what ways are scored, ranked and tested by.
        others: further metrics, the values of which stand beside the score.
        labels: the classes; none where answers are of another kind.
        train_rows, dev_rows, test_rows: rows of the splits that all ways share.
        splits: SHA-256 of the rows of train, dev and test, by part; the same for every way.
        part: the split the figures are of, `test`, or `dev` where there is no test.
        reference: key of the way the others are compared with.
        ways: the best first.
        left_out: what was asked for and not measured.
        curves: learning curves, empty where not asked for.
        disagreements: rows on which the reference and its best rivals differ, the most divided first.
        price_an_hour, currency: what an hour of the machine costs, where the user set it.
        seconds: what measuring all of it took, what was measured before included.
        choose: what to choose and why, two sentences that follow from the figures.
        chosen: key of the way that they say to choose, "" where they name none.
        notes: what was done to the data, a sentence each.
        settings: the task as resolved.
    """

    version: int = COMPARISON_VERSION
    name: str
    created: str
    trimtab: str
    task: str = ""
    backbone: BackboneFacts
    machine: MachineFacts
    answer: Literal["label", "choice", "number", "tags", "text"] = "label"
    metric: Metric
    others: list[Metric] = Field(default_factory=list)
    labels: list[str]
    train_rows: int
    dev_rows: int
    test_rows: int
    splits: dict[str, str]
    part: str
    reference: str
    ways: list[Way]
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

    @property
    def rows(self) -> int:
        """Rows that the figures are of."""
        return self.test_rows if self.part == "test" else self.dev_rows

    def gap(self, one: Way, other: Way) -> float:
        """How much better one way's score is than another's, as a share; below 0 where it is worse."""
        return self.metric.goodness(one.score) - self.metric.goodness(other.score)
