"""What is in the splits and what looks wrong with them. Knows nothing about kinds of answer, nor about models.

What is counted of answers, and which of them contradict each other, a kind says; tokens come from a callable.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any, Protocol

import numpy as np

from trimtab.data.counts.answers import AnswerCounts
from trimtab.data.duplicates import group_by_text
from trimtab.data.example import Example
from trimtab.data.text.damage import damage_signs

SHOWN = 5


class AnswerCounter(Protocol):
    """What a kind of answer has to say of rows; `trimtab.kinds` has one a kind."""

    @property
    def several_right(self) -> bool:
        """Whether rows of the same input may have different answers that are all right."""
        ...

    def counted(self, examples: Sequence[Any], count_tokens: Callable[[str], int] | None) -> AnswerCounts:
        """The answers of a split, counted; `count_tokens` gives the tokens of a text, where that is known."""
        ...


@dataclass(frozen=True)
class Finding:
    """Something found in some rows.

    Attributes:
        count: how often.
        where: the first few places, e.g. `reviews.jsonl:12`, or `reviews.jsonl:12 = reviews.jsonl:40` for a pair.
    """

    count: int
    where: list[str]


@dataclass(frozen=True)
class Lengths:
    """Lengths of the rows of a split, all fields together, in characters or tokens.

    Attributes:
        min: shortest.
        median: half of the rows are no longer than this.
        p95: 95% of the rows are no longer than this.
        max: longest.
    """

    min: int
    median: int
    p95: int
    max: int


@dataclass(frozen=True)
class SplitReport:
    """What is in one split.

    Attributes:
        rows: number of rows.
        answers: what there is to say of the answers.
        unlabelled: rows without an answer.
        duplicates: rows whose text an earlier row has (white space and case aside); where a text may have several
            answers, those that repeat the first one's.
        conflicts: texts that occur with different answers, of which one alone can be right.
        empty: field -> rows in which it is blank; fields that never are do not appear.
        damage: kind of likely encoding damage -> rows that show it, answers included.
        characters: lengths in characters; None where there are no rows.
        tokens: lengths in tokens; None where no counter was given or there are no rows.
        over_context: rows of more tokens than the context; None where tokens or context are unknown.
    """

    rows: int
    answers: AnswerCounts
    unlabelled: Finding
    duplicates: Finding
    conflicts: Finding
    empty: dict[str, Finding]
    damage: dict[str, Finding]
    characters: Lengths | None
    tokens: Lengths | None
    over_context: Finding | None

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain data for JSON; what answers of other kinds have is null."""
        found = {
            "unlabelled": asdict(self.unlabelled),
            "duplicates": asdict(self.duplicates),
            "conflicts": asdict(self.conflicts),
            "empty": {field: asdict(finding) for field, finding in self.empty.items()},
            "damage": {kind: asdict(finding) for kind, finding in self.damage.items()},
            "characters": asdict(self.characters) if self.characters else None,
            "tokens": asdict(self.tokens) if self.tokens else None,
            "over_context": asdict(self.over_context) if self.over_context else None,
        }
        labels: dict[str, object] = {"labels": {}, "distinct_labels": 0}
        others = {"numbers": None, "tags": None, "spans": None, "texts": None, "label_sets": None}
        return {"rows": self.rows, **labels, **found, **others} | self.answers.to_dict()


@dataclass(frozen=True)
class Overlap:
    """Texts that two splits share.

    Attributes:
        first: name of one split.
        second: name of the other.
        texts: number of texts in both, and the first few pairs of places.
    """

    first: str
    second: str
    texts: Finding


