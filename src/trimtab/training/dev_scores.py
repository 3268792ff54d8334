"""Scores of runs on dev, from what they answered to its rows. Knows nothing about models or how answers are found.

C labels, W tokens that are tagged. Answers come as pairs, in any order: the place of a row among those of all runs, the
first run's rows first, and its scores (see `trimtab.decoding.scoring.read_scores`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise, product

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from trimtab.data.tags.tags import f1, hits, spans
from trimtab.decoding.spans import SpanWindow, best_span
from trimtab.decoding.tagging import decoded
from trimtab.evaluation.metrics.token_f1 import best_f1
from trimtab.evaluation.scores.classes import class_scores
from trimtab.evaluation.scores.thresholds import best_answer_threshold, best_thresholds, given_labels
from trimtab.training.loop import DevScore
from trimtab.training.targets import SpanTarget, TagTarget

# (right labels [N], given ones [N], number of labels C) -> a score of which more is better
Judge = Callable[[NDArray[np.int64], NDArray[np.int64], int], float]
# (right labels [N, C], given ones [N, C]) -> likewise
SetJudge = Callable[[NDArray[np.bool_], NDArray[np.bool_]], float]


def share_right(right_N: NDArray[np.int64], given_N: NDArray[np.int64], classes: int) -> float:
    """Accuracy."""
    return float((right_N == given_N).mean())


def micro_f1(right_NC: NDArray[np.bool_], given_NC: NDArray[np.bool_]) -> float:
    """F1 over all labels of all rows."""
    return f1(*(int(some.sum()) for some in (given_NC & right_NC, given_NC, right_NC)))


def macro_f1_of_sets(right_NC: NDArray[np.bool_], given_NC: NDArray[np.bool_]) -> float:
    """Mean F1 of the labels that occur among right or given ones."""
    counts = (some.sum(axis=0) for some in (given_NC & right_NC, right_NC, given_NC))
    _, _, f1_C, occurs_C = class_scores(*counts)
    return float(f1_C[occurs_C].mean()) if occurs_C.any() else 0.0


def scores_of_labels(
    labels: Sequence[int], runs: int, answers: Iterable[tuple[int, torch.Tensor]], judge: Judge = share_right
) -> list[DevScore]:
    """Score and mean loss of each run, from the log-probabilities [C] of labels or of each row's own options.

    Args:
        labels: the right ones.
        runs, answers: the number of runs, and what they answered.
        judge: what runs are chosen by; accuracy by default.
    """
    given_KN, loss, classes = np.zeros((runs, len(labels)), dtype=np.int64), [0.0] * runs, 0
    for at, found_C in answers:
        k, i = divmod(at, len(labels))
        given_KN[k, i], classes = int(found_C.argmax()), max(classes, len(found_C))
        loss[k] -= float(found_C[labels[i]])
    right_N = np.array(labels, dtype=np.int64)
    both = zip(given_KN, loss, strict=True)
    return [DevScore(judge(right_N, given_N, classes), total / len(labels)) for given_N, total in both]


def scores_of_label_sets(
    fits: Sequence[Sequence[bool]],
    runs: int,
    answers: Iterable[tuple[int, torch.Tensor]],
    thresholds: Sequence[float] | None,
    judge: SetJudge = micro_f1,
) -> list[DevScore]:
    """Score of each run, and its mean loss a label, from log-odds [C].

    Args:
        fits: of each row and label whether it fits.
        runs, answers: the number of runs, and what they answered.
        thresholds: probability from which on each label is given; None for those that are best on these rows.
        judge: what runs are chosen by; F1 over all labels of all rows (micro) by default.
    """
    found = {at: found_C.float().cpu() for at, found_C in answers}
    right_NC = torch.tensor(fits, dtype=torch.bool)
    out = []
    for k in range(runs):
        odds_NC = torch.stack([found[k * len(fits) + i] for i in range(len(fits))])
        probabilities_NC = torch.sigmoid(odds_NC).double().numpy()
        own_C = best_thresholds(probabilities_NC, right_NC.numpy()) if thresholds is None else np.array(thresholds)
        given_NC = given_labels(probabilities_NC, own_C)
        loss = F.binary_cross_entropy_with_logits(odds_NC, right_NC.float())
        out.append(DevScore(judge(right_NC.numpy(), given_NC), float(loss)))
    return out


def scores_of_numbers(
    numbers: Sequence[float], runs: int, answers: Iterable[tuple[int, torch.Tensor]]
) -> list[DevScore]:
    """The share of dev's variance that each run explains (R squared), and its mean squared error; scores are [1]."""
    loss = [0.0] * runs
    for at, said in answers:
        k, i = divmod(at, len(numbers))
        loss[k] += (float(said[0]) - numbers[i]) ** 2 / len(numbers)
    spread = float(np.var(numbers))
    return [DevScore(1 - error / spread if spread else 0.0, error) for error in loss]


