"""Settings of methods that change the backbone's own weights. Knows nothing about how they are changed."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from trimtab.settings.methods.base import MethodBase


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
