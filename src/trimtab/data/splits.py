"""Train, dev and test: stratified, seeded splits and samples. Knows nothing about file formats or labels' words.

Rows are chosen by a hash of their text and the seed, not by their position: the same rows in another order give the
same choice, on every machine.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from trimtab.data.duplicates import kin, text_key
from trimtab.data.example import Example
from trimtab.data.leakage import Seen
from trimtab.data.mapping import RowReader, read_examples
from trimtab.data.memory import RowsInMemory
from trimtab.data.records import InMemory, Source, source_name
from trimtab.errors import DataError, TaskError, did_you_mean
from trimtab.settings.task import DataSettings

# Rows that dev gets by default where a tenth of train is fewer, up to a quarter of train.
DEV_ROWS = 32
SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Splits:
    """The examples of a task.

    Attributes:
        train: examples to tune on.
        dev: examples to choose on.
        test: examples to report on; empty where none are given.
        note: what was done to get there, a sentence each, e.g. `dev: 692 of 6920 rows carved from train (seed 0)`.
    """

    train: list[Example]
    dev: list[Example]
    test: list[Example]
    note: list[str] = field(default_factory=list)


def load_splits(
    settings: DataSettings, fields: Sequence[str], reader: RowReader, *, base: Path,
    rows: Mapping[str, RowsInMemory] | None = None,
) -> Splits:  # fmt: skip
    """Read the splits of a task, set test and dev aside where none are given, then draw the samples asked for.

    Test is set aside first (with `test_fraction`; left out of train even where another test is given), then dev, then
    train is sampled. With `shots`, dev gets as many rows a label as train, or what is left.

    Args:
        settings, fields, reader: where rows are, and how they are read.
        base: folder at which relative paths start.
        rows: rows in memory, by split (`train`, `dev`, `test`), in place of what the settings name.

    Raises:
        TaskError: settings that do not go with each other, or with the kind of answer.
        DataError: a split cannot be read, train has one label, number or tag only, or nothing can be set aside for
            test or dev.
    """
    given = {"train": settings.train, "dev": settings.dev, "test": settings.test, **_in_memory(rows)}
    _check_settings(settings, reader, given)
    note: list[str] = []

    carved = settings.test_fraction is not None or given["dev"] is None
    judged = "test" if given["test"] is not None else "train" if carved else "dev"

    def read(split: str) -> list[Example]:
        return _read(split, given[split], fields, settings, reader, base, note, judged=split == judged)

    train = read("train")
    reader.check_train(train, settings)
    note += [f"train: {found}" for found in reader.lookalikes(train)]
    if settings.group is not None:
        _check_groups(train, settings.group)
    test: list[Example] = []
    if settings.test_fraction is not None:
        train, test = _set_test_aside(train, settings, settings.test_fraction, note)
    if given["dev"] is None:
        train, dev = _set_dev_aside(train, settings, note)
    else:
        dev = read("dev")
    dev, test = _merged("dev", dev, reader, note), _merged("test", test, reader, note)
    if given["test"] is not None:
        test = _merged("test", read("test"), reader, note)
    train = _sample_train(train, settings, note)
    dev = _sample("dev", dev, settings.dev_limit, settings.seed, note)
    test = _sample("test", test, settings.test_limit, settings.seed, note)
    return Splits(train, dev, test, [*leaks(train, dev, test), *note])


def leaks(train: Sequence[Example], dev: Sequence[Example], test: Sequence[Example]) -> list[str]:
    """Say which rows of test and dev stand in train too, a sentence a split; nothing where none do."""
    seen = Seen.of(train)
    found = [(split, seen.among(rows)) for split, rows in (("test", test), ("dev", dev))]
    return [f"{leak.said(split)}: what is reached on them says little" for split, leak in found if leak]


def read_test(
    source: Source | InMemory, fields: Sequence[str], settings: DataSettings, reader: RowReader, *, base: Path
) -> tuple[list[Example], list[str]]:
    """Read rows to report on, and say what was done to them. Raises DataError as `read_examples` does."""
    note: list[str] = []
    test = _read("test", source, fields, settings, reader, base, note, judged=True)
    return _merged("test", test, reader, note), note


def _in_memory(rows: Mapping[str, RowsInMemory] | None) -> dict[str, InMemory]:
    """Rows in memory by split. Raises TaskError at a name that is no split's."""
    for name in rows or {}:
        if name not in SPLITS:
            raise TaskError(f"rows: no split '{name}'.", did_you_mean(name, SPLITS) or f"Known: {', '.join(SPLITS)}.")
    return {name: InMemory(name, given) for name, given in (rows or {}).items() if given is not None}


