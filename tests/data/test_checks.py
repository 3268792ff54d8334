"""The data report, against counts made by hand and encodings damaged on purpose."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trimtab.data import DataReport, Example, Finding, Lengths, Overlap, check
from trimtab.data.checks import SplitReport
from trimtab.data.counts.labels import LabelCounts
from trimtab.data.example import TextExample
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import LABEL, TextAnswer


def rows(name: str, *pairs: tuple[str, str | None]) -> list[Example]:
    return [Example({"text": text}, answer, f"{name}:{i}") for i, (text, answer) in enumerate(pairs, start=1)]


def looked(splits: dict[str, list[Example]], **options: Any) -> DataReport:
    return check(splits, kind_of(LABEL), **options)


TRAIN = rows(
    "train",
    ("Good film.", "yes"),
    ("Bad film.", "no"),
    ("good  FILM.", "no"),
    ("", "no"),
    ("Bad film.", "no"),
    ("cafÃ©", "yes"),
    ("one two three four five", None),
)
DEV = rows("dev", ("BAD film.", "no"), (" ", "yes"), ("New\x07 one", "maybe"))


def test_what_is_in_a_split() -> None:
    report = looked({"train": TRAIN}, count_tokens=lambda text: len(text.split()), context=4)
    assert report.splits["train"] == SplitReport(
        rows=7,
        answers=LabelCounts({"no": 4, "yes": 2}, 2, 7),
        unlabelled=Finding(1, ["train:7"]),
        duplicates=Finding(2, ["train:1 = train:3", "train:2 = train:5"]),
        conflicts=Finding(1, ["train:1 = train:3"]),
        empty={"text": Finding(1, ["train:4"])},
        damage={"UTF-8 read as Latin-1": Finding(1, ["train:6"])},
        characters=Lengths(0, 9, 23, 23),
        tokens=Lengths(0, 2, 5, 5),
        over_context=Finding(1, ["train:7"]),
    )


def test_texts_shared_between_splits_blank_ones_aside() -> None:
    report = looked({"train": TRAIN, "dev": DEV, "test": []})
    assert report.shared == [Overlap("train", "dev", Finding(1, ["train:2 = dev:1"]))]


def test_warnings_in_plain_words() -> None:
    report = looked({"train": TRAIN, "dev": DEV}, count_tokens=lambda text: len(text.split()), context=4)
    assert report.warnings() == [
        "train: UTF-8 read as Latin-1 in 1 row (train:6). "
        "Read the file with its own encoding (data.encoding), or mend the rows.",
        "train: field 'text' is blank in 1 row (train:4). Fill it in or leave the rows out.",
        "train: 1 text with different labels (train:1 = train:3). Decide on one label for each.",
        "train: 1 row without a label (train:7). Label them or leave them out before tuning.",
        "train: 2 rows with the text of an earlier row (train:1 = train:3). "
        "Leave the repeats out unless they are meant.",
        "train: 1 row longer than the context of 4 tokens (train:7). They will be shortened; put what matters first.",
        "dev: field 'text' is blank in 1 row (dev:2). Fill it in or leave the rows out.",
        "dev: control characters in 1 row (dev:3). Set data.clean=[control].",
        "train and dev share 1 text (train:2 = dev:1). Leave it out of train, or scores on dev will be too high.",
        "dev: label 'maybe' not in train. Add training rows for it, or correct the label.",
    ]


def test_balance() -> None:
    texts = [f"text {i}" for i in range(22)]
    skewed = rows("train", *zip(texts, ["yes"] * 20 + ["no"] * 2, strict=True))
    assert looked({"train": skewed}).warnings() == [
        "train: 'yes' has 20 rows, 'no' only 2. Look at macro-F1, not accuracy alone."
    ]
    assert looked({"train": skewed[:20]}).warnings() == [
        "train: every row has the label 'yes'. Add rows with other labels."
    ]
    assert looked({"train": skewed[10:]}).warnings() == []


def test_free_text_answers_are_no_labels() -> None:
    train = rows("train", *[(f"text {i}", f"answer {i}") for i in range(5)], ("text 0", "another"))
    dev = rows("dev", ("new", "unseen"))
    assert looked({"train": train, "dev": dev}).warnings() == [
        "train: 1 row with the text of an earlier row (train:1 = train:6). Leave the repeats out unless they are meant."
    ]


def test_a_row_without_a_label_contradicts_none() -> None:
    split = looked({"train": rows("train", ("a", None), ("a", "yes"), ("a", "yes"), ("b", "no"))}).splits["train"]
    assert split.conflicts == Finding(0, [])
    assert split.duplicates == Finding(2, ["train:1 = train:2", "train:1 = train:3"])


def text_rows(*pairs: tuple[str, str | None]) -> list[Example]:
    return [
        TextExample({"text": text}, answer, f"train:{i}", references=(answer,) if answer else ())
        for i, (text, answer) in enumerate(pairs, start=1)
    ]


def test_a_text_may_have_several_right_answers_where_they_are_texts() -> None:
    pairs = [("a", "one"), ("A", "two"), ("a ", "one"), ("a", None), ("b", None), ("b", "one"), ("b", "two")]
    split = check({"train": text_rows(*pairs)}, kind_of(TextAnswer())).splits["train"]
    assert split.conflicts == Finding(0, [])
    assert split.duplicates == Finding(2, ["train:1 = train:3", "train:1 = train:4"])
    labelled = looked({"train": rows("train", *pairs)}).splits["train"]
    assert labelled.conflicts == Finding(2, ["train:1 = train:2", "train:6 = train:7"])
    assert labelled.duplicates.count == 5


def test_sound_data_gives_no_warning() -> None:
    train = rows("train", ("a", "yes"), ("b", "no"), ("c", "yes"), ("d", "no"))
    dev = rows("dev", ("e", "yes"), ("f", "no"), ("g", "no"), ("h", "yes"))
    report = looked({"train": train, "dev": dev})
    assert report.warnings() == []
    assert report.splits["train"].tokens is None
    assert report.splits["train"].over_context is None


def test_the_report_is_plain_data() -> None:
    report = looked({"train": TRAIN, "dev": DEV}, count_tokens=len, context=4)
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()


def test_an_empty_split() -> None:
    split = looked({"test": []}, count_tokens=len, context=4).splits["test"]
    assert (split.rows, split.characters, split.tokens, split.over_context) == (0, None, None, Finding(0, []))


@given(st.lists(st.integers(0, 300), min_size=1))
def test_lengths(sizes: list[int]) -> None:
    lengths = looked({"train": rows("train", *[("x" * n, "a") for n in sizes])}).splits["train"].characters
    assert lengths is not None
    assert (lengths.min, lengths.max) == (min(sizes), max(sizes))
    for quantile, value in ((0.5, lengths.median), (0.95, lengths.p95)):
        at_most = np.mean([n <= value for n in sizes])
        below = np.mean([n < value for n in sizes])
        assert below < quantile <= at_most + 1e-12, "the smallest value that covers the share"
