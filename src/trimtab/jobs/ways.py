"""The ways to do a task that a comparison knows, in the order of its table. Knows nothing about measuring them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from trimtab.errors import TrimtabError, did_you_mean
from trimtab.reports.comparison import WayGroup
from trimtab.settings.answers import ANSWERS
from trimtab.settings.methods import METHODS
from trimtab.settings.task import Task


@dataclass(frozen=True)
class WayKind:
    """One way.

    Attributes:
        key: its name on the command line.
        name: its name in a sentence.
        kind: `baseline` (no language model), `untrained` or `tuned`.
        method: the method's settings where it is not a baseline; those of the task file where that names this method.
        gives: of a baseline, the kinds of answer it gives.
        seeded: whether another seed gives another result.
        cost: time of a training row, relative to that of answering a row; of untrained ones, of an answer.
    """

    key: str
    name: str
    kind: WayGroup
    method: dict[str, Any] | None = None
    gives: tuple[str, ...] = ()
    seeded: bool = False
    cost: float = 0.0


def _baseline(key: str, name: str, *gives: str) -> WayKind:
    return WayKind(key, name, "baseline", gives=gives)


def _untrained(key: str, name: str, cost: float, seeded: bool = False, *, of: str, **method: Any) -> WayKind:
    return WayKind(key, name, "untrained", {"name": of, **method}, seeded=seeded, cost=cost)


def _tuned(key: str, cost: float, name: str = "", of: str = "", **method: Any) -> WayKind:
    of = of or key
    return WayKind(key, name or METHODS[of].title, "tuned", {"name": of, **method}, seeded=True, cost=cost)


WAYS = {
    way.key: way
    for way in (
        _baseline("majority", "majority", "label", "choice", "tags"),
        _baseline("mean", "mean", "number"),
        _baseline("rules", "keyword rules", "label"),
        _baseline("naive_bayes", "naive Bayes", "label"),
        _baseline("tfidf", "TF-IDF + logistic regression", "label"),
        _baseline("word_vectors", "word vectors + logistic regression", "label"),
        _baseline("ridge", "TF-IDF + ridge regression", "number"),
        _baseline("word_vector_ridge", "word vectors + ridge regression", "number"),
        _baseline("token_majority", "commonest tag of each token", "tags"),
        _baseline("nearest_answer", "nearest answer", "text"),
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
        _tuned("context_tuning", 4, name="context tuning", of="prefix", init="demonstrations"),
    )
}  # fmt: skip
# The default set by the kind of answer: on any machine, what a GPU adds, and what up to FEW training rows add.
ON_A_CPU = {
    "label": (
        "majority", "rules", "naive_bayes", "tfidf", "zero_shot", "few_shot", "calibrated_few_shot", "head",
        "soft_prompt",
    ),
    "choice": ("majority", "zero_shot", "few_shot", "soft_prompt"),
    "number": ("mean", "ridge", "head", "soft_prompt"),
    "tags": ("majority", "token_majority", "head", "soft_prompt"),
    "text": ("nearest_answer", "zero_shot", "few_shot", "soft_prompt", "prefix"),
}  # fmt: skip
A_GPU_ADDS = {
    "label": ("word_vectors", "prefix", "p_tuning", "lora", "full"),
    "choice": ("prefix", "p_tuning", "lora", "full"),
    "number": ("word_vector_ridge", "prefix", "lora", "full"),
    "tags": ("prefix", "p_tuning", "lora", "full"),
    "text": ("p_tuning", "lora", "full"),
}
FEW = 200
FEW_ADD = {"label": ("prefix", "context_tuning"), "choice": ("context_tuning",)}
# What tells most for its time comes first where time is limited.
MOST_TELLING = (
    "majority", "mean", "token_majority", "nearest_answer", "naive_bayes", "ridge", "zero_shot", "head", "soft_prompt",
    "tfidf", "rules", "few_shot", "calibrated_few_shot", "context_tuning", "lora", "prefix", "word_vectors",
    "word_vector_ridge",
)  # fmt: skip
# What the majority is called where answers are not labels.
COMMONEST = {"choice": "commonest place", "tags": "commonest tag"}


def pick_ways(names: Sequence[str] | None, gpu: bool, answer: str = "label", rows: int | None = None) -> list[WayKind]:
    """The ways asked for, in the order of the table, or the default set.

    Args:
        names: keys of the ways, or None.
        gpu: whether there is one.
        answer: the kind of answer that the task asks for.
        rows: training rows, where known.

    Raises:
        TrimtabError: a name is not that of a way, or that way does not give such answers.
    """
    few = rows is not None and rows <= FEW
    usual = (*ON_A_CPU[answer], *(A_GPU_ADDS[answer] if gpu else ()), *(FEW_ADD.get(answer, ()) if few else ()))
    wanted = names or usual
    fitting = [key for key, way in WAYS.items() if _misfit(way, answer) is None]
    for name in wanted:
        if name not in WAYS:
            raise TrimtabError(
                f"--methods: '{name}' is not a way to compare.",
                did_you_mean(name, WAYS) or f"Known: {', '.join(WAYS)}.",
            )
        if why := _misfit(WAYS[name], answer):
            raise TrimtabError(
                f"--methods: '{name}' {why}.",
                f"Ways for tasks whose answers are {ANSWERS[answer].plural}: {', '.join(fitting)}.",
            )
    picked = [way for key, way in WAYS.items() if key in wanted]
    return [
        replace(way, name=COMMONEST[answer]) if way.key == "majority" and answer in COMMONEST else way for way in picked
    ]


def _misfit(way: WayKind, answer: str) -> str | None:
    """Why a way does not give answers of a kind, as a clause; None where it does."""
    plural = ANSWERS[answer].plural
    if way.kind == "baseline":
        given = ANSWERS[way.gives[0]].plural
        return None if answer in way.gives else f"gives {given}, and the answers of this task are {plural}"
    if answer in ("number", "tags"):
        if way.kind == "untrained":
            return f"trains nothing, and {plural} are read by a layer that must be trained"
        if way.key == "context_tuning":
            return f"starts from few-shot, and {plural} are read by a layer that must be trained"
        return f"gives labels, and the answers of this task are {plural}" if way.key == "multitask_prompt" else None
    needs_labels = ("head", "multitask_prompt", "search", "calibrated_zero_shot", "calibrated_few_shot")
    if answer == "text" and way.key in needs_labels:
        return "needs labels, and the answers of this task are texts"
    if answer == "choice" and way.key in needs_labels:
        return "needs labels that are the same for all rows, and each row has options of its own"
    return None


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
