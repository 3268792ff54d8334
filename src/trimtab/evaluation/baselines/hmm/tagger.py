"""A hidden Markov tagger: tags are the states, tokens what they show. Knows nothing about texts beyond their tokens.

Viterbi needs p(token | tag) only up to a factor that all tags share, and p(tag | token) / p(tag) is that (Bayes); which
lets tokens that train lacks be judged by how they are written (Brants 2000, TnT). C tags, T tokens of a row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import regex
from numpy.typing import NDArray

from trimtab.data.example import TaggedExample
from trimtab.data.tags.tags import as_bio
from trimtab.evaluation.baselines.hmm.equations import forward, viterbi, within
from trimtab.evaluation.scores.gold import tags_of

Floats = NDArray[np.float64]
Row = tuple[tuple[str, ...], tuple[str, ...]]

# What is tried for how many tokens the look of a token counts beside what was counted of it.
SMOOTHINGS = (1.0, 0.1, 0.3, 3.0, 10.0, 30.0)
FOLDS = 5
# Tokens at most this often in train tell how those look that train lacks; endings are of so many characters.
RARE, LONGEST = 10, 4
# How many moves from a tag the shares of all tags count beside those that were seen, and rare tokens beside an ending.
MOVES_SMOOTHING = ENDING_SMOOTHING = 1.0
# Rows that are judged side by side.
TOGETHER = 100
_SHAPES = (
    ("number", regex.compile(r"[\p{N}.,:/%-]*\p{N}[\p{N}.,:/%-]*")),
    ("mark", regex.compile(r"[^\p{L}\p{N}]+")),
    ("han", regex.compile(r"\p{Han}+")),
    ("capital", regex.compile(r"\p{Lu}.*", regex.DOTALL)),
)


def hmm_tags(
    train: Sequence[TaggedExample], examples: Sequence[TaggedExample], plain: bool = False, seed: int = 0
) -> list[list[str]]:
    """The likeliest sequence of tags by a first-order hidden Markov model, counted on train.

    The smoothing is that of `SMOOTHINGS` with the best p(tags | tokens) in five-fold cross-validation on train alone;
    the first one where train has a single row.

    Args:
        train: examples with tags.
        examples: the N examples to answer; their tags are not looked at.
        plain: whether each tag stands for itself; else what is returned is valid BIO.
        seed: seed of the folds.

    Raises:
        TrimtabError: train has a row without tags.
    """
    rows = [(tuple(example.tokens), tuple(tags_of(example))) for example in train]
    tagger = HmmTagger.counted(rows, best_smoothing(rows, seed))
    found = [tagger.tags(example.tokens) for example in examples]
    return found if plain else [as_bio(tags)[0] for tags in found]


@dataclass(frozen=True)
class HmmTagger:
    """A counted tagger.

    Attributes:
        known: the C tags.
        start_C: p of each as the first of a row.
        moves_CC: p of each behind that of its row.
        shares_C: p of each tag.
        tokens: how often each token had each tag [C].
        endings: how often rare tokens of each look had each tag [C]; see `looks`.
        rare_C: p of each tag of rare tokens.
        smoothing: for how many tokens the look of a token counts.
    """

    known: tuple[str, ...]
    start_C: Floats
    moves_CC: Floats
    shares_C: Floats
    tokens: dict[str, Floats]
    endings: dict[str, Floats]
    rare_C: Floats
    smoothing: float
    _kept: dict[str, Floats] = field(default_factory=dict, repr=False)

    @classmethod
    def counted(cls, rows: Iterable[Row], smoothing: float) -> HmmTagger:
        """Count rows of tokens and their tags."""
        rows = [row for row in rows if row[0]]
        known = tuple(sorted({tag for _, tags in rows for tag in tags}))
        place = {tag: c for c, tag in enumerate(known)}
        start_C, moves_CC = np.zeros(len(known)), np.zeros((len(known), len(known)))
        tokens: dict[str, Floats] = defaultdict(lambda: np.zeros(len(known)))
        for row, tags in rows:
            own = [place[tag] for tag in tags]
            start_C[own[0]] += 1
            for before, after in pairwise(own):
                moves_CC[before, after] += 1
            for token, c in zip(row, own, strict=True):
                tokens[token][c] += 1
        endings: dict[str, Floats] = defaultdict(lambda: np.zeros(len(known)))
        rare_C = np.zeros(len(known))
        for token, counts_C in tokens.items():
            if counts_C.sum() <= RARE:
                rare_C += counts_C
                for look in looks(token):
                    endings[look] += counts_C
        every_C = sum(tokens.values(), np.zeros(len(known)))
        shares_C = every_C / every_C.sum()
        return cls(
            known, _mixed(start_C, shares_C, MOVES_SMOOTHING), _mixed(moves_CC, shares_C, MOVES_SMOOTHING), shares_C,
            dict(tokens), dict(endings), _mixed(rare_C, shares_C, ENDING_SMOOTHING), smoothing,
        )  # fmt: skip

    def likeness(self, token: str) -> Floats:
        """p(tag | token) / p(tag) of each tag [C]."""
        if token not in self._kept:
            p_C = self.rare_C
            for look in looks(token):
                if look in self.endings:
                    p_C = _mixed(self.endings[look], p_C, ENDING_SMOOTHING)
            if token in self.tokens:
                p_C = _mixed(self.tokens[token], p_C, self.smoothing)
            self._kept[token] = p_C / self.shares_C
        return self._kept[token]

    def _seen(self, tokens: Sequence[str]) -> Floats:
        return np.array([self.likeness(token) for token in tokens]).reshape(len(tokens), len(self.known))

    def tags(self, tokens: Sequence[str]) -> list[str]:
        """The likeliest tags of a row of tokens, all together."""
        path, _ = viterbi(self.start_C, self.moves_CC, self._seen(tokens))
        return [self.known[c] for c in path]

    def log_probabilities(self, rows: Sequence[Row]) -> Floats:
        """ln p(tags | tokens) of each row [B], of one token or more each, with tags that train has."""
        place = {tag: c for c, tag in enumerate(self.known)}
        owns = [[place[tag] for tag in tags] for _, tags in rows]
        longest = max((len(own) for own in owns), default=0)
        seen_TBC, together_B = np.zeros((longest, len(rows), len(self.known))), np.zeros(len(rows))
        with np.errstate(divide="ignore"):
            start_C, moves_CC = np.log(self.start_C), np.log(self.moves_CC)
        for b, ((tokens, _), own) in enumerate(zip(rows, owns, strict=True)):
            seen_TBC[: len(own), b] = seen_TC = self._seen(tokens)
            together_B[b] = start_C[own[0]] + np.log(seen_TC[range(len(own)), own]).sum()
            together_B[b] += moves_CC[own[:-1], own[1:]].sum()
        _, chances_TB = forward(self.start_C, self.moves_CC, seen_TBC)
        inside_TB = within(np.array([len(own) for own in owns]), longest)
        found_B: Floats = together_B - np.log(chances_TB, out=np.zeros_like(chances_TB), where=inside_TB).sum(axis=0)
        return found_B


def looks(token: str) -> Iterator[str]:
    """How a token looks, ever closer: what it is made of, and with that its last one to four characters."""
    shape = next((name for name, pattern in _SHAPES if pattern.fullmatch(token)), "other")
    yield shape
    for size in range(1, min(LONGEST, len(token)) + 1):
        yield f"{shape} {token[-size:]}"


def _mixed(counts: Floats, shares_C: Floats, weight: float) -> Floats:
    """Counts as shares [..., C], beside which other shares count as `weight` more."""
    mixed: Floats = (counts + weight * shares_C) / (counts.sum(axis=-1, keepdims=True) + weight)
    return mixed


def best_smoothing(rows: Sequence[Row], seed: int) -> float:
    """The smoothing with the best p(tags | tokens) in cross-validation, without rows with a tag that a fold lacks."""
    rows = [row for row in rows if row[0]]
    folds = min(FOLDS, len(rows))
    if folds < 2:
        return SMOOTHINGS[0]
    places = np.random.default_rng(seed).permutation(len(rows)) % folds
    sums = dict.fromkeys(SMOOTHINGS, 0.0)
    for fold in range(folds):
        counted = HmmTagger.counted([row for row, place in zip(rows, places, strict=True) if place != fold], 1.0)
        known = set(counted.known)
        outside = [row for row, place in zip(rows, places, strict=True) if place == fold and known.issuperset(row[1])]
        outside.sort(key=lambda row: len(row[0]))
        for smoothing in SMOOTHINGS:
            tagger = replace(counted, smoothing=smoothing, _kept={})
            for first in range(0, len(outside), TOGETHER):
                sums[smoothing] += float(tagger.log_probabilities(outside[first : first + TOGETHER]).sum())
    return max(SMOOTHINGS, key=lambda smoothing: sums[smoothing])
