"""Template parsing: what is refused, where white space goes, which fields may be shortened."""

from __future__ import annotations

import pytest

from trimtab.errors import TrimtabError
from trimtab.kinds.choose import template_of
from trimtab.prompts import parse_template
from trimtab.prompts.template import Slot
from trimtab.settings.file import make_task


def refusal(text: str, task: str = "", truncate=()) -> str:
    with pytest.raises(TrimtabError) as caught:
        parse_template(text, task, truncate)
    return str(caught.value)


def test_task_description_and_constant_text_form_the_head():
    template = parse_template("{task}\nText: {text}\nAnswer:{answer}", "Is it {good}?", ["text"])
    assert template.head == ("Is it {good}?\nText:",)  # braces of the description are text
    assert template.body == (Slot("text", " "), "\nAnswer:")
    assert template.answer_lead == ""
    assert template.truncate == {"text"}
    assert template.text({"text": "Fine."}) == "Is it {good}?\nText: Fine.\nAnswer:"


def test_white_space_before_a_slot_belongs_to_the_slot():
    template = parse_template("A \n{one}\t{two} B  {answer}", "")
    assert template.body == (Slot("one", " \n"), Slot("two", "\t"), " B")
    assert template.answer_lead == "  "
    assert template.text({"one": "1", "two": "2"}) == "A \n1\t2 B"


@pytest.mark.parametrize("task", ["", "  "])
def test_white_space_at_the_start_is_dropped(task):
    assert parse_template("{task}\n{text}{answer}", task).body == (Slot("text", ""),)
    assert parse_template("{task}\nText: {text}{answer}", task).head == ("Text:",)


def test_literal_braces_and_chinese_field_names():
    template = parse_template('{{"t": "{文本}"}} {answer}', "")
    assert template.text({"文本": "好"}) == '{"t": "好"}'
    assert template.fields == ("文本",)


def test_a_field_may_stand_twice():
    template = parse_template("{a} {b} {a}{answer}", "")
    assert template.fields == ("a", "b")
    assert template.text({"a": "x", "b": "y"}) == "x y x"


PLAIN = "Use {name}, with letters, digits and _ only; write {{ or }} for a literal brace."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{text}", "template.text has no {answer} slot: '{text}'. Put one {answer} where the answer belongs."),
        (
            "{answer}{text}{answer}",
            "template.text has more than one {answer} slot: '{answer}{text}{answer}'. "
            "Put one {answer} where the answer belongs.",
        ),
        (
            "{text}{answer}.",
            "template.text goes on behind {answer}: '{text}{answer}.'. "
            "A causal backbone answers at the end: move {answer} there.",
        ),
        (
            "{answer} {text}",
            "template.text goes on behind {answer}: '{answer} {text}'. "
            "A causal backbone answers at the end: move {answer} there.",
        ),
        (
            "{task}: {answer}",
            "template.text has no field of the example: '{task}: {answer}'. Add one, for example {text}.",
        ),
        (
            "{text.__class__}{answer}",
            f"template.text: '{{text.__class__}}' is not a plain field name: '{{text.__class__}}{{answer}}'. {PLAIN}",
        ),
        ("{text!r}{answer}", f"template.text: '{{text!r}}' is not a plain field name: '{{text!r}}{{answer}}'. {PLAIN}"),
        (
            "{text:>9}{answer}",
            f"template.text: '{{text:>9}}' is not a plain field name: '{{text:>9}}{{answer}}'. {PLAIN}",
        ),
        ("{0}{answer}", f"template.text: '{{0}}' is not a plain field name: '{{0}}{{answer}}'. {PLAIN}"),
        ("{}{answer}", f"template.text: '{{}}' is not a plain field name: '{{}}{{answer}}'. {PLAIN}"),
        ("{a[0]}{answer}", f"template.text: '{{a[0]}}' is not a plain field name: '{{a[0]}}{{answer}}'. {PLAIN}"),
        (
            "{text} } {answer}",
            "template.text has a brace without its partner: '{text} } {answer}'. Write {{ or }} for a literal brace.",
        ),
        (
            "{text {answer}",
            "template.text has a brace without its partner: '{text {answer}'. Write {{ or }} for a literal brace.",
        ),
    ],
)
def test_what_is_not_a_template(text, message):
    assert refusal(text) == message


def test_only_fields_of_the_template_may_be_truncated():
    assert refusal("{text}{answer}", truncate=["texts"]) == (
        "template.truncate names 'texts', which is not a field of the template. Did you mean 'text'?"
    )
    assert refusal("{a} {b} {a}{answer}", truncate=["answer"]) == (
        "template.truncate names 'answer', which is not a field of the template. Its fields are a, b."
    )
    assert refusal("{task}{a}{answer}", truncate=["task"]) == (
        "template.truncate names 'task', which is not a field of the template. Its fields are a."
    )


def test_text_is_truncated_by_default_where_there_is_such_a_field():
    def truncated(**template):
        return template_of(make_task({"template": template})).truncate

    assert truncated() == {"text"}
    assert truncated(text="{premise} {hypothesis}{answer}") == set()
    assert truncated(truncate=[]) == set()
