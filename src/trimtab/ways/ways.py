"""The ways to do a task that a comparison knows, in the order of its table. Knows nothing about measuring them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from trimtab.errors import TaskError, did_you_mean, is_installed, need_library
from trimtab.kinds.baseline import Baseline
from trimtab.kinds.choose import kind_of
from trimtab.kinds.kind import Kind
from trimtab.reports.comparison import WayGroup
from trimtab.settings.answers import ANSWERS
from trimtab.settings.methods import METHODS, need_extra
from trimtab.settings.task import Task
from trimtab.tasks.usual_method import FEW


@dataclass(frozen=True)
class WayKind:
    """One way.

    Attributes:
        key: its name on the command line.
        name: its name in a sentence.
        group: `baseline` (no language model), `untrained` or `tuned`.
        seeded: whether another seed gives another result.
        cost: time of a training row, relative to that of answering a row; of untrained ones, of an answer.
    """

    key: str
    name: str
    group: WayGroup
    seeded: bool = False
    cost: float = 0.0


@dataclass(frozen=True)
class BaselineWay(WayKind):
    """A way without a language model, which the kind of answer has."""

    baseline: Baseline | None = None

    @property
    def extra(self) -> str:
        """The extra that its library comes with, or ""."""
        return self.baseline.extra if self.baseline else ""


@dataclass(frozen=True)
class MethodWay(WayKind):
    """A way by one of the methods.

    Attributes:
        method: name of the method.
        settings: those that make it this way; none where the task's own are taken, if it names this method.
        encoder: whether it stands on the task's sentence encoder, and not on its backbone.
    """

    method: str = ""
    settings: tuple[tuple[str, Any], ...] = ()
    encoder: bool = False

    @property
    def changes_weights(self) -> bool:
        """Whether it changes the backbone's own weights."""
        return METHODS[self.method].changes_weights


def _untrained(key: str, name: str, cost: float, seeded: bool = False, *, of: str, **settings: Any) -> MethodWay:
    return MethodWay(key, name, "untrained", seeded, cost, of, tuple(settings.items()))


def _tuned(key: str, cost: float, name: str = "", of: str = "", **settings: Any) -> MethodWay:
    of = of or key
    return MethodWay(key, name or METHODS[of].title, "tuned", True, cost, of, tuple(settings.items()))


BY_METHOD = (
    _untrained("zero_shot", "zero-shot", 1, of="zero_shot"),
    _untrained("calibrated_zero_shot", "zero-shot, calibrated", 1, of="zero_shot", calibrate=True),
    _untrained("few_shot", "few-shot", 2, True, of="few_shot"),
    _untrained("calibrated_few_shot", "few-shot, calibrated", 2, True, of="few_shot", calibrate=True),
    _untrained("nearest_few_shot", "few-shot, nearest", 8, of="few_shot", choice="nearest"),
    _untrained("search", "hard prompt", 1, of="search"),
    *(_tuned(key, cost) for key, cost in (
        ("soft_prompt", 3), ("warp", 3), ("prefix", 3), ("p_tuning", 3), ("multitask_prompt", 3), ("late_prompt", 2),
        ("lora", 5), ("ia3", 4), ("bitfit", 5),
    )),
    MethodWay("head", METHODS["head"].title, "tuned", cost=1, method="head"),  # fitted: no seed has a part in it
    MethodWay("early_head", "head half way up", "tuned", cost=0.5, method="head", settings=(("pooling", "mean"),)),
    MethodWay("sentence_head", "head on a sentence encoder", "tuned", cost=0.2, method="head", encoder=True),
    _tuned("full", 7),
    _tuned("context_tuning", 4, name="context tuning", of="prefix", init="demonstrations"),
)  # fmt: skip
# What tells most for its time comes first where time is limited.
MOST_TELLING = (
    "majority", "mean", "token_majority", "hmm", "nearest_answer", "naive_bayes", "ridge", "zero_shot", "head",
    "soft_prompt", "embeddings", "tfidf", "setfit", "rules", "few_shot", "calibrated_few_shot", "context_tuning",
    "lora", "prefix", "word_vectors", "word_vector_ridge",
)  # fmt: skip


