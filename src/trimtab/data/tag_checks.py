"""What is among the tags of a split and what looks wrong with them. Knows nothing about other kinds of answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trimtab.data.example import Example
from trimtab.data.tags import OUTSIDE, spans


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


def count_tags(examples: Sequence[Example], plain: bool) -> TagCounts | None:
    """Count the tags of a split; None where no row has any."""
    rows = [example for example in examples if example.tags is not None]
    if not rows:
        return None
    types = Counter(span.type for row in rows for span in spans(row.tags or (), plain))
    mended = [row for row in rows if row.mended]
    return TagCounts(
        tokens=sum(len(row.tokens) for row in rows),
        types=dict(sorted(types.items(), key=lambda item: (-item[1], item[0]))),
        without=sum(set(row.tags or ()) == {OUTSIDE} for row in rows),
        mended=sum(len(row.mended) for row in mended),
        mended_where=f"{mended[0].where}, token {mended[0].mended[0] + 1}" if mended else "",
        longest=max(len(row.tokens) for row in rows),
        plain=plain,
    )


def tag_warnings(splits: Mapping[str, TagCounts | None]) -> list[str]:
    """What looks wrong with the tags of the splits, a line each: what, where first, and what to do."""
    found = []
    train = splits.get("train")
    for name, counts in splits.items():
        if counts is None:
            continue
        if counts.mended:
            one = counts.mended == 1
            found.append(
                f"{name}: {counts.mended} tag{'' if one else 's'} I-type without a B-type before "
                f"({counts.mended_where}). {'It is' if one else 'They are'} read as B-type; set answer.scheme=iob1 if "
                f"{'it is' if one else 'they are'} meant so."
            )
        if not counts.types:
            found.append(f"{name}: no row has an entity. Add some, or set data.label.")
        unknown = [kind for kind in counts.types if train is not None and kind not in train.types]
        if unknown:
            what = "tag" if counts.plain else "type"
            named = f"'{unknown[0]}'" + (f" and {len(unknown) - 1} more" if len(unknown) > 1 else "")
            found.append(
                f"{name}: {what} {named} not in train, so that it will be missed. Add training rows for it, or correct "
                "the rows."
            )
    return found


def _counted(n: int, what: str) -> str:
    several = what[:-1] + "ies" if what.endswith("y") else what + "s"
    return f"{n:,} {what if n == 1 else several}"
