"""Answers that are programs: run against their tests, in a sandbox. Knows nothing about how they were found."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from trimtab.backbones.open import Progress
from trimtab.data import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics.pass_at_k import pass_at_k
from trimtab.evaluation.scores.texts import Figure
from trimtab.inference.engine import Prediction
from trimtab.jobs.folder import write_json
from trimtab.settings.answers import AnswerSettings, TextAnswer

PASSED_FILE = "passed.json"
_FENCED = re.compile(r"```[\w+-]*\n(.*?)(?:\n```|\Z)", re.DOTALL)


def program_of(text: str) -> str:
    """The program in an answer: what stands between the first pair of fences, or the whole answer."""
    found = _FENCED.search(text)
    return found[1] if found else text


@dataclass
class Programs:
    """Runs the program in each answer with its row's tests, the same ones once.

    Attributes:
        examples: the rows, with their tests.
        folder: where what passed is kept for later calls; None where it is not.
        progress: told how many were run.
    """

    examples: Sequence[Example]
    folder: Path | None = None
    progress: Progress | None = None

    def __call__(self, answers: Sequence[str]) -> list[bool]:
        """Whether the program in each answer [N] passes the tests of its row.

        Raises:
            TrimtabError: the machine cannot isolate programs; what passed cannot be kept.
        """
        from trimtab.sandbox.box import run_program

        own = [(program_of(text), e.tests) for text, e in zip(answers, self.examples, strict=True)]
        names = [hashlib.sha256(json.dumps(pair).encode()).hexdigest() for pair in own]
        before, late = len(self._passed), set()
        try:
            for at, (name, pair) in enumerate(zip(names, own, strict=True)):
                if name not in self._passed:
                    if self.progress:
                        self.progress("running programs", at, len(own))
                    result = run_program(*pair).result
                    self._passed[name] = result == "passed"
                    if result == "timed out":
                        late.add(name)
        finally:  # also of those that were run before Ctrl-C
            if self.folder and len(self._passed) > before:  # a late one may be in time on a machine less busy
                write_json(self.folder / PASSED_FILE, {n: p for n, p in self._passed.items() if n not in late})
        return [self._passed[name] for name in names]

    @cached_property
    def _passed(self) -> dict[str, bool]:
        try:
            kept = json.loads((self.folder / PASSED_FILE).read_text(encoding="utf-8")) if self.folder else {}
        except (OSError, ValueError):
            return {}
        return {name: passed is True for name, passed in kept.items()} if isinstance(kept, dict) else {}


def programs_of(
    kind: AnswerSettings, examples: Sequence[Example], folder: Path | None, progress: Progress | None
) -> Programs:
    """What runs answers to these rows as programs.

    Raises:
        TrimtabError: the task names no column of tests; the machine cannot isolate programs.
    """
    from trimtab.sandbox.box import run_program

    if not isinstance(kind, TextAnswer) or kind.tests is None:
        raise TrimtabError(
            "--run-code: the task names no column of tests, so there are no programs to run.",
            "Set answer.tests, or leave --run-code out.",
        )
    run_program("", "")  # before anything takes long
    return Programs(examples, folder, progress)


def pass_figures(examples: Sequence[Example], answers: Sequence[Prediction], progress: Progress | None) -> list[Figure]:
    """Run every answer's program and its row's tests: pass@1, and pass@n where each row has n answers.

    Args:
        examples: the rows, with their tests.
        answers: theirs.
        progress: told how many were run.

    Raises:
        TrimtabError: the machine cannot isolate programs.
    """
    pairs = [(row, text.text) for row, answer in enumerate(answers) for text in answer.texts]
    results = Programs([examples[row] for row, _ in pairs], progress=progress)([text for _, text in pairs])
    passed = [0] * len(answers)
    for (row, _), right in zip(pairs, results, strict=True):
        passed[row] += right
    samples = [len(answer.texts) for answer in answers]
    scores = [pass_at_k(samples, passed, k) for k in sorted({1, min(samples)})]
    return [Figure(s.name, s.value, s.interval, s.unit, s.higher_is_better, s.what, s.signature) for s in scores]
