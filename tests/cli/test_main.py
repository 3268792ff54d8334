"""The command line itself: help, quick start, how refusals look, closed pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import trimtab as trimtab_package
from trimtab.cli.main import main
from trimtab.errors import TrimtabError
from trimtab.runs.stops import STOPS

ROOT = Path(__file__).parents[2]
OUT_OF_MEMORY = (
    "trimtab: out of memory.\n         Close other programs, choose a smaller backbone, or lower template.max_tokens.\n"
)
VERBS = ("tune", "evaluate", "predict", "show", "data", "models", "export", "import")


def test_help_names_every_verb(trimtab):
    code, out, err = trimtab("--help")
    assert (code, err) == (0, "")
    assert all(f"\n  {verb} " in out for verb in VERBS)
    for verb in VERBS:
        code, out, err = trimtab(verb, "-h")
        assert (code, err) == (0, "")
        assert out.startswith(f"Usage: trimtab {verb} ")


def test_version(trimtab):
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert trimtab_package.__version__ == stated
    assert trimtab("--version") == (0, f"trimtab, version {stated}\n", "")


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], ("torch", "transformers", "pydantic", "sklearn", "pyarrow", "numpy", "rich")),
        *(([verb, "none.yaml"], ("torch", "transformers", "sklearn")) for verb in ("tune", "compare", "show")),
        (["import", "folder", "none.yaml"], ("torch", "transformers", "peft")),
        (["data", "none.jsonl", "--no-tokens"], ("torch", "transformers")),
    ],
    ids=lambda given: given[0],
)
def test_nothing_heavy_is_loaded_to_help_or_to_refuse_a_file(arguments, heavy):
    code = (
        "import sys, trimtab, trimtab.cli.main\ncode = 0\n"
        f"try: trimtab.cli.main.main({arguments})\n"
        "except SystemExit as end: code = end.code\n"
        f"print(code, [name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"{0 if arguments == ['--help'] else 2} []"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tun"], "Error: No such command 'tun'."),
        (["tune"], "Error: Missing argument 'TASK'."),
        (["tune", "x.yaml", "--sett", "a=1"], "--sett"),
        (["predict", "run", "--batch", "0"], "Error: Invalid value for '--batch': 0 is not in the range 1<=x<=65536."),
    ],
)
def test_misuse_exits_with_2(trimtab, arguments, said):
    code, out, err = trimtab(*arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_a_refusal_is_one_message_and_its_remedy(trimtab):
    assert trimtab("tune", "none.yaml") == (
        2,
        "",
        "trimtab: none.yaml: no such file.\n         Give a task file; examples/ holds some to start from.\n",
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TrimtabError("a.", ""), "trimtab: a.\n"),
        (
            OSError(28, "No space left on device", "/x/y"),
            "trimtab: /x/y: No space left on device.\n         Check the path and free space.\n",
        ),
        (
            MemoryError(),
            OUT_OF_MEMORY,
        ),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
            OUT_OF_MEMORY,
        ),
    ],
)
def test_what_a_machine_lacks_is_said_without_a_traceback(trimtab, monkeypatch, error, said):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("trimtab.jobs.models.run", fail)
    assert trimtab("models") == (2, "", said)


def test_faults_of_our_own_are_not_hidden(trimtab, monkeypatch):
    monkeypatch.setattr("trimtab.jobs.models.run", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trimtab("models")


def test_ctrl_c(trimtab, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("trimtab.jobs.models.run", stop)
    heeded = {own: signal.getsignal(own) for own in STOPS}
    assert trimtab("models") == (130, "", "\ntrimtab: stopped.\n")
    for own, before in heeded.items():
        assert signal.getsignal(own) is signal.SIG_IGN  # while the program ends
        signal.signal(own, before)


def test_sigterm_and_sighup_are_ctrl_c_unless_they_are_ignored(monkeypatch):
    for ignored in (signal.SIG_DFL, signal.SIG_IGN):
        for own in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(own, ignored)
            with pytest.raises(SystemExit):
                main(["--no-such-option"])
            expected = signal.SIG_IGN if ignored is signal.SIG_IGN else signal.default_int_handler
            assert signal.getsignal(own) is expected
            signal.signal(own, signal.SIG_DFL)


def test_models_lists_names_and_licences(trimtab):
    code, out, err = trimtab("models", "--offline")
    assert (code, err) == (0, "")
    assert "smollm2-135m\n" in out
    assert "Apache-2.0" in out


def test_a_closed_pipe_ends_quietly(tmp_path):
    done = subprocess.run(
        f"{sys.executable} -m trimtab models --offline | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TRIMTAB_CACHE": str(tmp_path)},
    )
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


def test_the_package_lists_what_it_offers():
    assert set(trimtab_package.__all__) <= set(dir(trimtab_package))
