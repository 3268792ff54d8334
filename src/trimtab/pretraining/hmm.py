"""A hidden Markov model as a language model: trained on documents, how likely they are, what comes next, its files.

A document is what the chain shows until it shows the end of text. The equations are in
`trimtab.evaluation.baselines.hmm.equations`. S states, V words, T tokens; a batch is B documents of at most T tokens.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trimtab.errors import RunError
from trimtab.evaluation.baselines.hmm.equations import (
    Floats,
    Hmm,
    Ints,
    baum_welch,
    forward,
    random_hmm,
    side_by_side,
    within,
)
from trimtab.pretraining.drawing import drawn

MODEL_FILE = "hmm.json"
ARRAYS = ("start", "moves", "emits")
# Added to the count of each word in each state, so that none is impossible, `<unk>` among them.
SMOOTHING = 0.01
# Documents that are sorted by their lengths together, and numbers (tokens times states) that a batch holds; a document
# that is longer is a batch by itself.
SORTED, NUMBERS = 8192, 1 << 21


@dataclass(frozen=True)
class HmmModel:
    """A hidden Markov model of documents.

    Attributes:
        hmm: its probabilities.
        end: id of the end of text.
    """

    hmm: Hmm
    end: int

    def log_probabilities(self, ids_T: Ints) -> Floats:
        """ln p of each token of documents [T], ends included, behind what its document holds before it."""
        logs_T = np.zeros(len(ids_T))
        for places_TB, lengths_B in batches(ids_T, self.end, len(self.hmm.start_S)):
            seen_TBS = self.hmm.seen(np.asarray(ids_T[places_TB]), lengths_B)
            _, chances_TB = forward(self.hmm.start_S, self.hmm.moves_SS, seen_TBS)
            inside_TB = within(lengths_B, len(places_TB))
            logs_T[places_TB[inside_TB]] = np.log(chances_TB[inside_TB])
        return logs_T

    def following(self, before: Sequence[int]) -> Floats:
        """p of each word [V] behind the beginning of a document."""
        next_S = self.hmm.start_S
        if before:
            seen_TBS = self.hmm.emits_SV[:, list(before)].T[:, None]
            states_TBS, _ = forward(self.hmm.start_S, self.hmm.moves_SS, seen_TBS)
            next_S = states_TBS[-1, 0] @ self.hmm.moves_SS
        p_V: Floats = next_S @ self.hmm.emits_SV
        return p_V

    def drawn(
        self, before: Sequence[int], tokens: int, temperature: float, random: np.random.Generator,
        never: Sequence[int] = (),
    ) -> list[int]:  # fmt: skip
        """How a document goes on (see `trimtab.pretraining.drawing.drawn`)."""
        return drawn(self.following, before, tokens, temperature, random, end=self.end, never=never)


def train_hmm(
    ids_T: Ints, *, end: int, words: int, states: int, iterations: int, seed: int,
    tell: Callable[[int, float], None] = lambda iteration, perplexity: None,
) -> HmmModel:  # fmt: skip
    """Train by Baum-Welch from a random start, over whole documents, batch by batch.

    Args:
        ids_T: documents one after another, each with its end; may be mapped from disk.
        end: the id of the end of text.
        words: size of the vocabulary.
        states: how many states.
        iterations: of expectation and maximisation.
        seed: of the start.
        tell: told the number of each iteration, from 1, and the perplexity of the documents before it.
    """
    shares_V = np.full(words, SMOOTHING)
    for first in range(0, len(ids_T), NUMBERS):
        shares_V += np.bincount(ids_T[first : first + NUMBERS], minlength=words)
    start = random_hmm(states, shares_V / shares_V.sum(), np.random.default_rng(seed))

    def read() -> Iterator[tuple[Ints, Ints]]:
        for places_TB, lengths_B in batches(ids_T, end, states):
            yield np.asarray(ids_T[places_TB]), lengths_B

    def said(iteration: int, log: float) -> None:
        tell(iteration, math.exp(-log / len(ids_T)))

    return HmmModel(baum_welch(start, read, iterations=iterations, smoothing=SMOOTHING, tell=said), end)


def batches(ids_T: Ints, end: int, states: int) -> Iterator[tuple[Ints, Ints]]:
    """Places [T, B] and lengths [B] of documents of like length; behind the end of a document the place is 0."""
    ends = np.flatnonzero(ids_T == end) + 1
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    for first in range(0, len(ends), SORTED):
        window = slice(first, first + SORTED)
        bounds = sorted(zip(starts[window], ends[window], strict=True), key=lambda own: int(own[0] - own[1]))
        held: list[Ints] = []
        for low, high in bounds:
            if held and (len(held) + 1) * len(held[0]) * states > NUMBERS:
                yield side_by_side(held)
                held = []
            held.append(np.arange(low, high))
        yield side_by_side(held)


def save_hmm(model: HmmModel, folder: Path) -> None:
    """Write a model into a folder: NumPy arrays, and what they are in JSON."""
    for name, array in zip(ARRAYS, (model.hmm.start_S, model.hmm.moves_SS, model.hmm.emits_SV), strict=True):
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    states, words = model.hmm.emits_SV.shape
    content = {"states": states, "words": words, "end": model.end}
    (folder / MODEL_FILE).write_text(json.dumps(content), encoding="utf-8")


def load_hmm(folder: Path) -> HmmModel:
    """Open what `save_hmm` wrote. Raises RunError where it is not there or damaged."""
    try:
        said = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
        start_S, moves_SS, emits_SV = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ARRAYS)
        states, words = said["states"], said["words"]
        if (start_S.shape, moves_SS.shape, emits_SV.shape) != ((states,), (states, states), (states, words)):
            raise ValueError(f"not arrays of {states} states and {words} words")
        return HmmModel(Hmm(start_S, moves_SS, emits_SV), said["end"])
    except (OSError, ValueError, KeyError, TypeError, EOFError) as fault:
        raise RunError(f"{folder}: no hidden Markov model, or a damaged one ({fault}).", "Train it again.") from None
