"""Programs in answers: what is run, which results are kept for a later call, and their figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from trimtab.data.example import TextExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.programs import Programs, pass_figures, program_of, programs_of
from trimtab.sandbox import box


def write(file: Path, passed: Mapping[str, bool]) -> None:
    file.write_text(json.dumps(passed))


def test_a_program_that_was_late_is_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine busy with other work may be why; within one call it counts as failed."""
    results = {"quick": "passed", "wrong": "failed", "slow": "timed out"}
    ran: list[str] = []
    monkeypatch.setattr(
        box, "run_program", lambda program, tests: ran.append(program) or SimpleNamespace(result=results[program])
    )
    examples = [TextExample({"text": ""}, "x", "rows:1", tests="assert True") for _ in range(4)]
    asked = ["quick", "slow", "wrong", "slow"]
    assert Programs(examples, (tmp_path / "passed.json", write))(asked) == [True, False, False, False]
    assert ran == ["quick", "slow", "wrong"]
    results["slow"] = "passed"
    assert Programs(examples, (tmp_path / "passed.json", write))(asked) == [True, True, False, True]
    assert ran == ["quick", "slow", "wrong", "slow"]


@pytest.mark.parametrize(
    ("text", "program"),
    [("x = 1", "x = 1"), ("Here:\n```python\nx = 1\n```\nDone.", "x = 1"), ("```\nx = 1", "x = 1")],
)
def test_program_of(text, program):
    assert program_of(text) == program


def test_figures_of_several_answers_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        box, "run_program", lambda program, tests: SimpleNamespace(result="passed" if program in tests else "failed")
    )
    examples = [TextExample({"text": ""}, "x", f"rows:{n}", tests=tests) for n, tests in enumerate(("a", "b"))]
    told: list[tuple[str, int, int | None]] = []
    one, three = pass_figures(examples, [["a", "b", "a"], ["a", "a", "c"]], lambda *said: told.append(said))
    assert [(figure.name, figure.value) for figure in (one, three)] == [
        ("pass@1", pytest.approx(1 / 3)),
        ("pass@3", 0.5),
    ]
    assert told == [("running programs", at, 6) for at in (0, 1, 3, 5)]  # the same program and tests once
    assert [figure.name for figure in pass_figures(examples, [["a"], ["b"]])] == ["pass@1"]


def test_a_task_without_tests_has_no_programs() -> None:
    with pytest.raises(TrimtabError) as caught:
        programs_of(None, [])
    assert str(caught.value) == (
        "--run-code: the task names no column of tests, so there are no programs to run. "
        "Set answer.tests, or leave --run-code out."
    )
