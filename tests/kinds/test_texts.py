"""Free text: rows put together, what ends an answer, how long it may be, and what is trained of it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

import chats
from trimtab.backbones.pretrained import load
from trimtab.data.dialogues import MESSAGES, Message, as_field
from trimtab.data.example import TextExample
from trimtab.errors import TaskError
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.choose import kind_of
from trimtab.kinds.texts import MOST_TOKENS, answer_ids, ends
from trimtab.settings.answers import TextAnswer
from trimtab.settings.file import make_task
from trimtab.training.targets import TextTarget
from trimtab.training.token_criterion import TokenCriterion

KIND = kind_of(TextAnswer())


def example(*references: str, text: str = "a film") -> TextExample:
    return TextExample({"text": text}, references[0] if references else None, f"{text}:1", references=references)


def bound_to(pretrained: Any, **settings: Any) -> BoundTask:
    answer = {"kind": "text", "max_tokens": 6, **settings.pop("answer", {})}
    return bind(make_task({"answer": answer, "method": {"length": 3}, **settings}), {}, pretrained)


def test_rows_with_the_same_input_are_one_that_is_right_with_any_of_their_answers() -> None:
    rows = [example("a", "b"), example("c", text="other"), example("b", "d")]
    merged = KIND.merged(rows)
    assert [row.references for row in merged] == [("a", "b", "d"), ("c",)]
    assert [row.answer for row in merged] == ["a", "c"]
    assert merged[0] == replace(rows[0], references=("a", "b", "d"))
    apart = [example("a"), example("a", text="other")]
    assert KIND.merged(apart) is apart


def test_answers_are_trained_with_their_end(pretrained: Any) -> None:
    bound, tokenizer = bound_to(pretrained), pretrained.tokenizer
    examples = [example("good", "好吃"), example("the plot is bad , the cast cold", text="b")]
    rows = bound.encode(examples)
    whole = [(*tokenizer(text)["input_ids"], 0) for text in (" good", "好吃", " the plot is bad , the cast cold")]
    assert len(whole[2]) > 6
    targets, notes = bound.kind.targets(bound, rows, examples, None)
    assert targets == [
        TextTarget(rows[0].ids, whole[0]), TextTarget(rows[0].ids, whole[1]), TextTarget(rows[1].ids, whole[2][:6]),
    ]  # fmt: skip
    assert notes == ["1 of 3 answers are longer than answer.max_tokens (6): what goes beyond is not trained."]
    first, notes = bound.kind.targets(bound, rows, examples, 1)
    assert first == [targets[0], targets[2]]
    assert bound.kind.targets(bound, rows[:1], examples[:1], None)[1] == []
    assert bound.kind.answer_ids(bound, examples[1], rows[1]) == whole[2][:6]
    assert bound.kind.likely(bound, examples[0], rows[0]) == [(whole[0], 4), (whole[1], 6)]
    assert bound.kind.likely(bound, examples[1], rows[1]) == [(whole[2], 31)]  # whole, however long
    assert bound.kind.as_read(bound, examples[0], rows[0]) == "Text: a film\nAnswer: good"


def test_the_longest_answer_is_picked_from_train_with_room_for_its_end(pretrained: Any) -> None:
    def picked(*texts: str, **answer: Any) -> int | None:
        task = make_task({"answer": {"kind": "text", **answer}})
        own = kind_of(task.answer).settled_length(task, [example(*texts)], pretrained).answer
        assert isinstance(own, TextAnswer)
        return own.max_tokens

    tokens = len(pretrained.tokenizer(" a good film")["input_ids"])
    assert picked("good", "a good film") == tokens + 2
    assert picked("good", "a good film", max_tokens=3) == 3
    assert pretrained.backbone.context == 256
    assert picked("good " * 400) == 128  # half of the context is the input's
    assert MOST_TOKENS == 256


def test_what_ends_an_answer(pretrained: Any) -> None:
    bound = bound_to(pretrained)
    assert ends(bound) == (pretrained.tokenizer.eos_token_id,)
    said = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=[7, 0, 9]))
    backbone = SimpleNamespace(model=said)
    other: Any = SimpleNamespace(pretrained=SimpleNamespace(backbone=backbone, tokenizer=pretrained.tokenizer),
                                 chat=SimpleNamespace(end_id=4))  # fmt: skip
    assert ends(other) == (4, 0, 7, 9)


def test_how_answers_are_said(pretrained: Any) -> None:
    bound = bound_to(pretrained, answer={"stop": ["!"]})
    how = bound.kind.generating(bound, None)
    assert how.settings is bound.task.answer
    assert (how.ends, how.most) == (ends(bound), 6)
    own = TextAnswer(temperature=0.5, max_tokens=9)
    assert bound.kind.generating(bound, own).settings is own
    assert bound.kind.generating(bound, own).most == 9
    assert bound.kind.generating(bound, TextAnswer()).most == 6
    shown = bound_to(pretrained, answer={"stop": ["!"]}, method="few_shot")
    assert shown.kind.generating(shown, None).settings.stop == ["!", "\n\n"]
    under = bound_to(pretrained, template={"text": "Headline: {text}\n\n{answer}"})
    assert (under.kind.generating(under, None).lead, how.lead) == ("\n\n", bound.template.answer_lead)
    assert shown.kind.generating(shown, own).settings.stop == ["\n\n"]


def test_texts_are_trained_by_their_tokens(pretrained: Any) -> None:
    bound = bound_to(pretrained, train={"label_smoothing": 0.1})
    criterion = bound.kind.criterion(bound, [], [], None)
    assert isinstance(criterion, TokenCriterion)
    assert criterion.smoothing == 0.1


def test_of_a_dialogue_all_that_was_said_is_trained(tmp_path: Any) -> None:
    folder = chats.save_backbone(tmp_path / "chatml", "chatml")
    pretrained = load(folder, tmp_path / "cache", name=str(folder), precision="float32")
    bound = bound_to(pretrained, template={"text": "{messages}"}, answer={"max_tokens": 20})
    before = [Message("user", "a film"), Message("assistant", "good"), Message("user", "why ?")]
    given = TextExample({MESSAGES: as_field(before)}, "so", "r:1", references=("so",))
    [row] = bound.encode([given])
    [target], _ = bound.kind.targets(bound, [row], [given], None)
    assert target == TextTarget(row.ids, answer_ids(bound, "so"), row.said)
    said = pretrained.tokenizer.decode([row.ids[i] for i in row.said])
    assert said.startswith("good")
    assert target.text[-1] == bound.chat.end_id == ends(bound)[0]  # type: ignore[union-attr]
    assert "user" in bound.kind.as_read(bound, given, row)


def test_a_backbone_without_an_end_token_says_no_text(pretrained: Any) -> None:
    tokenizer = SimpleNamespace(eos_token_id=None)
    with pytest.raises(TaskError) as caught:
        KIND.check(make_task({"answer": "text"}), replace(pretrained, tokenizer=tokenizer))
    assert str(caught.value) == (
        "free text needs an end token, and this backbone has none. Choose another backbone."
    )  # fmt: skip


def test_texts_are_said_and_not_scored() -> None:
    nothing: Any = None
    for call in (lambda: KIND.reader(nothing, nothing, nothing), lambda: KIND.prediction(*[nothing] * 4)):
        with pytest.raises(AssertionError, match=r"^texts are said, not scored$"):
            call()
