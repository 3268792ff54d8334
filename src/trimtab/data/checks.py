"""What is in the splits and what looks wrong with them. Knows nothing about models; tokens come from a callable."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np

from trimtab.data.damage import damage_signs
from trimtab.data.duplicates import group_by_text
from trimtab.data.example import Example
from trimtab.data.tag_checks import TagCounts, count_tags, tag_warnings
from trimtab.data.texts import TextCounts, count_texts

SHOWN = 5
LABELS_SHOWN = 200


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
class Numbers:
    """Answers that are numbers: the smallest, the median, the largest, their mean and standard deviation."""

    min: float
    median: float
    max: float
    mean: float
    sd: float

    def in_words(self) -> str:
        """All of them as a phrase."""
        ends = f"numbers from {self.min:g} to {self.max:g}, median {self.median:g}"
        return f"{ends}, mean {self.mean:.4g}, standard deviation {self.sd:.4g}"


@dataclass(frozen=True)
class SplitReport:
    """What is in one split.

    Attributes:
        rows: number of rows.
        labels: label -> rows, the commonest first, 200 labels at most; of choices the place of the right one.
        distinct_labels: number of labels.
        unlabelled: rows without an answer.
        duplicates: rows whose text an earlier row has (white space and case aside).
        conflicts: texts that occur with different labels.
        empty: field -> rows in which it is blank; fields that never are do not appear.
        damage: kind of likely encoding damage -> rows that show it, answers included.
        characters: lengths in characters; None where there are no rows.
        tokens: lengths in tokens; None where no counter was given or there are no rows.
        over_context: rows of more tokens than the context; None where tokens or context are unknown.
        numbers: the answers where they are numbers; there are no labels then.
        tags: the answers where they are tags; likewise.
        texts: the answers where they are free text; likewise.
    """

    rows: int
    labels: dict[str, int]
    distinct_labels: int
    unlabelled: Finding
    duplicates: Finding
    conflicts: Finding
    empty: dict[str, Finding]
    damage: dict[str, Finding]
    characters: Lengths | None
    tokens: Lengths | None
    over_context: Finding | None
    numbers: Numbers | None = None
    tags: TagCounts | None = None
    texts: TextCounts | None = None


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
    """

    splits: dict[str, SplitReport]
    shared: list[Overlap]
    context: int | None

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain data for JSON."""
        return asdict(self)

    def warnings(self) -> list[str]:
        """Return what looks wrong, a line each: what, where first, and what to do."""
        return [
            *(warning for name, split in self.splits.items() for warning in _split_warnings(name, split, self.context)),
            *(_overlap_warning(overlap) for overlap in self.shared),
            *_label_set_warnings(self.splits),
            *tag_warnings({name: split.tags for name, split in self.splits.items()}),
        ]


def check(
    splits: Mapping[str, list[Example]],
    *,
    count_tokens: Callable[[str], int] | None = None,
    context: int | None = None,
    plain: bool = False,
) -> DataReport:
    """Look through the splits of a task.

    Args:
        splits: name -> examples; of two splits that share texts, the first is taken as the one tuned on.
        count_tokens: text -> number of tokens; lengths in tokens are left out where absent.
        context: longest row in tokens that the backbone reads.
        plain: whether answers are tags that stand for themselves.
    """
    reports = {name: _check_split(examples, count_tokens, context, plain) for name, examples in splits.items()}
    return DataReport(reports, _shared_texts(splits), context)


def _check_split(
    examples: Sequence[Example], count_tokens: Callable[[str], int] | None, context: int | None, plain: bool
) -> SplitReport:
    numbers = [example.number for example in examples if example.number is not None]
    labels = Counter(
        f"option {int(example.stratum) + 1}" if example.options else example.answer
        for example in examples
        if example.answer is not None and (example.options or not example.kept_open)
    )
    texts = ["\n".join(example.fields.values()) for example in examples]
    tokens = None if count_tokens is None else [count_tokens(text) for text in texts]
    over = None
    if tokens is not None and context is not None:
        over = _finding(example.where for example, n in zip(examples, tokens, strict=True) if n > context)
    duplicates, conflicts = _repeated(examples)
    return SplitReport(
        rows=len(examples),
        labels=dict(sorted(labels.items(), key=lambda item: (-item[1], item[0]))[:LABELS_SHOWN]),
        distinct_labels=len(labels),
        unlabelled=_finding(example.where for example in examples if example.answer is None),
        duplicates=duplicates,
        conflicts=conflicts,
        empty=_by_kind((f, e.where) for e in examples for f, text in e.fields.items() if not text.strip()),
        damage=_by_kind(
            (kind, e.where)
            for e, text in zip(examples, texts, strict=True)
            for kind in damage_signs(f"{text}\n{e.answer or ''}")
        ),
        characters=_lengths([len(text) - max(0, len(e.fields) - 1) for e, text in zip(examples, texts, strict=True)]),
        tokens=None if tokens is None else _lengths(tokens),
        over_context=over,
        numbers=_numbers(numbers),
        tags=count_tags(examples, plain),
        texts=count_texts(examples, count_tokens),
    )


def _repeated(examples: Sequence[Example]) -> tuple[Finding, Finding]:
    """Return (duplicates, conflicting labels); a text may well have several answers in free text."""
    duplicates, conflicts = [], []
    for key, (first, *others) in group_by_text(examples).items():
        if not key:
            continue
        same = [i for i in others if not examples[i].references or examples[i].answer == examples[first].answer]
        duplicates += [_pair(examples[first], examples[other]) for other in same]
        if examples[first].references:
            continue
        labelled = [examples[row] for row in (first, *others) if examples[row].answer is not None]
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


def _numbers(values: Sequence[float]) -> Numbers | None:
    if not values:
        return None
    low, median, high = np.percentile(values, [0, 50, 100])
    return Numbers(float(low), float(median), float(high), float(np.mean(values)), float(np.std(values)))


def _split_warnings(name: str, split: SplitReport, context: int | None) -> list[str]:
    """Return the warnings of one split, the gravest first."""
    free_text = split.distinct_labels > split.rows / 2
    found = [
        (f"{kind} in {{rows}}", "Read the file with its own encoding (data.encoding), or mend the rows.", finding)
        for kind, finding in split.damage.items()
        if kind != "control characters"
    ]
    found += [
        (f"field '{field}' is blank in {{rows}}", "Fill it in or leave the rows out.", finding)
        for field, finding in split.empty.items()
    ]
    if not free_text:
        what = "numbers" if split.numbers else "tags" if split.tags else "labels"
        one = "the tags" if split.tags else f"one {what[:-1]}"
        found.append((f"{{texts}} with different {what}", f"Decide on {one} for each.", split.conflicts))
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
    return warnings if free_text else warnings + _balance_warnings(name, split)


def _warning(name: str, template: str, remedy: str, finding: Finding) -> str:
    plural = "" if finding.count == 1 else "s"
    what = template.format(rows=f"{finding.count} row{plural}", texts=f"{finding.count} text{plural}")
    return f"{name}: {what} ({finding.where[0]}). {remedy}"


def _balance_warnings(name: str, split: SplitReport) -> list[str]:
    if split.distinct_labels == 1:
        return [f"{name}: every row has the label '{next(iter(split.labels))}'. Add rows with other labels."]
    if split.distinct_labels < 2 or split.distinct_labels > len(split.labels):
        return []
    (most, high), *_, (least, low) = split.labels.items()
    if high < 10 * low:
        return []
    return [f"{name}: '{most}' has {high} rows, '{least}' only {low}. Look at macro-F1, not accuracy alone."]


def _overlap_warning(overlap: Overlap) -> str:
    one = overlap.texts.count == 1
    return (
        f"{overlap.first} and {overlap.second} share {overlap.texts.count} text{'' if one else 's'} "
        f"({overlap.texts.where[0]}). Leave {'it' if one else 'them'} out of {overlap.first}, "
        f"or scores on {overlap.second} will be too high."
    )


def _label_set_warnings(splits: Mapping[str, SplitReport]) -> list[str]:
    """Name labels of dev or test that train lacks; silent where answers are free text or not all are listed."""
    train = splits.get("train")
    if train is None or train.distinct_labels > min(len(train.labels), train.rows / 2):
        return []
    warnings = []
    for name, split in splits.items():
        unknown = [label for label in split.labels if label not in train.labels]
        if unknown:
            named = f"'{unknown[0]}'" + (f" and {len(unknown) - 1} more" if len(unknown) > 1 else "")
            warnings.append(f"{name}: label {named} not in train. Add training rows for it, or correct the label.")
    return warnings
