"""Answers that are programs: run against their tests, in a sandbox. Knows nothing about how they were found."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from trimtab.data.example import TextExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics.pass_at_k import pass_at_k
from trimtab.evaluation.metrics.score import with_intervals
from trimtab.evaluation.scores.gold import groups_among
from trimtab.evaluation.scores.texts import Figure, figure_of

_FENCED = re.compile(r"```[\w+-]*\n(.*?)(?:\n```|\Z)", re.DOTALL)

# (what is being done, how much is done, of how much) -> told while programs run
Progress = Callable[[str, int, int | None], None]
# A file -> whether programs passed, by their hash; written whole or not at all.
WriteJson = Callable[[Path, Mapping[str, bool]], None]


def program_of(text: str) -> str:
    """The program in an answer: what stands between the first pair of fences, or the whole answer."""
    found = _FENCED.search(text)
    return found[1] if found else text


@dataclass
class Programs:
    """Runs the program in each answer with its row's tests, the same ones once.

    Attributes:
        examples: the rows, with their tests.
        kept: the file that keeps what passed for later calls, and what writes it; None where it is not kept.
        progress: told how many were run.
    """

    examples: Sequence[TextExample]
    kept: tuple[Path, WriteJson] | None = None
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
            if self.kept and len(self._passed) > before:  # a late one may be in time on a machine less busy
                file, write = self.kept
                write(file, {n: p for n, p in self._passed.items() if n not in late})
        return [self._passed[name] for name in names]

    @cached_property
    def _passed(self) -> dict[str, bool]:
        try:
            found = json.loads(self.kept[0].read_text(encoding="utf-8")) if self.kept else {}
        except (OSError, ValueError):
            return {}
        return {name: passed is True for name, passed in found.items()} if isinstance(found, dict) else {}


def programs_of(
    tests: str | None,
    examples: Sequence[TextExample],
    kept: tuple[Path, WriteJson] | None = None,
    progress: Progress | None = None,
) -> Programs:
    """What runs answers to these rows as programs.

    Args:
        tests: the column with the tests that answers must pass, as the task names it, if it does.
        examples, kept, progress: as in `Programs`.

    Raises:
        TrimtabError: the task names no column of tests; the machine cannot isolate programs.
    """
    from trimtab.sandbox.box import run_program

    if tests is None:
        raise TrimtabError(
            "--run-code: the task names no column of tests, so there are no programs to run.",
            "Set answer.tests, or leave --run-code out.",
        )
    run_program("", "")  # before anything takes long
    return Programs(examples, kept, progress)


def pass_figures(
    examples: Sequence[TextExample], texts: Sequence[Sequence[str]], progress: Progress | None = None
) -> list[Figure]:
    """Run every answer's program and its row's tests: pass@1, and pass@n where each row has n answers.

    Args:
        examples: the rows, with their tests.
        texts: the answers to each row, one or more.
        progress: told how many were run.

    Raises:
        TrimtabError: the machine cannot isolate programs.
    """
    pairs = [(row, text) for row, own in enumerate(texts) for text in own]
    results = Programs([examples[row] for row, _ in pairs], progress=progress)([text for _, text in pairs])
    passed = [0] * len(texts)
    for (row, _), right in zip(pairs, results, strict=True):
        passed[row] += right
    samples = [len(own) for own in texts]
    of_k = [pass_at_k(samples, passed, k) for k in sorted({1, min(samples)})]
    return [figure_of(score) for score in with_intervals(of_k, groups_among(examples))]