@dataclass(frozen=True)
class DataReport:
    """What `trimtab data` reports.

    Attributes:
        splits: name -> what is in the split.
        shared: pairs of splits with texts in common; pairs without do not appear.
        context: the backbone's context in tokens, where known.
        notes: what of the rows is not read though their form gives it a place.
    """

    splits: dict[str, SplitReport]
    shared: list[Overlap]
    context: int | None
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain data for JSON."""
        return {
            "splits": {name: split.to_dict() for name, split in self.splits.items()},
            "shared": [asdict(overlap) for overlap in self.shared],
            "context": self.context,
            "notes": self.notes,
        }

    def warnings(self) -> list[str]:
        """Return what looks wrong, a line each: what, where first, and what to do."""
        train = self.splits.get("train")
        known = train.answers.known if train else None
        return [
            *(warning for name, split in self.splits.items() for warning in _split_warnings(name, split, self.context)),
            *(_overlap_warning(overlap) for overlap in self.shared),
            *(f"{name}: {found}" for name, split in self.splits.items() for found in split.answers.warnings(known)),
        ]


def check(
    splits: Mapping[str, list[Example]],
    kind: AnswerCounter,
    *,
    count_tokens: Callable[[str], int] | None = None,
    context: int | None = None,
) -> DataReport:
    """Look through the splits of a task.

    Args:
        splits: name -> examples; of two splits that share texts, the first is taken as the one tuned on.
        kind: the kind of answer they have.
        count_tokens: text -> number of tokens; lengths in tokens are left out where absent.
        context: longest row in tokens that the backbone reads.
    """
    reports = {name: _check_split(examples, kind, count_tokens, context) for name, examples in splits.items()}
    return DataReport(reports, _shared_texts(splits), context)


def _check_split(
    examples: Sequence[Example], kind: AnswerCounter, count_tokens: Callable[[str], int] | None, context: int | None
) -> SplitReport:
    texts = ["\n".join(example.fields.values()) for example in examples]
    tokens = None if count_tokens is None else [count_tokens(text) for text in texts]
    over = None
    if tokens is not None and context is not None:
        over = _finding(example.where for example, n in zip(examples, tokens, strict=True) if n > context)
    duplicates, conflicts = _repeated(examples, kind.several_right)
    return SplitReport(
        rows=len(examples),
        answers=kind.counted(examples, count_tokens),
        unlabelled=_finding(example.where for example in examples if example.answer is None),
        duplicates=duplicates,
        conflicts=conflicts,
        empty=_by_kind((f, e.where) for e in examples for f, text in e.fields.items() if not text.strip()),
        damage=_by_kind(
            (sign, e.where)
            for e, text in zip(examples, texts, strict=True)
            for sign in damage_signs(f"{text}\n{e.answer or ''}")
        ),
        characters=_lengths([len(text) - max(0, len(e.fields) - 1) for e, text in zip(examples, texts, strict=True)]),
        tokens=None if tokens is None else _lengths(tokens),
        over_context=over,
    )


def _repeated(examples: Sequence[Example], several_right: bool) -> tuple[Finding, Finding]:
    """Return (duplicates, conflicting answers); where several are right, another answer is neither."""
    duplicates, conflicts = [], []
    for key, rows in group_by_text(examples).items():
        if not key:
            continue
        first, *others = (examples[row] for row in rows)
        if several_right:
            others = [example for example in others if example.answer in (None, first.answer)]
        duplicates += [_pair(first, other) for other in others]
        labelled = [example for example in (first, *others) if example.answer is not None]
        unlike = [example for example in labelled if example.answer != labelled[0].answer]
        if unlike:
            conflicts.append(_pair(labelled[0], unlike[0]))
    return _finding(duplicates), _finding(conflicts)


def _shared_texts(splits: Mapping[str, list[Example]]) -> list[Overlap]:
    firsts = {
        name: {key: examples[rows[0]] for key, rows in group_by_text(examples).items() if key}
        for name, examples in splits.items()
    }
    overlaps = []
    for one, two in combinations(firsts, 2):
        pairs = _finding(_pair(firsts[one][key], firsts[two][key]) for key in firsts[two] if key in firsts[one])
        if pairs.count:
            overlaps.append(Overlap(one, two, pairs))
    return overlaps


def _pair(one: Example, two: Example) -> str:
    return f"{one.where} = {two.where}"


def _finding(places: Iterable[str]) -> Finding:
    found = list(places)
    return Finding(len(found), found[:SHOWN])


def _by_kind(found: Iterable[tuple[str, str]]) -> dict[str, Finding]:
    places: dict[str, list[str]] = defaultdict(list)
    for kind, where in found:
        places[kind].append(where)
    return {kind: _finding(wheres) for kind, wheres in places.items()}


def _lengths(values: Sequence[int]) -> Lengths | None:
    if not values:
        return None
    low, median, p95, high = np.percentile(values, [0, 50, 95, 100], method="inverted_cdf")
    return Lengths(int(low), int(median), int(p95), int(high))


def _split_warnings(name: str, split: SplitReport, context: int | None) -> list[str]:
    """Return the warnings of one split, the gravest first."""
    found = [
        (f"{kind} in {{rows}}", "Read the file with its own encoding (data.encoding), or mend the rows.", finding)
        for kind, finding in split.damage.items()
        if kind != "control characters"
    ]
    found += [
        (f"field '{field}' is blank in {{rows}}", "Fill it in or leave the rows out.", finding)
        for field, finding in split.empty.items()
    ]
    if advice := split.answers.conflict:
        found.append((*advice, split.conflicts))
    found += [
        ("{rows} without a label", "Label them or leave them out before tuning.", split.unlabelled),
        ("{rows} with the text of an earlier row", "Leave the repeats out unless they are meant.", split.duplicates),
    ]
    if split.over_context is not None:
        template = f"{{rows}} longer than the context of {context} tokens"
        found.append((template, "They will be shortened; put what matters first.", split.over_context))
    if "control characters" in split.damage:
        found.append(("control characters in {rows}", "Set data.clean=[control].", split.damage["control characters"]))
    warnings = [_warning(name, template, remedy, finding) for template, remedy, finding in found if finding.count]
    return warnings + [f"{name}: {lopsided}" for lopsided in split.answers.balance()]


def _warning(name: str, template: str, remedy: str, finding: Finding) -> str:
    plural = "" if finding.count == 1 else "s"
    what = template.format(rows=f"{finding.count} row{plural}", texts=f"{finding.count} text{plural}")
    return f"{name}: {what} ({finding.where[0]}). {remedy}"


def _overlap_warning(overlap: Overlap) -> str:
    one = overlap.texts.count == 1
    return (
        f"{overlap.first} and {overlap.second} share {overlap.texts.count} text{'' if one else 's'} "
        f"({overlap.texts.where[0]}). Leave {'it' if one else 'them'} out of {overlap.first}, "
        f"or scores on {overlap.second} will be too high."
    )
