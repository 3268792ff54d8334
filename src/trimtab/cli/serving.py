"""The verbs that serve runs over HTTP: serve, keys. Knows nothing about how a job is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trimtab.cli import printing
from trimtab.cli.options import AGREE, MANY, OFFLINE, PRECISION, FiniteRange
from trimtab.cli.progress import Bars
from trimtab.cli.terminal import say
from trimtab.errors import need_library
from trimtab.runs.folder import check_finished

if TYPE_CHECKING:
    from trimtab.settings.task import Precision

_PATH = click.Path(path_type=Path)
_KEY_FILE = click.option(
    "--key-file", type=_PATH, default="keys.json", show_default=True, help="File that holds hashes of keys."
)


@click.command()
@click.argument("runs", metavar="[RUN ...]", nargs=-1, type=_PATH)
@click.option("--runs", "watched", metavar="FOLDER", type=_PATH, help="Serve the runs in this folder, and watch it.")
@click.option("--store", metavar="FOLDER", type=_PATH, help="Take uploads of runs, and keep them in this folder.")
@click.option("--backbone", "backbones", multiple=True, help="Serve this backbone as it is, too; several times.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; any but this machine's "
              "own needs --key-file.")  # fmt: skip
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option("--key-file", type=_PATH, help="Answer only to the keys of this file (`trimtab keys`).")
@click.option("--tls-cert", type=_PATH, help="Certificate for TLS, as PEM.")
@click.option("--tls-key", type=_PATH, help="Its private key.")
@click.option("--deadline", default=60.0, show_default=True, type=FiniteRange(0.001, 86_400),
              help="Seconds until a row is given up.")  # fmt: skip
@click.option("--max-waiting", default=1024, show_default=True, type=click.IntRange(1, MANY),
              help="Rows that may wait; more are refused.")  # fmt: skip
@click.option("--max-rows", default=512, show_default=True, type=click.IntRange(1, MANY), help="Rows of a request.")
@click.option("--max-tokens", default=8192, show_default=True, type=click.IntRange(1, MANY),
              help="Tokens said in answer to a request.")  # fmt: skip
@click.option("--max-body", default=8, show_default=True, type=click.IntRange(1, 65_536), help="MiB of a request.")
@click.option("--rate", type=FiniteRange(0, MANY, min_open=True), help="Requests a second of each key.")
@click.option("--prompt-memory", type=click.IntRange(1, MANY),
              help="MiB of prompts kept read for a backbone.  [default: all]")  # fmt: skip
@click.option("--grace", default=30.0, show_default=True, type=FiniteRange(0, 86_400),
              help="Seconds for what was taken, once told to stop.")  # fmt: skip
@click.option("--log-texts", is_flag=True, help="Log inputs and answers, too.")
@PRECISION
@OFFLINE
@AGREE
def serve(
    runs: tuple[Path, ...], watched: Path | None, store: Path | None, backbones: tuple[str, ...], host: str, port: int,
    key_file: Path | None, tls_cert: Path | None, tls_key: Path | None, deadline: float, max_waiting: int,
    max_rows: int, max_tokens: int, max_body: int, rate: float | None, prompt_memory: int | None, grace: float,
    log_texts: bool, precision: Precision | None, offline: bool, agree: bool,
) -> None:  # fmt: skip
    """Answer for RUNs over HTTP: a page, /v1/tasks, and OpenAI's API, the model being a run's or backbone's name.

    Each backbone is loaded once. Standard error holds a JSON line for each request.
    """
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together.")
    check_finished(*runs)
    for module, title in (("fastapi", "FastAPI"), ("uvicorn", "uvicorn"), ("prometheus_client", "Prometheus client")):
        need_library(module, "`trimtab serve`", title=title, extra="serve")
    from trimtab.jobs import serve as job
    from trimtab.serving.limits import Limits
    from trimtab.serving.server import Address

    limits = Limits(
        body=max_body << 20, rows=max_rows, tokens=max_tokens, waiting=max_waiting, seconds=deadline, rate=rate
    )
    wanted = job.Wanted(
        runs, watched, store, backbones, key_file, Address(host, port, tls_cert, tls_key, grace), limits,
        prompt_memory << 20 if prompt_memory else None, log_texts, precision, offline, agree,
    )  # fmt: skip
    with Bars() as bars:

        def started(url: str, tasks: int) -> None:
            bars.bars.stop()
            say(f"Serving {tasks} task{'' if tasks == 1 else 's'} at {url}")

        job.run(wanted, started, bars.progress)


@click.group()
def keys() -> None:
    """Make, list and remove the keys that `trimtab serve --key-file` answers to."""


@keys.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(["predict", "manage"]), default=("predict",),
              show_default=True, help="`predict` for answers, `manage` to add and remove tasks.")  # fmt: skip
@click.option("--rate", type=FiniteRange(0, MANY, min_open=True), help="Requests a second.  [default: the server's]")
@_KEY_FILE
def add(name: str, scopes: tuple[str, ...], rate: float | None, key_file: Path) -> None:
    """Make a key for NAME and print it: it is kept nowhere else."""
    from trimtab.serving.keys import SCOPES, add_key

    say(add_key(key_file, name, [scope for scope in SCOPES if scope in scopes], rate))
    printing.note("This key is shown once; the file holds its hash.")


@keys.command("list")
@_KEY_FILE
def list_(key_file: Path) -> None:
    """List keys: names, scopes, and when they were made."""
    from trimtab.serving.keys import read_keys

    for key in read_keys(key_file):
        rate = f"  {key.rate:g}/s" if key.rate else ""
        say(f"{key.name}  {','.join(key.scopes)}  {key.made}{rate}")


@keys.command()
@click.argument("name")
@_KEY_FILE
def remove(name: str, key_file: Path) -> None:
    """Remove the key of NAME; a server that is running refuses it from now on."""
    from trimtab.serving.keys import remove_key

    remove_key(key_file, name)
