"""Programs in answers: which results are kept for a later call."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from trimtab.data import Example
from trimtab.jobs.programs import Programs
from trimtab.sandbox import box


def test_a_program_that_was_late_is_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine busy with other work may be why; within one call it counts as failed."""
    results = {"quick": "passed", "wrong": "failed", "slow": "timed out"}
    ran: list[str] = []
    monkeypatch.setattr(
        box, "run_program", lambda program, tests: ran.append(program) or SimpleNamespace(result=results[program])
    )
    examples = [Example({"text": ""}, "x", "rows:1", tests="assert True") for _ in range(4)]
    asked = ["quick", "slow", "wrong", "slow"]
    assert Programs(examples, tmp_path)(asked) == [True, False, False, False]
    assert ran == ["quick", "slow", "wrong"]
    results["slow"] = "passed"
    assert Programs(examples, tmp_path)(asked) == [True, True, False, True]
    assert ran == ["quick", "slow", "wrong", "slow"]
