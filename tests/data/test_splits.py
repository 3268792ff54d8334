"""Splits and samples: partitions, stratified within a row, the same for a seed whatever the order of the rows."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.data import Example, k_shot, load_splits, split_off, stratified_sample
from trimtab.data.duplicates import text_key
from trimtab.errors import DataError, TaskError, TrimtabError
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import LABEL
from trimtab.settings.task import DataSettings

READER = kind_of(LABEL)


def examples_of(labels: Sequence[str], texts: Sequence[str] | None = None) -> list[Example]:
    texts = texts or [f"text {i}" for i in range(len(labels))]
    return [Example({"text": t}, label, f"a.jsonl:{i}") for i, (t, label) in enumerate(zip(texts, labels, strict=True))]


def counts(examples: Sequence[Example]) -> Counter[str | None]:
    return Counter(example.answer for example in examples)


def places(examples: Sequence[Example]) -> set[str]:
    return {example.where for example in examples}


LABELS = st.lists(st.sampled_from("aaaabbc"), min_size=1, max_size=80)
SEED = st.integers(0, 5)


@given(labels=LABELS, seed=SEED, data=st.data())
def test_a_sample_is_stratified_within_one_row(labels: list[str], seed: int, data: st.DataObject) -> None:
    examples = examples_of(labels)
    n = data.draw(st.integers(1, len(labels)))
    sample = stratified_sample(examples, n, seed)
    assert len(sample) == n
    assert sample == [example for example in examples if example.where in places(sample)], "in the order of the rows"
    for label, rows in counts(examples).items():
        assert abs(counts(sample)[label] - n * rows / len(examples)) < 1
    if n == len(labels):
        assert sample == examples


def test_a_sample_serves_rare_labels_first() -> None:
    sample = stratified_sample(examples_of(["a"] * 95 + ["b"] * 3 + ["c"] * 2), 10, 0)
    assert counts(sample) == {"a": 9, "b": 1}
    sample = stratified_sample(examples_of(["a"] * 90 + ["b"] * 5 + ["c"] * 5), 11, 0)
    assert counts(sample) == {"a": 9, "b": 1, "c": 1}


def test_a_sample_larger_than_the_data_is_the_data() -> None:
    examples = examples_of(["a", "b"])
    assert stratified_sample(examples, 3, 0) == examples
    assert stratified_sample([], 3, 0) == []


@given(labels=LABELS, k=st.integers(1, 10), seed=SEED)
def test_k_shot_gives_k_rows_a_label_or_all(labels: list[str], k: int, seed: int) -> None:
    examples = examples_of(labels)
    assert counts(k_shot(examples, k, seed)) == {label: min(k, n) for label, n in counts(examples).items()}


@given(
    rows=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "X", "y z", "y  z", "q", "r", "s", "t"]))),
    fraction=st.floats(0.01, 0.89),
    seed=SEED,
)
def test_split_off_is_a_partition_that_keeps_texts_together(
    rows: list[tuple[str, str]], fraction: float, seed: int
) -> None:
    examples = examples_of([label for label, _ in rows], [text for _, text in rows])
    kept, aside = split_off(examples, fraction, seed)
    assert places(kept) | places(aside) == places(examples)
    assert len(kept) + len(aside) == len(examples)
    assert not {text_key(example) for example in kept} & {text_key(example) for example in aside}
    assert bool(kept) == bool(examples)


@given(sizes=st.lists(st.integers(2, 60), min_size=1, max_size=5), fraction=st.floats(0.01, 0.89), seed=SEED)
def test_split_off_takes_its_share_of_each_label(sizes: list[int], fraction: float, seed: int) -> None:
    examples = examples_of([str(label) for label, size in enumerate(sizes) for _ in range(size)])
    kept, aside = split_off(examples, fraction, seed)
    for label, size in enumerate(sizes):
        assert counts(kept)[str(label)] >= 1
        assert counts(aside)[str(label)] >= 1
        assert abs(counts(aside)[str(label)] - fraction * size) <= 1


def test_split_off_keeps_a_label_with_one_text_whole() -> None:
    examples = examples_of(["a"] * 20 + ["b", "b"], [f"text {i}" for i in range(20)] + ["same", "Same "])
    kept, aside = split_off(examples, 0.1, 0)
    assert counts(kept) == {"a": 18, "b": 2}
    assert counts(aside) == {"a": 2}


def test_split_off_reads_answers_of_their_own_as_free_text() -> None:
    kept, aside = split_off(examples_of([f"answer {i}" for i in range(50)]), 0.1, 0)
    assert (len(kept), len(aside)) == (45, 5)


def draws(examples: list[Example], seed: int) -> list[set[str]]:
    kept, aside = split_off(examples, 0.2, seed)
    parts = [kept, aside, stratified_sample(examples, 10, seed), k_shot(examples, 3, seed)]
    return [{repr((example.fields, example.answer)) for example in part} for part in parts]


@settings(max_examples=30)
@given(seed=SEED, order=st.randoms(use_true_random=False))
def test_the_same_seed_chooses_the_same_rows_in_any_order(seed: int, order: random.Random) -> None:
    texts = [f"text {i % 30}".replace("7", "SEVEN" if i % 2 else "seven") for i in range(40)]
    examples = examples_of(["a", "b", "c", "b"] * 10, texts)
    shuffled = order.sample(examples, len(examples))
    assert draws(shuffled, seed) == draws(examples, seed)


def test_another_seed_chooses_other_rows() -> None:
    examples = examples_of(["a", "b"] * 50)
    assert all(one != two for one, two in zip(draws(examples, 0), draws(examples, 1), strict=True))


def test_equal_rows_are_chosen_one_by_one() -> None:
    examples = examples_of(["a"] * 40, ["same"] * 20 + [f"text {i}" for i in range(20)])
    chosen = [sum(e.fields["text"] == "same" for e in stratified_sample(examples, 10, seed)) for seed in range(200)]
    assert 4.5 < sum(chosen) / 200 < 5.5  # 10 * 20/40 on average
    assert chosen.count(0) + chosen.count(10) < 10  # not all or none, as one hash for all equal rows would have it


# load_splits


def write(path: Path, labels: Sequence[str], prefix: str) -> None:
    rows = [{"text": f"{prefix} {i}", "label": label} for i, label in enumerate(labels)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    write(tmp_path / "train.jsonl", ["a", "b"] * 50 + ["c"] * 10, "train")
    write(tmp_path / "dev.jsonl", ["a", "b"] * 20, "dev")
    write(tmp_path / "test.jsonl", ["a", "b"] * 30, "test")
    return tmp_path


def load(base: Path, **options: object):  # type: ignore[no-untyped-def]
    return load_splits(DataSettings.model_validate({"train": "train.jsonl", **options}), ["text"], READER, base=base)


def refusal(base: Path, kind: type[TrimtabError] = DataError, **options: object) -> str:
    with pytest.raises(kind) as caught:
        load(base, **options)
    return str(caught.value)


def test_given_splits_are_read_as_they_are(base: Path) -> None:
    splits = load(base, dev="dev.jsonl", test="test.jsonl")
    assert (len(splits.train), len(splits.dev), len(splits.test), splits.note) == (110, 40, 60, [])
    assert splits.test[0] == Example({"text": "test 0"}, "a", "test.jsonl:1")


def test_dev_is_carved_out_of_train(base: Path) -> None:
    splits = load(base, seed=3)
    assert counts(splits.dev) == {"a": 12, "b": 12, "c": 2}
    assert counts(splits.train) == {"a": 38, "b": 38, "c": 8}
    assert not places(splits.train) & places(splits.dev)
    assert splits.test == []
    assert splits.note == ["dev: 26 of 110 rows carved from train (seed 3)"]
    assert counts(load(base, dev_fraction=0.1, seed=3).dev) == {"a": 5, "b": 5, "c": 1}


@pytest.mark.parametrize(("rows", "dev"), [(8, 2), (40, 10), (128, 32), (200, 32), (320, 32), (500, 50)])
def test_how_many_rows_dev_gets_by_default(tmp_path: Path, rows: int, dev: int) -> None:
    texts = [{"text": f"text {i}", "label": "ab"[i % 2]} for i in range(rows)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts), encoding="utf-8")
    assert len(load(tmp_path).dev) == dev


def test_limits_sample_after_dev_is_carved(base: Path) -> None:
    splits = load(base, limit=20, test="test.jsonl", test_limit=10, dev_limit=8)
    assert (len(splits.train), len(splits.dev), len(splits.test)) == (20, 8, 10)
    assert splits.note == [
        "dev: 26 of 110 rows carved from train (seed 0)",
        "train: 20 of 84 rows sampled (seed 0)",
        "dev: 8 of 26 rows sampled (seed 0)",
        "test: 10 of 60 rows sampled (seed 0)",
    ]
    assert places(splits.dev) <= places(load(base).dev), "the limits do not change what is carved"


def test_shots(base: Path) -> None:
    splits = load(base, shots=8)
    assert counts(splits.train) == {"a": 8, "b": 8, "c": 8}
    assert counts(splits.dev) == {"a": 8, "b": 8, "c": 2}
    assert not places(splits.train) & places(splits.dev)
    assert splits.note == [
        "dev: 18 of 110 rows carved from train (seed 0)",
        "train: 8 rows a label, 24 of 92 rows (seed 0)",
    ]


def test_shots_of_which_a_label_has_fewer(base: Path) -> None:
    splits = load(base, shots=16, dev="dev.jsonl")
    assert counts(splits.train) == {"a": 16, "b": 16, "c": 10}
    assert splits.note == [
        "train: 16 rows a label, 42 of 110 rows (seed 0)",
        "train: fewer than 16 rows for c",
    ]


def test_one_label_only(base: Path) -> None:
    write(base / "train.jsonl", ["a"] * 5, "train")
    assert refusal(base) == (
        "train.jsonl: every row has the label 'a', expected two labels or more. "
        "Add rows with other labels, or set data.label (now 'label')."
    )


def test_too_few_rows_for_dev(base: Path) -> None:
    write(base / "train.jsonl", ["a", "b"], "train")
    assert refusal(base) == (
        "train.jsonl: 2 rows are too few to set dev examples aside. Add rows, or name dev examples in data.dev."
    )


def test_settings_that_do_not_go_together(base: Path) -> None:
    assert refusal(base, TaskError, limit=5, shots=5) == "data.limit and data.shots are both set. Keep one of them."
    assert refusal(base, TaskError, train=None) == (
        "data.train is not set. Name the training examples, such as data.train=reviews.jsonl."
    )
    assert refusal(base, TaskError, train="-", dev="-") == (
        "Standard input is named for more than one split. Use files for the others."
    )


def grouped(groups: Sequence[str], texts: Sequence[str] | None = None) -> list[Example]:
    return [replace(e, group=group) for e, group in zip(examples_of(["a"] * len(groups), texts), groups, strict=True)]


@given(groups=st.lists(st.sampled_from("pqrstu"), min_size=2, max_size=60), seed=SEED, data=st.data())
def test_rows_of_a_group_and_rows_of_the_same_text_stay_on_one_side(
    groups: list[str], seed: int, data: st.DataObject
) -> None:
    texts = [data.draw(st.sampled_from([f"own {i}", "shared 1", "shared 2"])) for i in range(len(groups))]
    examples = grouped(groups, texts)
    kept, aside = split_off(examples, 0.3, seed)
    assert len(kept) + len(aside) == len(examples)
    assert places(kept) | places(aside) == places(examples)
    for shared in (lambda e: e.group, text_key):
        assert not {shared(e) for e in kept} & {shared(e) for e in aside}
    mixed = data.draw(st.permutations(examples))
    assert places(split_off(mixed, 0.3, seed)[1]) == places(aside), "whatever the order of the rows"


def passages(tmp_path: Path, **last: object) -> None:
    rows = [{"text": f"question {i}", "label": "ab"[i % 2], "passage": f"passage {i // 5}"} for i in range(100)]
    rows[-1] |= last
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_test_is_set_aside_first_by_group(tmp_path: Path) -> None:
    passages(tmp_path)
    data = DataSettings(train="rows.jsonl", test_fraction=0.2, group="passage")
    splits = load_splits(data, ["text"], READER, base=tmp_path)
    assert splits.note == [
        "test: 20 of 100 rows carved from train (seed 0)",
        "dev: 20 of 80 rows carved from train (seed 0)",
    ]
    sides = [{example.group for example in part} for part in (splits.train, splits.dev, splits.test)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 20
    elsewhere = load_splits(data.model_copy(update={"test": "rows.jsonl"}), ["text"], READER, base=tmp_path)
    assert (elsewhere.train, elsewhere.dev, len(elsewhere.test)) == (splits.train, splits.dev, 100)


def test_a_group_that_is_not_there_is_said(tmp_path: Path) -> None:
    passages(tmp_path, passage=None)
    with pytest.raises(DataError) as caught:
        load_splits(DataSettings(train="rows.jsonl", group="passage"), ["text"], READER, base=tmp_path)
    assert (
        caught.value.message == "rows.jsonl:100: nothing in column 'passage' (1 of 100 rows), which data.group names."
    )
    passages(tmp_path, passage=["a", "b"])
    with pytest.raises(DataError, match="jsonl:100: column 'passage' holds a list, expected"):
        load_splits(DataSettings(train="rows.jsonl", group="passage"), ["text"], READER, base=tmp_path)


def test_one_group_cannot_be_split(tmp_path: Path) -> None:
    rows = [{"text": f"text {i}", "label": "ab"[i % 2], "book": "one"} for i in range(10)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_splits(DataSettings(train="rows.jsonl", test_fraction=0.5, group="book"), ["text"], READER, base=tmp_path)
    assert caught.value.message == (
        "rows.jsonl: 10 rows are too few to set test examples aside, those with the same 'book' together."
    )
