"""What kinds of answer a task may have, and their settings, declared once. Knows nothing about how they are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from trimtab.settings.methods import LARGEST_SEED, Settings

# Most tokens of an answer, and of a vocabulary.
LONGEST = 10_000_000
# Below it, scores over the temperature leave the range of float32.
COLDEST = 0.001


class AnswerBase(Settings):
    """Base of every kind's settings.

    Attributes:
        plural: what several answers of the kind are called in a sentence.
        scored_by: settings that say what answers are scored by, and not how they are found.
    """

    plural: ClassVar[str]
    scored_by: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def defaults_elsewhere(cls, given: Mapping[str, object]) -> dict[str, dict[str, object]]:
        """Defaults of a task's other settings where its answers are of this kind: group -> setting -> value.

        Args:
            given: those settings of the answer that are given, not checked yet.
        """
        return {}


class LabelAnswer(AnswerBase):
    """A label from a fixed set, the same for all rows; `labels` says which."""

    plural: ClassVar[str] = "labels"

    kind: Literal["label"] = Field("label", description="A label.")


class ChoiceAnswer(AnswerBase):
    """One of several options that stand in the record itself (multiple choice)."""

    plural: ClassVar[str] = "choices"

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


# A probability from which on a label is given.
Threshold = Annotated[float, Field(gt=0, lt=1)]


class MultiLabelAnswer(AnswerBase):
    """Any number of labels from a fixed set, or none of them; a linear layer says yes or no to each by itself.

    `data.label` names their column, by default `labels`: a list (as JSON in CSV and TSV), or a text with the labels in
    turn. Which there are, `labels` says, by default those of train.
    """

    plural: ClassVar[str] = "sets of labels"

    kind: Literal["multilabel"] = Field("multilabel", description="Any number of labels.")
    separator: str | None = Field(
        None,
        min_length=1,
        description="What stands between labels where they are a text; by default `|`, `;` or `,`, the first of these "
        "that the text has.",
    )
    columns: list[str] | None = Field(
        None,
        min_length=2,
        description="Columns that hold 0 or 1, one a label and called as it is, in place of `data.label`.",
    )
    thresholds: dict[str, Threshold] | Threshold | None = Field(
        None,
        description="Probability from which on a label is given, one for all or label -> its own. By default each "
        "label's with the best F1 on dev, or 0.5 where that has fewer than five rows with it, or without it.",
    )

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and len(set(value)) < len(value):
            raise ValueError("a column stands twice")
        return value

    @classmethod
    def defaults_elsewhere(cls, given: Mapping[str, object]) -> dict[str, dict[str, object]]:
        """The column of the labels."""
        return {"data": {"label": "labels"}}


class NumberAnswer(AnswerBase):
    """A number (regression), read by a linear layer from the hidden state at the answer's place."""

    plural: ClassVar[str] = "numbers"

    kind: Literal["number"] = Field("number", description="A number.")
    loss: Literal["squared", "huber"] = Field(
        "squared",
        description="Squared error, or Huber's loss (Huber 1964), which minds outliers less: linear beyond one "
        "standard deviation of the training rows' numbers.",
    )
    mean: float | None = Field(None, description="Number that the layer calls 0; the mean of train by default.")
    sd: float | None = Field(
        None, gt=0, description="What it calls 1, above the mean; the standard deviation of train by default."
    )


