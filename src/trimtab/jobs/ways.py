"""The ways to do a task that a comparison knows, in the order of its table. Knows nothing about measuring them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trimtab.errors import TrimtabError, did_you_mean
from trimtab.spec import Task
from trimtab.spec_methods import METHODS

Kind = Literal["baseline", "untrained", "tuned"]


@dataclass(frozen=True)
class WayKind:
    """One way.

    Attributes:
        key: its name on the command line.
        name: its name in a sentence.
        kind: `baseline` (no language model), `untrained` or `tuned`.
        method: the method's settings where it is not a baseline; those of the task file where that names this method.
        seeded: whether another seed gives another result.
        cost: time of a training row, relative to that of answering a row; of untrained ones, of an answer.
    """

    key: str
    name: str
    kind: Kind
    method: dict[str, Any] | None = None
    seeded: bool = False
    cost: float = 0.0


def _untrained(key: str, name: str, cost: float, seeded: bool = False, *, of: str, **method: Any) -> WayKind:
    return WayKind(key, name, "untrained", {"name": of, **method}, seeded, cost)


def _tuned(key: str, cost: float) -> WayKind:
    return WayKind(key, METHODS[key].title, "tuned", {"name": key}, True, cost)


WAYS = {
    way.key: way
    for way in (
        WayKind("majority", "majority", "baseline"),
        WayKind("rules", "keyword rules", "baseline"),
        WayKind("naive_bayes", "naive Bayes", "baseline"),
        WayKind("tfidf", "TF-IDF + logistic regression", "baseline"),
        WayKind("word_vectors", "word vectors + logistic regression", "baseline"),
        _untrained("zero_shot", "zero-shot", 1, of="zero_shot"),
        _untrained("calibrated_zero_shot", "zero-shot, calibrated", 1, of="zero_shot", calibrate=True),
        _untrained("few_shot", "few-shot", 2, True, of="few_shot"),
        _untrained("calibrated_few_shot", "few-shot, calibrated", 2, True, of="few_shot", calibrate=True),
        _untrained("nearest_few_shot", "few-shot, nearest", 8, of="few_shot", choice="nearest"),
        _untrained("search", "hard prompt", 1, of="search"),
        *(_tuned(key, cost) for key, cost in (
            ("soft_prompt", 3), ("prefix", 3), ("p_tuning", 3), ("multitask_prompt", 3), ("late_prompt", 2),
            ("lora", 5), ("ia3", 4), ("bitfit", 5), ("head", 1.5), ("full", 7),
        )),
    )
}  # fmt: skip
ON_A_CPU = (
    "majority", "rules", "naive_bayes", "tfidf", "zero_shot", "few_shot", "calibrated_few_shot", "soft_prompt",
)  # fmt: skip
ON_A_GPU = (*ON_A_CPU[:4], "word_vectors", *ON_A_CPU[4:], "prefix", "p_tuning", "lora", "full")
# What tells most for its time comes first where time is limited.
MOST_TELLING = (
    "majority", "naive_bayes", "zero_shot", "soft_prompt", "tfidf", "rules", "few_shot", "calibrated_few_shot", "lora",
    "prefix", "word_vectors",
)  # fmt: skip


def pick_ways(names: Sequence[str] | None, gpu: bool) -> list[WayKind]:
    """The ways asked for, in the order of the table, or the default set.

    Raises:
        TrimtabError: a name is not that of a way.
    """
    wanted = names or (ON_A_GPU if gpu else ON_A_CPU)
    for name in wanted:
        if name not in WAYS:
            raise TrimtabError(
                f"--methods: '{name}' is not a way to compare.",
                did_you_mean(name, WAYS) or f"Known: {', '.join(WAYS)}.",
            )
    return [way for key, way in WAYS.items() if key in wanted]


def most_telling(ways: Sequence[WayKind]) -> list[WayKind]:
    """The ways in the order in which to measure them where time is limited."""
    rank = {key: i for i, key in enumerate(MOST_TELLING)}
    return sorted(ways, key=lambda way: rank.get(way.key, len(rank)))


def method_of(way: WayKind, task: Task) -> Any:
    """Settings of the way's method: the task's own where it is the task's method, else its defaults."""
    assert way.method is not None
    kind = METHODS[way.method["name"]]
    if type(task.method) is kind and len(way.method) == 1:
        return task.method
    return kind(**way.method)


def check_labelled(task: Task) -> None:
    """Raise TrimtabError unless the answers are labels."""
    if task.answer.kind != "label":
        raise TrimtabError(
            f"the answers of {task.name} are of kind '{task.answer.kind}', and only ways to give labels are compared.",
            "`trimtab tune` and `trimtab evaluate` put such a task beside its baselines.",
        )
