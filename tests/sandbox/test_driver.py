"""The driver by itself: what it reports of programs and their tests. Nothing is isolated here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from trimtab.sandbox import driver

DRIVER = Path(driver.__file__).read_text(encoding="utf-8")


class Told(NamedTuple):
    """What a driver left: its report, exit code, standard output and standard error."""

    report: dict[str, object] | None
    code: int
    out: str
    err: str


def drive(program: str, tests: str = "", packages: tuple[str, ...] = ()) -> Told:
    """Run the driver's text with the job at descriptor 3 and a pipe for its report at 4, as the supervisor does."""
    job, give = os.pipe()
    told, tell = os.pipe()
    os.write(give, json.dumps({"program": program, "tests": tests, "packages": packages}).encode())
    os.close(give)
    become = [sys.executable, "-I", "-B", "-X", "utf8", "-c", DRIVER]
    moves = f"import os; [os.dup2(*pair) for pair in (({job}, 23), ({tell}, 24), (23, 3), (24, 4))]"
    command = [sys.executable, "-I", "-c", f"{moves}; os.closerange(5, 64); os.execv({become[0]!r}, {become!r})"]
    try:
        done = subprocess.run(command, pass_fds=[job, tell], capture_output=True, text=True, check=False, timeout=60)
    finally:
        os.close(job)
        os.close(tell)
    with os.fdopen(told, encoding="utf-8") as report:
        text = report.read()
    return Told(json.loads(text) if text else None, done.returncode, done.stdout, done.stderr)


def test_the_driver_sees_no_other_file_of_ours() -> None:
    assert "trimtab" not in DRIVER.partition('"""\n\nfrom')[2]


def test_program_and_tests_share_a_module() -> None:
    found = drive(
        "import sys\nx = 3\nprint('你好', sys.argv, __name__)", "import __main__\nassert __main__.x == x == 3"
    )
    assert found == ({"error": "", "line": "", "errno": 0}, 0, "你好 ['program.py'] __main__\n", "")


@pytest.mark.parametrize(
    ("program", "tests", "report"),
    [
        ("x = 1", "assert x == 2, 'one\\ntwo'", {"error": "AssertionError", "line": "two", "errno": 0}),
        ("1 / 0", "print('never')", {"error": "ZeroDivisionError", "line": "division by zero", "errno": 0}),
        ("open('/not/there')", "", {
            "error": "FileNotFoundError", "line": "[Errno 2] No such file or directory: '/not/there'", "errno": 2,
        }),
        ("raise MemoryError('much')", "", {"error": "MemoryError", "line": "", "errno": 0}),
        ("raise SystemExit(3)", "", {"error": "SystemExit", "line": "3", "errno": 0}),
        ("raise KeyboardInterrupt", "", {"error": "KeyboardInterrupt", "line": "", "errno": 0}),
        ("raise OSError('no number')", "", {"error": "OSError", "line": "no number", "errno": 0}),
        ("raise ValueError('\\ud83d')", "", {"error": "ValueError", "line": "\ud83d", "errno": 0}),
        ("raise type('E' * 999, (Exception,), {})('x' * 999)", "", {
            "error": "E" * 500, "line": "x" * 500, "errno": 0,
        }),
        ("import sys\nsys.stdout = None", "", {"error": "", "line": "", "errno": 0}),
    ],
)  # fmt: skip
def test_what_is_reported(program: str, tests: str, report: dict[str, object]) -> None:
    found = drive(program, tests)
    assert found.report == report
    assert found.code == bool(report["error"])
    assert found.out == ""


def test_where_it_failed_is_told_with_the_line() -> None:
    found = drive("def f(x):\n    raise ValueError(x)\n", "f('a')\n")
    assert found.err.splitlines()[:1] == ["Traceback (most recent call last):"]
    assert "  File \"tests.py\", line 1, in <module>\n    f('a')" in found.err
    assert '  File "program.py", line 2, in f\n    raise ValueError(x)' in found.err
    assert "<string>" not in found.err


def test_children_and_what_would_come_after_the_end_say_nothing() -> None:
    forked = drive("import os\nif os.fork() == 0:\n    raise ValueError('the child')\nos.wait()")
    assert forked.report == {"error": "", "line": "", "errno": 0}
    later = drive("import atexit, threading, time\natexit.register(print, 'late')\n"
                  "threading.Thread(target=time.sleep, args=(60,)).start()")  # fmt: skip
    assert (later.report, later.code, later.out) == ({"error": "", "line": "", "errno": 0}, 0, "")
    gone = drive("import os\nos._exit(0)", "assert False")
    assert (gone.report, gone.code) == (None, 0)


def test_packages_are_found_behind_the_standard_library(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise ValueError('not this one')")
    (tmp_path / "a_package.py").write_text("x = 5")
    found = drive("import json, a_package", "assert a_package.x == 5 and json.dumps", (str(tmp_path), str(tmp_path)))
    assert found.report == {"error": "", "line": "", "errno": 0}
