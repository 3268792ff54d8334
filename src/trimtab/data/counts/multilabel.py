"""How many rows each of several labels fits, and what looks wrong with that. Knows nothing about other answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from trimtab.data.counts.answers import Advice, NoAnswers, commonest_first, first_unknown, table_of
from trimtab.data.counts.lookalikes import lookalikes
from trimtab.data.example import MultiLabelExample

# Fewer rows than this with a label, of as many rows as make it rare, teach little of it.
FEW, RARE = 5, 50


@dataclass(frozen=True)
class MultiLabelCounts:
    """The labels of a split.

    Attributes:
        labels: label -> rows that it fits, the commonest first.
        rows: labelled rows.
        without: those that no label fits.
        most: labels of the row that has the most.
        sets: how many different sets of labels there are.
    """

    labels: dict[str, int]
    rows: int
    without: int
    most: int
    sets: int

    @property
    def mean(self) -> float:
        """Labels a row."""
        return sum(self.labels.values()) / self.rows

    def in_words(self) -> str:
        """The counts as a phrase."""
        named = f"{len(self.labels)} label{'' if len(self.labels) == 1 else 's'}"
        rows = f"{self.without:,} row{'' if self.without == 1 else 's'} without one"
        return f"{named}, {self.mean:.2f} a row and {self.most} at most, {rows}, {self.sets:,} different sets"

    def table(self, most: int) -> list[tuple[str, str, str]]:
        """The commonest labels, their rows and shares of all rows."""
        return table_of(self.labels, self.rows, len(self.labels), most)

    @property
    def conflict(self) -> Advice:
        """Texts with different labels."""
        return Advice("{texts} with different sets of labels", "Decide on the labels of each.")

    def balance(self) -> list[str]:
        """Labels that fit all rows, or a handful of many."""
        found = [f"label '{name}' fits every row. Leave it out, or add rows that it does not fit."
                 for name, count in self.labels.items() if count == self.rows > 1]  # fmt: skip
        few = [name for name, count in self.labels.items() if count < FEW] if self.rows >= RARE else []
        if few:
            named = ", ".join(f"'{name}'" for name in few[:3]) + (f" and {len(few) - 3} more" if len(few) > 3 else "")
            found.append(f"fewer than {FEW} rows with {named}. Add some, or little is learnt of them.")
        return found

    @property
    def known(self) -> Collection[str]:
        """The labels."""
        return self.labels

    def warnings(self, known: Collection[str] | None) -> list[str]:
        """Labels that train lacks, and labels that look alike."""
        named = first_unknown(self.labels, known)
        lacking = [f"label {named} not in train. Add training rows for it, or correct the label."] if named else []
        return [*lacking, *lookalikes(self.labels, "labels")]

    def to_dict(self) -> dict[str, object]:
        """Labels and their number, and what sets they make."""
        sets = {"a_row": self.mean, "most": self.most, "without": self.without, "distinct": self.sets}
        return {"labels": self.labels, "distinct_labels": len(self.labels), "label_sets": sets}


def count_label_sets(examples: Sequence[MultiLabelExample]) -> MultiLabelCounts | NoAnswers:
    """Count the labels of a split."""
    rows = [example.labels for example in examples if example.labels is not None]
    if not rows:
        return NoAnswers()
    return MultiLabelCounts(
        labels=commonest_first(Counter(label for labels in rows for label in labels)),
        rows=len(rows),
        without=sum(not labels for labels in rows),
        most=max(map(len, rows)),
        sets=len({frozenset(labels) for labels in rows}),
    )
