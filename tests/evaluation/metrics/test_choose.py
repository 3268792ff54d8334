"""Metrics chosen by name: every one of them, refusals, nothing heavy imported."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics.choose import TEXT_METRICS, metric_names, metric_results


def test_every_name_is_that_of_its_metric() -> None:
    found = metric_results(["LOC: a 1"], [["LOC: a 1"]], metrics=TEXT_METRICS, inputs=["x"])
    assert [result.metric.name for result in found] == list(TEXT_METRICS)
    assert all(result.metric.what for result in found)


def test_refusals() -> None:
    cases: list[tuple[list[str], list[list[str]], dict[str, Any], str]] = [
        ([], [], {}, "There are no texts to score. Check that the data file has rows."),
        (["a", "b"], [["a"]], {}, "There are 2 answers, but references for 1 rows. Every answer needs its own."),
        (["a"], [["a"]], {"inputs": []}, "There are 1 answers, but inputs for 0 rows. Every answer needs its own."),
        (["a", "b"], [["a"], []], {}, "Row 2: this row has no reference. Scoring needs a text or more that are right."),
        (
            ["a"], [["a"]], {"metrics": ["rogue-l"]},
            f"Metric 'rogue-l' is not one of {', '.join(TEXT_METRICS)}. Did you mean 'ROUGE-L'?",
        ),
        (
            ["a"], [["a"]], {"metrics": ["copied"]},
            "Metric 'copied' needs the inputs. Give the texts that the answers are about.",
        ),
    ]  # fmt: skip
    for texts, references, options, message in cases:
        with pytest.raises(TrimtabError) as error:
            metric_results(texts, references, **{"metrics": ["BLEU"], **options})
        assert str(error.value) == message


def test_names_in_any_case() -> None:
    assert metric_names(["bleu", "CHRF++", "Rouge-l", "NUMERIC em"]) == ["BLEU", "chrF++", "ROUGE-L", "numeric EM"]


def test_nothing_heavy_is_imported_before_it_is_asked_for() -> None:
    heavy = ("sacrebleu", "rapidfuzz")
    code = f"import sys, trimtab.evaluation.metrics.score; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
