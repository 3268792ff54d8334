"""The settings of every method, declared once. Knows nothing about how a method is carried out."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

from trimtab.errors import need_library
from trimtab.settings.times import YEAR, seconds_of


class Settings(BaseModel):
    """Base of all settings: unknown names are errors, numbers are finite, values do not change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# Largest seed: numpy and scikit-learn take no larger ones, and seeds times a step must stay below 2^63.
LARGEST_SEED = 2**32 - 1
# Largest number of rows, steps, evaluations: nobody has more, and what is larger is a slip.
MANY = 1_000_000_000
# Training rows that class vectors are fitted to at most, before they are trained on all.
MOST_FITTED = 5_000


class MethodBase(Settings):
    """Base of every method's settings.

    Attributes:
        title: the method's name in a sentence.
        rate_unit: what its learning rate is multiplied by, in words; nothing where it is absolute.
        by_peft: whether the PEFT library makes it, which comes as an extra.
        changes_weights: whether the backbone's own weights are changed, so that its runs share no passes with others.
    """

    title: ClassVar[str]
    rate_unit: ClassVar[str] = ""
    by_peft: ClassVar[bool] = False
    changes_weights: ClassVar[bool] = False

    @property
    def fitted(self) -> bool:
        """Whether what is trained is found at once, and not in steps."""
        return False

    @property
    def described(self) -> str:
        """The title, with its length and the demonstrations that it starts from, where it has them."""
        length = f"{getattr(self, 'length', '')}-token " if hasattr(self, "length") else ""
        if getattr(self, "init", None) != "demonstrations":
            return f"{length}{self.title}"
        return f"{length}{self.title} from {getattr(self, 'demonstrations', None)} demonstrations"


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


# Largest cache: 100 terabytes.
MEGABYTES = 100_000_000
CACHE = "Memory for the rows' hidden states; what does not fit is computed every time."


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


class LoraSettings(MethodBase):
    """LoRA (Hu et al. 2022), DoRA (Liu et al. 2024), rank-stabilised LoRA (Kalajdzievski 2023), through PEFT."""

    title: ClassVar[str] = "LoRA"
    changes_weights: ClassVar[bool] = True
    by_peft: ClassVar[bool] = True

    name: Literal["lora"] = Field("lora", description="Low-rank changes of the weights.")
    rank: int = Field(8, ge=1, le=1024, description="Rank of the changes.")
    alpha: float = Field(
        16.0, gt=0, le=1e6, description="Their scale: alpha / rank, or alpha / sqrt(rank) with `rslora`."
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout on what the changes read.")
    targets: list[str] | None = Field(
        None, min_length=1, description="Names of the linear layers changed; all by default."
    )
    dora: bool = Field(False, description="Train the weights' magnitudes apart from their directions (DoRA).")
    rslora: bool = Field(False, description="Scale by the root of the rank (rsLoRA).")
    prompt: int = Field(0, ge=0, le=2000, description="Length of a soft prompt trained along, in tokens; 0 for none.")


class IA3Settings(MethodBase):
    """IA3 (Liu et al. 2022): factors on keys, values and the MLP's inner activations, through PEFT."""

    title: ClassVar[str] = "IA3"
    changes_weights: ClassVar[bool] = True
    by_peft: ClassVar[bool] = True

    name: Literal["ia3"] = Field("ia3", description="Factors on activations.")


class BitFitSettings(MethodBase):
    """BitFit (Ben Zaken et al. 2022): the backbone's biases are trained, nothing else."""

    title: ClassVar[str] = "BitFit"
    changes_weights: ClassVar[bool] = True

    name: Literal["bitfit"] = Field("bitfit", description="Biases only.")


class FullSettings(MethodBase):
    """Full fine-tuning: every weight of the backbone is trained; the run holds a copy of them all."""

    title: ClassVar[str] = "full fine-tuning"
    changes_weights: ClassVar[bool] = True

    name: Literal["full"] = Field("full", description="Full fine-tuning.")


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


CALIBRATE = (
    "Contextual calibration (Zhao et al. 2021): divide the labels' probabilities by those of rows without content."
)


class ZeroShotSettings(MethodBase):
    """Zero-shot: the backbone's own answer to the template; nothing is trained."""

    title: ClassVar[str] = "zero-shot"

    name: Literal["zero_shot"] = Field("zero_shot", description="Nothing trained.")
    calibrate: bool = Field(False, description=CALIBRATE)


class FewShotSettings(MethodBase):
    """Few-shot (Brown et al. 2020): worked examples, the demonstrations, before each row; nothing is trained."""

    title: ClassVar[str] = "few-shot"

    name: Literal["few_shot"] = Field("few_shot", description="Worked examples before each row.")
    demonstrations: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="How many; the context limits them. By default 8, or one a label where there are more, up to 32.",
    )
    choice: Literal["random", "nearest", "fixed"] = Field(
        "random",
        description="Drawn by train.seed, as many of each label as that allows, the same for all rows; the nearest to "
        "each row by the backbone's own hidden states (Liu et al. 2022); or the first rows of train, in order.",
    )
    draws: int = Field(
        4,
        ge=1,
        le=100,
        description="Random draws tried on up to 100 rows of dev; the best is shown. Luck decides much.",
    )
    pool: int = Field(
        1000, ge=1, le=MANY, description="Training rows the nearest are chosen from, a seeded stratified sample."
    )
    calibrate: bool = Field(False, description=CALIBRATE + " Not with `nearest`, where every row has its own prompt.")


