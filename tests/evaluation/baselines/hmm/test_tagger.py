"""The hidden Markov tagger against all sequences of tags, and where neighbours decide."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from made_answers import row, tagged

from trimtab.evaluation.baselines.commonest_tag_of_token import commonest_tag_of_token
from trimtab.evaluation.baselines.hmm.tagger import SMOOTHINGS, HmmTagger, best_smoothing, hmm_tags, looks

ROWS = [(("to", "New", "York"), ("O", "B", "I")), (("York", "is"), ("B", "O")), (("is",), ("O",)), ((), ())]


def test_neighbours_decide_what_a_token_alone_does_not() -> None:
    """After `the` a word is a noun, after `to` a verb."""
    noun, verb = row(["D", "N"], "the run"), row(["T", "V"], "to run")
    train = [noun, verb, noun, row(["T", "V"], "to go"), row(["D", "N"], "the cat")]
    asked = [row(["T", "V"], "to run"), row(["D", "N"], "the run"), row(["T", "V"], "to sleep")]
    assert hmm_tags(train, asked, plain=True) == [["T", "V"], ["D", "N"], ["T", "V"]]
    assert commonest_tag_of_token(train, asked, plain=True)[0] == ["T", "N"]


def test_endings_and_shapes_tell_of_words_that_train_lacks() -> None:
    words = {"V": "walking singing talking reading", "N": "table chair lamp floor", "M": "12 7 1,000 3.5"}
    train = [row([tag], word) for tag, own in words.items() for word in own.split()]
    asked = [row(["?"], word) for word in ("cooking", "cable", "99")]
    assert hmm_tags(train, asked, plain=True) == [["V"], ["N"], ["M"]]
    assert [list(looks(token)) for token in ("Ab1", "!", "北京", "x" * 6)] == [
        ["capital", "capital 1", "capital b1", "capital Ab1"],
        ["mark", "mark !"],
        ["han", "han 京", "han 北京"],
        ["other", "other x", "other xx", "other xxx", "other xxxx"],
    ]


def test_tags_and_their_probability_are_those_of_all_sequences() -> None:
    tagger = HmmTagger.counted(ROWS, 0.3)
    np.testing.assert_allclose(tagger.moves_CC.sum(axis=1), 1)
    for tokens in (("to", "York"), ("New", "York", "is", "big"), ("is",)):
        logs = {}
        for tags in product(tagger.known, repeat=len(tokens)):
            places = [tagger.known.index(tag) for tag in tags]
            p = tagger.start_C[places[0]] * np.prod([tagger.moves_CC[a, b] for a, b in pairwise(places)])
            p *= np.prod([tagger.likeness(token)[c] for token, c in zip(tokens, places, strict=True)])
            logs[tags] = np.log(p)
        whole = np.log(np.exp(list(logs.values())).sum())
        assert tuple(tagger.tags(tokens)) == max(logs, key=lambda tags: logs[tags])
        given = [(tokens, tags) for tags in logs] + [(("is", "is"), ("O", "O"))]
        np.testing.assert_allclose(
            tagger.log_probabilities(given)[:-1], [log - whole for log in logs.values()], atol=1e-9
        )
    assert tagger.tags([]) == []


def test_with_little_smoothing_a_known_token_has_the_shares_that_were_counted() -> None:
    tagger = HmmTagger.counted(ROWS, 1e-12)
    share = tagger.likeness("York") * tagger.shares_C
    assert dict(zip(tagger.known, share, strict=True)) == pytest.approx({"B": 0.5, "I": 0.5, "O": 0}, abs=1e-9)


def test_what_marks_entities_is_valid_and_a_seed_settles_it() -> None:
    train, asked = tagged(40), tagged(20, seed=1)
    found = hmm_tags(train, asked)
    assert found == hmm_tags(train, asked)
    assert [len(tags) for tags in found] == [len(example.tokens) for example in asked]
    for tags in found:
        assert all(before[1:] == after[1:] for before, after in pairwise(["O", *tags]) if after.startswith("I-"))


def test_a_single_row_cannot_be_folded() -> None:
    assert best_smoothing(ROWS[:1], 0) == SMOOTHINGS[0]
    assert hmm_tags([row(["N", "V"], "a b")], [row(["?"], "a")], plain=True) == [["N"]]
