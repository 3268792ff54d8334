"""Logistic regression over TF-IDF or word vectors, ridge regression over these. Knows nothing about language models.

Shapes: N rows, C classes, D numbers of a word vector. scikit-learn and gensim are imported when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.folds import best_of
from trimtab.evaluation.baselines.naive_bayes import majority
from trimtab.evaluation.scores.labels import Ints, answer_ids
from trimtab.evaluation.scores.numbers import best_alpha, mean_number, numbers_of
from trimtab.evaluation.text.words import Language, are_chinese, joined_fields, words

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

# Inverse strengths of the L2 penalty.
TFIDF_STRENGTHS = (10.0, 1.0, 100.0)
VECTOR_STRENGTHS = (0.1, 0.01, 1.0, 10.0)
# Penalties of ridge regression on standardised numbers.
VECTOR_ALPHAS = (100.0, 10.0, 1000.0, 1.0)
Floats = NDArray[np.float64]


def tfidf_logistic(
    train: Sequence[Example],
    examples: Sequence[Example],
    labels: Sequence[str],
    *,
    language: Language = "auto",
    seed: int = 0,
) -> Floats:
    """Logistic regression over TF-IDF weights of word uni- and bigrams (Salton and Buckley 1988).

    Term counts are taken as 1 + log, rows scaled to length one; Chinese is segmented into words. Each label is told
    from all others, and the probabilities scaled to sum to one: for many labels far quicker than the softmax.
    The penalty is chosen by cross-validated accuracy on train alone; where train is too small for that, C is 10. A
    row without a word gets the label shares of train, and is not trained on.

    Args:
        train: labelled examples.
        examples: the N examples to answer; their answers are not looked at.
        labels: the C labels, in the order of the columns.
        language: language of the texts.
        seed: seed of the folds and of the solver.

    Returns:
        Probabilities of shape (N, C); a label that train lacks has probability 0.

    Raises:
        TrimtabError: train is empty, or has an answer that is missing or not one of the labels.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    return _classify(
        train, examples, labels,
        features=lambda texts: [words(text, language) or None for text in texts],
        transformer=lambda: TfidfVectorizer(
            tokenizer=list, lowercase=False, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True
        ),
        classifier=lambda strength: OneVsRestClassifier(
            LogisticRegression(C=strength, solver="liblinear", dual=True, tol=0.1, max_iter=1000, random_state=seed)
        ),
        strengths=TFIDF_STRENGTHS,
        seed=seed,
    )  # fmt: skip


