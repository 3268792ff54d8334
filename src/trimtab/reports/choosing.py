"""Which way of a comparison to choose, and why, in two sentences. Knows nothing about how figures came about.

The rule. Out of the running is every way that is known to be really worse than another (adjusted p < 0.05), every way
of which is not known how it stands to the best one, and every way more than 5 points below that: where rows
are too few to show so wide a gap to be real, it is still the likelier loss. Of those left the cheapest is chosen: no
language model before an untrained one before a tuned one, then the fewest seconds of training. Training times that
noise may have set apart count as equal (`_alike`): of such ways the best on dev is chosen, as the rows that are scored
should not choose twice; where that is not known, the fewest bytes on disk, the better score. Where a way that gives the
same to every row is left (`Way.always`), or the best way reaches nothing, no way has been shown to be worth anything,
and that is said instead.

How two ways stand to each other is known where one of them is the reference or, given `against_best`, the best way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from trimtab.reports.comparison import Comparison, Difference, Way
from trimtab.reports.format import capital, duration, metric_text, p_text

KINDS = ("baseline", "untrained", "tuned")
# Gaps as shares: from the first on more rows are asked for; beyond the second a way is not chosen, proof or none.
WIDE_GAP, WIDEST_GAP = 0.02, 0.05
# Training times that differ by no more than a quarter, or five seconds, are equal but for noise.
NOISE_OF_TIMES, NOISE_SECONDS = 1.25, 5.0
_TAKES_AN_ARTICLE = re.compile(r"^commonest |(prompt|prefix|head|probe|SVM|answer|Markov model)$|^head ")


@dataclass(frozen=True)
class _Tests:
    """What is known of pairs of ways."""

    comparison: Comparison
    against_best: Mapping[str, Difference] = field(default_factory=dict)

    @property
    def best(self) -> Way:
        return self.comparison.ways[0]

    def of(self, a: Way, b: Way) -> Difference | None:
        """The difference of two ways, either way round, or None where the two were not tested."""
        for one, other in ((a, b), (b, a)):
            if one.key == self.comparison.reference and other.difference:
                return other.difference
        for one, other in ((a, b), (b, a)):
            if one.key == self.best.key and other.key in self.against_best:
                return self.against_best[other.key]
        return None

    def really_worse(self, way: Way, other: Way) -> bool:
        """Whether it is known that one way is worse than another by more than chance."""
        known = self.of(way, other)
        return known is not None and known.real and self.comparison.gap(way, other) < 0

    def in_the_running(self) -> list[Way]:
        """The ways that may be chosen."""
        ways = self.comparison.ways
        return [
            way
            for way in ways
            if (way.key == self.best.key or self.of(way, self.best) is not None)
            and self.comparison.gap(self.best, way) <= WIDEST_GAP
            and not any(self.really_worse(way, other) for other in ways)
        ]


def choose(comparison: Comparison, against_best: Mapping[str, Difference] | None = None) -> Comparison:
    """Return the comparison with what to choose and why in two sentences, and with the key of what they choose.

    Args:
        comparison: all but its `choose` and `chosen`; its ways the best first, at least one.
        against_best: key of a way -> its difference to the first of the ways. Needed for the ways
            of which neither is the reference; without it only the reference itself can be preferred to a better way.
    """
    tests = _Tests(comparison, against_best or {})
    running = tests.in_the_running()
    guess = next((way for way in running if way.always), None)
    if guess:
        return comparison.model_copy(update={"choose": _nothing_gained(tests, guess), "chosen": ""})
    if comparison.metric.higher_is_better and tests.best.score <= 0:
        none = f"Choose none yet: no way reaches more than {_scored(tests, tests.best)}."
        update = {"choose": f"{none} Whether another would do better is not known.", "chosen": ""}
        return comparison.model_copy(update=update)
    alike = _cheapest(running)
    chosen = _best_of(alike, comparison)
    on_dev = len(alike) > 1 and all(way.dev_score is not None for way in alike)
    said = f"Choose {in_a_sentence(chosen.name)}: {_why(tests, chosen, on_dev)} {_beside(tests, chosen, running)}"
    return comparison.model_copy(update={"choose": said, "chosen": chosen.key})


def chosen_way(comparison: Comparison) -> Way | None:
    """Return the way that the comparison chooses, or None where it names none."""
    return next((way for way in comparison.ways if way.key == comparison.chosen), None)


def in_a_sentence(name: str) -> str:
    """Return the name of a way with its article: `the soft prompt`, `naive Bayes`."""
    return f"the {name}" if _TAKES_AN_ARTICLE.search(name) else name


def _cheapest(running: list[Way]) -> list[Way]:
    """Return the ways that cost the least, and those that cost as much but for noise."""
    least = min(running, key=lambda way: (KINDS.index(way.kind), way.train_seconds, way.bytes_on_disk))
    return [way for way in running if _alike(way, least)]


def _alike(one: Way, other: Way) -> bool:
    """Whether two ways cost the same but for noise; no training is less than any."""
    least, most = sorted((one.train_seconds, other.train_seconds))
    if one.kind != other.kind or (not least and most):
        return False
    return most <= max(least * NOISE_OF_TIMES, least + NOISE_SECONDS)


def _best_of(alike: list[Way], comparison: Comparison) -> Way:
    """Return which of ways of equal cost to choose: the best on dev, or where that is not known the smallest."""

    def order(way: Way) -> tuple[float, int, float]:
        known = all(each.dev_score is not None for each in alike)
        return -(way.dev_score or 0.0) if known else 0.0, way.bytes_on_disk, -comparison.metric.goodness(way.score)

    return min(alike, key=order)


def _why(tests: _Tests, chosen: Way, on_dev: bool) -> str:
    """Return the score of the chosen way, what is known of the others, what it takes, and whether dev chose it."""
    others = [way for way in tests.comparison.ways if way.key != chosen.key]
    better = [way for way in others if tests.comparison.gap(way, chosen) > 0]
    if not others:
        standing = "the only way measured"
    elif all(tests.really_worse(way, chosen) for way in others):
        standing = "really better than every other way"
    elif all(tests.of(chosen, way) for way in better):
        standing = "and no other way is really better"
    else:
        standing = f"and the {tests.comparison.wording.best} is not really better"
    if chosen.train_seconds:
        takes = f"it {'is ready' if chosen.kind == 'untrained' else 'trains'} in {duration(chosen.train_seconds)}"
    else:
        takes = "it needs no training"
    takes += ", and was the best on dev of those that cost as much" if on_dev else ""
    return f"{_scored(tests, chosen)}, {standing}; {takes}."


def _beside(tests: _Tests, chosen: Way, running: list[Way]) -> str:
    """Return how the best of the others stands: one in the running, or else the one tested that is next."""
    others = [way for way in tests.comparison.ways if way.key != chosen.key]
    if not others:
        return "Whether another would do better is not known."
    tested = [way for way in others if tests.of(chosen, way)]
    rival = next(iter([way for way in running if way.key != chosen.key] or tested or others))
    known = tests.of(chosen, rival)
    name = capital(in_a_sentence(rival.name))
    if known is None:
        first = f"{in_a_sentence(rival.name)} at {_scored(tests, rival)}"
        return f"How it stands to the others, {first} first, was not tested."
    if known.real:
        untested = len(tested) < len(others)
        tail = "; how the others stand to it was not tested" if untested else ""
        return f"{name}, at {_scored(tests, rival)}, is really worse {_proof(known)}{tail}."
    more = ", though more rows might show one" if abs(rival.score - chosen.score) >= WIDE_GAP else ""
    return f"{name}, at {_scored(tests, rival)}, is no real difference {_proof(known)}{more}."


def _scored(tests: _Tests, way: Way) -> str:
    """Return a score as `91.2%`, one that is no accuracy as `R² 61.3%`, `BLEU 34.2`."""
    comparison = tests.comparison
    return comparison.wording.score.replace("{}", metric_text(way.score, comparison.metric))


def _proof(known: Difference) -> str:
    return f"({p_text(known.p_adjusted)}, {known.test})"


def _nothing_gained(tests: _Tests, guess: Way) -> str:
    reached = tests.comparison.wording.guess.replace("{}", _guessed(tests.comparison, guess))
    first = f"Choose none yet: always giving {guess.always} {reached}"
    others = [way for way in tests.comparison.ways if way.key != guess.key]
    if not others:
        return f"{first}, and nothing else was measured. Whether another way would do better is not known."
    rival = others[0]
    known = tests.of(guess, rival)
    at = f"{in_a_sentence(rival.name)}, at {_scored(tests, rival)}"
    said = "was not tested against that"
    if known:
        said = f"is {'really worse' if known.real else 'no real difference'} {_proof(known)}"
    return f"{first}, and no way is really better. The best of the others, {at}, {said}."


def _guessed(comparison: Comparison, guess: Way) -> str:
    """Return the figure that a guess is told by."""
    for metric in comparison.others:
        if metric.name == comparison.wording.guess_metric:
            return metric_text(guess.mean(metric.name), metric)
    return metric_text(guess.score, comparison.metric)
