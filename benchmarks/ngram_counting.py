"""How long n-grams take to count and estimate, and how much memory: tokens drawn by Zipf's law.

python benchmarks/ngram_counting.py --tokens 10_000_000 --order 5
"""

from __future__ import annotations

import argparse
import resource
import time

import machine
import numpy as np


def main() -> None:
    from trimtab.pretraining.ngram.estimate import estimate

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=10_000_000)
    parser.add_argument("--words", type=int, default=50_000)
    parser.add_argument("--order", type=int, default=5)
    given = parser.parse_args()
    draw = np.random.default_rng(0)
    share_V = 1 / np.arange(1, given.words + 1)
    ids_T = draw.choice(given.words, given.tokens, p=share_V / share_V.sum()).astype(np.uint16)
    ids_T[::20] = 0  # a sentence ends
    began = time.process_time()
    levels = estimate(ids_T, end=0, words=given.words, order=given.order)
    seconds = time.process_time() - began
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{machine.describe()['cpu']}: {given.tokens:,} tokens, order {given.order}: {seconds:.0f} s of one core, "
          f"{most:.2f} GB at most, {len(levels)} levels")  # fmt: skip


if __name__ == "__main__":
    main()
