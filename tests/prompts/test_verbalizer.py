"""Label words: white space before them, the tree of their tokens, and what is refused."""

from __future__ import annotations

import pytest

from trimtab.errors import TrimtabError
from trimtab.prompts import default_words, make_verbalizer


@pytest.fixture
def tokenizer(pretrained):
    return pretrained.tokenizer


class Letters:
    """A tokenizer of one token a character, so that trees can be told by hand; `@` has no tokens."""

    eos_token_id: int | None = 0

    def __call__(self, text, add_special_tokens=False):
        return {"input_ids": [ord(c) for c in text.casefold() if c != "@"]}

    def convert_ids_to_tokens(self, ids):
        return [chr(i) for i in ids]


def refusal(words, tokenizer) -> str:
    with pytest.raises(TrimtabError) as caught:
        make_verbalizer(words, tokenizer)
    return str(caught.value)


@pytest.mark.parametrize(
    ("word", "lead", "before", "text"),
    [
        ("good", "", "Answer:", " good"),  # a mark, then a Latin word
        ("good", "", "is", " good"),
        ("5", "", "Stars:", " 5"),
        ("good", " ", "Answer:", "good"),  # the template's own white space
        ("good", "", "答案：", "good"),  # nothing between Chinese and Latin
        ("好", "", "Answer:", "好"),
        ("好", "", "答案：", "好"),
        (" good", "", "Answer:", " good"),  # given with its space
        ("good", "", "", "good"),
        ("good", "", "Answer:\n", "good"),
    ],
)
def test_white_space_before_a_word(word, lead, before, text):
    made = make_verbalizer({"a": [word], "b": ["?"]}, Letters(), lead=lead, before=before)
    assert made.words[0].text == lead + text
    assert made.words[0].ids == tuple(map(ord, lead + text))


def test_default_words():
    assert default_words(["very_good", "差评"]) == {"very_good": ["very good"], "差评": ["差评"]}


def test_words_of_one_token_need_no_tree(tokenizer):
    made = make_verbalizer({"negative": ["negative"], "positive": ["positive"]}, tokenizer, before="Answer:")
    assert made.single_token
    assert (made.node_ids, made.parents, made.longest) == ((), (), 1)
    assert [tokenizer.decode(list(word.ids)) for word in made.words] == [" negative", " positive"]


def test_chinese_words(tokenizer):
    made = make_verbalizer(default_words(["好评", "差评"]), tokenizer, before="评价：")
    assert [tokenizer.decode(list(word.ids)) for word in made.words] == ["好评", "差评"]


def test_words_share_the_tokens_of_their_stems():
    """The tree of abc, abd, ax, b: inner nodes a, ab."""
    made = make_verbalizer({"one": ["abc", "abd"], "two": ["ax"], "three": ["b"]}, Letters())
    assert made.labels == ("one", "two", "three")
    assert [chr(i) for i in made.node_ids] == ["a", "b"]
    assert made.parents == (-1, 0)
    assert [(word.text, word.label, word.nodes) for word in made.words] == [
        ("abc", 0, (-1, 0, 1)),
        ("abd", 0, (-1, 0, 1)),
        ("ax", 1, (-1, 0)),
        ("b", 2, (-1,)),
    ]
    assert not made.single_token
    assert made.longest == 3
    assert [made.trained_word(label).text for label in range(3)] == ["abc", "ax", "b"]


def test_one_word_beginning_another_gets_the_end_token():
    made = make_verbalizer({"a": ["good"], "b": ["good luck"]}, Letters())
    assert [word.ids for word in made.words] == [(*map(ord, "good"), 0), (*map(ord, "good luck"), 0)]
    assert (
        "".join(map(chr, made.node_ids)) == "good luck"
    )  # the node after `good` is shared, the end token is not a node
    assert made.words[0].nodes == (-1, 0, 1, 2, 3)
    ending = Letters()
    ending.eos_token_id = None
    assert refusal({"a": ["good"], "b": ["good luck"]}, ending) == (
        "labels: the word 'good' begins 'good luck', and the backbone has no end token to tell them apart. "
        "Choose words that do not begin one another."
    )


def test_the_same_word_twice_for_a_label_counts_once():
    assert [word.text for word in make_verbalizer({"a": ["x", "x", "y"], "b": ["z"]}, Letters()).words] == [
        "x",
        "y",
        "z",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "labels: expected at least 2 labels, found none. List every label under `labels:`."),
        ({"good": ["good"]}, "labels: expected at least 2 labels, found good. List every label under `labels:`."),
        ({"a": ["x"], "b": []}, "labels: label 'b' has no words. Give it at least one."),
        (
            {"a": ["x"], "b": [" "]},
            "labels: the word ' ' of label 'b' has no tokens. Choose a word with letters or digits.",
        ),
        (
            {"a": ["x"], "b": ["@"]},
            "labels: the word '@' of label 'b' has no tokens. Choose a word with letters or digits.",
        ),
        (
            {"a": ["x", "same"], "b": ["same"]},
            "labels: 'a' and 'b' have the same word 'same'. Give each label words of its own.",
        ),
        (
            {"a": ["Yes"], "b": ["yes"]},
            "labels: 'a' and 'b' have the same word 'yes' (in tokens: 'Yes' and 'yes' read the same). "
            "Give each label words of its own.",
        ),
    ],
)
def test_what_cannot_stand_for_labels(words, message):
    assert refusal(words, Letters()) == message


def test_branches_keep_of_each_word_what_tells_it_from_others():
    words = {"card": ["card lost", "card stolen"], "cash": ["cash"], "pin": ["pin code forgotten"]}
    made = make_verbalizer(words, Letters(), branches=True)
    kept = ["".join(chr(i) for i in word.ids) for word in made.words]
    assert kept == ["card l", "card s", "cas", "p"]
    assert [word.text for word in made.words] == ["card lost", "card stolen", "cash", "pin code forgotten"]
    at = {stem: node for word, stem in zip(made.words, kept, strict=True) for node, stem in [(word.nodes[-1], stem)]}
    assert {chr(i) for i in made.choices[-1]} == {"c", "p"}
    assert {chr(i) for i in made.choices[at["cas"]]} == {"s", "r"}
    assert {chr(i) for i in made.choices[at["card l"]]} == {"l", "s"}


def test_branches_where_one_word_begins_another():
    made = make_verbalizer({"a": ["good"], "b": ["good film"]}, Letters(), branches=True)
    assert ["".join(chr(i) for i in word.ids) for word in made.words] == ["good\0", "good "]
