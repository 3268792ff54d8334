"""An n-gram model in use: how likely documents are, what comes next, and its files. Knows nothing of how it came about.

V words with `<s>`, which is the last one, T tokens, X tokens with the beginnings.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trimtab.errors import RunError
from trimtab.pretraining.drawing import drawn
from trimtab.pretraining.ngram.estimate import Floats, Level
from trimtab.pretraining.ngram.sentences import find, sentences

MODEL_FILE = "ngram.json"


@dataclass(frozen=True)
class NgramModel:
    """An n-gram model.

    Attributes:
        levels: its n-grams, single words first; they may be mapped from disk.
        words: how many words there are, without `<s>`, whose id this is.
        end: id of `</s>`.
    """

    levels: Sequence[Level]
    words: int
    end: int

    def log_probabilities(self, ids_T: NDArray[np.integer]) -> Floats:
        """ln p of each token of documents [T], ends included, behind what its document holds before it.

        Where an n-gram was not seen, that of the words without the first is taken, times the back-off of the context.
        """
        x_X, left_X = sentences(ids_T, self.end, self.words)
        logs_X, places_X = np.asarray(self.levels[0].logs_N[x_X]), x_X
        for n, level in enumerate(self.levels[1:], 2):
            starts = np.flatnonzero(left_X >= n)
            contexts = places_X[starts]
            known = contexts >= 0
            found = np.full(len(starts), -1)
            last = starts + n - 1
            found[known] = find(level.keys_N, contexts[known] * (self.words + 1) + x_X[last[known]])
            shorter = logs_X[last] + np.where(known, self.levels[n - 2].backoffs_N[contexts], 0.0)
            logs_X[last] = np.where(found >= 0, level.logs_N[found], shorter) if len(level.keys_N) else shorter
            places_X = np.full(len(x_X), -1)
            places_X[starts] = found
        found_T: Floats = logs_X[x_X != self.words]
        return found_T

    def following(self, before: Sequence[int]) -> Floats:
        """p of each word [V] behind the beginning of a document; that of `<s>` is 0."""
        text = [self.words, *before]
        p_V = np.exp(self.levels[0].logs_N)
        for n, level in enumerate(self.levels[1:], 2):
            place = self._place(text[-(n - 1) :]) if len(text) >= n - 1 else -1
            if place < 0:
                continue
            p_V *= np.exp(self.levels[n - 2].backoffs_N[place])
            low, high = np.searchsorted(level.keys_N, [place * (self.words + 1), (place + 1) * (self.words + 1)])
            p_V[level.keys_N[low:high] % (self.words + 1)] = np.exp(level.logs_N[low:high])
        p_V[self.words] = 0
        return p_V

    def _place(self, words: Sequence[int]) -> int:
        """Where an n-gram stands in its level; -1 where it does not."""
        place = words[0]
        for level, word in zip(self.levels[1:], words[1:], strict=False):
            place = int(find(level.keys_N, np.array([place * (self.words + 1) + word]))[0])
            if place < 0:
                break
        return place

    def drawn(
        self, before: Sequence[int], tokens: int, temperature: float, random: np.random.Generator,
        never: Sequence[int] = (),
    ) -> list[int]:  # fmt: skip
        """How a document goes on: at most `tokens` words, up to its end, which is left out.

        Args:
            before: its beginning.
            tokens: longest continuation.
            temperature: of what is drawn; 0 takes the likeliest word.
            random: what draws.
            never: words that are not said.
        """
        return drawn(self.following, before, tokens, temperature, random, end=self.end, never=never)


def save_ngram(model: NgramModel, folder: Path) -> None:
    """Write a model into a folder: NumPy arrays, and what they are in JSON."""
    for n, level in enumerate(model.levels, 1):
        for name in ("keys", "logs", "backoffs"):
            np.save(folder / f"{n}-{name}.npy", getattr(level, f"{name}_N"), allow_pickle=False)
    content = {"order": len(model.levels), "words": model.words, "end": model.end}
    (folder / MODEL_FILE).write_text(json.dumps(content), encoding="utf-8")


def load_ngram(folder: Path) -> NgramModel:
    """Open what `save_ngram` wrote; arrays are mapped. Raises RunError where it is not there or damaged."""
    try:
        said = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
        levels = [
            Level(*(np.load(folder / f"{n}-{name}.npy", mmap_mode="r") for name in ("keys", "logs", "backoffs")))
            for n in range(1, said["order"] + 1)
        ]
        return NgramModel(levels, said["words"], said["end"])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise RunError(f"{folder}: no n-gram model, or a damaged one ({fault}).", "Train it again.") from None
