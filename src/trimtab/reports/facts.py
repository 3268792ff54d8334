"""What reports of runs and comparisons both say: the backbone, the machine. Knows nothing about scores."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Base of the parts of what is kept as JSON: unknown names are errors, values do not change, NaN survives."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class BackboneFacts(Part):
    """The frozen model: where it came from, its licence, its content hash and its number of parameters."""

    name: str
    origin: str
    licence: str
    content_hash: str
    parameters: int


class MachineFacts(Part):
    """What it ran on: processor or accelerator, CPU threads, number format of the frozen weights."""

    cpu: str
    threads: int
    precision: str
