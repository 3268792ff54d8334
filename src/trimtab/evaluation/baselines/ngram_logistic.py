"""A linear bag of n-grams, of words and of characters. Knows nothing about language models.

Shapes: N rows, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.data.example import Example
from trimtab.evaluation.baselines.class_answers import ClassAnswers
from trimtab.evaluation.baselines.classifier import Recipe, classify
from trimtab.evaluation.baselines.tfidf import weighted_recipe
from trimtab.evaluation.text.words import Language

# Lengths of words' n-grams, and of characters' within words; most distinct n-grams kept, the commonest.
WORDS, CHARACTERS, MOST = (1, 2), (3, 6), 200_000


def ngram_logistic(
    train: Sequence[Example],
    examples: Sequence[Example],
    labels: Sequence[str],
    *,
    language: Language = "auto",
    seed: int = 0,
) -> ClassAnswers:
    """Logistic regression over words, pairs of words, and pieces of words, as fastText has them.

    fastText (Joulin et al. 2017; Bojanowski et al. 2017) takes the mean of vectors of words, of their n-grams and of
    the n-grams of characters within them, and a linear layer: a linear bag of n-grams. Here the bag is that of TF-IDF
    weights, and the optimum is found rather than stepped towards. Pieces of words tell texts with misspellings, and
    languages with endings, better than whole words do; Chinese words are mostly shorter than a piece.

    Args:
        train, examples, labels, language, seed: as for `tfidf_logistic`.

    Returns:
        A label that train lacks has probability 0.

    Raises:
        TrimtabError: train is empty, or has an answer that is missing or not one of the labels.
    """
    return classify(train, examples, labels, ngram_recipe(language, seed), seed)


def ngram_recipe(language: Language, seed: int) -> Recipe:
    """What the classifier of `ngram_logistic` is made of."""
    return weighted_recipe({"analyzer": ngrams, "max_features": MOST}, language, seed)


def ngrams(tokens: Sequence[str]) -> list[str]:
    """Words, pairs of words with a space between, and the n-grams of `<word>`, which are marked by a `#`."""
    out = [" ".join(tokens[i : i + n]) for n in range(WORDS[0], WORDS[1] + 1) for i in range(len(tokens) - n + 1)]
    for token in tokens:
        framed = f"<{token}>"
        longest = min(CHARACTERS[1], len(framed) - 1)  # the whole is the word itself
        for n in range(CHARACTERS[0], longest + 1):
            out.extend(f"#{framed[i : i + n]}" for i in range(len(framed) - n + 1))
    return out
