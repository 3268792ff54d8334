"""Word2Vec and FastText trained on words, by gensim. Knows nothing about where words come from or where vectors go.

Shapes: V words, G n-gram buckets, D numbers of a word vector. gensim, an extra, is imported when it is asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from trimtab.errors import DataError, need_library
from trimtab.evaluation.baselines.word_vectors import KeyedVectors
from trimtab.evaluation.text.subwords import Subwords, ngram_buckets

Kind = Literal["word2vec", "fasttext"]
Objective = Literal["skip-gram", "cbow"]
Progress = Callable[[str, float, float | None], None]


@dataclass(frozen=True)
class How:
    """How vectors are trained.

    Attributes:
        kind: Word2Vec (Mikolov et al. 2013), or FastText (Bojanowski et al. 2017): sums of n-gram vectors.
        objective: a word foretells those around it, or they foretell it.
        size: D.
        window: words to each side, at most.
        epochs: passes over the text.
        min_count: words that come up less often are left out.
        negative: words drawn beside each right one (negative sampling).
        sample: words that make up a larger share of the text are left out by chance, the more so the commoner they
            are; 0 to keep all.
        rate: learning rate at the beginning, from where it falls to next to nothing.
        seed: of all that is drawn.
        workers: threads; with more than one the result is another each time.
        ngrams: characters of the shortest and of the longest n-gram of FastText.
        buckets: into so many n-grams are hashed.
    """

    kind: Kind = "word2vec"
    objective: Objective = "skip-gram"
    size: int = 100
    window: int = 5
    epochs: int = 5
    min_count: int = 5
    negative: int = 5
    sample: float = 1e-3
    rate: float = 0.025
    seed: int = 0
    workers: int = 1
    ngrams: tuple[int, int] = (3, 6)
    buckets: int = 2_000_000


def need_gensim() -> None:
    """Raise MissingExtraError where gensim is not installed."""
    need_library("gensim", "`trimtab vectors train`", title="gensim", extra="vectors")


def train(words: Path, how: How, name: str, progress: Progress | None = None) -> KeyedVectors:
    """Train vectors.

    Args:
        words: a file with a text a line, words with spaces between; it is read in each epoch, and never whole.
        how: see `How`.
        name: what the text is called in messages.
        progress: told how many epochs are done.

    Returns:
        The commonest word first.

    Raises:
        DataError: no word comes up often enough.
        MissingExtraError: gensim is not installed.
    """
    need_gensim()
    from gensim.models import FastText, Word2Vec
    from gensim.models.callbacks import CallbackAny2Vec

    class Told(CallbackAny2Vec):  # type: ignore[misc]  # of a library without types
        """Tells of epochs."""

        done = 0

        def on_epoch_end(self, model: Any) -> None:
            self.done += 1
            if progress:
                progress("epochs", self.done, how.epochs)

    settings: dict[str, Any] = {
        "vector_size": how.size, "window": how.window, "min_count": how.min_count, "negative": how.negative,
        "sg": int(how.objective == "skip-gram"), "hs": 0, "alpha": how.rate, "seed": how.seed, "workers": how.workers,
        "epochs": how.epochs, "sample": how.sample,
    }  # fmt: skip
    with _quiet():
        if how.kind == "fasttext":
            shortest, longest = how.ngrams
            model = FastText(**settings, min_n=shortest, max_n=longest, bucket=how.buckets)
        else:
            model = Word2Vec(**settings)
        model.build_vocab(corpus_file=str(words))
        if not model.wv.key_to_index:
            raise DataError(
                f"{name}: no word comes up {how.min_count:,} times.", "Give more text, or lower --min-count."
            )
        model.train(
            corpus_file=str(words), total_examples=model.corpus_count, total_words=model.corpus_total_words,
            epochs=how.epochs, callbacks=[Told()],
        )  # fmt: skip
    known: dict[str, int] = dict(model.wv.key_to_index)
    if not np.isfinite(model.wv.vectors).all():
        raise DataError(f"{name}: training went astray: vectors hold numbers that are not finite.", "Lower --rate.")
    subwords = _subwords(model.wv.vectors_ngrams, known, how) if how.kind == "fasttext" else None
    return KeyedVectors(known, model.wv.vectors, subwords)


def _subwords(vectors: Any, known: dict[str, int], how: How) -> Subwords:
    """The n-gram vectors that training has touched: those of the known words' n-grams."""
    touched = {bucket for word in known for bucket in ngram_buckets(word, *how.ngrams, how.buckets)}
    buckets_G = np.array(sorted(touched), dtype=np.int64)
    return Subwords(*how.ngrams, how.buckets, buckets_G, vectors[buckets_G])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep gensim from saying on standard error what `train` says itself or nobody can mend."""
    log = logging.getLogger("gensim")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
