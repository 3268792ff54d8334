"""How long a training will take, from the time of its first steps. Knows nothing about what is trained."""

from __future__ import annotations

from dataclasses import dataclass, field

from trimtab.training.loop import Plan, StepRecord

# Steps whose time is taken before anything is said; the first is left out where others are known, as it sets up.
TIMED = 3


@dataclass
class Foresight:
    """What is known of a training's time.

    Attributes:
        plan: how it is trained.
    """

    plan: Plan
    _plain: list[float] = field(default_factory=list)
    _judged: list[float] = field(default_factory=list)
    _done: int = 0

    def saw(self, record: StepRecord) -> None:
        """Take in the time of a step."""
        (self._plain if record.dev is None else self._judged).append(record.seconds)
        self._done = record.step

    @property
    def known(self) -> int:
        """Steps whose time is known."""
        return len(self._plain) + len(self._judged)

    @property
    def pace(self) -> float:
        """Seconds of a step without an evaluation. One step at least is known."""
        if not self._plain:
            return sum(self._judged) / len(self._judged) / (1 + self.plan.judging)
        timed = self._plain[1:] or self._plain
        return sum(timed) / len(timed)

    @property
    def judging(self) -> float:
        """Seconds of an evaluation: as measured, or before the first as the plan foresees it."""
        if not self._judged or not self._plain:
            return self.plan.judging * self.pace
        return max(0.0, sum(self._judged) / len(self._judged) - self.pace)

    def seconds(self, first: int, last: int) -> float:
        """Seconds that the steps behind `first` take, up to `last`, evaluations included."""
        evaluations = self.plan.evaluations(last) - self.plan.evaluations(first)
        return (last - first) * self.pace + evaluations * self.judging

    @property
    def whole(self) -> float:
        """Seconds of the whole training."""
        return self.seconds(0, self.plan.steps)

    @property
    def left(self) -> float:
        """Seconds of what is left of it."""
        return self.seconds(self._done, self.plan.steps)

    @property
    def dev_share(self) -> float:
        """The share of the whole that scoring dev takes."""
        return 1 - self.plan.steps * self.pace / self.whole if self.whole else 0.0
