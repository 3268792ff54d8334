"""What a row is answered with, by what answers are. Knows nothing about how an answer is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trimtab.decoding.answer_text import Written
    from trimtab.decoding.spans import BestSpan
    from trimtab.decoding.tagging import Tagged


@dataclass(frozen=True)
class Prediction:
    """An answer.

    Attributes:
        label: the answer as text: the label, the option chosen, the span, the free text, or the number or tags as text;
            None where a label is too unsure to be given.
        cut_tokens: how many tokens of the input were cut to fit.
    """

    label: str | None
    cut_tokens: int


@dataclass(frozen=True)
class LabelPrediction(Prediction):
    """A label.

    Attributes:
        probabilities: every label's.
    """

    probabilities: dict[str, float]

    @property
    def probability(self) -> float:
        """That of the answer, or of the likeliest label where none is given."""
        return max(self.probabilities.values()) if self.label is None else self.probabilities[self.label]

    @property
    def abstained(self) -> bool:
        """Whether no answer is given, as it is too unsure."""
        return self.label is None


@dataclass(frozen=True)
class MultiLabelPrediction(Prediction):
    """Any number of labels.

    Attributes:
        labels: those given, in the order of all labels.
        probabilities: every label's, each by itself.
    """

    labels: tuple[str, ...]
    probabilities: dict[str, float]


@dataclass(frozen=True)
class ChoicePrediction(LabelPrediction):
    """One of a row's options; probabilities are those of all of them.

    Attributes:
        index: the option's place among the row's, counted from 0.
    """

    index: int


@dataclass(frozen=True)
class NumberPrediction(Prediction):
    """A number."""

    number: float


@dataclass(frozen=True)
class TagPrediction(Prediction):
    """A tag for each token: the tokens, their tags and what they mark."""

    tagged: Tagged


@dataclass(frozen=True)
class SpanPrediction(Prediction):
    """A stretch of the row's context, or none.

    Attributes:
        best: the most probable stretch, whether it is given or not.
        given: the first character of the answer and the one behind its last; None for no answer.
    """

    best: BestSpan
    given: tuple[int, int] | None


@dataclass(frozen=True)
class TextPrediction(Prediction):
    """Free text: every answer given, the best first, or in the order drawn."""

    texts: tuple[Written, ...]
