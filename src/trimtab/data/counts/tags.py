"""What is among the tags of a split and what looks wrong with them. Knows nothing about other answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from trimtab.data.counts.answers import Advice, NoAnswers, commonest_first, first_unknown, table_of
from trimtab.data.counts.lookalikes import lookalikes
from trimtab.data.example import TaggedExample
from trimtab.data.tags.tags import OUTSIDE, spans


@dataclass(frozen=True)
class TagCounts:
    """The tags of one split.

    Attributes:
        tokens: tagged tokens.
        types: type of entity -> entities, the commonest first; of plain tags tag -> tokens.
        without: labelled rows that have no entity.
        mended: tokens whose tag was inside an entity that had not begun, which they now begin.
        mended_where: the first row with one, or "".
        longest: tokens of the longest row.
        plain: whether each tag stands for itself.
    """

    tokens: int
    types: dict[str, int]
    without: int
    mended: int
    mended_where: str
    longest: int
    plain: bool

    def in_words(self) -> str:
        """The counts as a phrase."""
        if self.plain:
            return f"{self.tokens:,} tokens, {len(self.types)} tags"
        entities, types = _counted(sum(self.types.values()), "entity"), _counted(len(self.types), "type")
        without = f"{_counted(self.without, 'row')} without one"
        return f"{self.tokens:,} tokens, {entities} of {types}, {without}, longest row {self.longest} tokens"

    def table(self, most: int) -> list[tuple[str, str, str]]:
        """The commonest types, their entities and shares of all entities; of plain tags likewise, by tokens."""
        return table_of(self.types, sum(self.types.values()), len(self.types), most)

    @property
    def conflict(self) -> Advice:
        """Texts with different tags."""
        return Advice("{texts} with different tags", "Decide on the tags for each.")

    def balance(self) -> list[str]:
        """Nothing: most tokens are outside of entities, and F1 leaves them out."""
        return []

    @property
    def known(self) -> Collection[str]:
        """The types, or the tags."""
        return self.types

    def warnings(self, known: Collection[str] | None) -> list[str]:
        """Tags that were mended, no entity at all, types that train lacks."""
        found = []
        if self.mended:
            one = self.mended == 1
            found.append(
                f"{self.mended} tag{'' if one else 's'} I-type without a B-type before "
                f"({self.mended_where}). {'It is' if one else 'They are'} read as B-type; set answer.scheme=iob1 if "
                f"{'it is' if one else 'they are'} meant so."
            )
        if not self.types:
            found.append("no row has an entity. Add some, or set data.label.")
        if named := first_unknown(self.types, known):
            what = "tag" if self.plain else "type"
            found.append(
                f"{what} {named} not in train, so that it will be missed. Add training rows for it, or correct the "
                "rows."
            )
        return [*found, *lookalikes(self.types, "tags" if self.plain else "types of entity")]

    def to_dict(self) -> dict[str, object]:
        """All of them."""
        return {"tags": asdict(self)}


def count_tags(examples: Sequence[TaggedExample], plain: bool) -> TagCounts | NoAnswers:
    """Count the tags of a split."""
    rows = [example for example in examples if example.tags is not None]
    if not rows:
        return NoAnswers()
    types = Counter(span.type for row in rows for span in spans(row.tags or (), plain))
    mended = [row for row in rows if row.mended]
    return TagCounts(
        tokens=sum(len(row.tokens) for row in rows),
        types=commonest_first(types),
        without=sum(set(row.tags or ()) == {OUTSIDE} for row in rows),
        mended=sum(len(row.mended) for row in mended),
        mended_where=f"{mended[0].where}, token {mended[0].mended[0] + 1}" if mended else "",
        longest=max(len(row.tokens) for row in rows),
        plain=plain,
    )


def _counted(n: int, what: str) -> str:
    several = what[:-1] + "ies" if what.endswith("y") else what + "s"
    return f"{n:,} {what if n == 1 else several}"
