"""Settings of answers: short forms, what goes with what, and messages, whole."""

from __future__ import annotations

from typing import Any

import pytest

from trimtab.errors import TaskError
from trimtab.settings.answers import ANSWERS, KINDS, TagsAnswer, defaults_elsewhere
from trimtab.settings.file import make_task

SEE = "See docs/task-file.md."


def refusal(content: dict[str, Any]) -> str:
    with pytest.raises(TaskError) as caught:
        make_task(content)
    return str(caught.value)


def test_a_bare_kind_will_do_but_for_choices():
    assert list(ANSWERS) == ["label", "multilabel", "choice", "number", "tags", "span", "text"]
    for kind in KINDS:
        name = kind.model_fields["kind"].default
        more = {"options": "options"} if name == "choice" else {}
        answer = make_task({"answer": {"kind": name, **more}}).answer
        assert (type(answer), answer.kind) == (kind, name)
        if not more:
            assert make_task({"answer": name}).answer == answer
    assert make_task({}).answer.kind == make_task({"answer": {}}).answer.kind == "label"
    assert refusal({"answer": "choice"}) == "task: answer.options is not set. See docs/task-file.md."


def test_tags_have_other_defaults_elsewhere():
    for answer in ("tags", {"kind": "tags"}, make_task({"answer": "tags"}).answer):
        task = make_task({"answer": answer})
        assert (task.data.label, task.template.text) == ("tags", "Text: {tokens}")
    task = make_task({"answer": {"kind": "tags", "tokens": "words"}, "data": {"label": "ner", "train": "x"}})
    assert (task.data.label, task.data.train, task.template.text) == ("ner", "x", "Text: {words}")
    assert make_task({"answer": "text"}).data.label == "label"


def test_a_kind_says_what_is_left_out_elsewhere():
    expected = {
        "tags": {"data": {"label": "tags"}, "template": {"text": "Text: {tokens}"}},
        "multilabel": {"data": {"label": "labels"}},
        "span": {"data": {"label": "answers"}, "template": {"text": "Question: {question}\nContext: {context}"}},
    }
    for kind in KINDS:
        name = kind.model_fields["kind"].default
        assert defaults_elsewhere(name) == defaults_elsewhere({"kind": name}) == expected.get(name, {})
    assert defaults_elsewhere(TagsAnswer(tokens="words"))["template"] == {"text": "Text: {words}"}
    for unknown in (None, 3, "zzz", ["tags"], {"kind": ["tags"]}, {"tokens": "words"}):
        assert defaults_elsewhere(unknown) == {}
    assert refusal({"answer": "tags", "data": 3}).startswith("task: data: expected settings")
    given = make_task({"data": {"train": "x"}}).data
    filled = make_task({"answer": "tags", "data": given})
    assert (filled.data.train, filled.data.label) == ("x", "tags")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("texts", "task: unknown kind of answer 'texts'. Did you mean 'text'?"),
        ({"kind": "zzz"},
         "task: unknown kind of answer 'zzz'. Known: label, multilabel, choice, number, tags, span, text."),
        ({"kind": "label", "loss": "huber"}, "task: unknown setting 'answer.loss'. Known here: kind."),
        ({"kind": "number", "los": "huber"}, "task: unknown setting 'answer.los'. Did you mean 'loss'?"),
        ({"kind": "number", "sd": 0}, f"task: answer.sd: Input should be greater than 0 (found 0). {SEE}"),
        ({"kind": "number", "mean": float("nan")},
         f"task: answer.mean: Input should be a finite number (found nan). {SEE}"),
        ({"kind": "choice", "options": ["a", "a"]},
         "task: answer.options: Value error, name two different columns or more, or one column that holds a list "
         f"(found ['a', 'a']). {SEE}"),
        ({"kind": "tags", "tags": ["O"]},
         "task: answer.tags: List should have at least 2 items after validation, not 1 (found ['O']). " + SEE),
        ({"kind": "text", "top_p": 1}, f"task: answer.top_p: Input should be less than 1 (found 1). {SEE}"),
    ],
)  # fmt: skip
def test_settings_that_will_not_do(answer, message):
    assert refusal({"answer": answer}) == message


@pytest.mark.parametrize(
    ("decoding", "message"),
    [
        ({"beams": 4, "temperature": 1}, "beams and temperature do not go together: set one of them"),
        ({"top_k": 5}, "top_k goes with drawing: set temperature, to 1 say"),
        ({"min_p": 0.1}, "min_p goes with drawing: set temperature, to 1 say"),
        ({"answers": 3}, "answers is 3: set temperature to draw them, or beams to that many"),
        ({"answers": 3, "beams": 2}, "answers is 3: set temperature to draw them, or beams to that many"),
        ({"stop": ["\n", ""]}, "an empty text in stop ends every answer: take it out"),
        ({"one_of": ["a"], "pattern": "a"}, "give one of one_of, pattern and json_schema"),
        ({"json_schema": {}, "pattern": "a"}, "give one of one_of, pattern and json_schema"),
    ],
)
def test_decoding_that_does_not_go_together(decoding, message):
    answer = {"kind": "text", **decoding}
    assert refusal({"answer": answer}) == f"task: answer: Value error, {message} (found {answer!r}). {SEE}"


@pytest.mark.parametrize(
    "decoding",
    [
        {"beams": 4, "answers": 4},
        {"temperature": 0.7, "top_k": 5, "top_p": 0.9, "min_p": 0.1, "answers": 100},
        {"one_of": ["a"]},
        {"json_schema": {}},
    ],
)
def test_decoding_that_does(decoding):
    assert make_task({"answer": {"kind": "text", **decoding}}).answer.model_dump().items() >= decoding.items()
