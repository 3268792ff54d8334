"""Older layouts of report.json and compare.json brought to the present ones. Knows nothing about pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from trimtab.evaluation.metrics.metric import Metric
from trimtab.reports.wording import Wording, by_accuracy, by_r_squared, by_sums

Content = dict[str, Any]
_METRIC = TypeAdapter(Metric)
# The fields of version 2 that held scores where answers are no labels or choices, by the kind of answer.
_OWN_FIELD = {"number": "number", "tags": "tags", "text": "written"}


def run_report_of_version_2(content: Content) -> Content:
    """Return what a report.json of version 2 holds in the layout of version 3.

    Version 2 had the scores of labels and choices at the top (`dev`, `test`, `baselines`), and those of other kinds of
    answer in a field of each kind, empty but for one; `answer` told which. What is amiss is left for the new layout's
    own checks.
    """
    kept = dict(content)
    kind = kept.pop("answer", "label")
    at_top = {name: kept.pop(name) for name in ("dev", "test", "baselines") if name in kept}
    of_kinds = {name: kept.pop(field, None) for name, field in _OWN_FIELD.items()}
    words = kept.pop("label_words", {})
    match kind:
        case "number" | "tags" | "text":
            own = of_kinds[kind] if isinstance(of_kinds[kind], dict) else {}
        case "label":
            own = at_top | {"words": words}
        case _:
            own = at_top
    kept["scored"] = {"kind": kind, **own}
    for name in ("curve", "runs"):
        if isinstance(records := kept.get(name), list):
            kept[name] = [_renamed(record) for record in records]
    return kept


def comparison_of_version_3(content: Content) -> Content:
    """Return what a compare.json of version 3 holds in the layout of version 4.

    In version 3 the kind of answer decided all wording, the name of a way whether it looks at the row, and the split
    was a `part`.
    """
    kept = dict(content)
    kind = kept.get("answer", "label")
    if "part" in kept:
        kept["split"] = kept.pop("part")
    try:
        metric, *others = (_METRIC.validate_python(one) for one in [kept.get("metric"), *kept.get("others", [])])
        kept["wording"] = wording_of(kind, metric, others).model_dump()
    except (ValidationError, TypeError, AttributeError):
        pass  # the metric is amiss
    if isinstance(ways := kept.get("ways"), list):
        kept["ways"] = [_with_guess(way, kind) for way in ways]
    return kept


def _with_guess(way: Any, kind: Any) -> Any:
    """A way, told to be a guess where it is one."""
    match way, kind:
        case {"key": "mean"}, _:
            return way | {"always": "the mean of the training rows"}
        case {"key": "majority"}, "choice":
            return way | {"always": "the option at the commonest place"}
        case {"key": "majority"}, "tags":
            return way | {"always": "the commonest tag"}
        case {"key": "majority"}, _:
            return way | {"always": "the commonest label"}
    return way


def _renamed(record: Any) -> Any:
    """A point of the curve or a run, whose `dev_accuracy` is a `dev_score` now."""
    names = {"dev_accuracy": "dev_score"}
    return {names.get(name, name): value for name, value in record.items()} if isinstance(record, dict) else record


def wording_of(kind: str, metric: Metric, others: Sequence[Metric] = ()) -> Wording:
    """The wording of a comparison of version 3, which told only the kind of its answers.

    Args:
        kind: what answers are.
        metric: what ways are ranked by.
        others: the metrics beside it.
    """
    match kind:
        case "label":
            return by_accuracy("right label", metric, " and macro F1 in %", ", and macro F1 beside it, in %")
        case "choice":
            return by_accuracy("right option", metric, " in %", " in %")
        case "number":
            return by_r_squared(metric, others)
        case "tags":
            return by_sums("right answer", metric, others)
        case _:
            found = by_sums("answer in the data", metric, others)
            return found.model_copy(update={"by_nobody": "in the data", "others_are_wrong": False})