class TextAnswer(AnswerBase):
    """Free text, said token by token."""

    plural: ClassVar[str] = "texts"
    scored_by: ClassVar[tuple[str, ...]] = ("metrics", "tests")

    kind: Literal["text"] = Field("text", description="Free text.")
    max_tokens: int | None = Field(
        None,
        ge=1,
        le=LONGEST,
        description="Longest answer in tokens, its end included; that much of the context is kept free. By default "
        "what the longest training answer takes, and at most 256.",
    )
    min_tokens: int = Field(0, ge=0, le=LONGEST, description="Fewest tokens of an answer before its end.")
    temperature: float = Field(
        0.0,
        ge=0,
        le=10,
        description="0 takes the likeliest token each time (greedy); from 0.001 on tokens are drawn.",
    )
    top_k: int | None = Field(
        None, ge=1, le=LONGEST, description="Draw from the k likeliest tokens only (Fan et al. 2018)."
    )
    top_p: float | None = Field(
        None, gt=0, lt=1,
        description="Draw from the fewest tokens that have this share of the probability (Holtzman et al. 2020).",
    )  # fmt: skip
    min_p: float | None = Field(
        None, gt=0, lt=1,
        description="Draw from tokens that have this share of the likeliest one's probability (Nguyen et al. 2024).",
    )  # fmt: skip
    beams: int = Field(1, ge=1, le=64, description="Beam search over this many texts; 1 is none.")
    length_penalty: float = Field(
        1.0,
        ge=-10,
        le=10,
        description="A beam's score is its log-likelihood over its length to this power; above 1 favours long ones.",
    )
    repetition_penalty: float = Field(
        1.0,
        ge=1,
        le=100,
        description="Takes this factor off tokens that the answer holds (Keskar et al. 2019); 1 is none.",
    )
    no_repeat_ngram: int = Field(
        0, ge=0, le=1000, description="No sequence of this many tokens twice in an answer; 0 allows all."
    )
    stop: list[str] = Field(
        default_factory=list,
        description="Texts at which an answer ends; not part of it, nor of the data's answers that end with them.",
    )
    answers: int = Field(1, ge=1, le=100, description="Answers given to each row: drawn, or of the best beams.")
    seed: int = Field(0, ge=0, le=LARGEST_SEED, description="Seed of what is drawn.")
    metrics: list[str] | None = Field(
        None,
        min_length=1,
        description="What answers are scored by, the headline first: BLEU, chrF, chrF++, ROUGE-1, ROUGE-2, ROUGE-L, "
        "EM, F1, numeric EM, entity F1, distinct-1, distinct-2, length ratio, empty, copied. By default chrF, BLEU, "
        "ROUGE-L, EM, F1 and the length ratio.",
    )
    tests: str | None = Field(
        None,
        min_length=1,
        description="Column with the tests that an answer's Python program must pass (pass@k). They are run only with "
        "`--run-code`, in a sandbox.",
    )
    one_of: list[str] | None = Field(None, min_length=1, description="The answer is one of these texts.")
    pattern: str | None = Field(None, description="The answer matches this regular expression.")
    json_schema: dict[str, Any] | None = Field(None, description="The answer is JSON of this schema.")

    @model_validator(mode="after")
    def _check_decoding(self) -> TextAnswer:
        drawing = [name for name in ("top_k", "top_p", "min_p") if getattr(self, name) is not None]
        if 0 < self.temperature < COLDEST:
            raise ValueError(f"temperature is {self.temperature:g}: set 0 for greedy, or {COLDEST} or more to draw")
        if self.beams > 1 and self.temperature:
            raise ValueError("beams and temperature do not go together: set one of them")
        if drawing and not self.temperature:
            raise ValueError(f"{drawing[0]} goes with drawing: set temperature, to 1 say")
        if self.answers > max(self.beams, 1) and not self.temperature:
            raise ValueError(f"answers is {self.answers}: set temperature to draw them, or beams to that many")
        if any(not text for text in self.stop):
            raise ValueError("an empty text in stop ends every answer: take it out")
        if sum(value is not None for value in (self.one_of, self.pattern, self.json_schema)) > 1:
            raise ValueError("give one of one_of, pattern and json_schema")
        return self


