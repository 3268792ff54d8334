"""Published data sets: row counts and labels. Skipped unless TRIMTAB_TEST_DATA names the folder that holds them."""

from __future__ import annotations

import os
from pathlib import Path

import needs
from trimtab.data import check, load_splits, read_examples
from trimtab.kinds.choose import kind_of
from trimtab.kinds.labels import check_labels
from trimtab.settings.answers import LABEL
from trimtab.settings.task import DataSettings

FOLDER = Path(os.environ.get("TRIMTAB_TEST_DATA", ""))
LABELS = kind_of(LABEL)
pytestmark = needs.published_data


def test_sst2() -> None:
    settings = DataSettings(train="sst2/train.jsonl", dev="sst2/dev.jsonl", test="sst2/test.jsonl", dev_limit=None)
    splits = load_splits(settings, ["text"], LABELS, base=FOLDER)
    assert (len(splits.train), len(splits.dev), len(splits.test)) == (6920, 872, 1821)
    for examples in (splits.train, splits.dev, splits.test):
        check_labels(examples, ["negative", "positive"])


def test_trec_has_numbers_for_labels() -> None:
    train = read_examples("trec/train.jsonl", ["text"], DataSettings(), LABELS, base=FOLDER)
    test = read_examples("trec/test.jsonl", ["text"], DataSettings(), LABELS, base=FOLDER)
    assert (len(train), len(test)) == (5452, 500)
    assert {example.answer for example in train + test} == set("012345")


def test_waimai() -> None:
    settings = DataSettings(train="waimai/train.jsonl", test="waimai/test.jsonl", dev_limit=None)
    splits = load_splits(settings, ["text"], LABELS, base=FOLDER)
    assert len(splits.train) + len(splits.dev) == 9000
    assert len(splits.test) == 2987
    report = check({"train": splits.train, "test": splits.test}, LABELS)
    assert set(report.splits["train"].answers.known or ()) == {"好评", "差评"}
    assert set(report.splits["train"].damage) | set(report.splits["test"].damage) <= {"control characters"}


def test_banking77() -> None:
    splits = load_splits(DataSettings(train="banking77/train.jsonl", shots=4), ["text"], LABELS, base=FOLDER)
    assert len({example.answer for example in splits.train}) == 77
    assert (len(splits.train), len(splits.dev)) == (77 * 4, 77 * 4)
