"""Encoding of rows: what is tokenised apart, what truncation takes and never takes, white space of tokenizers."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from trimtab.errors import TrimtabError
from trimtab.prompts import Encoder, parse_template, tokenize


@pytest.fixture
def tokenizer(pretrained):
    return pretrained.tokenizer


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