def word_vector_logistic(
    train: Sequence[Example],
    examples: Sequence[Example],
    labels: Sequence[str],
    *,
    vectors: KeyedVectors,
    language: Language = "auto",
    seed: int = 0,
) -> Floats:
    """Logistic regression over the mean of a text's word vectors (Pennington et al. 2014).

    Words without a vector are skipped. The D numbers are standardised on train. The penalty is chosen by
    cross-validated accuracy on train alone; where train is too small for that, C is 0.1. A row of which no word has a
    vector gets the label shares of train, and is not trained on.

    Args:
        train: labelled examples.
        examples: the N examples to answer; their answers are not looked at.
        labels: the C labels, in the order of the columns.
        vectors: vectors of English words in lower case, as `read_word_vectors` gives them.
        language: language of the texts.
        seed: seed of the folds.

    Returns:
        Probabilities of shape (N, C); a label that train lacks has probability 0.

    Raises:
        TrimtabError: train is empty, or has an answer that is missing or not one of the labels; the texts are Chinese.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    _refuse_chinese(train, language, "logistic regression over TF-IDF segments Chinese")
    return _classify(
        train, examples, labels,
        features=lambda texts: [_mean_vector(words(text, "en"), vectors) for text in texts],
        transformer=StandardScaler,
        classifier=lambda strength: LogisticRegression(C=strength, max_iter=1000),
        strengths=VECTOR_STRENGTHS,
        seed=seed,
    )  # fmt: skip


def word_vector_ridge(
    train: Sequence[Example],
    examples: Sequence[Example],
    *,
    vectors: KeyedVectors,
    language: Language = "auto",
    seed: int = 0,
) -> Floats:
    """Ridge regression (Hoerl & Kennard 1970) on the mean of a text's word vectors, as `word_vector_logistic` has it.

    The penalty is chosen by cross-validated squared error on train alone. A row of which no word has a vector gets the
    mean of train, and is not trained on.

    Args:
        train: examples with numbers.
        examples: the N examples to answer; their answers are not looked at.
        vectors, language, seed: as in `word_vector_logistic`.

    Returns:
        Numbers of shape (N,).

    Raises:
        TrimtabError: a number is missing; the texts are Chinese.
    """
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    _refuse_chinese(train, language, "ridge regression on TF-IDF takes them")
    numbers_N = mean_number(train, examples)
    given, asked = (
        [_mean_vector(words(joined_fields(example), "en"), vectors) for example in part] for part in (train, examples)
    )
    known = [n for n, row in enumerate(given) if row is not None]
    answerable = [n for n, row in enumerate(asked) if row is not None]
    if len(known) < 2 or not answerable:
        return numbers_N
    scaler = StandardScaler()
    inside_ND, right_N = scaler.fit_transform([given[n] for n in known]), numbers_of([train[n] for n in known])
    alpha = best_alpha(VECTOR_ALPHAS, "auto", inside_ND, right_N, seed)
    model = Ridge(alpha=alpha).fit(inside_ND, right_N)
    numbers_N[answerable] = model.predict(scaler.transform([asked[n] for n in answerable]))
    return numbers_N


def _refuse_chinese(train: Sequence[Example], language: Language, instead: str) -> None:
    if are_chinese([joined_fields(example) for example in train], language):
        raise TrimtabError(
            "The word vectors are of English words, and the training texts are Chinese.",
            f"Leave this way out; {instead}.",
        )


def read_word_vectors(folder: Path) -> KeyedVectors:
    """Return the vectors in a folder of `find_word_vectors`; they are mapped into memory, not read.

    Raises:
        TrimtabError: gensim is not installed.
    """
    import pyarrow.parquet

    try:
        from gensim.models import KeyedVectors
    except ImportError as error:
        raise TrimtabError("Word vectors need gensim, which is not installed.", "Run `pip install gensim`.") from error
    vectors_VD = np.load(folder / "vectors.npy", mmap_mode="r")
    keyed = KeyedVectors(vectors_VD.shape[1])
    keyed.index_to_key = pyarrow.parquet.read_table(folder / "words.parquet").column(0).to_pylist()
    keyed.key_to_index = {word: v for v, word in enumerate(keyed.index_to_key)}
    keyed.vectors = vectors_VD
    return keyed


def _mean_vector(text: Sequence[str], vectors: KeyedVectors) -> NDArray[np.float32] | None:
    """Return the mean of the words' vectors, shape (D,), or None where no word has one."""
    known = [vectors.key_to_index[word] for word in text if word in vectors.key_to_index]
    return vectors.vectors[known].mean(axis=0) if known else None


def _classify(
    train: Sequence[Example],
    examples: Sequence[Example],
    labels: Sequence[str],
    *,
    features: Callable[[list[str]], Sequence[Any]],
    transformer: Callable[[], Any],
    classifier: Callable[[float], Any],
    strengths: Sequence[float],
    seed: int,
) -> Floats:
    """Train on the rows with features, choose the strength among them, and answer the rows with features.

    Args:
        train, examples, labels: as everywhere.
        features: texts -> what stands for each, None where it has nothing to go by.
        transformer: makes a scikit-learn transformer of features.
        classifier: strength -> a scikit-learn classifier.
        strengths: what to choose from, the default first.
        seed: seed of the folds.
    """
    probabilities_NC = majority(train, examples, labels)
    given = features([joined_fields(example) for example in train])
    known = [n for n, row in enumerate(given) if row is not None]
    rows, answers_N = [given[n] for n in known], answer_ids(train, labels)[known]
    asked = features([joined_fields(example) for example in examples])
    answerable = [n for n, row in enumerate(asked) if row is not None]
    if len(np.unique(answers_N)) < 2 or not answerable:
        return probabilities_NC

    def predict(inside: Ints, outside: Ints) -> Iterator[Ints]:
        transform = transformer()
        inside_NF = transform.fit_transform([rows[n] for n in inside])
        outside_NF = transform.transform([rows[n] for n in outside])
        for strength in strengths:
            yield classifier(strength).fit(inside_NF, answers_N[inside]).predict(outside_NF)

    strength = best_of(strengths, answers_N, seed, predict)
    transform = transformer()
    model = classifier(strength).fit(transform.fit_transform(rows), answers_N)
    found_NC = np.zeros((len(answerable), len(labels)))
    found_NC[:, model.classes_] = model.predict_proba(transform.transform([asked[n] for n in answerable]))
    probabilities_NC[answerable] = found_NC
    return probabilities_NC
