"""Progress on standard error while a job runs. Knows nothing about what the job is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

from trimtab.cli.terminal import console, shown

if TYPE_CHECKING:
    from trimtab.training.foresight import Foresight
    from trimtab.training.loop import Plan, StepRecord

# Seconds of training that are too few to be foreseen.
SHORT = 10.0


class Bars:
    """Progress on standard error: bars on a terminal, now and then a line elsewhere."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        screen = console(error=True)
        self.bars = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(),
            TextColumn("{task.fields[state]}", markup=False), TimeElapsedColumn(), TimeRemainingColumn(),
            console=screen, transient=True, disable=not screen.is_terminal,
        )  # fmt: skip
        self.tasks: dict[str, Any] = {}
        self.loss: float | None = None
        self.foresight: Foresight | None = None

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bars.stop()

    def say(self, line: str) -> None:
        """A line that stays."""
        self.bars.console.print(line, soft_wrap=True)

    def progress(self, what: str, done: float, total: float | None) -> None:
        """Show one bar a thing being done; drop those before it."""
        if what not in self.tasks:
            for old in self.tasks.values():
                self.bars.remove_task(old)
            self.tasks = {what: self.bars.add_task(shown(what), total=total, state="")}
        self.bars.update(self.tasks[what], completed=done, total=total)

    def step(self, record: StepRecord, plan: Plan) -> None:
        """Show where training is, and once that is known how long it will take, where that is not short."""
        from trimtab.training.foresight import TIMED, Foresight

        if self.foresight is None or self.foresight.plan is not plan:
            self.foresight, self.loss = Foresight(plan), None
        self.foresight.saw(record)
        if self.foresight.known == TIMED and self.foresight.left > SHORT:
            self.say(_foreseen(self.foresight))
        losses = [loss for loss in record.losses if loss is not None]
        if losses:
            mean = sum(losses) / len(losses)
            self.loss = mean if self.loss is None else 0.95 * self.loss + 0.05 * mean
        state = "reading" if self.loss is None else f"loss {self.loss:.3f}"
        self.progress("tuning", plan.work_done(record.step), plan.work)
        if record.dev:
            reached = " ".join(f"{100 * d.accuracy:.1f}%" for d in record.dev if d)
            self.say(f"step {record.step:,} of {plan.steps:,}: {state}, dev {reached}")
        self.bars.update(self.tasks["tuning"], state=state)


class PretrainingBars(Bars):
    """Likewise of a language model that is trained from nothing: its loss, perplexity and tokens a second."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.seconds = 0, 0.0

    def read(self, record: StepRecord, plan: Plan, tokens: int) -> None:
        """Show where training is; a step reads so many tokens."""
        from trimtab.reports.format import duration

        [loss] = record.losses
        assert loss is not None
        self.loss = loss if self.loss is None else 0.95 * self.loss + 0.05 * loss
        if not record.dev:  # the time of an evaluation is none of training
            self.tokens, self.seconds = self.tokens + tokens, self.seconds + record.seconds
        pace = f", {self.tokens / self.seconds:,.0f} tokens/s" if self.seconds else ""
        self.progress("training", record.step, plan.steps)
        self.bars.update(self.tasks["training"], state=f"loss {self.loss:.3f}{pace}")
        left = plan.steps - record.step
        if record.dev and record.dev[0]:
            dev = math.exp(min(record.dev[0].loss, 700))
            ahead = f", about {duration(left * tokens * self.seconds / self.tokens)} left" if left and pace else ""
            self.say(
                f"step {record.step:,} of {plan.steps:,} (pass {record.epoch:.2f}): loss {self.loss:.3f}, "
                f"dev perplexity {dev:,.2f}{pace}{ahead}"
            )


def _foreseen(foresight: Foresight) -> str:
    """How long a training will take, in a line."""
    from trimtab.reports.format import duration

    share = round(100 * foresight.dev_share)
    return f"about {duration(foresight.left)} to train, {share}% of it scoring dev"
