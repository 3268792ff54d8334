"""`trimtab serve`: answer for runs over HTTP.

runs -> backbones -> engines, each with a scheduler -> tasks -> application -> server
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from trimtab.backbones.open import Progress, backbone_of
from trimtab.errors import TrimtabError
from trimtab.runs.folder import is_finished
from trimtab.runs.run import Run, load_run
from trimtab.serving import server
from trimtab.serving.app import make_app
from trimtab.serving.keys import Keyring
from trimtab.serving.limits import Limits
from trimtab.serving.logs import log_to, say
from trimtab.serving.served import Serving, name_of
from trimtab.serving.store import Store
from trimtab.serving.uploads import take_up_again
from trimtab.serving.watching import Watch
from trimtab.settings.task import Precision, Task


@dataclass(frozen=True)
class Wanted:
    """What is to be served, and how.

    Attributes:
        runs: run folders, each a task named after its folder.
        watched: a folder of runs that come and go.
        store: a folder for runs that are uploaded.
        backbones: names of backbones to open besides those of the runs.
        keys: file of the keys that may ask.
        address: where to listen.
        limits: how much is taken on.
        prompt_bytes: what may be kept of prompts for each backbone; None for no limit.
        texts: whether inputs and answers are logged.
        precision: what to compute in; by default what the first run of a backbone was trained in.
        offline, agree: see `trimtab.sources.find_model`.
    """

    runs: Sequence[Path] = ()
    watched: Path | None = None
    store: Path | None = None
    backbones: Sequence[str] = ()
    keys: Path | None = None
    address: server.Address = field(default_factory=server.Address)
    limits: Limits = field(default_factory=Limits)
    prompt_bytes: int | None = None
    texts: bool = False
    precision: Precision | None = None
    offline: bool = False
    agree: bool = False


def run(wanted: Wanted, started: Callable[[str, int], None], progress: Progress | None = None) -> None:
    """Serve until told to stop.

    Args:
        wanted: what.
        started: called with the URL and the number of tasks once requests are answered.
        progress: told what is being done before.

    Raises:
        TrimtabError: whatever is wrong with runs, backbones, keys or the address.
    """
    server.check_address(wanted.address, wanted.keys is not None)
    keyring = Keyring(wanted.keys) if wanted.keys is not None else None
    if wanted.watched is not None and not wanted.watched.is_dir():
        raise TrimtabError(f"{wanted.watched}: no such folder.", "Give a folder with --runs.")
    store = Store(wanted.store) if wanted.store is not None else None
    serving = Serving(wanted.limits, prompt_bytes=wanted.prompt_bytes)
    with ExitStack() as after:
        after.enter_context(log_to(sys.stderr))
        after.callback(serving.stop)
        _open(wanted, serving, store, progress)
        if store is not None:
            for name, error in take_up_again(serving, store):
                say("task refused", task=name, reason=str(error))
        if wanted.watched is not None:
            watch = Watch(serving, wanted.watched)
            watch.look()
            watch.start()
            after.callback(watch.stop)
        made = make_app(serving, store=store, keyring=keyring, texts=wanted.texts)
        server.run(made, wanted.address, lambda url: started(url, len(serving.tasks)))


def _open(wanted: Wanted, serving: Serving, store: Store | None, progress: Progress | None) -> None:
    """Open each backbone once, and answer for the runs that were named."""
    named = [(folder, load_run(folder)) for folder in wanted.runs]
    others = [*_in(wanted.watched), *(store.runs.values() if store else ())]

    def opened(task: Task) -> None:
        found = backbone_of(
            task, Path.cwd(), precision=wanted.precision, offline=wanted.offline, agree=wanted.agree, progress=progress
        )
        serving.host(found)

    for name in wanted.backbones:
        opened(Task().model_copy(update={"backbone": name}))
    for folder, own in named:
        if not _hosted(serving, own):
            opened(own.task)
        name = name_of(folder.resolve())
        if name in serving.tasks:
            raise TrimtabError(f"{folder}: there are two runs named '{name}'.", "Rename one of the folders.")
        serving.add(name, own, "named")
    for folder in others:
        try:
            own = load_run(folder)
            if not _hosted(serving, own):
                opened(own.task)
        except TrimtabError:  # told where it is taken up
            continue
    if not serving.hosts:
        raise TrimtabError(
            "there is nothing to serve.", "Name a run, a folder of runs with --runs, or a backbone with --backbone."
        )


def _in(folder: Path | None) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if is_finished(path)] if folder else []


def _hosted(serving: Serving, run: Run) -> bool:
    return any(run.is_of(host.engine.pretrained) for host in serving.hosts)
