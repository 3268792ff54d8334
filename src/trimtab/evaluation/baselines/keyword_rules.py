"""Keyword rules: a label is named by the words it is given by. Knows nothing about language models.

A keyword is a word or phrase. It is matched without regard to case, as whole words (`art` does not match `start`) and,
between Chinese characters, anywhere (吃 matches 好吃). Symbols count (`:)`, `c++`), white space does not.

Shapes: N rows, C classes, K keywords.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.class_answers import ClassAnswers, likeliest
from trimtab.evaluation.baselines.folds import best_of
from trimtab.evaluation.baselines.majority import label_shares, majority
from trimtab.evaluation.scores.gold import answer_ids, unknown_label
from trimtab.evaluation.text.words import (
    Language,
    atoms,
    is_one_chinese_character,
    joined_fields,
    text_of,
    words_and_breaks,
)

SIZES = (20, 5, 10, 50, 100, 200)
LEAST_ROWS = 2
MOST_CANDIDATES = 20_000

Rules = Mapping[str, Sequence[str] | Mapping[str, float]]
Atoms = tuple[str, ...]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def keyword_rules(
    train: Sequence[Example],
    examples: Sequence[Example],
    labels: Sequence[str],
    *,
    rules: Rules | None = None,
    language: Language = "auto",
    seed: int = 0,
) -> ClassAnswers:
    """Answer each row by the votes of the keywords that occur in it; a row without any gets the label shares of train.

    A keyword has one vote for its label, or the weight given with it, however often it occurs in the row. One more vote
    is shared out by the label shares of train, which smooths the probabilities and decides near-ties.

    Args:
        train: labelled examples.
        examples: the N examples to answer; their answers are not looked at.
        labels: the C labels, in the order of the columns.
        rules: label -> keywords, or label -> keyword -> weight; a label may have none. Without rules they are mined
            on train, see `mine_rules`.
        language: language of the texts, for mining.
        seed: seed of the folds, for mining.

    Raises:
        TrimtabError: train is empty, or has an answer that is missing or not one of the labels; rules that name another
            label, or an empty keyword, or a weight that is not above 0.
    """
    shares_C = label_shares(train, labels)
    if rules is None:
        rules = mine_rules(train, labels, language=language, seed=seed)
    weight_of = _read_rules(rules, labels)
    if not weight_of or not examples:
        return majority(train, examples, labels)
    weights_KC = np.zeros((len(weight_of), len(labels)))
    for k, votes in enumerate(weight_of.values()):
        for c, weight in votes.items():
            weights_KC[k, c] = weight
    matches_NK = _matches((atoms(joined_fields(example)) for example in examples), list(weight_of))
    votes_NC = matches_NK @ weights_KC + shares_C
    return likeliest(votes_NC / votes_NC.sum(axis=1, keepdims=True))


def mine_rules(
    train: Sequence[Example], labels: Sequence[str], *, language: Language = "auto", seed: int = 0
) -> dict[str, dict[str, float]]:
    """Find the keywords that tell each label from the others.

    Candidates are the words, and pairs of neighbouring words, of at least two rows of train; no single Chinese
    characters, as these would match inside other words too. For each label they are ranked by Pearson's chi-square of
    "occurs in the row" against "has the label" (Yang and Pedersen 1997), among those that occur more often with the
    label than without. How many of them are kept, the same number for every label, is chosen by cross-validated
    accuracy on train; where train is too small for that it is 20. A keyword's weight is its log likelihood ratio: how
    much likelier it is in a row with the label than without (counts + 1/2).

    Returns:
        label -> keyword -> weight, the highest chi-square first; `keyword_rules` takes it as `rules`.

    Raises:
        TrimtabError: train is empty, or has an answer that is missing or not one of the labels.
    """
    label_shares(train, labels)  # raises
    answers_N = answer_ids(train, labels)
    texts = [joined_fields(example) for example in train]
    keywords = _candidates(texts, language)
    if not keywords:
        return {label: {} for label in labels}
    matches_NK = _matches(map(atoms, texts), keywords)
    one_hot_NC = np.eye(len(labels))[answers_N]

    def predict(inside: Ints, outside: Ints) -> Iterator[Ints]:
        ranked_KC, weights_KC = _rank(matches_NK[inside], one_hot_NC[inside])
        shares_C = one_hot_NC[inside].mean(axis=0)
        for size in SIZES:
            yield (matches_NK[outside] @ _top(ranked_KC, weights_KC, size) + shares_C).argmax(axis=1)

    size = best_of(SIZES, answers_N, seed, predict)
    ranked_KC, weights_KC = _rank(matches_NK, one_hot_NC)
    kept_KC = _top(ranked_KC, weights_KC, size)
    return {
        label: {text_of(keywords[k]): float(kept_KC[k, c]) for k in ranked_KC[:size, c] if kept_KC[k, c] > 0}
        for c, label in enumerate(labels)
    }


def _read_rules(rules: Rules, labels: Sequence[str]) -> dict[Atoms, dict[int, float]]:
    """Return keyword -> column of a label -> weight."""
    weight_of: dict[Atoms, dict[int, float]] = {}
    for label, keywords in rules.items():
        if label not in labels:
            raise unknown_label(label, "rules", labels)
        if isinstance(keywords, str):
            raise TrimtabError(
                f"rules: the keywords of '{label}' are one text, expected a list.", f"Write ['{keywords}']."
            )
        weights = keywords if isinstance(keywords, Mapping) else dict.fromkeys(keywords, 1.0)
        for keyword, weight in weights.items():
            if not (parts := atoms(keyword)):
                raise TrimtabError(f"rules: '{label}' has an empty keyword.", "Remove it; it would match nothing.")
            if not 0 < weight < float("inf"):
                raise TrimtabError(f"rules: the weight of '{keyword}' for '{label}' is {weight:g}, expected above 0.")
            weight_of.setdefault(parts, {})[labels.index(label)] = weight
    return weight_of


def _candidates(texts: Sequence[str], language: Language) -> list[Atoms]:
    """Return the candidates of `mine_rules`, at most the commonest 20,000."""
    rows: Counter[Atoms] = Counter()
    for text in texts:
        units = [unit if unit is None else atoms(unit) for unit in words_and_breaks(text, language)]
        pairs = {left + right for left, right in itertools.pairwise(units) if left and right}
        rows.update({unit for unit in units if unit and not is_one_chinese_character(unit)} | pairs)
    common = sorted((-count, keyword) for keyword, count in rows.items() if count >= LEAST_ROWS)
    return [keyword for _, keyword in common[:MOST_CANDIDATES]]


def _matches(texts: Iterable[Atoms], keywords: Sequence[Atoms]) -> Any:
    """Return whether each keyword occurs in each text, a sparse matrix of zeros and ones of shape (N, K)."""
    from scipy.sparse import csr_array

    tree: dict[str, Any] = {}
    for k, keyword in enumerate(keywords):
        branch = tree
        for part in keyword:
            branch = branch.setdefault(part, {})
        branch[""] = k  # no atom is empty
    columns: list[int] = []
    ends = [0]
    for text in texts:
        found = set()
        for start in range(len(text)):
            node: Any = tree
            end = start
            while end < len(text) and (node := node.get(text[end])):
                end += 1
                if "" in node:
                    found.add(node[""])
        columns += sorted(found)
        ends.append(len(columns))
    return csr_array((np.ones(len(columns)), columns, ends), shape=(len(ends) - 1, len(keywords)))


def _rank(matches_NK: Any, one_hot_NC: Floats) -> tuple[Ints, Floats]:
    """Return, for each label, the keywords by falling chi-square, and their weights, 0 where one does not speak for it.

    Both are of shape (K, C); the first holds keywords, the second is in the order of the keywords.
    """
    rows, rows_C = len(one_hot_NC), one_hot_NC.sum(axis=0)
    both_KC = matches_NK.T @ one_hot_NC
    rows_K1 = matches_NK.sum(axis=0)[:, None]
    spread_KC = rows_K1 * (rows - rows_K1) * rows_C * (rows - rows_C)
    chi_square_KC = rows * (rows * both_KC - rows_K1 * rows_C) ** 2 / np.maximum(spread_KC, 1)
    inside_KC = (both_KC + 0.5) / (rows_C + 1)
    outside_KC = (rows_K1 - both_KC + 0.5) / (rows - rows_C + 1)
    weights_KC = np.maximum(np.log(inside_KC / outside_KC), 0)
    weights_KC[(spread_KC == 0) | (rows * both_KC <= rows_K1 * rows_C)] = 0
    ranked_KC = np.argsort(np.where(weights_KC > 0, -chi_square_KC, 1), axis=0, kind="stable")
    return ranked_KC, weights_KC


def _top(ranked_KC: Ints, weights_KC: Floats, size: int) -> Floats:
    """Return the weights with all but the first `size` keywords of each label set to 0."""
    kept_KC = np.zeros_like(weights_KC)
    first_SC = ranked_KC[:size]
    np.put_along_axis(kept_KC, first_SC, np.take_along_axis(weights_KC, first_SC, axis=0), axis=0)
    return kept_KC
