"""Labels: which there are, rows that have another, their words as tokens, and what is right behind a row."""

from __future__ import annotations

from typing import Any

import pytest

import tiny
from encoders import save_encoder
from trimtab.backbones.pretrained import load
from trimtab.data import Example, Record
from trimtab.errors import DataError
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.choose import kind_of
from trimtab.kinds.labels import check_labels, check_two_answers
from trimtab.settings.answers import LABEL
from trimtab.settings.file import make_task
from trimtab.settings.task import DataSettings
from trimtab.training.head_criterion import HeadCriterion, LabelOutputs
from trimtab.training.targets import LabelTarget
from trimtab.training.word_criterion import WordCriterion

WORDS = {"bad": ["not good", "awful"], "good": ["good"]}
MANY = {f"label {i}": [f"the film {word} number {i} of all"] for i, word in enumerate("abcdefgh")}
KIND = kind_of(LABEL)


def bound_to(pretrained: Any, words: Any = WORDS, *, training: bool = False, **settings: Any) -> BoundTask:
    return bind(make_task({"method": {"length": 3}, **settings}), words, pretrained, training=training)


def example(label: str | None, text: str = "a film", where: str = "r.jsonl:1") -> Example:
    return Example({"text": text}, label, where)


def test_a_list_is_no_label_and_the_kind_that_it_is_of_is_named() -> None:
    record = Record({"text": "a film", "label": ["good", "long"]}, "r.jsonl:1")
    with pytest.raises(DataError) as caught:
        KIND.read(record, ["text"], DataSettings(), answered=True)
    assert str(caught.value) == (
        "r.jsonl:1: column 'label' holds a list, expected one label. Set answer to multilabel where any number of "
        "labels may fit a row, or name another column."
    )
    assert KIND.read(record, ["text"], DataSettings(), answered=False).answer is None


def test_the_first_answer_that_is_no_label_is_refused() -> None:
    good = [example("positive"), example(None)]
    check_labels(good, ["negative", "positive"])
    with pytest.raises(DataError) as caught:
        check_labels([*good, example("postive", where="reviews.jsonl:12")], ["negative", "positive"])
    assert str(caught.value) == (
        "reviews.jsonl:12: label 'postive' is not one of negative, positive. Did you mean 'positive'?"
    )
    with pytest.raises(DataError) as caught:
        check_labels([example("好评", where="reviews.jsonl:12")], [str(n) for n in range(77)])
    assert str(caught.value) == (
        "reviews.jsonl:12: label '好评' is not one of 0, 1, 2, 3, 4, 5, 6, 7, ... (77 in all). "
        "Correct the row, or add the label to `labels`."
    )


def test_rows_that_are_all_alike_teach_nothing() -> None:
    data = DataSettings(train="rows.jsonl", label="verdict")
    check_two_answers([example("a"), example("b")], data, "label")
    check_two_answers([], data, "label")
    with pytest.raises(DataError) as caught:
        check_two_answers([example("a"), example("a")], data, "number")
    assert str(caught.value) == (
        "rows.jsonl: every row has the number 'a', expected two numbers or more. "
        "Add rows with other numbers, or set data.label (now 'verdict')."
    )


def test_labels_have_the_words_of_the_task_or_their_own_names() -> None:
    rows = [example(label) for label in ("10", "9", "b_c", "a", "10")]
    assert KIND.words(make_task({}), rows) == {"9": ["9"], "10": ["10"], "a": ["a"], "b_c": ["b c"]}
    assert list(KIND.words(make_task({}), rows)) == ["a", "b_c", "9", "10"]
    given = KIND.words(make_task({"labels": WORDS}), rows)
    assert given == WORDS
    given["bad"].append("worse")  # it is a copy
    assert KIND.words(make_task({"labels": WORDS}), ()) == WORDS


@pytest.mark.parametrize(
    ("settings", "training", "branches"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"method": "few_shot"}, True, False),
        ({"method": "search"}, True, False),
        ({"labels": {"among": "vocabulary"}}, True, False),
        ({"labels": {"among": "branches"}, "method": "zero_shot"}, False, True),
    ],
)
def test_many_long_words_are_trained_among_branches(
    settings: dict[str, Any], training: bool, branches: bool, pretrained: Any
) -> None:
    assert bound_to(pretrained, MANY).verbalizer.large
    assert bound_to(pretrained, MANY, training=training, **settings).verbalizer.branches is branches
    assert not bound_to(pretrained, training=True).verbalizer.branches  # as these are few


def test_what_is_right_behind_a_row_is_the_first_word_of_its_label(pretrained: Any) -> None:
    bound, tokenizer = bound_to(pretrained), pretrained.tokenizer
    examples = [example("good"), example("bad"), example(None)]
    rows = bound.encode(examples)
    first = [tuple(tokenizer(f" {word}")["input_ids"]) for word in ("good", "not good")]
    assert [KIND.answer_ids(bound, e, row) for e, row in zip(examples, rows, strict=True)] == [*first, ()]
    assert [KIND.likely(bound, e, row) for e, row in zip(examples[:2], rows, strict=False)] == [
        [(first[0], 4)], [(first[1], 8)],
    ]  # fmt: skip
    assert [KIND.as_read(bound, e, row) for e, row in zip(examples, rows, strict=True)] == [
        "Text: a film\nAnswer: good", "Text: a film\nAnswer: not good", "Text: a film\nAnswer: not good",
    ]  # fmt: skip


def test_targets_are_rows_and_indices(pretrained: Any) -> None:
    bound = bound_to(pretrained)
    examples = [example("good"), example("bad", "cold")]
    rows = bound.encode(examples)
    targets, notes = KIND.targets(bound, rows, examples, None)
    assert targets == [LabelTarget(rows[0].ids, 1, rows[0].answer), LabelTarget(rows[1].ids, 0, rows[1].answer)]
    assert notes == []


def test_words_are_trained_or_a_head_where_the_method_or_the_backbone_has_one(pretrained: Any, tmp_path: Any) -> None:
    smooth = {"train": {"label_smoothing": 0.1}}
    words = KIND.criterion(bound_to(pretrained, **smooth), [], [], None)
    assert isinstance(words, WordCriterion)
    assert words.smoothing == 0.1
    folder = save_encoder(tmp_path / "bare", "bare")
    bare = load(folder, tmp_path / "cache", name="bare", precision="float32")
    for bound in (bound_to(pretrained, method="head", **smooth), bound_to(bare, method="lora", **smooth)):
        head = KIND.criterion(bound, [], [], None)
        assert isinstance(head, HeadCriterion)
        assert head.outputs == LabelOutputs(0.1)
    row = bound_to(bare).encode([example("good")])[0]
    assert KIND.as_read(bound_to(bare), example("good"), row) == "Text: a film\nAnswer:"


def test_a_bare_encoder_has_labels_without_words(tmp_path: Any) -> None:
    folder = save_encoder(tmp_path / "bare", "bare")
    bare = load(folder, tmp_path / "cache", name="bare", precision="float32")
    bound = bound_to(bare)
    assert bound.labels == ("bad", "good")
    assert {word.ids for word in bound.verbalizer.words} == {()}


def test_words_as_they_stand_in_a_row(pretrained: Any) -> None:
    assert bound_to(pretrained).label_words() == {"bad": [" not good", " awful"], "good": [" good"]}
    chinese = {label: [label] for label in tiny.CHINESE}
    assert bound_to(pretrained, chinese).label_words() == {"好评": ["好评"], "差评": ["差评"]}