def scores_of_tags(
    dev: Sequence[TagTarget], runs: int, answers: Iterable[tuple[int, torch.Tensor]], names: Sequence[str], plain: bool
) -> list[DevScore]:
    """F1 and mean loss a token of each run, from the log-probabilities [W, C] of tags, windows put together.

    Args:
        dev, runs, answers: the rows, the number of runs, and what they answered.
        names: the C tags.
        plain: whether tags stand each for itself, and F1 is the share of them that is right; else they mark entities.
    """
    index = {tag: i for i, tag in enumerate(names)}
    counts, loss, tokens = [[0, 0, 0] for _ in range(runs)], [0.0] * runs, [0] * runs
    found = {at: found_WC.cpu() for at, found_WC in answers}
    firsts = [i for i, example in enumerate(dev) if not example.goes_on]
    for k, (first, behind) in product(range(runs), pairwise([*firsts, len(dev)])):
        scores_WC = torch.cat([found[k * len(dev) + i] for i in range(first, behind)])
        gold = [tag for example in dev[first:behind] for tag in example.tags]
        predicted = decoded(scores_WC.argmax(-1).tolist(), names, plain)
        own = hits(spans(gold, plain), spans(predicted, plain))
        counts[k] = [a + b for a, b in zip(counts[k], own, strict=True)]
        known = [(w, index[tag]) for w, tag in enumerate(gold) if tag in index]
        loss[k] -= sum(float(scores_WC[w, tag]) for w, tag in known)
        tokens[k] += len(known)
    return [DevScore(f1(*c), total / max(n, 1)) for c, total, n in zip(counts, loss, tokens, strict=True)]


def scores_of_spans(
    dev: Sequence[SpanTarget],
    runs: int,
    answers: Iterable[tuple[int, torch.Tensor]],
    longest: int,
    threshold: float | None,
    *,
    chinese: bool,
) -> list[DevScore]:
    """Mean F1 of each run's answers, and its mean loss a row, from log-probabilities [places, 2], windows put together.

    Args:
        dev, runs, answers: the rows, the number of runs, and what they answered.
        longest: most tokens of an answer.
        threshold: see `BestSpan.given`; None for the one that is best on these rows.
        chinese: whether F1 follows Chinese rules.
    """
    found = {at: found_WC.float().cpu().numpy() for at, found_WC in answers}
    firsts = [i for i, row in enumerate(dev) if not row.goes_on]
    out = []
    for k in range(runs):
        shares, f1_of_best, loss = [], [], 0.0
        for first, behind in pairwise([*firsts, len(dev)]):
            own = [found[k * len(dev) + i] for i in range(first, behind)]
            windows = [SpanWindow(np.exp(one), row.places) for one, row in zip(own, dev[first:behind], strict=True)]
            best = best_span(windows, longest)
            text = dev[first].context[slice(*best.place)] if best.place else ""
            shares.append(best.share)
            f1_of_best.append(best_f1(text, dev[first].references, chinese=chinese))
            loss -= sum(
                (one[row.start, 0] + one[row.end, 1]) / 2 for one, row in zip(own, dev[first:behind], strict=True)
            )
        none_N = np.array([not dev[i].references for i in firsts])
        shares_N, f1_N = np.array(shares), np.array(f1_of_best)
        own_threshold = best_answer_threshold(shares_N, f1_N, none_N) if threshold is None else threshold
        scored_N = np.where(shares_N >= own_threshold, f1_N, none_N)
        out.append(DevScore(float(scored_N.mean()), float(loss) / len(dev)))
    return out
