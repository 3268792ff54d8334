"""What kinds of answer a task may have, and their settings, declared once. Knows nothing about how they are given."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from trimtab.spec_methods import Settings


class LabelAnswer(Settings):
    """A label from a fixed set, the same for all rows; `labels` says which."""

    kind: Literal["label"] = Field("label", description="A label.")


class ChoiceAnswer(Settings):
    """One of several options that stand in the record itself (multiple choice)."""

    kind: Literal["choice"] = Field("choice", description="One of the record's own options.")
    options: list[str] | str = Field(
        description="Columns that hold one option each, or one column that holds a list of them (as JSON in CSV and "
        "TSV), whose length may differ from row to row."
    )
    by: Literal["index", "letter", "text"] = Field(
        "index", description="How `data.label` names the right option: its number, its letter (A, B, ...), or its text."
    )
    first: Literal[0, 1] = Field(0, description="Number of the first option, where `by` is `index`.")
    length_normalise: bool = Field(
        True,
        description="Divide an option's log-likelihood by its number of tokens (Brown et al. 2020, section 2.4); else "
        "long options are at a disadvantage.",
    )

    @field_validator("options")
    @classmethod
    def _check_columns(cls, value: list[str] | str) -> list[str] | str:
        if isinstance(value, list) and (len(value) < 2 or len(set(value)) < len(value)):
            raise ValueError("name two different columns or more, or one column that holds a list")
        return value


class NumberAnswer(Settings):
    """A number (regression), read by a linear layer from the hidden state at the answer's place."""

    kind: Literal["number"] = Field("number", description="A number.")
    loss: Literal["squared", "huber"] = Field(
        "squared",
        description="Squared error, or Huber's loss (Huber 1964), which minds outliers less: linear beyond one "
        "standard deviation of the training rows' numbers.",
    )
    mean: float | None = Field(
        None, allow_inf_nan=False, description="Number that the layer calls 0; the mean of train by default."
    )
    sd: float | None = Field(
        None, gt=0, allow_inf_nan=False,
        description="What it calls 1, above the mean; the standard deviation of train by default.",
    )  # fmt: skip


ANSWERS = {kind.model_fields["kind"].default: kind for kind in (LabelAnswer, ChoiceAnswer, NumberAnswer)}


def _answer_kind(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("kind", "label"))
    return str(getattr(value, "kind", value))


AnswerSettings = Annotated[
    Annotated[LabelAnswer, Tag("label")]
    | Annotated[ChoiceAnswer, Tag("choice")]
    | Annotated[NumberAnswer, Tag("number")],
    Discriminator(_answer_kind),
]
LABEL = LabelAnswer()
