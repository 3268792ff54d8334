"""A way to answer without a language model, as a kind of answer has it. Knows nothing about any one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trimtab.settings.task import Task

if TYPE_CHECKING:
    from trimtab.evaluation.baselines.word_vectors import KeyedVectors

WORD_VECTORS = "glove-6b-50d"


@dataclass(frozen=True)
class Learning:
    """What a way without a language model learns from, and what it answers.

    Attributes:
        train: training rows.
        judged: rows to answer; their answers are not looked at.
        task: the settings: the language of the texts, keyword rules.
        labels: the labels, in order; none where answers are no labels.
        offline: whether what must be fetched, as word vectors, may not be.
    """

    train: Sequence[Any]
    judged: Sequence[Any]
    task: Task
    labels: Sequence[str] = ()
    offline: bool = False

    @property
    def how(self) -> dict[str, Any]:
        """Language of the texts, and the seed of folds, as baselines take them."""
        return {"language": self.task.language, "seed": self.task.train.seed}

    def vectors(self) -> KeyedVectors:
        """Word vectors, fetched where they are not at hand. Raises TrimtabError where that cannot be."""
        from trimtab.evaluation.baselines.word_vectors import read_word_vectors
        from trimtab.sources import find_word_vectors

        return read_word_vectors(find_word_vectors(WORD_VECTORS, offline=self.offline))


@dataclass(frozen=True)
class Baseline:
    """A way to answer without a language model.

    Attributes:
        key: its name on the command line.
        name: its name in a sentence.
        answers: answers to all rows, as `Kind.collected` has those of a run.
        always: what it gives to every row whatever that holds, in words; None where it reads the row.
        reported: its name in the report of a run; "" where it is not shown there.
    """

    key: str
    name: str
    answers: Callable[[Learning], Any]
    always: str | None = None
    reported: str = ""
