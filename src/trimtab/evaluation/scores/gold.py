"""The right answers of examples, in the form that answers are given in. Knows nothing about scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import (
    Example,
    MultiLabelExample,
    NumberExample,
    SpanExample,
    TaggedExample,
    TextExample,
)
from trimtab.errors import TrimtabError, did_you_mean
from trimtab.evaluation.interval.groups import Groups, groups_of

MOST_LABELS_IN_A_MESSAGE = 12


def answer_ids(examples: Sequence[Example], labels: Sequence[str]) -> NDArray[np.int64]:
    """Return the column of each example's answer among the labels, or its own options, shape (N,).

    Raises:
        TrimtabError: an answer that is missing or not one of the labels.
    """
    ids = []
    for example in examples:
        if example.answer is None:
            raise TrimtabError(f"{example.where}: this row has no answer.", "Scoring needs labelled rows.")
        found = example.class_in(labels)
        if found is None:
            raise unknown_label(example.answer, example.where, labels)
        ids.append(found)
    return np.array(ids, dtype=np.int64)


def class_counts(examples: Sequence[Example], labels: Sequence[str]) -> NDArray[np.int64]:
    """Return how many examples have each of the labels, or the right option at each place, shape (C,)."""
    found = [c for example in examples for c in example.classes_in(labels)]
    return np.bincount(np.array(found, dtype=np.int64), minlength=len(labels))


def label_sets_of(examples: Sequence[MultiLabelExample]) -> list[tuple[str, ...]]:
    """Return the right labels of each example. Raises TrimtabError where they are missing."""
    for example in examples:
        if example.labels is None:
            raise TrimtabError(f"{example.where}: this row has no labels.", "Scoring needs labelled rows.")
    return [example.labels or () for example in examples]


def unknown_label(answer: str, where: str, labels: Sequence[str]) -> TrimtabError:
    """Return the error that says that the label `answer`, found at `where`, is none of the labels."""
    known = ", ".join(labels[:MOST_LABELS_IN_A_MESSAGE])
    more = f" or {len(labels) - MOST_LABELS_IN_A_MESSAGE} more" if len(labels) > MOST_LABELS_IN_A_MESSAGE else ""
    return TrimtabError(f"{where}: label '{answer}' is not one of {known}{more}.", did_you_mean(answer, labels))


def numbers_of(examples: Sequence[NumberExample]) -> NDArray[np.float64]:
    """Return the right number of each example, shape (N,). Raises TrimtabError where one is missing."""
    for example in examples:
        if example.number is None:
            raise TrimtabError(f"{example.where}: this row has no number.", "Scoring needs rows with answers.")
    return np.array([example.number for example in examples], dtype=np.float64)


def tags_of(example: TaggedExample) -> tuple[str, ...]:
    """Return the right tags of an example, one a token. Raises TrimtabError where they are missing."""
    if example.tags is None:
        raise TrimtabError(f"{example.where}: this row has no tags.", "Scoring needs rows with tags.")
    return example.tags


def references_of(examples: Sequence[TextExample]) -> list[list[str]]:
    """Return the texts that are right for each example, one or more."""
    return [list(example.references) for example in examples]


def check_span_answers(examples: Sequence[SpanExample]) -> None:
    """Raise TrimtabError where an example does not say what its answer is, or that it has none."""
    for example in examples:
        if example.answer is None:
            raise TrimtabError(f"{example.where}: this row has no answer.", "Scoring needs rows with answers.")


def groups_among(examples: Sequence[Example]) -> Groups:
    """Return which examples belong together: those whose `group` is the same (`data.group`)."""
    return groups_of([example.group for example in examples])


def inputs_of(examples: Sequence[Example]) -> list[str]:
    """Return what each example asks about, its fields a line each."""
    return ["\n".join(example.fields.values()) for example in examples]
