"""Which demonstrations are chosen, and how they are made to fit."""

from __future__ import annotations

from collections import Counter

import pytest

from trimtab.data import Example
from trimtab.errors import TrimtabError
from trimtab.prompts import choose_demonstrations, fit_demonstrations, make_verbalizer, parse_template, tokenize
from trimtab.prompts.demonstrations import usual_count
from trimtab.settings.methods import FewShotSettings

LABELS = ("negative", "positive", "neutral")
TRAIN = [Example({"text": f"text {i}"}, LABELS[i % 3 if i < 9 else 0], f"rows.jsonl:{i + 1}") for i in range(30)]


def chosen(k: int, choice: str = "random", seed: int = 0, train=TRAIN, labels=LABELS, **more) -> list[Example]:
    settings = FewShotSettings(demonstrations=k, choice=choice, **more)
    return choose_demonstrations(train, labels, settings, seed)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 6, 8, 9, 12, 30])
def test_random_ones_are_balanced_as_far_as_rows_go(k):
    counts = Counter(example.answer for example in chosen(k))
    assert sum(counts.values()) == k
    rare = [counts[label] for label in ("positive", "neutral")]
    if k <= 9:
        assert max(counts.values()) - min(counts[label] for label in LABELS) <= 1
    else:
        assert rare == [3, 3]
    assert len({example.where for example in chosen(k)}) == k


@pytest.mark.parametrize(
    ("labels", "rows", "count"), [(0, 100, 8), (2, 100, 8), (10, 100, 10), (77, 999, 32), (2, 5, 5), (10, 9, 9)]
)
def test_how_many_by_default(labels, rows, count):
    assert usual_count(FewShotSettings(), labels, rows) == count
    assert usual_count(FewShotSettings(choice="nearest"), labels, rows) == min(8, rows)


def test_one_a_label_by_default():
    names = [f"label {i}" for i in range(20)]
    train = [Example({"text": f"text {i}"}, names[i % 20], f"rows.jsonl:{i + 1}") for i in range(60)]
    drawn = choose_demonstrations(train, names, FewShotSettings(), 0)
    assert sorted(example.answer for example in drawn) == sorted(names)


def test_the_draw_depends_on_the_seed_alone():
    assert chosen(6, seed=1) == chosen(6, seed=1)
    draws = {tuple(example.where for example in chosen(6, seed=seed)) for seed in range(5)}
    assert len(draws) == 5
    firsts = {chosen(6, seed=seed)[0].answer for seed in range(30)}
    assert firsts == set(LABELS)  # the order is drawn too


def test_fixed_ones_are_the_first_in_order():
    assert chosen(4, "fixed") == TRAIN[:4]


def test_the_pool_is_a_seeded_sample():
    assert chosen(4, "nearest") == TRAIN
    pool = chosen(4, "nearest", pool=10)
    assert len(pool) == 10
    assert pool == chosen(4, "nearest", pool=10)
    assert pool != chosen(4, "nearest", pool=10, seed=1)
    assert Counter(example.answer for example in pool) == {"negative": 8, "positive": 1, "neutral": 1}


def refusal(call) -> str:
    with pytest.raises(TrimtabError) as caught:
        call()
    return str(caught.value)


def test_refusals():
    assert refusal(lambda: chosen(31)) == (
        "method.demonstrations is 31, but there are 30 training rows. Set it to 30 or less, or add rows."
    )
    assert refusal(lambda: chosen(8, labels=(*LABELS, "mixed"))) == (
        "there is no training row of the label 'mixed' to show. "
        "Add one, take the label out of `labels`, or set method.choice to fixed."
    )
    assert refusal(lambda: chosen(8, "nearest", pool=5)) == (
        "method.demonstrations is 8, but method.pool holds 5 rows to choose from. Raise method.pool to 8 or more."
    )


@pytest.fixture
def tokenizer(pretrained):
    return pretrained.tokenizer


def fit(tokenizer, texts, room, nearest=None, truncate=("text",)):
    template = parse_template("Text: {text}\nAnswer:{answer}", "", truncate)
    words = {"negative": ["not a good film", "bad"], "positive": ["great"]}
    examples = [Example({"text": text}, "negative", f"rows.jsonl:{i}") for i, text in enumerate(texts, 1)]
    verbalizer = make_verbalizer(words, tokenizer, before="Answer:")
    return fit_demonstrations(examples, template, tokenizer, verbalizer, room=room, nearest=nearest)


def test_each_is_the_template_filled_in_and_answered(tokenizer):
    made = fit(tokenizer, ["a great film", "{text}"], 200)
    parts = [("Text:", f" {text}", "\nAnswer:", " not a good film", "\n\n") for text in ("a great film", "{text}")]
    assert made.rows == tuple(tuple(i for part in own for i in tokenize(tokenizer, part)) for own in parts)
    assert made.notes == ()
    assert [example.where for example in made.examples] == ["rows.jsonl:1", "rows.jsonl:2"]


def test_long_ones_are_shortened_to_an_even_share(tokenizer):
    long = "warm " * 50
    made = fit(tokenizer, [long, "a great film", long], 120)
    assert [len(ids) for ids in made.rows] == [30, len(fit(tokenizer, ["a great film"], 99).rows[0]), 30]
    end = [i for part in ("\nAnswer:", " not a good film", "\n\n") for i in tokenize(tokenizer, part)]
    assert list(made.rows[0][-len(end) :]) == end
    cut = 2 * (len(fit(tokenizer, [long], 999).rows[0]) - 30)
    assert made.notes == (f"2 of 3 demonstrations were shortened to fit, by {cut} tokens in all.",)


def test_where_shortening_is_not_enough_the_last_go(tokenizer):
    own = len(fit(tokenizer, [""], 99).rows[0])  # the template's own text, the answer and the blank line
    made = fit(tokenizer, ["warm"] * 8, 6 * own)
    count = len(made.rows)
    assert 0 < count < 8
    assert all(len(ids) <= 6 * own // (count + 1) for ids in made.rows)
    assert made.notes[0] == f"{count} of 8 demonstrations fit beside a row; the others are left out."
    long = fit(tokenizer, ["a", "b", "warm " * 30, "c"], 120, truncate=())
    assert [example.where for example in long.examples] == ["rows.jsonl:1", "rows.jsonl:2"]


def test_a_pool_goes_without_those_too_long(tokenizer):
    made = fit(tokenizer, ["a", "warm " * 30, "b", "c"], 80, nearest=2, truncate=())
    assert [example.where for example in made.examples] == ["rows.jsonl:1", "rows.jsonl:3", "rows.jsonl:4"]
    assert made.notes == ("3 of 4 demonstrations fit beside a row; the others are left out.",)


def test_not_one_fits(tokenizer):
    assert refusal(lambda: fit(tokenizer, ["a", "b"], 12)) == (
        "not one of 2 demonstrations fits beside a row within 12 tokens. "
        "Raise template.max_tokens, lower method.demonstrations, or add the long fields to template.truncate."
    )