def _read(
    split: str, source: Source | InMemory | None, fields: Sequence[str], settings: DataSettings, reader: RowReader,
    base: Path, note: list[str], *, judged: bool,
) -> list[Example]:  # fmt: skip
    """The examples of a split, `judged` where a report rests on it; what of its records is not read is noted."""
    assert source is not None
    unread: list[str] = []
    examples = read_examples(source, fields, settings, reader, base=base, need_slices=judged, notes=unread)
    note += [f"{split}: {found}" for found in unread]
    return examples


def stratified_sample(examples: Sequence[Example], n: int, seed: int) -> list[Example]:
    """Return `n` of `examples` in their order (all, where there are fewer).

    Each label gets its share of `n`, rounded down or up; where rows are left over, labels that would get none come
    first, then those with the largest remainder.
    """
    if n >= len(examples):
        return list(examples)
    strata = _by_label(examples)
    share = {label: n * len(rows) / len(examples) for label, rows in strata.items()}
    quota = {label: int(share[label]) for label in strata}
    left_over = n - sum(quota.values())
    first = sorted(strata, key=lambda label: (quota[label] > 0, quota[label] - share[label], rank(seed, label)))
    for label in first[:left_over]:
        quota[label] += 1
    return _pick(examples, [row for label in strata for row in _ranked(examples, strata[label], seed)[: quota[label]]])


def k_shot(examples: Sequence[Example], k: int, seed: int) -> list[Example]:
    """Return `k` rows of each label in the order of `examples` (all rows of a label that has fewer)."""
    strata = _by_label(examples)
    return _pick(examples, [row for rows in strata.values() for row in _ranked(examples, rows, seed)[:k]])


def split_off(examples: Sequence[Example], fraction: float, seed: int) -> tuple[list[Example], list[Example]]:
    """Return (what is kept, a stratified `fraction` set aside), both in the order of `examples`.

    Of each label, `fraction` of the rows and at least one is set aside. Rows with the same text or of the same group
    stay together, so a label with a single text is kept whole; where most answers are of that sort (free text), they
    are split as one.
    """
    return _carve(examples, lambda rows: round(fraction * rows), seed)


def _carve(examples: Sequence[Example], target: Callable[[int], int], seed: int) -> tuple[list[Example], list[Example]]:
    """Set `target(rows)` rows of each label aside."""
    strata: dict[str, list[list[int]]] = defaultdict(list)
    for group in kin(examples):
        counts = Counter(examples[row].stratum for row in group)
        strata[min(counts, key=lambda label: (-counts[label], label))].append(group)
    single = [groups[0] for groups in strata.values() if len(groups) == 1]
    aside = [
        row
        for groups in strata.values()
        if len(groups) > 1
        for row in _take_groups(examples, groups, max(1, target(sum(map(len, groups)))), seed)
    ]
    rows = sum(map(len, single))
    if rows > len(examples) / 2:
        aside += _take_groups(examples, single, target(rows), seed)
    kept = set(range(len(examples))) - set(aside)
    return _pick(examples, list(kept)), _pick(examples, aside)


def _take_groups(examples: Sequence[Example], groups: list[list[int]], rows: int, seed: int) -> list[int]:
    """Return `rows` rows as near as whole groups allow, at least one group and never all of them."""
    if rows < 1 or len(groups) < 2:
        return []
    ranked = sorted(groups, key=lambda group: rank(seed, min(text_key(examples[row]) for row in group)))
    rows = min(rows, sum(map(len, groups)) - min(map(len, groups)))
    taken: list[int] = []
    for group in ranked:
        if len(taken) + len(group) <= rows:
            taken += group
    return taken or min(ranked, key=len)


def _set_test_aside(
    train: list[Example], settings: DataSettings, fraction: float, note: list[str]
) -> tuple[list[Example], list[Example]]:
    kept, test = split_off(train, fraction, settings.seed)
    if not test:
        message = f"{_too_few(train, settings)} to set test examples aside{_together_by(settings)}."
        raise DataError(message, "Add rows, or name test examples in data.test.")
    note.append(f"test: {len(test)} of {len(train)} rows carved from train (seed {settings.seed})")
    return kept, test


def _too_few(train: Sequence[Example], settings: DataSettings) -> str:
    return f"{source_name(settings.train)}: {len(train)} rows are too few"


def _together_by(settings: DataSettings) -> str:
    return f", those with the same '{settings.group}' together" if settings.group else ""


