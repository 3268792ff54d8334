"""The verbs of word vectors: train, near, analogy. Knows nothing about how a job is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from trimtab.cli import printing
from trimtab.cli.options import ENCODING, LARGEST_SEED, MANY, OFFLINE, FiniteRange
from trimtab.cli.options import Rows as Format
from trimtab.cli.progress import Bars
from trimtab.cli.terminal import say, say_json

if TYPE_CHECKING:
    from trimtab.vectors.nearest import Near

# Numbers of a vector, characters of an n-gram, threads: what is larger is a slip.
_LARGEST_SIZE, _LONGEST_NGRAM, _MOST_WORKERS = 10_000, 50, 1024

COUNT = click.option("--count", default=10, show_default=True, type=click.IntRange(1, MANY), help="So many words.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@click.group()
def vectors() -> None:
    """Train word vectors on your own texts, and ask what lies near what."""


@vectors.command()
@click.argument("files", metavar="FILE ...", nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Write .vectors, or .txt as word2vec does.")
@click.option(
    "--kind",
    type=click.Choice(["word2vec", "fasttext"]),
    default="word2vec",
    show_default=True,
    help="FastText has vectors of unknown words too, by their n-grams.",
)
@click.option(
    "--objective",
    type=click.Choice(["skip-gram", "cbow"]),
    default="skip-gram",
    show_default=True,
    help="A word foretells those around it, or they it.",
)
@click.option(
    "--size", default=100, show_default=True, type=click.IntRange(1, _LARGEST_SIZE), help="Numbers of a vector."
)
@click.option("--window", default=5, show_default=True, type=click.IntRange(1, 10_000), help="Words to each side.")
@click.option("--epochs", default=5, show_default=True, type=click.IntRange(1, 100_000), help="Passes over the texts.")
@click.option("--min-count", default=5, show_default=True, type=click.IntRange(1, MANY), help="Leave out rarer words.")
@click.option(
    "--negative", default=5, show_default=True, type=click.IntRange(1, 1000), help="Words drawn beside each right one."
)
@click.option(
    "--sample",
    default=0.001,
    show_default=True,
    type=FiniteRange(0, 1),
    help="Leave out some of the words that make up a larger share of the text; 0 keeps all.",
)
@click.option(
    "--rate",
    default=0.025,
    show_default=True,
    type=FiniteRange(0, 10, min_open=True),
    help="Learning rate at the beginning.",
)
@click.option(
    "--ngrams",
    nargs=2,
    default=(3, 6),
    show_default=True,
    type=click.IntRange(1, _LONGEST_NGRAM),
    help="Characters of FastText's shortest and longest n-gram.",
)
@click.option(
    "--buckets",
    default=2_000_000,
    show_default=True,
    type=click.IntRange(1, MANY),
    help="Into so many FastText's n-grams are hashed.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, LARGEST_SEED), help="Of what is drawn.")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, _MOST_WORKERS),
    help="Threads; with more than one, results vary.",
)
@click.option("--field", help="Read this column of rows.  [default: text]")
@click.option(
    "--format", "form", type=click.Choice(get_args(Format)), default="auto", help="`auto` goes by its ending."
)
@click.option("--encoding", type=ENCODING, default="utf-8", help="Text encoding.")
def train(
    files: tuple[str, ...], out: Path, field: str | None, form: Format, encoding: str, **given: Any
) -> None:  # fmt: skip
    """Train word vectors on the texts of each FILE: a text a line, or rows (.jsonl, .csv, .tsv, .parquet)."""
    from trimtab.jobs import vectors as job

    with Bars() as bars:
        trained = job.run(
            files, out, job.How(**given), field=field, format=form, encoding=encoding, progress=bars.progress
        )
    printing.note(
        f"{out}: {trained.words:,} vectors of {trained.size} numbers, "
        f"from {trained.read:,} words in {trained.texts:,} texts."
    )


@vectors.command()
@click.argument("name", metavar="VECTORS")
@click.argument("words", metavar="WORD ...", nargs=-1, required=True)
@COUNT
@JSON
@OFFLINE
def near(name: str, words: tuple[str, ...], count: int, as_json: bool, offline: bool) -> None:
    """Print the words whose vectors lie nearest to each WORD's, by cosine.

    VECTORS is what `train` wrote, a file of GloVe or word2vec, or a name: glove-6b-50d.
    """
    from trimtab.jobs import vectors as job

    with Bars() as bars:
        opened = job.open_vectors(name, offline=offline, progress=bars.progress)
    for number, found in enumerate([job.nearest(opened, word, count, name=name) for word in words]):
        if as_json:
            say_json(asdict(found))
            continue
        if len(words) > 1 or not found.known:
            how = "" if found.known else " (unknown; by its n-grams)"
            say(("\n" if number else "") + f"{found.word}{how}")
        _print(found.near)


@vectors.command()
@click.argument("name", metavar="VECTORS")
@click.argument("words", metavar="A B C", nargs=3)
@COUNT
@JSON
@OFFLINE
def analogy(name: str, words: tuple[str, str, str], count: int, as_json: bool, offline: bool) -> None:
    """Print what is to C as B is to A: the words nearest to B - A + C, without these three.

    VECTORS is as for `near`.
    """
    from trimtab.jobs import vectors as job

    with Bars() as bars:
        opened = job.open_vectors(name, offline=offline, progress=bars.progress)
    found = job.analogy(opened, words, count, name=name)
    if as_json:
        say_json({"words": words, "near": [asdict(one) for one in found]})
    else:
        _print(found)


def _print(found: Sequence[Near]) -> None:
    """Print words with their cosines, a line each."""
    for one in found:
        say(f"{one.cosine:7.4f}  {one.word}")
