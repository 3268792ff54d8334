"""Template parsing and encoding: what is refused, where white space goes, what truncation takes and never takes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from trimtab.errors import TrimtabError
from trimtab.inference.bound import template_of
from trimtab.prompts import Encoder, leading_ids, parse_template, tokenize
from trimtab.prompts.template import Slot
from trimtab.task_file import make_task


@pytest.fixture
def tokenizer(pretrained):
    return pretrained.tokenizer


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


def encoder(tokenizer, text="Text: {text}\nAnswer:{answer}", task="", truncate=("text",), budget=40, answer_tokens=1):
    return Encoder(parse_template(text, task, truncate), tokenizer, budget=budget, answer_tokens=answer_tokens)


def ids(tokenizer, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def test_constant_text_and_fields_are_tokenised_apart(tokenizer):
    made = encoder(tokenizer)
    row = made.encode({"text": "a great film"})
    assert made.head_ids == ids(tokenizer, "Text:")
    assert list(row.ids) == ids(tokenizer, " a great film") + ids(tokenizer, "\nAnswer:")
    assert row.cut == 0


def test_truncation_takes_the_end_of_the_field_and_counts(tokenizer):
    made = encoder(tokenizer, task="good ?", budget=30, answer_tokens=3)
    text = "great " * 100
    row = made.encode({"text": text})
    full, tail = ids(tokenizer, " " + text), ids(tokenizer, "\nAnswer:")
    room = 30 - 3 - len(made.head_ids) - len(tail)
    assert list(row.ids) == full[:room] + tail
    assert row.cut == len(full) - room
    assert len(made.head_ids) + len(row.ids) + 3 == 30


@pytest.mark.parametrize(
    ("sizes", "expected"), [((50, 30, 2), (16, 16, 2)), ((50, 9, 7), (18, 9, 7)), ((60, 60, 60), None)]
)
def test_truncation_evens_out_the_longest_fields(tokenizer, sizes, expected):
    texts = dict(zip("abc", (letter * n for letter, n in zip("qzx", sizes, strict=True)), strict=True))
    assert all(len(ids(tokenizer, text)) == len(text) for text in texts.values())  # a token a letter
    row = encoder(tokenizer, "{a}|{b}|{c}|{answer}", truncate=("a", "b", "c"), budget=38).encode(texts)
    kept = tuple(tokenizer.decode(list(row.ids)).count(letter) for letter in "qzx")
    assert sum(kept) == 38 - 1 - 3
    assert row.cut == sum(sizes) - sum(kept)
    assert kept == expected if expected else max(kept) - min(kept) <= 1


def test_a_field_that_may_not_be_truncated_stays_whole(tokenizer):
    made = encoder(tokenizer, "{a} | {b}{answer}", truncate=("b",), budget=80)
    whole = ids(tokenizer, "." * 60)
    row = made.encode({"a": "." * 60, "b": "great " * 50})
    assert list(row.ids[: len(whole)]) == whole


def test_a_row_that_cannot_be_shortened_is_refused(tokenizer):
    made = encoder(tokenizer, truncate=(), budget=30)
    text = "great " * 60
    excess = len(ids(tokenizer, " " + text)) + len(ids(tokenizer, "\nAnswer:")) - made.budget
    with pytest.raises(TrimtabError) as caught:
        made.encode({"text": text}, "reviews.jsonl:7")
    assert str(caught.value) == (
        f"reviews.jsonl:7: the row is {excess} tokens longer than the {made.budget} that fit. "
        "Add the long fields to template.truncate, or raise template.max_tokens."
    )


def test_constant_text_that_leaves_no_room_is_refused(tokenizer):
    task = "great " * 30
    taken = len(ids(tokenizer, task + "\nText:")) + len(ids(tokenizer, "\nAnswer:"))
    with pytest.raises(TrimtabError) as caught:
        encoder(tokenizer, "{task}\nText: {text}\nAnswer:{answer}", task=task, budget=20)
    assert str(caught.value) == (
        f"the template's own text takes {taken} tokens and leaves none of 20 for the input. "
        "Shorten the task description, or raise template.max_tokens."
    )


def test_empty_fields_still_leave_a_token_to_answer_from(tokenizer):
    assert list(encoder(tokenizer, "{text}{answer}").encode({"text": ""}).ids) == ids(tokenizer, "\n")
    assert list(encoder(tokenizer).encode({"text": ""}).ids) == ids(tokenizer, " ") + ids(tokenizer, "\nAnswer:")


def test_a_long_text_and_every_script(tokenizer):
    made = encoder(tokenizer, budget=64)
    row = made.encode({"text": "这家店 is great 👍🏽 " * 8000})  # 112,000 characters
    assert len(row.ids) == made.budget
    assert row.cut > 90_000
    mixed = encoder(tokenizer, budget=256).encode({"text": "外卖 was 很快 👩‍👩‍👧!"})
    assert tokenizer.decode(list(mixed.ids)) == " 外卖 was 很快 👩‍👩‍👧!\nAnswer:"


def test_lone_surrogates_are_tokenised_as_question_marks(tokenizer):
    assert tokenize(tokenizer, "a\ud83db") == ids(tokenizer, "a?b")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(a=st.text(), b=st.text(), budget=st.integers(12, 80))
def test_any_text_fits_the_budget(tokenizer, a, b, budget):
    made = encoder(tokenizer, "{a} | {b} |{answer}", truncate=("a", "b"), budget=budget)
    row = made.encode({"a": a, "b": b})
    whole = encoder(tokenizer, "{a} | {b} |{answer}", truncate=("a", "b"), budget=100_000).encode({"a": a, "b": b})
    assert 1 <= len(row.ids) <= made.budget
    assert len(row.ids) + row.cut == len(whole.ids)


def metaspace(tokenizer_class=PreTrainedTokenizerFast):
    made = Tokenizer(models.BPE(byte_fallback=False))
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    made.decoder = decoders.Metaspace(prepend_scheme="always")
    trainer = trainers.BpeTrainer(vocab_size=120, special_tokens=["<s>"], show_progress=False)
    made.train_from_iterator(["a great film\nthe plot is great: good, Text Answer"] * 9, trainer)
    return tokenizer_class(tokenizer_object=made, bos_token="<s>")


def test_the_dummy_space_of_some_tokenizers_is_taken_off():
    made = metaspace()
    assert made.convert_ids_to_tokens(ids(made, "great"))[0].startswith("▁")

    def pieces(text):
        return "".join(made.convert_ids_to_tokens(tokenize(made, text)))

    assert pieces("great") == "great"
    assert pieces(" great") == "▁great"
    assert pieces(": good") == ":▁good"
    row = encoder(made).encode({"text": "great"})
    assert "".join(made.convert_ids_to_tokens(list(row.ids))) == "▁great\nAnswer:"


def test_leading_tokens(tokenizer):
    from tokenizers.processors import TemplateProcessing

    assert leading_ids(tokenizer) == []
    made = metaspace()
    made.backend_tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    assert leading_ids(made) == [0]