def _set_dev_aside(
    train: list[Example], settings: DataSettings, note: list[str]
) -> tuple[list[Example], list[Example]]:
    shots, seed = settings.shots, settings.seed
    if shots is None:
        kept, dev = split_off(train, settings.dev_fraction or _dev_fraction(len(train)), seed)
    else:
        kept, dev = _carve(train, lambda rows: min(shots, rows - shots), seed)
    if not dev:
        message = f"{_too_few(train, settings)} to set dev examples aside{_together_by(settings)}."
        raise DataError(message, "Add rows, or name dev examples in data.dev.")
    note.append(f"dev: {len(dev)} of {len(train)} rows carved from train (seed {seed})")
    return kept, dev


def _dev_fraction(rows: int) -> float:
    """Share of train that dev gets by default: a few rows cannot tell the better of two prompts."""
    return max(0.1, min(0.25, DEV_ROWS / rows))


def _sample_train(train: list[Example], settings: DataSettings, note: list[str]) -> list[Example]:
    if settings.shots is None:
        return _sample("train", train, settings.limit, settings.seed, note)
    chosen = k_shot(train, settings.shots, settings.seed)
    note.append(f"train: {settings.shots} rows a label, {len(chosen)} of {len(train)} rows (seed {settings.seed})")
    fewer = [label for label, rows in _by_label(chosen).items() if len(rows) < settings.shots]
    if fewer:
        named = ", ".join(fewer[:8]) + (f", ... ({len(fewer)} in all)" if len(fewer) > 8 else "")
        note.append(f"train: fewer than {settings.shots} rows for {named}")
    return chosen


def _sample(split: str, examples: list[Example], n: int | None, seed: int, note: list[str]) -> list[Example]:
    if n is None or n >= len(examples):
        return examples
    note.append(f"{split}: {n} of {len(examples)} rows sampled (seed {seed})")
    return stratified_sample(examples, n, seed)


def _merged(split: str, examples: list[Example], reader: RowReader, note: list[str]) -> list[Example]:
    """Rows with the same input as one, where that may have several right answers."""
    merged = reader.merged(examples)
    if len(merged) < len(examples):
        note.append(f"{split}: {len(examples)} rows hold {len(merged)} inputs, each right with any of its answers")
    return merged


def _check_settings(
    settings: DataSettings, reader: RowReader, given: Mapping[str, Source | InMemory | None]
) -> None:  # fmt: skip
    if given["train"] is None:
        raise TaskError("data.train is not set.", "Name the training examples, such as data.train=reviews.jsonl.")
    if settings.limit is not None and settings.shots is not None:
        raise TaskError("data.limit and data.shots are both set.", "Keep one of them.")
    if settings.shots is not None and not reader.counted_by_label:
        message = f"data.shots counts rows a label, and the answers of this task are {reader.plural}."
        raise TaskError(message, "Set data.limit instead.")
    named = [[source] if isinstance(source, str) else source for source in given.values() if source is not None]
    if sum(one == "-" for sources in named if not isinstance(sources, InMemory) for one in sources) > 1:
        raise TaskError("Standard input is named for more than one split.", "Use files for the others.")


def _check_groups(train: Sequence[Example], column: str) -> None:
    bare = [example for example in train if not example.group]
    if bare:
        message = (
            f"{bare[0].where}: nothing in column '{column}' ({len(bare)} of {len(train)} rows), which data.group names."
        )
        raise DataError(message, "Name a column that every row has, or leave data.group out.")


def _by_label(examples: Sequence[Example]) -> dict[str, list[int]]:
    """Return label -> positions, labels sorted; of choices the place of the right option; others are all alike."""
    rows: dict[str, list[int]] = defaultdict(list)
    for position, example in enumerate(examples):
        rows[example.stratum].append(position)
    return dict(sorted(rows.items()))


def _ranked(examples: Sequence[Example], rows: Sequence[int], seed: int) -> list[int]:
    """Return `rows` in the order of their hashes; the second of two equal rows has a hash of its own."""
    seen: Counter[tuple[str, ...]] = Counter()
    ranks = {}
    for row in rows:
        identity = _identity(examples[row])
        ranks[row] = rank(seed, *identity, str(seen[identity]))
        seen[identity] += 1
    return sorted(rows, key=ranks.__getitem__)


def _identity(example: Example) -> tuple[str, ...]:
    return (*(part for item in sorted(example.fields.items()) for part in item), example.answer or "", *example.beside)


def rank(seed: int, *parts: str) -> bytes:
    """A hash by which rows are drawn: the same on every machine, another for another seed."""
    return sha256("\x1f".join((str(seed), *parts)).encode(errors="surrogatepass")).digest()


def _pick(examples: Sequence[Example], rows: Sequence[int]) -> list[Example]:
    return [examples[row] for row in sorted(rows)]
