"""The verbs of language models trained from nothing: pretrain, generate. Knows nothing about how they are trained."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from trimtab.cli import printing
from trimtab.cli.options import LARGEST_SEED, FiniteRange
from trimtab.cli.progress import PretrainingBars
from trimtab.cli.terminal import say_data


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path))
@click.option(
    "--set", "overrides", multiple=True, metavar="SETTING=VALUE", help="Override a setting, e.g. model.order=3."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write.  [default: runs/NAME]")
@click.option("--resume", is_flag=True, help="Go on with a training that was stopped or killed.")
def pretrain(corpus: Path, overrides: tuple[str, ...], out: Path | None, resume: bool) -> None:
    """Train a language model from nothing on the texts that the file CORPUS names."""
    from trimtab.jobs import pretrain as job

    with PretrainingBars() as bars:
        trained = job.run(corpus, overrides, out, bars.say, resume=resume, on_step=bars.read)
    if isinstance(trained, job.Stopped):
        printing.note(f"Stopped at step {trained.step}. What was trained is in {trained.folder}; --resume goes on.")
        sys.exit(130)
    printing.print_trained(trained)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("text", default="")
@click.option("--tokens", default=50, show_default=True, type=click.IntRange(1, 100_000), help="Longest continuation.")
@click.option(
    "--temperature",
    default=1.0,
    show_default=True,
    type=FiniteRange(0, 10),
    help="0 takes the likeliest token; above 0 they are drawn.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, LARGEST_SEED), help="Seed of the draws.")
@click.option("--answers", default=1, show_default=True, type=click.IntRange(1, 1000), help="How many continuations.")
def generate(folder: Path, text: str, tokens: int, temperature: float, seed: int, answers: int) -> None:
    """Go on with TEXT by the model in FOLDER, which `trimtab pretrain` wrote."""
    from trimtab.jobs import pretrain as job

    for one in job.generate(folder, text, tokens=tokens, temperature=temperature, seed=seed, answers=answers):
        say_data(one)
