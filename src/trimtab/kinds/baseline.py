"""A way to answer without a language model, as a kind of answer has it. Knows nothing about any one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trimtab.settings.task import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trimtab.evaluation.baselines.word_vectors import KeyedVectors


@dataclass(frozen=True)
class Learning:
    """What a way without a language model learns from, and what it answers.

    Attributes:
        train: training rows.
        judged: rows to answer; their answers are not looked at.
        task: the settings: the language of the texts, keyword rules.
        labels: the labels, in order; none where answers are no labels.
        offline: whether what must be fetched, as word vectors or an encoder, may not be.
        base: folder at which the task's relative paths start.
    """

    train: Sequence[Any]
    judged: Sequence[Any]
    task: Task
    labels: Sequence[str] = ()
    offline: bool = False
    base: Path = Path()

    @property
    def how(self) -> dict[str, Any]:
        """Language of the texts, and the seed of folds, as baselines take them."""
        return {"language": self.task.language, "seed": self.task.train.seed}

    def vectors(self) -> KeyedVectors:
        """The task's word vectors, fetched where they are not at hand. Raises TrimtabError where that cannot be."""
        from trimtab.vectors.reading import open_vectors

        return open_vectors(self.task.word_vectors, base=self.base, offline=self.offline)

    def embed(self) -> Callable[[list[str]], NDArray[np.float32]]:
        """What makes vectors of texts, its model fetched where it is not at hand. Raises TrimtabError."""
        from trimtab.backbones.open import open_backbone
        from trimtab.backbones.sentence_vectors import sentence_vectors
        from trimtab.sources.places import local_or_known

        name, settings = local_or_known(self.task.embeddings, self.base), self.task.train
        encoder = open_backbone(name, precision=settings.precision, device=settings.device, offline=self.offline)
        folder = self.encoder()
        return lambda texts: sentence_vectors(encoder, texts, folder)

    def encoder(self) -> Path:
        """The folder of the sentence encoder, fetched where it is not at hand. Raises TrimtabError."""
        from trimtab.sources import find_model
        from trimtab.sources.places import local_or_known

        return find_model(local_or_known(self.task.embeddings, self.base), offline=self.offline).path


@dataclass(frozen=True)
class Baseline:
    """A way to answer without a language model.

    Attributes:
        key: its name on the command line.
        name: its name in a sentence.
        answers: answers to all rows, as `Kind.collected` has those of a run.
        always: what it gives to every row whatever that holds, in words; None where it reads the row.
        reported: its name in the report of a run; "" where it is not shown there.
        seeded: whether another seed of training gives another result.
        extra: the extra that its library comes with, which has the same name; "" where it needs none.
        title: that library's name in a sentence.
    """

    key: str
    name: str
    answers: Callable[[Learning], Any]
    always: str | None = None
    reported: str = ""
    seeded: bool = False
    extra: str = ""
    title: str = ""
