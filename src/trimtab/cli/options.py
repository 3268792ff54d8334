"""Options that several verbs have, and what options hold, as values. Knows nothing about what verbs do."""

from __future__ import annotations

import math
from typing import Any, Literal

import click


class _Encoding(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """The name of a text encoding."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as given; a usage error where there is no such encoding."""
        from trimtab.settings.task import text_encoding

        try:
            return text_encoding(value)
        except ValueError as error:
            self.fail(f"'{value}': {error}", param, ctx)


ENCODING = _Encoding()
Rows = Literal["auto", "jsonl", "json", "csv", "tsv", "parquet", "conll", "lines"]
Format = Literal["auto", "text", "jsonl", "json", "csv", "tsv", "parquet", "lines"]
# Bounds of options that count rows, tokens or seeds: what is larger is a slip.
MANY, LARGEST_SEED = 1_000_000_000, 2**32 - 1


class FiniteRange(click.FloatRange):
    """A number within bounds; neither infinity nor `nan`, which no comparison refuses."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Fails where it is out of bounds or not finite."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


OFFLINE = click.option("--offline", is_flag=True, help="Use what is cached; never the network.")
AGREE = click.option("--agree", is_flag=True, help="Agree to the backbone's terms of use (see `trimtab models`).")
PRECISIONS = click.Choice(["auto", "float32", "bfloat16"])
PRECISION = click.option("--precision", type=PRECISIONS, help="Compute in it.  [default: as the task says]")
SET = click.option(
    "--set", "overrides", multiple=True, metavar="SETTING=VALUE", help="Override a setting, e.g. train.epochs=3."
)
BESIDE = click.option(
    "--beside/--no-beside", default=True, help="Score majority, naive Bayes and zero-shot on the same rows too."
)
LABEL = click.option("--label", metavar="COLUMN", help="Column of the answer, where a file of rows is given.")
TEXT = click.option(
    "--text", multiple=True, metavar="COLUMN", help="Column of what is read, where a file of rows is given."
)
ANSWER = click.option(
    "--answer", metavar="KIND", help="Kind of answer: label, multilabel, choice, number, tags, span, text."
)
RUN_CODE = click.option(
    "--run-code", is_flag=True, help="Run answers as Python programs against the tests in `answer.tests`, in a sandbox."
)


def row_counts(text: str | None) -> list[int]:
    """`8,32,all` as numbers of rows; all of them are measured anyway. Raises click.UsageError for anything else."""
    parts = [part.strip() for part in (text or "").split(",") if part.strip() not in ("", "all")]
    if not all(part.isdecimal() and len(part) < 10 and int(part) > 1 for part in parts):
        raise click.UsageError(f"--learning-curve: '{text}' is not a list of numbers of rows such as 8,32,128.")
    return [int(part) for part in parts]


def seconds(text: str | None) -> float | None:
    """`90s`, `10m` or `1.5h` in seconds. Raises click.UsageError for anything else."""
    if text is None:
        return None
    from trimtab.settings.times import seconds_of

    try:
        return seconds_of(text)
    except ValueError as error:
        raise click.UsageError(f"--budget: {error}.") from None
