"""Tags out of probabilities, and the entities they mark: where they stand in tokens and in a text, and how sure."""

from __future__ import annotations

import numpy as np
import pytest
from seqeval.metrics.sequence_labeling import get_entities

from trimtab.decoding.tagging import Entity, Tokens, decoded, tag

NAMES = ("O", "B-place", "I-place", "B-person", "I-person")


def table(*best: tuple[str, float]) -> np.ndarray:
    """Probabilities [W, C]: of each token one tag has so much, the others share the rest."""
    out = np.zeros((len(best), len(NAMES)))
    for row, (name, probability) in zip(out, best, strict=True):
        row[:] = (1 - probability) / (len(NAMES) - 1)
        row[NAMES.index(name)] = probability
    return out


def test_entities_of_any_tags_are_those_of_seqeval() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        scores = random.random((random.integers(1, 9), len(NAMES)))
        found = tag(Tokens([f"w{w}" for w in range(len(scores))]), scores, NAMES, False, "space")
        asked = [NAMES[i] for i in scores.argmax(-1)]
        expected = [(kind, start, end + 1) for kind, start, end in get_entities(asked)]
        assert [(entity.type, entity.start, entity.end) for entity in found.entities] == expected
        assert found.probabilities == pytest.approx(scores.max(-1))
        for entity in found.entities:
            assert found.tags[entity.start] == f"B-{entity.type}"
            assert set(found.tags[entity.start + 1 : entity.end]) <= {f"I-{entity.type}"}


def test_an_entity_of_a_text_reads_as_it_stands_there() -> None:
    text = "fly  to New  York!"
    tokens = Tokens.of((), text)
    assert tokens.texts == ["fly", "to", "New", "York", "!"]
    found = tag(tokens, table(("O", 0.9), ("O", 0.8), ("B-place", 0.6), ("I-place", 0.5), ("O", 0.9)), NAMES, False,
                "space")  # fmt: skip
    [entity] = found.entities
    assert entity == Entity("place", 2, 4, "New  York", pytest.approx(0.3), (8, 17))
    assert text[slice(*entity.characters or ())] == entity.text


def test_tokens_that_were_given_are_joined_as_asked() -> None:
    for join, text in (("space", "北 京"), ("none", "北京"), ("auto", "北京")):
        found = tag(Tokens.of(("北", "京"), ""), table(("B-place", 0.9), ("I-place", 0.9)), NAMES, False, join)  # type: ignore[arg-type]
        assert found.entities == (Entity("place", 0, 2, text, pytest.approx(0.81), None),)


def test_plain_tags_mark_nothing_and_are_not_mended() -> None:
    assert decoded([2, 2, 0], NAMES, plain=True) == ["I-place", "I-place", "O"]
    assert decoded([2, 2, 0], NAMES, plain=False) == ["B-place", "I-place", "O"]
    found = tag(Tokens(["a", "b"]), table(("I-place", 0.9), ("O", 0.9)), NAMES, True, "auto")
    assert (found.tags, found.entities) == (("I-place", "O"), ())


def test_a_row_without_tokens_has_no_tags() -> None:
    found = tag(Tokens.of((), ""), np.zeros((0, len(NAMES))), NAMES, False, "auto")
    assert (found.tokens, found.tags, found.probabilities, found.entities) == ((), (), (), ())
