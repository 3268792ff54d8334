"""Settings of methods that train nothing, and of the choice among methods. Knows nothing about how it is made."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from trimtab.settings.methods.base import MANY, MethodBase
from trimtab.settings.times import YEAR, seconds_of

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
