"""Rows that a way was trained on, found again among rows that it is scored on. Knows nothing about ways or scores.

Texts are known by hashes, so that a run can remember what it was trained on without holding a word of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from trimtab.data.duplicates import twin_key
from trimtab.data.example import Example


@dataclass(frozen=True)
class Seen:
    """What was trained on.

    Attributes:
        exact: hashes of the texts as they stand, 64 bits each.
        alike: hashes of what is left of them where case, width, punctuation and Unicode form do not count.
    """

    exact: frozenset[int]
    alike: frozenset[int]

    @classmethod
    def of(cls, examples: Iterable[Example]) -> Seen:
        """What training rows are known by; rows without any text are left out."""
        keys = [(example, twin_key(example)) for example in examples]
        return cls(
            frozenset(_exact(example) for example, key in keys if key), frozenset(_hash(key) for _, key in keys if key)
        )

    def __or__(self, other: Seen) -> Seen:
        """What was trained on first or afterwards."""
        return Seen(self.exact | other.exact, self.alike | other.alike)

    def among(self, examples: Sequence[Example]) -> Leak:
        """Which of these rows were trained on."""
        exact = [i for i, example in enumerate(examples) if _exact(example) in self.exact]
        twins = {i for i, example in enumerate(examples) if _hash(twin_key(example)) in self.alike}
        return Leak(len(examples), tuple(exact), tuple(sorted(twins - set(exact))))


@dataclass(frozen=True)
class Leak:
    """Rows that were trained on, among `rows` rows.

    Attributes:
        rows: how many rows there are.
        exact: positions of those whose text stands there as it is.
        alike: of further ones, whose text differs in case, width, punctuation or Unicode form alone.
    """

    rows: int
    exact: tuple[int, ...]
    alike: tuple[int, ...]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.exact or self.alike)

    @property
    def clean(self) -> list[int]:
        """Positions of the other rows."""
        leaked = {*self.exact, *self.alike}
        return [i for i in range(self.rows) if i not in leaked]

    def said(self, split: str) -> str:
        """How many rows of a split they are, in a clause: `11 of the 500 test rows stand in train too (7 ...)`."""
        found = len(self.exact) + len(self.alike)
        some = f"{found:,} of the {self.rows:,}" if found < self.rows else f"all {self.rows:,}"
        parts = [f"{len(self.exact):,} word for word"] if self.exact else []
        parts += [f"{len(self.alike):,} but for case, width, punctuation or Unicode form"] if self.alike else []
        verb = "stands" if found == 1 and self.rows > 1 else "stand"
        return f"{some} {split} rows {verb} in train too ({', '.join(parts)})"


def _exact(example: Example) -> int:
    parts = (*(text for _, text in sorted(example.fields.items())), *example.beside)
    return _hash("\x1f".join(parts))


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)
