"""The commonest tag, for every token. Knows nothing about texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from trimtab.data.example import TaggedExample
from trimtab.data.tags.tags import as_bio
from trimtab.evaluation.scores.gold import tags_of


def commonest_tag(
    train: Sequence[TaggedExample], examples: Sequence[TaggedExample], plain: bool = False
) -> list[list[str]]:
    """Give every token the commonest tag of train; where tags mark entities and none is outside, repaired.

    Args:
        train: examples with tags.
        examples: the N examples to answer; their tags are not looked at.
        plain: whether each tag stands for itself; else what is returned is valid BIO.

    Raises:
        TrimtabError: train has a row without tags.
    """
    counts = Counter(tag for example in train for tag in tags_of(example))
    most = min(counts, key=lambda tag: (-counts[tag], tag))
    found = [[most] * len(example.tokens) for example in examples]
    return found if plain else [as_bio(tags)[0] for tags in found]
