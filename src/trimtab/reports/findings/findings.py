"""What the figures of a report say, whatever its kind of answer, in words. Knows nothing about HTML or drawing.

The page, the model card and the terminal's table show what is here; none of them knows which kinds there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trimtab.evaluation.interval.interval import Interval


@dataclass(frozen=True)
class Headline:
    """The figure that the report rests on.

    Attributes:
        split: what it is of, `test` or `dev`.
        rows: how many rows that has.
        figure: as written: `92.1%`.
        says: what goes on behind it: `of 1,821 test rows right`, `chrF on 40 test rows`.
        interval: its 95% interval as written, "" where it has none.
    """

    split: str
    rows: int
    figure: str
    says: str
    interval: str


@dataclass(frozen=True)
class Result:
    """What the run or another way reaches, by the metric of the headline.

    Attributes:
        name: of the other way; "" for the run itself.
        value, interval: in the metric's own unit, and its 95% interval.
        goodness: the value, turned so that more is better.
        text, interval_text: the same as written.
        others: further figures as written, one for each of `Findings.columns` but the first; "" for what is not known.
        seconds: what another way took, training included.
        p_value: of another way's difference to the run.
    """

    name: str
    value: float
    goodness: float
    interval: Interval | None
    text: str
    interval_text: str
    others: Sequence[str] = ()
    seconds: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Axis:
    """What the metric of the headline is drawn on.

    Attributes:
        name: of the metric, as a heading.
        highest: the most that it can be; infinite where it has no bound. The least is 0.
        written_times: what its values are multiplied by as they are written: 100 for shares in percent.
    """

    name: str
    highest: float = 1.0
    written_times: float = 100.0


@dataclass(frozen=True)
class DevScore:
    """What runs are chosen by on dev, a share.

    Attributes:
        name: as it stands in a sentence: `dev accuracy`.
        title: over its chart.
        of: what stands behind a run's share: ` of the variance`, or "".
        of_several: the same behind the mean of several.
    """

    name: str
    title: str
    of: str = ""
    of_several: str = ""


# What runs with labels are chosen by where the task asks for it.
BY_MACRO_F1 = DevScore("macro F1 on dev", "Macro F1 on dev", of_several=" macro F1")


@dataclass(frozen=True)
class Table:
    """A table of the model card: headings, the side of each column (`<` for words, `>` for figures), rows."""

    headings: Sequence[str]
    sides: str
    rows: Sequence[Sequence[str]]


class Findings(Protocol):
    """What the scored part of a report says. One implementation a kind of answer (`choose.findings_of`).

    Where nothing was scored, `headline` is None, lists are empty and sentences are "" unless said otherwise.
    """

    @property
    def headline(self) -> Headline | None:
        """The figure that the report rests on."""
        ...

    @property
    def given(self) -> str:
        """What answers are, in words: `one of 3 labels`, `a number`. Scored or not."""
        ...

    @property
    def dev_score(self) -> DevScore:
        """What runs are chosen by on dev. Scored or not."""
        ...

    @property
    def axis(self) -> Axis:
        """What the metric of the headline is drawn on. Only where something was scored."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """Headings of the headline's metric and of those beside it. Only where something was scored."""
        ...

    @property
    def hub_task(self) -> str:
        """What the Hugging Face Hub calls such tasks. Scored or not."""
        ...

    @property
    def template(self) -> str:
        """Name of the template of the page's own sections, rendered with `context`."""
        ...

    def results(self) -> list[Result]:
        """The run, then the baselines as they were measured."""
        ...

    def beside(self) -> list[tuple[str, str, str]]:
        """What stands beside the headline on the page: names, figures and 95% intervals as written."""
        ...

    def rivals(self) -> list[Result]:
        """The baselines worth naming beside the run, the best first."""
        ...

    def told(self) -> list[str]:
        """What stands beneath the headline, a sentence each: how much is left unanswered."""
        ...

    def summary(self) -> str:
        """The headline and the rivals as one sentence; `Not scored.` where nothing was."""
        ...

    def verdict(self) -> str:
        """Whether the run beats the best rival by more than chance; "" without rivals."""
        ...

    def limits(self) -> list[str]:
        """What the scores do not show or warn of, a sentence or two each, the gravest first."""
        ...

    def unfound(self) -> str:
        """Answers that there are and that were never found, though enough rows have them, as a sentence, or ""."""
        ...

    def always(self) -> str:
        """What it answers even where nothing fits, as a sentence, or "". Scored or not."""
        ...

    def caution(self) -> str:
        """How often or how far it is wrong, as a sentence of the model card, or ""."""
        ...

    def scored_on(self) -> str:
        """What was scored: `300 test rows, 2,400 tokens`."""
        ...

    def hub_metrics(self) -> dict[str, float]:
        """The main figures for the front matter of the model card, by name."""
        ...

    def tables(self) -> list[Table]:
        """The scores for the model card: of the whole, then of each class where there are any."""
        ...

    def context(self) -> dict[str, Any]:
        """What `template` shows."""
        ...