def ways_of(kind: Kind[Any]) -> dict[str, WayKind]:
    """Every way by its key, the kind's own baselines first, whether or not it gives such answers."""
    own = [BaselineWay(b.key, b.name, "baseline", b.seeded, baseline=b) for b in kind.baselines]
    return {way.key: way for way in (*own, *BY_METHOD)}


def pick_ways(names: Sequence[str] | None, gpu: bool, kind: Kind[Any], rows: int | None = None) -> list[WayKind]:
    """The ways asked for, in the order of the table, or the default set.

    Args:
        names: keys of the ways, or None.
        gpu: whether there is one.
        kind: the kind of answer that the task asks for.
        rows: training rows, where known.

    Raises:
        TaskError: a name is not that of a way, or that way does not give such answers.
        MissingExtraError: a library that a way needs is not installed. By default a method that needs one is refused
            only when it is measured, and a baseline is not measured.
    """
    ways = ways_of(kind)
    for name in names or ():
        _check(name, ways, kind)
    if names:
        return [way for key, way in ways.items() if key in names]
    usual = kind.usual_ways(gpu=gpu, few=rows is not None and rows <= FEW)
    return [way for key, way in ways.items() if key in usual and not _lacks_library(way)]


def _lacks_library(way: WayKind) -> bool:
    """Whether a way is a baseline of an extra that is not installed: who wants no such rival is not told of it."""
    return isinstance(way, BaselineWay) and bool(way.extra) and not is_installed(way.extra)


def _check(name: str, ways: dict[str, WayKind], kind: Kind[Any]) -> None:
    """Raise TaskError where a name is not that of a way that gives such answers."""
    # Where several kinds have a way of that name, the first of them counts.
    others = {b.key: other.plural for other in reversed(_all_kinds()) for b in other.baselines}
    if name not in ways and name not in others:
        known = [*others, *ways]
        raise TaskError(
            f"--methods: '{name}' is not a way to compare.",
            did_you_mean(name, known) or f"Known: {', '.join(dict.fromkeys(known))}.",
        )
    way = ways.get(name)
    if not isinstance(way, MethodWay):
        why = None if way else f"gives {others[name]}, and the answers of this task are {kind.plural}"
        if isinstance(way, BaselineWay) and way.baseline and way.extra:
            need_library(way.extra, f"way '{name}'", title=way.baseline.title, extra=way.extra)
    else:
        why = kind.misfit(way.key, trained=way.group == "tuned")
        need_extra(METHODS[way.method])
    if why:
        fitting = [
            key for key, own in ways.items()
            if not isinstance(own, MethodWay) or kind.misfit(key, trained=own.group == "tuned") is None
        ]  # fmt: skip
        raise TaskError(
            f"--methods: '{name}' {why}.", f"Ways for tasks whose answers are {kind.plural}: {', '.join(fitting)}."
        )


def _all_kinds() -> list[Kind[Any]]:
    return [kind_of(cast("type[Any]", settings).model_construct()) for settings in ANSWERS.values()]


def most_telling(ways: Sequence[WayKind]) -> list[WayKind]:
    """The ways in the order in which to measure them where time is limited."""
    rank = {key: i for i, key in enumerate(MOST_TELLING)}
    return sorted(ways, key=lambda way: rank.get(way.key, len(rank)))


def method_of(way: MethodWay, task: Task) -> Any:
    """Settings of the way's method: the task's own where it is the task's method, else its defaults."""
    kind = METHODS[way.method]
    if type(task.method) is kind and not way.settings:
        return task.method
    return kind(name=way.method, **dict(way.settings))
