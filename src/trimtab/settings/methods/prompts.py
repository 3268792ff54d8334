"""Settings of methods whose trained part is a prompt, or a part of one. Knows nothing about how it is trained."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from trimtab.settings.methods.base import CACHE, MEGABYTES, MethodBase

# Training rows that class vectors are fitted to at most, before they are trained on all.
MOST_FITTED = 5_000


class SoftPromptSettings(MethodBase):
    """Soft prompt (Lester et al. 2021): vectors among the input's embeddings, the only thing trained."""

    title: ClassVar[str] = "soft prompt"
    rate_unit: ClassVar[str] = " x embedding RMS"

    name: Literal["soft_prompt"] = Field("soft_prompt", description="Soft prompt.")
    length: int = Field(
        20,
        ge=1,
        le=100_000,
        description="Length of the soft prompt, in tokens; of demonstrations by default theirs. Where the template has "
        "`{soft:n}` slots, they say it.",
    )
    init: Literal["task", "labels", "vocabulary", "text", "demonstrations", "random", "run"] = Field(
        "task",
        description="Start from the task description, the label words, sampled frequent vocabulary, `init_text`, "
        "training rows with their answers (context tuning, Lu et al. 2025), noise, or the prompt of another run "
        "(prompt transfer, Vu et al. 2022). A short text is repeated.",
    )
    demonstrations: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Where init is `demonstrations`, how many, by default as `few_shot`; the best of its draws on dev.",
    )
    init_text: str | None = Field(None, description="Text to start from where init is `text`.")
    init_run: str | None = Field(None, description="Run folder to start from where init is `run`; same backbone.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Prompt dropout: share of prompt values zeroed each step.")
    before_leading: bool = Field(
        False,
        description="Put it before the special token that begins a text (`[CLS]`, `<s>`, `<bos>`), as PEFT does, and "
        "not behind it.",
    )


class WarpSettings(MethodBase):
    """WARP (Hambardzumyan et al. 2021): a soft prompt, and a vector for each label that the answer is scored by.

    Both are trained together; a vector has no name that it would have to be spelt by, so that many labels, and labels
    of many tokens, cost nothing.
    """

    title: ClassVar[str] = "prompt and class vectors (WARP)"
    rate_unit: ClassVar[str] = " x embedding RMS"

    name: Literal["warp"] = Field("warp", description="Soft prompt and class vectors, trained together.")
    length: int = Field(
        20, ge=1, le=100_000, description="Length of the soft prompt, in tokens; `{soft:n}` slots say it instead."
    )
    init: Literal["task", "labels", "vocabulary", "text", "random", "run"] = Field(
        "task", description="What the prompt starts from, as for a soft prompt; `run` may be a run of either kind."
    )
    init_text: str | None = Field(None, description="Text to start from where init is `text`.")
    init_run: str | None = Field(None, description="Run folder to start from where init is `run`; same backbone.")
    vectors: Literal["fitted", "labels", "zero"] = Field(
        "fitted",
        description="What the class vectors start from: those that are fitted to the hidden states of up to "
        f"{MOST_FITTED:,} training rows behind the prompt as it starts (as `head` is), so that they are right from the "
        "first step; the label words' own output vectors; or zeros.",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="Prompt dropout: share of prompt values zeroed each step.")


