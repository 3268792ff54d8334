"""Tags: which there are, tokens by themselves or cut from a text, and what each token gets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trimtab.data import Splits
from trimtab.data.example import TaggedExample
from trimtab.errors import TrimtabError
from trimtab.inference.request import Request
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import TagsAnswer
from trimtab.settings.file import make_task
from trimtab.training.head_criterion import HeadCriterion, TagOutputs
from trimtab.training.targets import TagTarget

NAMES = ["O", "B-place", "I-place"]


def example(*pairs: tuple[str, str]) -> TaggedExample:
    tokens, tags = tuple(token for token, _ in pairs), tuple(tag for _, tag in pairs)
    return TaggedExample({"tokens": " ".join(tokens)}, " ".join(tags), "r.jsonl:1", tokens=tokens, tags=tags)


def bound_to(pretrained: Any, **settings: Any) -> BoundTask:
    answer = {"kind": "tags", "tags": NAMES, **settings.pop("answer", {})}
    return bind(make_task({"answer": answer, "method": "head", **settings}), {}, pretrained)


def settled(*examples: TaggedExample, **answer: Any) -> list[str] | None:
    task = make_task({"answer": {"kind": "tags", **answer}})
    own = kind_of(task.answer).settled(task, examples).answer
    assert isinstance(own, TagsAnswer)
    return own.tags


def test_tags_are_in_order_outside_first_and_beginnings_before_the_rest() -> None:
    rows = [example(("a", "I-b"), ("b", "O")), example(("a", "B-b"), ("b", "B-a"), ("c", "I-a"))]
    assert settled(*rows) == ["O", "B-a", "I-a", "B-b", "I-b"]
    assert settled(*rows, tags=["B-b", "I-b", "O", "B-a", "I-a", "B-c"]) == ["B-b", "I-b", "O", "B-a", "I-a", "B-c"]
    with pytest.raises(TrimtabError) as caught:
        settled(*rows, tags=["O", "B-a", "I-a", "B-b"])
    assert str(caught.value) == (
        "r.jsonl:1: tag 1 is 'I-b', which is not among answer.tags. Did you mean 'I-a'?"
    )  # fmt: skip


def test_tags_that_train_lacks_are_noted() -> None:
    kind = kind_of(TagsAnswer(tags=NAMES))
    known, unknown = example(("in", "O"), ("Rome", "B-place")), example(("a", "B-work"), ("b", "I-work"), ("c", "O"))
    assert kind.missed(Splits([], [known], [known]), {}) == []
    assert kind.missed(Splits([], [known, unknown], [unknown, unknown]), {}) == [
        "dev: 2 tokens have tags that train lacks (B-work, I-work), and are missed.",
        "test: 4 tokens have tags that train lacks (B-work, I-work), and are missed.",
    ]
    many = example(*((str(i), f"B-{i:02}") for i in range(10)))
    assert kind.missed(Splits([], [], [many]), {}) == [
        "test: 10 tokens have tags that train lacks (B-00, B-01, B-02, B-03, B-04, B-05, B-06, B-07, ...), and are "
        "missed."
    ]


def test_each_token_is_read_at_its_own_place(pretrained: Any) -> None:
    bound = bound_to(pretrained)
    given = example(("in", "O"), ("Rome", "B-place"))
    [row] = bound.encode([given])
    pieces = [pretrained.tokenizer(text)["input_ids"] for text in (" in", " Rome")]
    assert list(row.ids) == [i for piece in pieces for i in piece]
    assert row.read_at == (len(pieces[0]) - 1, len(row.ids) - 1)
    assert bound.kind.targets(bound, [row], [given], None) == (
        [TagTarget(row.ids, row.read_at, ("O", "B-place"))], [],
    )  # fmt: skip


def test_a_text_is_cut_into_tokens_where_none_are_given(pretrained: Any) -> None:
    bound = bound_to(pretrained)
    listed, text = Request("run", {}, tokens=("in", "Rome", "!")), Request("run", {"tokens": "in Rome!"})
    scores = np.array([[0.8, 0.1, 0.1], [0.1, 0.7, 0.2], [0.5, 0.1, 0.4]])
    both = []
    for asked in (listed, text):
        given = bound.kind.example(asked)
        [row] = bound.encode([given])
        assert row.read_at is not None
        assert len(row.read_at) == 3
        both.append(bound.kind.prediction(bound, given, row, scores))
    one, other = (found.tagged for found in both)  # type: ignore[attr-defined]
    assert one.tokens == other.tokens == ("in", "Rome", "!")
    assert one.tags == other.tags == ("O", "B-place", "O")
    assert ([e.text for e in one.entities], [e.characters for e in one.entities]) == (["Rome"], [None])
    assert ([e.text for e in other.entities], [e.characters for e in other.entities]) == (["Rome"], [(3, 7)])
    assert both[0].label == "O B-place O"


@pytest.mark.parametrize("scheme", ["bio", "plain"])
def test_tags_are_trained_by_a_head_at_each_token(scheme: str, pretrained: Any) -> None:
    bound = bound_to(pretrained, answer={"scheme": scheme}, train={"label_smoothing": 0.2})
    criterion = bound.kind.criterion(bound, [], [], None)
    assert isinstance(criterion, HeadCriterion)
    assert criterion.outputs == TagOutputs(tuple(NAMES), plain=scheme == "plain", smoothing=0.2)


def test_tags_stand_below_the_row_that_is_shown(pretrained: Any) -> None:
    bound = bound_to(pretrained)
    given = example(("in", "O"), ("Rome", "B-place"))
    [row] = bound.encode([given])
    assert bound.kind.as_read(bound, given, row) == "Text: in Rome\nO B-place"
    assert bound.kind.answer_ids(bound, given, row) == ()
    assert bound.kind.likely(bound, given, row) == []
