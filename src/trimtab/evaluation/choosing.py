"""Which way of a comparison to choose, and why, in two sentences. Knows nothing about how figures came about.

The rule. Out of the running is every way that is known to be really worse than another (adjusted p < 0.05), every way
of which is not known how it stands to the most accurate one, and every way more than 5 points below that: where rows
are too few to show so wide a gap to be real, it is still the likelier loss. Of those left the cheapest is chosen: no
language model before an untrained one before a tuned one, then the fewest seconds of training, the fewest bytes on
disk, the higher accuracy. Where the majority label is left, no way has been shown to be worth anything, and that is
said instead.

How two ways stand to each other is known where one of them is the reference or, given `against_best`, the most
accurate way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from trimtab.evaluation.comparison import Comparison, Way
from trimtab.evaluation.findings import SIGNIFICANT, duration, percent

MAJORITY = "majority"
KINDS = ("baseline", "untrained", "tuned")
# Gaps as shares: from the first on more rows are asked for; beyond the second a way is not chosen, proof or none.
WIDE_GAP, WIDEST_GAP = 0.02, 0.05
_TAKES_AN_ARTICLE = re.compile(r"(prompt|prefix|head|probe|SVM)$")


@dataclass(frozen=True)
class _Tests:
    """What is known of pairs of ways."""

    comparison: Comparison
    against_best: Mapping[str, float] = field(default_factory=dict)

    @property
    def best(self) -> Way:
        return self.comparison.ways[0]

    def of(self, a: Way, b: Way) -> tuple[float, str] | None:
        """The adjusted p-value of the difference and its test, or None where the two were not tested."""
        for one, other in ((a, b), (b, a)):
            if one.key == self.comparison.reference and other.difference:
                return other.difference.p_adjusted, other.difference.test
        for one, other in ((a, b), (b, a)):
            if one.key == self.best.key and other.key in self.against_best:
                single = len(one.seeds) == len(other.seeds) == 1
                return self.against_best[other.key], "McNemar" if single else "paired bootstrap"
        return None

    def really_worse(self, way: Way, other: Way) -> bool:
        """Whether it is known that one way is worse than another by more than chance."""
        known = self.of(way, other)
        return known is not None and known[0] < SIGNIFICANT and way.accuracy < other.accuracy

    def in_the_running(self) -> list[Way]:
        """The ways that may be chosen."""
        ways = self.comparison.ways
        return [
            way
            for way in ways
            if (way.key == self.best.key or self.of(way, self.best) is not None)
            and self.best.accuracy - way.accuracy <= WIDEST_GAP
            and not any(self.really_worse(way, other) for other in ways)
        ]


def choose(comparison: Comparison, against_best: Mapping[str, float] | None = None) -> str:
    """Return what to choose and why, in two sentences.

    Args:
        comparison: all but its `choose`; its ways by falling accuracy, at least one.
        against_best: key of a way -> adjusted p-value of its difference to the first of the ways, of McNemar's test
            where both have one seed and of the paired bootstrap else. Needed for the ways of which neither is the
            reference; without it only the reference itself can be preferred to a more accurate way.
    """
    tests = _Tests(comparison, against_best or {})
    running = tests.in_the_running()
    majority = next((way for way in running if way.key == MAJORITY), None)
    if majority:
        return _nothing_gained(tests, majority)
    chosen = min(running, key=_cost)
    return f"Choose {in_a_sentence(chosen)}: {_why(tests, chosen)} {_beside(tests, chosen, running)}"


def chosen_way(comparison: Comparison) -> Way | None:
    """Return the way that the comparison's text says to choose, or None where it names none."""
    return next((w for w in comparison.ways if comparison.choose.startswith(f"Choose {in_a_sentence(w)}: ")), None)


def in_a_sentence(way: Way) -> str:
    """Return the name of a way with its article: `the soft prompt`, `naive Bayes`."""
    return f"the {way.name}" if _TAKES_AN_ARTICLE.search(way.name) else way.name


def p_text(p: float) -> str:
    """Return a p-value as `p = 0.41`, `p = 0.012`, `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def _cost(way: Way) -> tuple[int, float, int, float]:
    return KINDS.index(way.kind), way.train_seconds, way.bytes_on_disk, -way.accuracy


def _why(tests: _Tests, chosen: Way) -> str:
    """Return the accuracy of the chosen way, what is known of the others, and what it takes."""
    others = [way for way in tests.comparison.ways if way.key != chosen.key]
    more_accurate = [way for way in others if way.accuracy > chosen.accuracy]
    if not others:
        standing = "the only way measured"
    elif all(tests.really_worse(way, chosen) for way in others):
        standing = "really better than every other way"
    elif all(tests.of(chosen, way) for way in more_accurate):
        standing = "and no other way is really better"
    else:
        standing = "and the most accurate way is not really better"
    if chosen.train_seconds:
        takes = f"it {'is ready' if chosen.kind == 'untrained' else 'trains'} in {duration(chosen.train_seconds)}"
    else:
        takes = "it needs no training"
    return f"{percent(chosen.accuracy)}, {standing}; {takes}."


def _beside(tests: _Tests, chosen: Way, running: list[Way]) -> str:
    """Return how the most accurate of the others stands: one in the running, or else the one tested that is next."""
    others = [way for way in tests.comparison.ways if way.key != chosen.key]
    if not others:
        return "Whether another would do better is not known."
    tested = [way for way in others if tests.of(chosen, way)]
    rival = next(iter([way for way in running if way.key != chosen.key] or tested or others))
    known = tests.of(chosen, rival)
    name = _capital(in_a_sentence(rival))
    if known is None:
        return (
            f"How it stands to the others, {in_a_sentence(rival)} at {percent(rival.accuracy)} first, was not tested."
        )
    p, test = known
    proof = f"({p_text(p)}, {test})"
    if p < SIGNIFICANT:
        untested = len(tested) < len(others)
        tail = "; how the others stand to it was not tested" if untested else ""
        return f"{name}, at {percent(rival.accuracy)}, is really worse {proof}{tail}."
    more = ", though more rows might show one" if abs(rival.accuracy - chosen.accuracy) >= WIDE_GAP else ""
    return f"{name}, at {percent(rival.accuracy)}, is no real difference {proof}{more}."


def _nothing_gained(tests: _Tests, majority: Way) -> str:
    first = f"Choose none yet: always giving the commonest label is right on {percent(majority.accuracy)} of the rows"
    others = [way for way in tests.comparison.ways if way.key != majority.key]
    if not others:
        return f"{first}, and nothing else was measured. Whether another way would do better is not known."
    rival = others[0]
    known = tests.of(majority, rival)
    at = f"{in_a_sentence(rival)}, at {percent(rival.accuracy)}"
    said = f"is no real difference ({p_text(known[0])}, {known[1]})" if known else "was not tested against that"
    if known and known[0] < SIGNIFICANT:
        said = f"is really worse ({p_text(known[0])}, {known[1]})"
    return f"{first}, and no way is really better. The best of the others, {at}, {said}."


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
