"""Runs a program and its tests inside the box, and says how that went. Knows nothing about what holds it.

Its text is given to the Python that runs the program, which sees no other file of ours.
"""

from __future__ import annotations

import contextlib
import json
import linecache
import os
import sys
import traceback
import types

JOB, REPORT = 3, 4
LONGEST_LINE = 500


def main() -> None:
    """Read program, tests and packages from descriptor 3, run the two in turn, write error, line and errno to 4."""
    with os.fdopen(JOB, encoding="utf-8") as job:
        texts = json.load(job)
    os.set_inheritable(REPORT, False)
    started = os.getpid()
    sys.path += [folder for folder in texts["packages"] if folder not in sys.path]
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = ["program.py"]
    report: dict[str, object] = {"error": "", "line": "", "errno": 0}
    try:
        for name in ("program", "tests"):
            path, text = f"{name}.py", texts[name]
            linecache.cache[path] = (len(text), None, text.splitlines(True), path)
            exec(compile(text, path, "exec", dont_inherit=True), module.__dict__)
    except BaseException as error:
        report = _told(error)
    for stream in (sys.stdout, sys.stderr, sys.__stdout__):
        with contextlib.suppress(BaseException):
            stream.flush()  # type: ignore[union-attr]
    if os.getpid() != started:  # the program forked, and this is the child
        os._exit(0)
    os.write(REPORT, json.dumps(report).encode("utf-8", "replace"))
    os._exit(bool(report["error"]))  # neither threads nor exit handlers have a say any more


def _told(error: BaseException) -> dict[str, object]:
    """What went wrong, in a word and a line; the whole of it goes to standard error."""
    if isinstance(error, MemoryError):
        return {"error": "MemoryError", "line": "", "errno": 0}
    with contextlib.suppress(BaseException):
        frames = error.__traceback__.tb_next if error.__traceback__ else None
        traceback.print_exception(type(error), error, frames, limit=-20)
    line = ""
    with contextlib.suppress(BaseException):
        line = (str(error).strip().splitlines() or [""])[-1][:LONGEST_LINE]
    number = error.errno if isinstance(error, OSError) and isinstance(error.errno, int) else 0
    return {"error": type(error).__name__[:LONGEST_LINE], "line": line, "errno": number}


if __name__ == "__main__":
    main()
