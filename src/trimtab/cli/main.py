"""The command line: one verb, one job. Knows nothing about how a job is done or how its figures are printed."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from trimtab.cli import answering, exchange, inputs, pretraining, printing, serving, tuning, vectors
from trimtab.errors import TrimtabError
from trimtab.runs.stops import STOPS

VERBS = (
    inputs.new, inputs.data, inputs.show, inputs.models, tuning.tune, tuning.compare, tuning.evaluate,
    answering.predict, answering.perplexity, answering.embed, answering.chat, serving.serve, serving.keys,
    pretraining.pretrain, pretraining.generate, exchange.export_run, exchange.import_adapter, vectors.vectors,
)  # fmt: skip


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="trimtab")
def trimtab() -> None:
    """Adapt one frozen language model to many tasks with tiny tuned prompts.

    A task file says what to do; `trimtab tune` leaves a run folder; the other verbs use it.
    """


for verb in VERBS:
    trimtab.add_command(verb)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Exit code 2 where the user can mend what went wrong, 130 after Ctrl-C (SIGTERM, SIGHUP)."""
    _stop_by_signals()
    try:
        with printing.closed_pipe():
            given = list(arguments) if arguments is not None else None
            trimtab.main(args=given, prog_name="trimtab", standalone_mode=False)
    except click.ClickException as error:
        told = io.StringIO()
        error.show(told)
        printing.note(told.getvalue().removesuffix("\n"))
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        _heed_no_more()
        printing.note("trimtab: stopped.")
        sys.exit(130)
    except (TrimtabError, OSError, MemoryError, RuntimeError) as error:
        message, hint = printing.explained(error)
        printing.note(f"trimtab: {message}" + (f"\n         {hint}" if hint else ""))
        sys.exit(2)


def _stop_by_signals() -> None:
    """Let SIGTERM and SIGHUP stop a job as Ctrl-C does; where SIGHUP is ignored (nohup), it stays so."""
    for own in STOPS:
        if signal.getsignal(own) is signal.SIG_DFL:
            with suppress(ValueError):  # not the main thread
                signal.signal(own, signal.default_int_handler)


def _heed_no_more() -> None:
    """Stop heeding Ctrl-C and its like: the program is ending as it is, and another would only break into that."""
    with suppress(ValueError):
        for own in STOPS:
            signal.signal(own, signal.SIG_IGN)