class PrefixSettings(MethodBase):
    """Prefix (Li & Liang 2021): keys and values of every layer; without `hidden` P-tuning v2 (Liu et al. 2022)."""

    title: ClassVar[str] = "prefix"
    rate_unit: ClassVar[str] = " x typical size of keys and values"

    name: Literal["prefix"] = Field("prefix", description="Prefix, or deep prompts.")
    length: int = Field(
        20, ge=1, le=100_000, description="Length of the prefix, in tokens; of demonstrations by default theirs."
    )
    init: Literal["task", "labels", "text", "demonstrations", "random", "zero"] = Field(
        "task",
        description="Start from what the backbone computes for the task description, the label words, `init_text` or "
        "training rows with their answers (context tuning, Lu et al. 2025), from noise, or from zeros. Text shorter "
        "than the prefix is repeated.",
    )
    demonstrations: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Where init is `demonstrations`, how many, by default as `few_shot`; the best of its draws on dev.",
    )
    init_text: str | None = Field(None, description="Text to start from where init is `text`.")
    hidden: int | None = Field(
        None,
        ge=1,
        le=8192,
        description="Width of a network through which the prefix is trained (reparametrisation); null trains keys and "
        "values themselves.",
    )
    takes_positions: bool = Field(
        False,
        description="On an encoder, count the positions of a row from behind the prefix, as PEFT does, and not from 0. "
        "On a causal backbone they always are.",
    )


class LatePromptSettings(MethodBase):
    """Late prompt (Liu et al. 2022): a prompt that enters at a later layer; faster to train, and somewhat weaker."""

    title: ClassVar[str] = "late prompt"
    rate_unit: ClassVar[str] = " x typical size of hidden states"

    name: Literal["late_prompt"] = Field("late_prompt", description="Late prompt.")
    length: int = Field(20, ge=1, le=2000, description="Length of the prompt, in tokens.")
    layer: int | None = Field(
        None, ge=1, le=10_000, description="Layer it enters at, counted from 0; half way up by default."
    )
    init: Literal["task", "labels", "text", "random"] = Field(
        "task", description="Start from the hidden states of the task description, the label words or `init_text`."
    )
    init_text: str | None = Field(None, description="Text to start from where init is `text`.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Prompt dropout: share of prompt values zeroed each step.")
    cache_megabytes: int = Field(1024, ge=0, le=MEGABYTES, description=CACHE)


class PTuningSettings(MethodBase):
    """P-tuning (Liu et al. 2021): a soft prompt made by a small network, which is what is trained."""

    title: ClassVar[str] = "P-tuning"
    rate_unit: ClassVar[str] = " x embedding RMS"

    name: Literal["p_tuning"] = Field("p_tuning", description="P-tuning.")
    length: int = Field(20, ge=1, le=2000, description="Length of the soft prompt; `{soft:n}` slots say it instead.")
    encoder: Literal["mlp", "lstm"] = Field("mlp", description="An MLP, or a bidirectional LSTM and an MLP.")
    hidden: int = Field(128, ge=1, le=8192, description="Width of the network.")
    init: Literal["task", "labels", "vocabulary", "text", "random"] = Field(
        "task", description="What the network reads at the start, as for a soft prompt."
    )
    init_text: str | None = Field(None, description="Text to start from where init is `text`.")


class MultitaskPromptSettings(MethodBase):
    """Multitask prompt (Wang et al. 2023): a prompt shared by several tasks, times each task's low-rank matrix."""

    title: ClassVar[str] = "multitask prompt"
    rate_unit: ClassVar[str] = " x embedding RMS"

    name: Literal["multitask_prompt"] = Field("multitask_prompt", description="Prompt shared with other tasks.")
    length: int = Field(20, ge=1, le=2000, description="Length of the prompt; `{soft:n}` slots say it instead.")
    rank: int = Field(1, ge=1, le=256, description="Rank of each task's own matrix.")
    sources: list[str] = Field(
        default_factory=list,
        description="Task files whose training rows are trained on too, on the same backbone; of their settings, those "
        "of `task`, `data`, `template` and `labels` are used.",
    )
    init: Literal["task", "labels", "vocabulary", "text", "random", "run"] = Field(
        "task", description="What the shared prompt starts from, as for a soft prompt; `run` is a run of either kind."
    )
    init_text: str | None = Field(None, description="Text to start from where init is `text`.")
    init_run: str | None = Field(None, description="Run folder to start from where init is `run`; same backbone.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Prompt dropout: share of prompt values zeroed each step.")
