"""Settings of a head alone. Knows nothing about how it is fitted."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from trimtab.settings.methods.base import MEGABYTES, MethodBase


class HeadSettings(MethodBase):
    """Head only: a linear layer on the backbone's hidden states, in place of the label words' scores.

    Known as linear probing (Alain & Bengio 2017).
    """

    title: ClassVar[str] = "head"

    name: Literal["head"] = Field("head", description="A new last layer.")
    solver: Literal["exact", "steps"] = Field(
        "exact",
        description="Fit it to convergence (logistic regression by L-BFGS, its penalty chosen by cross-validation on "
        "train; ridge regression for numbers), or train it in steps as `train` says, as other methods are.",
    )
    init: Literal["labels", "zero"] = Field(
        "labels",
        description="Start from the label words' own output vectors (which is zero-shot), or from zeros. What is "
        "fitted to up to 500 rows is drawn to where it starts if that foretells rows left out better.",
    )
    layer: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="Layer whose hidden states it reads, counted from 1; null for the last. Where it is left out, a "
        "mean is read half way up a causal backbone.",
    )
    pooling: Literal["answer", "mean"] = Field(
        "answer",
        description="Read a causal backbone where the row is answered, or the mean over the row's tokens. Encoders "
        "without a language-model head always give the mean. Where neither this nor `layer` is given, what is fitted "
        "to more than 200 rows of labels reads the mean.",
    )
    dropout: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of the hidden state's values zeroed each step, where it is trained in steps.",
    )
    cache_megabytes: int = Field(
        1024,
        ge=0,
        le=MEGABYTES,
        description="Memory for the rows' hidden states. What does not fit is computed at every step; to be fitted to, "
        "all must fit.",
    )

    @property
    def fitted(self) -> bool:
        """Unless it is trained in steps."""
        return self.solver == "exact"
