"""What one would get without a language model: naive Bayes and the majority class. Knows nothing about prompts.

Shapes: N rows, C classes, F features (n-grams). scikit-learn is imported when a baseline is asked for.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics import Ints, answer_ids

ALPHAS = (1.0, 0.3, 0.1, 0.03, 0.01, 3.0)
FOLDS = 5
CJK_SHARE = 0.3
_CJK = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_LETTER = re.compile(r"[^\W\d_]")


def majority(train: Sequence[Example], examples: Sequence[Example], labels: Sequence[str]) -> NDArray[np.float64]:
    """Give every example the label shares of train, so that the most frequent label is the answer.

    Returns:
        Probabilities of shape (N, C); of equally frequent labels the first wins.

    Raises:
        TrimtabError: train is empty, or has an answer that is missing or not one of the labels.
    """
    _require_rows(train)
    shares_C = np.bincount(answer_ids(train, labels), minlength=len(labels)) / len(train)
    return np.tile(shares_C, (len(examples), 1))


def naive_bayes(
    train: Sequence[Example],
    examples: Sequence[Example],
    labels: Sequence[str],
    *,
    language: Literal["auto", "en", "zh"] = "auto",
    seed: int = 0,
) -> NDArray[np.float64]:
    """Multinomial naive Bayes (McCallum and Nigam 1998) over uni- and bigrams.

    The n-grams are of characters for Chinese and of words otherwise; `auto` goes by the share of Chinese
    characters in train. The fields of an example are joined. The smoothing is chosen by cross-validated
    accuracy on train alone; where train is too small for that it is 1 (Laplace).

    Args:
        train: labelled examples.
        examples: the N examples to answer; their answers are not looked at.
        labels: the C labels, in the order of the columns.
        language: language of the texts.
        seed: seed of the folds.

    Returns:
        Probabilities of shape (N, C); a label that train lacks has probability 0.

    Raises:
        TrimtabError: train is empty, or has an answer that is missing or not one of the labels.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB

    _require_rows(train)
    answers_N = answer_ids(train, labels)
    texts = [_joined(example) for example in train]
    chinese = language == "zh" or (language == "auto" and cjk_share(texts) >= CJK_SHARE)
    if chinese:
        vectorizer = CountVectorizer(ngram_range=(1, 2), analyzer="char")
    else:
        vectorizer = CountVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")
    try:
        counts_NF = vectorizer.fit_transform(texts)
    except ValueError:  # scikit-learn's way to say that train has not a single n-gram
        return majority(train, examples, labels)
    model = MultinomialNB(alpha=_best_alpha(counts_NF, answers_N, seed)).fit(counts_NF, answers_N)
    probabilities_NC = np.zeros((len(examples), len(labels)))
    if examples:
        counts_NF = vectorizer.transform([_joined(example) for example in examples])
        probabilities_NC[:, model.classes_] = model.predict_proba(counts_NF)
    return probabilities_NC


def cjk_share(texts: Sequence[str]) -> float:
    """Return the share of Chinese characters among the letters of the texts; 0 where there are none."""
    letters = sum(len(_LETTER.findall(text)) for text in texts)
    return sum(len(_CJK.findall(text)) for text in texts) / letters if letters else 0.0


def _best_alpha(counts_NF: Any, answers_N: Ints, seed: int) -> float:
    """Return the smoothing with the best cross-validated accuracy; of equals, the first in ALPHAS."""
    from sklearn.model_selection import StratifiedKFold
    from sklearn.naive_bayes import MultinomialNB

    rows_of_class = np.unique(answers_N, return_counts=True)[1]
    folds = min(FOLDS, int(rows_of_class.max()))
    if folds < 2 or len(rows_of_class) < 2:
        return ALPHAS[0]
    right = dict.fromkeys(ALPHAS, 0)
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of classes with fewer rows than folds
        splits = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(counts_NF, answers_N))
    for inside, outside in splits:
        # An n-gram that a fold has not seen must not count in it, as it would not with fresh rows.
        seen_F = np.flatnonzero(counts_NF[inside].sum(axis=0))
        inside_NF, outside_NF = counts_NF[inside][:, seen_F], counts_NF[outside][:, seen_F]
        for alpha in ALPHAS:
            predicted = MultinomialNB(alpha=alpha).fit(inside_NF, answers_N[inside]).predict(outside_NF)
            right[alpha] += int((predicted == answers_N[outside]).sum())
    return max(right, key=lambda alpha: right[alpha])


def _joined(example: Example) -> str:
    return " ".join(example.fields.values())


def _require_rows(train: Sequence[Example]) -> None:
    if not train:
        raise TrimtabError("A baseline needs training rows, and there are none.", "Give `data.train`.")
