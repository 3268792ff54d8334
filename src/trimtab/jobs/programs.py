"""Answers that are programs: run against their tests, in a sandbox. Knows nothing about how they were found."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trimtab.data import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.pass_at_k import pass_at_k
from trimtab.evaluation.written import Figure
from trimtab.inference.engine import Prediction
from trimtab.jobs.backbone import Progress
from trimtab.spec_answers import TextAnswer

_FENCED = re.compile(r"```[\w+-]*\n(.*?)(?:\n```|\Z)", re.DOTALL)


def program_of(text: str) -> str:
    """The program in an answer: what stands between the first pair of fences, or the whole answer."""
    found = _FENCED.search(text)
    return found[1] if found else text


def pass_figures(
    examples: Sequence[Example], answers: Sequence[Prediction], kind: TextAnswer, progress: Progress | None
) -> list[Figure]:
    """Run every answer's program and its row's tests: pass@1, and pass@n where each row has n answers.

    Args:
        examples: the rows, with their tests.
        answers: theirs.
        kind: settings of the answers.
        progress: told how many were run.

    Raises:
        TrimtabError: the task names no column of tests; the machine cannot isolate programs.
    """
    from trimtab.sandbox.box import run_program

    if kind.tests is None:
        raise TrimtabError("answer.tests is not set: no tests to run.", "Name the column that holds them.")
    passed: list[int] = []
    done, whole = 0, sum(len(answer.texts) for answer in answers)
    for example, answer in zip(examples, answers, strict=True):
        passed.append(0)
        for text in answer.texts:
            if progress:
                progress("running programs", done, whole)
            passed[-1] += run_program(program_of(text.text), example.tests).result == "passed"
            done += 1
    samples = [len(answer.texts) for answer in answers]
    scores = [pass_at_k(samples, passed, k) for k in sorted({1, min(samples)})]
    return [Figure(s.name, s.value, s.interval, s.unit, s.higher_is_better, s.what, s.signature) for s in scores]
