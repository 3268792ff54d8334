"""The commonest labels, for every row, where rows may have several. Knows nothing about texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from trimtab.data.example import MultiLabelExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.scores.gold import label_sets_of


def commonest_labels(
    train: Sequence[MultiLabelExample], examples: Sequence[MultiLabelExample]
) -> list[tuple[str, ...]]:
    """Give every row the same labels: so many of the commonest of train as make the best F1 over all labels there.

    Args:
        train: examples with labels.
        examples: the N examples to answer; their labels are not looked at.

    Returns:
        The labels of each row, the commonest first; none where train has none.

    Raises:
        TrimtabError: train is empty, or a row of it has no answer.
    """
    if not train:
        raise TrimtabError("A baseline needs training rows, and there are none.", "Give `data.train`.")
    counts = Counter(label for labels in label_sets_of(train) for label in labels)
    order = sorted(counts, key=lambda label: (-counts[label], label))
    best, most, right = 0.0, 0, 0
    for given, label in enumerate(order, 1):
        right += counts[label]
        f1 = 2 * right / (given * len(train) + counts.total())
        if f1 > best:
            best, most = f1, given
    return [tuple(order[:most])] * len(examples)
