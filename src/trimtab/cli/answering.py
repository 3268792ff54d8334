"""The verbs that use what is tuned: predict, perplexity, embed, chat. Knows nothing about how a job is done."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from trimtab.cli import printing
from trimtab.cli.answers import CsvAnswers, print_answer
from trimtab.cli.options import (
    AGREE,
    ENCODING,
    LARGEST_SEED,
    MANY,
    OFFLINE,
    PRECISION,
    PRECISIONS,
    FiniteRange,
    Format,
    Rows,
)
from trimtab.cli.progress import Bars
from trimtab.runs.folder import check_finished

if TYPE_CHECKING:
    from trimtab.inference.engine import Engine
    from trimtab.inference.vectors import Pooling
    from trimtab.settings.task import Precision


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("source", required=False)
@click.option("--text", "-t", multiple=True, help="Answer this text; may be given several times.")
@click.option("--batch", default=32, show_default=True, type=click.IntRange(1, 65_536), help="Rows answered together.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="SETTING=VALUE",
    help="Override how free text is found, e.g. answer.temperature=0.8.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV: the columns of each row, then its answer.")
@PRECISION
@OFFLINE
@AGREE
def predict(
    run: Path, source: str | None, text: tuple[str, ...], batch: int, overrides: tuple[str, ...], as_csv: bool,
    precision: Precision | None, offline: bool, agree: bool,
) -> None:  # fmt: skip
    """Answer rows of SOURCE (a file, or `-` for standard input) with RUN: JSON lines, in the same order.

    By default SOURCE is standard input, or nothing where texts are given with -t.
    """
    check_finished(run)
    from trimtab.jobs import predict as job

    task = job.task_of(run, overrides)

    def opened() -> Engine:
        with Bars() as bars:
            engine = job.open_engine(
                run, overrides, precision=precision, offline=offline, agree=agree, progress=bars.progress
            )
        if task.notice:
            printing.note(f"Note: {task.notice}")
        return engine

    once = cache(opened)
    if text:
        job.only_field(task)  # which is told before anything is loaded
    write = CsvAnswers() if as_csv else print_answer
    rows = failed = 0
    for row, answer in job.all_answers(task, once, text, source, batch=batch):
        rows, failed = rows + 1, failed + ("error" in answer)
        write(row, answer)
    if failed:
        printing.note(f"{failed} row(s) could not be answered; their records say why.")
    if rows and failed == rows:
        sys.exit(2)


@click.command()
@click.argument("run", metavar="RUN_OR_BACKBONE")
@click.argument("files", metavar="[FILE ...]", nargs=-1)
@click.option("--field", help="Score this column of rows.  [default: the run's answers; `text` for a bare backbone]")
@click.option(
    "--format", "form", type=click.Choice(get_args(Format)), default="auto", help="`auto` goes by its ending."
)
@click.option("--encoding", type=ENCODING, default="utf-8", help="Text encoding.")
@click.option(
    "--context", type=click.IntRange(2, MANY), help="Tokens read at a time.  [default: the backbone's, up to 2048]"
)
@click.option(
    "--stride", type=click.IntRange(1, MANY), help="Tokens that each window adds.  [default: half of a window]"
)
@click.option("--per-row", is_flag=True, help="A JSON line for each row on standard output, totals on standard error.")
@click.option("--json", "as_json", is_flag=True, help="Print totals as a JSON line for each file.")
@click.option("--precision", type=PRECISIONS, default="float32", show_default=True, help="Compute in it.")
@OFFLINE
@AGREE
def perplexity(
    run: str, files: tuple[str, ...], field: str | None, form: Format, encoding: str,
    context: int | None, stride: int | None, per_row: bool, as_json: bool, precision: Precision, offline: bool,
    agree: bool,
) -> None:  # fmt: skip
    """Measure how well RUN_OR_BACKBONE foretells texts: plain text, or rows, or the answers of a run's rows.

    An n-gram model that `trimtab pretrain` wrote will do too; it reads documents as its corpus file says.

    FILE is text or rows (.jsonl, .csv, .tsv, .parquet), by default text on standard input.
    """
    from trimtab.jobs import perplexity as job
    from trimtab.jobs import pretrain

    if pretrain.is_apart(run):
        given = {"--format": form != "auto", "--context": context, "--stride": stride, "--per-row": per_row}
        pretrain.refuse_options(Path(run), [option for option, value in given.items() if value])
        found = [
            job.Scored(file, pretrain.score(Path(run), file, field=field, encoding=encoding)) for file in files or "-"
        ]
        printing.print_likelihoods(found, as_json=as_json, error=False)
        return
    sources = files or ("-",)
    job.look_at(run, sources, field=field, format=form, encoding=encoding)
    with Bars() as bars:
        scorer = job.open_scorer(run, precision=precision, offline=offline, agree=agree, progress=bars.progress)
        totals = [
            job.run(
                scorer, file, field=field, format=form, encoding=encoding, context=context, stride=stride,
                on_row=printing.print_scored if per_row else None, progress=bars.progress,
            )
            for file in sources
        ]  # fmt: skip
    printing.print_likelihoods(totals, as_json=as_json, error=per_row)


@click.command()
@click.argument("run", metavar="RUN_OR_BACKBONE")
@click.argument("source", metavar="[FILE]", default="-")
@click.option("--out", type=click.Path(path_type=Path), help="Write .npy, .jsonl or .parquet.  [default: JSON lines]")
@click.option("--field", help="Read this column of rows.  [default: the run's fields; `text` for a bare backbone]")
@click.option("--format", "form", type=click.Choice(get_args(Rows)), default="auto", help="`auto` goes by its ending.")
@click.option("--encoding", type=ENCODING, default="utf-8", help="Text encoding.")
@click.option(
    "--pooling", type=click.Choice(["mean", "last", "first"]), default="mean", show_default=True,
    help="The mean over a text's tokens, or its last or first one's hidden state.",
)  # fmt: skip
@click.option("--layer", type=click.IntRange(1, MANY), help="Read behind so many layers.  [default: all]")
@click.option("--normalise", is_flag=True, help="Make each vector of length one.")
@click.option("--max-tokens", type=click.IntRange(1, MANY), help="Tokens of a text that are read.  [default: all]")
@PRECISION
@OFFLINE
@AGREE
def embed(
    run: str, source: str, out: Path | None, field: str | None, form: Rows, encoding: str, pooling: Pooling,
    layer: int | None, normalise: bool, max_tokens: int | None, precision: Precision | None, offline: bool, agree: bool,
) -> None:  # fmt: skip
    """Make a vector of each text of FILE: hidden states of a bare backbone, or behind the prompt of a run.

    FILE holds a text a line, or rows (.jsonl, .csv, .tsv, .parquet); by default standard input.
    """
    from trimtab.jobs import embed as job

    if out is not None:
        job.check_place(out)
    texts = job.begun(job.texts_of(run, source, field=field, format=form, encoding=encoding))
    with Bars() as bars:
        embedder = job.open_embedder(
            run, pooling=pooling, layer=layer, normalise=normalise, most=max_tokens, precision=precision,
            offline=offline, agree=agree, progress=bars.progress,
        )  # fmt: skip
        told = None if out else (lambda vector: printing.print_vector(job.plain(vector)))
        count, size = job.run(embedder, texts, out, on_vector=told, progress=bars.progress if out else None)
    if out is not None:
        printing.note(f"{out}: {count:,} vectors of {size} numbers.")


@click.command()
@click.argument("runs", metavar="[RUN ...]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--backbone", help="Talk to this backbone as it is, alone or beside runs.")
@click.option("--temperature", type=FiniteRange(0, 10), help="0 takes the likeliest token; above 0 they are drawn.")
@click.option(
    "--top-p",
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    help="Draw from the fewest tokens that have this share of the probability.",
)
@click.option("--max-tokens", type=click.IntRange(1, 10_000_000), help="Longest answer, in tokens.")
@click.option("--seed", type=click.IntRange(0, LARGEST_SEED), help="Seed of what is drawn.")
@PRECISION
@OFFLINE
@AGREE
def chat(
    runs: tuple[Path, ...], backbone: str | None, precision: Precision | None, offline: bool, agree: bool,
    **given: float | None,
) -> None:  # fmt: skip
    """Talk to RUN, or to several side by side, or to a bare backbone; behind a pipe each line is a message."""
    check_finished(*runs)
    from trimtab.cli.conversation import Conversation
    from trimtab.jobs import chat as job  # takes seconds

    decoding = {name: value for name, value in given.items() if value is not None}
    with Bars() as bars:
        talk = job.open_talk(
            runs, backbone, decoding, precision=precision, offline=offline, agree=agree, progress=bars.progress
        )
    Conversation(talk).run()