class TagsAnswer(AnswerBase):
    """A tag for each token of the record (named entities, slots), read by a linear layer from the token's hidden state.

    `data.label` names the column of the tags, by default `tags`, and the template is `Text: {tokens}` by default.
    A record that is too long for one row is read in windows.
    """

    plural: ClassVar[str] = "tags"

    kind: Literal["tags"] = Field("tags", description="A tag a token.")
    tokens: str = Field(
        "tokens", min_length=1,
        description="Column that holds the list of tokens (as JSON in CSV and TSV); the template must have its field.",
    )  # fmt: skip
    scheme: Literal["auto", "bio", "iob1", "bioes", "bilou", "bmes", "plain"] = Field(
        "auto",
        description="How tags mark entities: BIO (IOB2), BIOES, BILOU and BMES are told by their letters, before or "
        "behind the type or alone; the name of one refuses others' letters. IOB1 begins with `I-`. `plain` where each "
        "tag stands for itself, such as a part of speech.",
    )
    join: Literal["auto", "space", "none"] = Field(
        "auto",
        description="What stands between tokens: a space, or nothing; `auto` puts a space unless both neighbours are "
        "Chinese or Japanese.",
    )
    tags: list[str] | None = Field(
        None,
        min_length=2,
        description="Tags that can be given, in BIO where they mark entities; those of train by default.",
    )

    @classmethod
    def defaults_elsewhere(cls, given: Mapping[str, object]) -> dict[str, dict[str, object]]:
        """The column of the tags, and a template with the tokens."""
        tokens = given.get("tokens", cls.model_fields["tokens"].default)
        return {"data": {"label": "tags"}, "template": {"text": f"Text: {{{tokens}}}"}}


class SpanAnswer(AnswerBase):
    """A stretch of a context that answers a question (extractive question answering), or none where nothing does.

    A linear layer says of each token of the context whether the answer begins or ends there, and at one more place that
    there is none (Devlin et al. 2019, section 4.3). `data.label` names the column of the answers, by default `answers`,
    else `answer`. The template is by default the question and then the context, as a token of a causal backbone does
    not see what follows. A context that is too long for one row is read in windows.
    """

    plural: ClassVar[str] = "spans"

    kind: Literal["span"] = Field("span", description="A stretch of a context.")
    context: str = Field(
        "context", min_length=1,
        description="Field of the template that the answer stands in; where the template has no `context`, by default "
        "the one field other than `question`.",
    )  # fmt: skip
    start: str = Field(
        "answer_start", min_length=1,
        description="Column that says where in the context an answer begins, in characters counted from 0, where the "
        "answers' own column does not; without it an answer is looked for.",
    )  # fmt: skip
    longest: int | None = Field(
        None,
        ge=1,
        le=LONGEST,
        description="Most tokens of the context that are given: words, marks, characters of scripts without spaces. By "
        "default as many as the longest answer of train has.",
    )
    threshold: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="An answer is given where the probability of the best one, over that and that of no answer, is at "
        "least this; 0 always gives one. By default the one with the best F1 on dev where train has rows without an "
        "answer, else 0.",
    )

    @classmethod
    def defaults_elsewhere(cls, given: Mapping[str, object]) -> dict[str, dict[str, object]]:
        """The column of the answers, and a template with the question and the context."""
        context = given.get("context", cls.model_fields["context"].default)
        text = f"Question: {{question}}\nContext: {{{context}}}"
        return {"data": {"label": "answers"}, "template": {"text": text}}


KINDS: tuple[type[AnswerBase], ...] = (
    LabelAnswer, MultiLabelAnswer, ChoiceAnswer, NumberAnswer, TagsAnswer, SpanAnswer, TextAnswer,
)  # fmt: skip
ANSWERS = {kind.model_fields["kind"].default: kind for kind in KINDS}


def _answer_kind(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("kind", "label"))
    return str(getattr(value, "kind", value))


AnswerSettings = Annotated[
    Annotated[LabelAnswer, Tag("label")]
    | Annotated[MultiLabelAnswer, Tag("multilabel")]
    | Annotated[ChoiceAnswer, Tag("choice")]
    | Annotated[NumberAnswer, Tag("number")]
    | Annotated[TagsAnswer, Tag("tags")]
    | Annotated[SpanAnswer, Tag("span")]
    | Annotated[TextAnswer, Tag("text")],
    Discriminator(_answer_kind),
]
LABEL = LabelAnswer()


def defaults_elsewhere(answer: object) -> dict[str, dict[str, object]]:
    """What the kind of an answer has to say of a task's other settings: group -> setting -> default.

    Args:
        answer: settings, or what is given for them: a dictionary or a bare kind; anything else has nothing to say.
    """
    kind = ANSWERS.get(_answer_kind(answer))
    given = dict(answer) if isinstance(answer, dict | AnswerBase) else {}
    return kind.defaults_elsewhere(given) if kind else {}
