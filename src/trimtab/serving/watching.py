"""A folder of runs that is watched: what is put there is answered for, what is taken away no more. Knows no HTTP."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from trimtab.errors import TrimtabError
from trimtab.runs.folder import PROMPT_FILE, TASK_FILE, is_finished
from trimtab.runs.run import load_run
from trimtab.serving.logs import LOG, say
from trimtab.serving.served import Serving, name_of

_Stamp = tuple[tuple[int, int, int], ...]


class Watch:
    """Looks again and again at the finished runs in a folder.

    Args:
        serving: what is answered for.
        folder: each folder in it that holds a finished run is a task, named after it.
        seconds: between two looks.
    """

    def __init__(self, serving: Serving, folder: Path, seconds: float = 1.0) -> None:
        self._serving, self._folder, self._seconds = serving, folder, seconds
        self._seen: dict[str, _Stamp] = {}
        self._served: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trimtab-watch", daemon=True)

    def start(self) -> None:
        """Go on looking in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self.look()
            except Exception:
                LOG.exception("the watched folder could not be looked at")

    def look(self) -> None:
        """Take up what is new or another, and give up what is gone; what cannot be taken up is logged, once."""
        found = {name_of(path): path for path in sorted(self._folder.iterdir()) if is_finished(path)}
        for name in sorted(self._served - set(found)):
            self._serving.remove(name, "watched")
            self._served.discard(name)
            say("task removed", task=name)
        self._seen = {name: stamp for name, stamp in self._seen.items() if name in found}
        for name, path in found.items():
            stamp = _stamp(path)
            if stamp is None or stamp == self._seen.get(name):
                continue
            self._seen[name] = stamp
            try:
                self._serving.add(name, load_run(path), "watched")
            except TrimtabError as error:
                say("task refused", level=logging.WARNING, task=name, reason=str(error))
                continue
            self._served.add(name)
            say("task added", task=name)


def _stamp(folder: Path) -> _Stamp | None:
    """What tells a run from the one that lay there before; None where it is being taken away."""
    try:
        found = [(folder / name).stat() for name in (TASK_FILE, PROMPT_FILE)]
    except OSError:
        return None
    return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in found)
