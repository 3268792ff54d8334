"""Tasks told from rows alone: the right column, kind, fields and language, or a question."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from trimtab.errors import DataError, TaskError
from trimtab.kinds.inferred.task import Inferred, infer

TEXTS = [f"the film about number {i} was {'good' if i % 3 else 'a bore'}, they said" for i in range(60)]


def told(rows: object, **given: Any) -> Inferred:
    found = infer(rows, base=Path(), **given)
    assert found.task.method.name == "auto"  # what it says is a valid task
    return found


def rows(**columns: Sequence[object]) -> list[dict[str, object]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def test_labels_by_the_names_that_people_give() -> None:
    for name in ("label", "Sentiment", "category", "intent", "target"):
        found = told(rows(id=range(60), text=TEXTS, **{name: ["good", "bad"] * 30})).settings
        assert "answer" not in found
        assert found["data"].get("label", "label") == name
        assert found["template"]["text"].startswith("Text: {text}\n")
        assert found["data"]["test_fraction"] == 0.2


def test_labels_by_what_columns_hold() -> None:
    found = told(rows(review=TEXTS, qq=["up", "down", "down"] * 20, uuid=[f"x{i}" for i in range(60)]))
    assert found.settings["data"] == {"label": "qq", "test_fraction": 0.2}
    assert found.settings["template"] == {"text": "Review: {review}\nQq:{answer}", "truncate": ["review"]}
    assert found.settings["task"] == "Which is it: up or down?"
    assert found.told[:3] == (
        "the answer is in the column 'qq', the one of few different values",
        "answers are labels, 2 of them",
        "what is read is in 'review', the column of text",
    )


def test_codes_are_not_read() -> None:
    found = told(rows(qid=[f"q{i}" for i in range(60)], words=TEXTS, kind=["up", "down"] * 30)).settings
    assert found["template"]["text"] == "Words: {words}\nKind:{answer}"


def test_classes_in_words_are_taken_in_place_of_their_numbers() -> None:
    found = told(rows(text=TEXTS, label=[0, 1] * 30, label_text=["bad", "good"] * 30))
    assert found.settings["data"]["label"] == "label_text"
    assert found.settings["template"]["text"] == "Text: {text}\nLabel text:{answer}"


def test_pairs_of_texts_are_both_read() -> None:
    found = told(rows(premise=TEXTS, hypothesis=TEXTS[::-1], idx=range(60), label=[True, False] * 30)).settings
    assert found["template"]["text"] == "Premise: {premise}\nHypothesis: {hypothesis}\nAnswer:{answer}"
    assert found["task"] == "Which is it: true or false?"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([f"{i / 7:.3f}" for i in range(60)], "number"),
        (list(range(60)), "number"),
        ([1, 2, 3, 4, 5] * 12, "label"),
        ([f"a sentence of its own, number {i}" for i in range(60)], "text"),
    ],
)
def test_kinds(values: Sequence[object], kind: str) -> None:
    assert told(rows(text=TEXTS, target=values)).settings.get("answer", "label") == kind


def test_tags_choices_and_dialogues() -> None:
    tags = told(rows(tokens=[["in", "Rome"]] * 60, ner_tags=[["O", "B-place"]] * 60)).settings
    assert tags["answer"] == {"kind": "tags", "tokens": "tokens"}
    assert tags["data"]["label"] == "ner_tags"
    several = told(rows(text=TEXTS, topics=[["a", "b"], []] * 30), label="topics").settings
    assert (several["answer"], several["data"]["label"]) == ("multilabel", "topics")
    listed = told(rows(question=TEXTS, options=[["a b", "c d"]] * 60, answer=["A", "B"] * 30)).settings
    assert listed["answer"] == {"kind": "choice", "options": "options", "by": "letter"}
    numbered = told(rows(premise=TEXTS, choice1=TEXTS, choice2=TEXTS[::-1], label=[1, 2] * 30)).settings
    assert numbered["answer"] == {"kind": "choice", "options": ["choice1", "choice2"], "by": "index", "first": 1}
    turns = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hello to you"}]
    dialogue = told([{"messages": turns}] * 60).settings
    assert (dialogue["answer"], dialogue["template"]) == ("text", {"text": "{messages}"})


def test_chinese_rows_get_a_backbone_that_reads_them_and_a_word_of_it() -> None:
    found = told(rows(评论=["很好吃，送得也快", "太难吃了，再也不来"] * 30, 类别=["好", "差"] * 30))
    assert (found.settings["language"], found.settings["backbone"]) == ("zh", "gemma3-270m")
    assert found.settings["template"]["text"] == "评论：{评论}\n类别：{answer}"
    assert any("Chinese" in sentence for sentence in found.told)


def test_names_that_no_slot_can_have() -> None:
    found = told([{"review text": text, "answer": "yes" if i % 2 else "no"} for i, text in enumerate(TEXTS)]).settings
    assert found["data"]["columns"] == {"review_text": "review text"}
    assert found["template"]["text"] == "Review text: {review_text}\nAnswer:{answer}"


def test_other_splits_beside_a_file(tmp_path: Path) -> None:
    for name in ("train", "valid", "test"):
        content = "".join(json.dumps(row) + "\n" for row in rows(text=TEXTS, label=["a", "b"] * 30))
        (tmp_path / f"my-{name}.jsonl").write_text(content)
    found = infer("my-train.jsonl", base=tmp_path).settings
    assert found["data"] == {"train": "my-train.jsonl", "dev": "my-valid.jsonl", "test": "my-test.jsonl"}
    assert found["name"] == "my-train"


def test_what_cannot_be_told_is_asked_or_refused() -> None:
    two = rows(abstract=TEXTS, title=TEXTS[::-1])
    with pytest.raises(TaskError) as refused:
        told(two)
    assert str(refused.value) == (
        "Which column holds the answer cannot be told. It may be abstract, title. Say it with --label COLUMN."
    )
    questions = []

    def ask(question: str, choices: Sequence[str]) -> str:
        questions.append((question, list(choices)))
        return choices[-1]

    assert told(two, ask=ask).settings["data"]["label"] == "title"
    assert questions == [("Which column holds the answer cannot be told.", ["abstract", "title"])]
    assert told(two, label="abstract").settings["answer"] == "text"


def test_refused() -> None:
    data = rows(text=TEXTS, label=["a", "b"] * 30)
    for given, message in (
        ({"label": "lable"}, "--label: no column 'lable'; the columns are text, label. Did you mean 'label'?"),
        ({"text": ["texts"]}, "--text: no column 'texts'; the columns are text, label. Did you mean 'text'?"),
        ({"answer": "labels"}, "--answer: no kind of answer 'labels'. Did you mean 'label'?"),
    ):
        with pytest.raises(TaskError) as refused:
            told(data, **given)
        assert str(refused.value) == message
    with pytest.raises(DataError, match="no rows"):
        told([])
    with pytest.raises(TaskError, match="holds lists, and no other column has as many items"):
        told(rows(text=TEXTS, label=[[1]] * 60))


SPANS = rows(
    id=[f"q{i}" for i in range(60)],
    context=[f"{text}, and number {i} stays" for i, text in enumerate(TEXTS)],
    question=["which number ?", "how was it ?"] * 30,
    answers=[{"text": [f"number {i}"], "answer_start": [15]} for i in range(60)],
)


def test_answers_with_starts_stand_in_a_context() -> None:
    found = told(SPANS)
    assert found.settings["answer"] == "span"
    assert found.settings["template"] == {"text": "Question: {question}\nContext: {context}"}
    assert "label" not in found.settings["data"]
    assert found.settings["task"] == "Answer the question."
    assert found.told[0] == "answers stand in the text of 'context'"


def test_spans_in_columns_of_other_names_and_in_chinese() -> None:
    content = [
        {"问题": "多少？", "原文": f"这里一共有{i}个人，都在等车。", "answer": f"{i}个人", "answer_start": 5}
        for i in range(30)
    ]  # fmt: skip
    found = told(content).settings
    assert found["answer"] == {"kind": "span", "context": "原文"}
    assert found["template"]["text"] == "问题：{问题}\n原文：{原文}"
    assert (found["language"], found["task"]) == ("zh", "回答问题。")


def test_texts_without_starts_are_spans_where_that_is_said() -> None:
    content = [{"q": "what ?", "passage": row["context"], "reply": f"number {i}"} for i, row in enumerate(SPANS)]
    found = told(content, label="reply", answer="span", text=["q", "passage"]).settings
    assert found["answer"] == {"kind": "span", "context": "passage"}
    assert found["data"]["label"] == "reply"
    assert told(SPANS, label="question", answer="label").settings.get("answer") is None
    with pytest.raises(TaskError) as caught:
        told([{**row, "reply": "zzz"} for row in content], label="reply", answer="span")
    assert str(caught.value) == (
        "the answers in the column 'reply' stand in no other column. "
        "Name the columns of the question and the context with --text, or set --answer text."
    )
    with pytest.raises(TaskError) as caught:
        told(content, answer="span")
    assert str(caught.value) == "no column 'answers' or 'answer' holds the answers. Name it with --label."