class SearchSettings(MethodBase):
    """Hard prompt search: descriptions and label words are proposed and ranked on dev; the best answers zero-shot."""

    title: ClassVar[str] = "hard prompt"

    name: Literal["search"] = Field("search", description="The best of many wordings; nothing trained.")
    budget: int = Field(2000, ge=16, le=MANY, description="Rows scored at most, over all wordings tried.")


class AutoSettings(MethodBase):
    """The best way found: several methods are tried, cheap ones first, and the one that is best on dev is kept."""

    title: ClassVar[str] = "best way found"

    name: Literal["auto"] = Field("auto", description="The best of several methods.")
    budget: float | None = Field(
        None,
        gt=0,
        le=YEAR,
        description="Seconds that all of it may take, or a time such as `5m`. By default half as long again as a soft "
        "prompt alone takes, at least two minutes and at most half an hour.",
    )
    change_weights: bool = Field(
        True,
        description="Try LoRA too, where time is left. What changes the backbone's weights is served apart from other "
        "tasks, and is kept only where it is better by more than chance is likely to make it.",
    )
    smallest: bool = Field(
        False, description="Keep the smallest of those that the best one is ahead of by no more than chance may do."
    )

    @field_validator("budget", mode="before")
    @classmethod
    def _read_time(cls, value: object) -> object:
        """Read `5m` as 300."""
        return seconds_of(value) if isinstance(value, str) and value[-1:].isalpha() else value


def need_extra(method: MethodBase | type[MethodBase]) -> None:
    """Raise MissingExtraError where a method needs a library that is not installed."""
    kind = method if isinstance(method, type) else type(method)
    if kind.by_peft:
        need_library("peft", f"method '{kind.model_fields['name'].default}'", title="PEFT", extra="peft")


METHODS = {
    kind.model_fields["name"].default: kind
    for kind in (
        SoftPromptSettings, WarpSettings, PrefixSettings, LatePromptSettings, PTuningSettings, MultitaskPromptSettings,
        LoraSettings, IA3Settings, BitFitSettings, FullSettings, HeadSettings, ZeroShotSettings, FewShotSettings,
        SearchSettings, AutoSettings,
    )
}  # fmt: skip


def _method_name(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("name", "soft_prompt"))
    return str(getattr(value, "name", value))


MethodSettings = Annotated[
    Annotated[SoftPromptSettings, Tag("soft_prompt")]
    | Annotated[WarpSettings, Tag("warp")]
    | Annotated[PrefixSettings, Tag("prefix")]
    | Annotated[LatePromptSettings, Tag("late_prompt")]
    | Annotated[PTuningSettings, Tag("p_tuning")]
    | Annotated[MultitaskPromptSettings, Tag("multitask_prompt")]
    | Annotated[LoraSettings, Tag("lora")]
    | Annotated[IA3Settings, Tag("ia3")]
    | Annotated[BitFitSettings, Tag("bitfit")]
    | Annotated[FullSettings, Tag("full")]
    | Annotated[HeadSettings, Tag("head")]
    | Annotated[ZeroShotSettings, Tag("zero_shot")]
    | Annotated[FewShotSettings, Tag("few_shot")]
    | Annotated[SearchSettings, Tag("search")]
    | Annotated[AutoSettings, Tag("auto")],
    Discriminator(_method_name),
]
