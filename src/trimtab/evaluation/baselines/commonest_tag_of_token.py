"""The commonest tag of each token. Knows nothing about texts beyond their tokens."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from trimtab.data.example import TaggedExample
from trimtab.data.tags.tags import as_bio
from trimtab.evaluation.baselines.commonest_tag import commonest_tag
from trimtab.evaluation.scores.gold import tags_of


def commonest_tag_of_token(
    train: Sequence[TaggedExample], examples: Sequence[TaggedExample], plain: bool = False
) -> list[list[str]]:
    """Give each token the tag it has most often in train, the commonest of all where it is not there; made valid BIO.

    Args:
        train: examples with tags.
        examples: the N examples to answer; their tags are not looked at.
        plain: whether each tag stands for itself; else what is returned is valid BIO.

    Raises:
        TrimtabError: train has a row without tags.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for example in train:
        for token, tag in zip(example.tokens, tags_of(example), strict=True):
            counts[token][tag] += 1
    best = {token: min(own, key=lambda tag: (-own[tag], tag)) for token, own in counts.items()}
    overall = commonest_tag(train, examples, plain=True)
    found = [
        [best.get(token, most) for token, most in zip(example.tokens, others, strict=True)]
        for example, others in zip(examples, overall, strict=True)
    ]
    return found if plain else [as_bio(tags)[0] for tags in found]
