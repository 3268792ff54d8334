"""Is naive Bayes on Chinese better over jieba's words or over characters?

    python benchmarks/chinese_words.py [DATA] [--shuffles 3]

DATA names rows of `text` and `label`, by default the training rows of the demo data. Both are counted as uni- and
bigrams and scored by five-fold cross-validation with several shuffles; for each shuffle, the best smoothing counts.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from trimtab.evaluation.baselines.naive_bayes import ALPHAS
from trimtab.evaluation.text.words import words
from trimtab.sources import find_data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--shuffles", type=int, default=3)
    given = parser.parse_args()
    lines = (given.data or find_data("chinese-reviews:train")).read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    labels = [row["label"] for row in rows]
    texts = [row["text"] for row in rows]
    ways = {
        "characters": (CountVectorizer(analyzer="char", ngram_range=(1, 2)), texts),
        "words": (
            CountVectorizer(tokenizer=list, lowercase=False, token_pattern=None, ngram_range=(1, 2)),
            [words(text) for text in texts],
        ),
    }
    for name, (vectorizer, given_texts) in ways.items():
        best = [
            max(
                cross_val_score(
                    make_pipeline(vectorizer, MultinomialNB(alpha=alpha)),
                    given_texts,
                    labels,
                    cv=StratifiedKFold(5, shuffle=True, random_state=shuffle),
                ).mean()
                for alpha in ALPHAS
            )
            for shuffle in range(given.shuffles)
        ]
        print(f"{name:12} {np.mean(best):.1%}  ({', '.join(f'{share:.2%}' for share in best)}; {len(rows):,} rows)")


if __name__ == "__main__":
    main()
