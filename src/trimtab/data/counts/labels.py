"""How many rows there are of each label, and what looks wrong with that. Knows nothing about other answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from trimtab.data.counts.answers import Advice, commonest_first, first_unknown, table_of
from trimtab.data.counts.lookalikes import lookalikes

LABELS_KEPT = 200


@dataclass(frozen=True)
class LabelCounts:
    """The labels of a split; of choices the places of the right options.

    Attributes:
        labels: label -> rows, the commonest first, 200 labels at most.
        distinct: number of labels.
        rows: rows of the split, those without a label included.
    """

    labels: dict[str, int]
    distinct: int
    rows: int

    @property
    def free_text(self) -> bool:
        """Whether so many differ that they are not labels after all."""
        return self.distinct > self.rows / 2

    def in_words(self) -> str:
        """How many there are."""
        return f"{self.distinct} labels"

    def table(self, most: int) -> list[tuple[str, str, str]]:
        """The commonest labels, their rows and shares of all rows."""
        return table_of(self.labels, self.rows, self.distinct, most)

    @property
    def conflict(self) -> Advice | None:
        """Texts with different labels."""
        if self.free_text:
            return None
        return Advice("{texts} with different labels", "Decide on one label for each.")

    def balance(self) -> list[str]:
        """A label alone, or one with ten times the rows of another."""
        if self.free_text:
            return []
        if self.distinct == 1:
            return [f"every row has the label '{next(iter(self.labels))}'. Add rows with other labels."]
        if self.distinct < 2 or self.distinct > len(self.labels):
            return []
        (most, high), *_, (least, low) = self.labels.items()
        if high < 10 * low:
            return []
        return [f"'{most}' has {high} rows, '{least}' only {low}. Look at macro-F1, not accuracy alone."]

    @property
    def known(self) -> Collection[str] | None:
        """The labels; None where they are free text or not all are kept."""
        return None if self.free_text or self.distinct > len(self.labels) else self.labels

    def warnings(self, known: Collection[str] | None) -> list[str]:
        """Labels that train lacks, and labels that look alike."""
        named = first_unknown(self.labels, known)
        lacking = [f"label {named} not in train. Add training rows for it, or correct the label."] if named else []
        return [*lacking, *([] if self.free_text else lookalikes(self.labels, "labels"))]

    def to_dict(self) -> dict[str, object]:
        """Labels and their number."""
        return {"labels": self.labels, "distinct_labels": self.distinct}


def count_labels(labels: Iterable[str], rows: int) -> LabelCounts:
    """Count the labels of a split of so many rows."""
    counts = Counter(labels)
    return LabelCounts(dict(list(commonest_first(counts).items())[:LABELS_KEPT]), len(counts), rows)
