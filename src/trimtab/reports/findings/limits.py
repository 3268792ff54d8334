"""What the figures of a report do not show, in sentences. Knows nothing about kinds of answer."""

from __future__ import annotations

from trimtab.reports.findings.findings import Findings
from trimtab.reports.format import percent
from trimtab.reports.run_report import RunReport

FEW_TRAIN_ROWS = 100
SEEDS_APART = 0.01
LANGUAGES = {"en": "English", "zh": "Chinese", "mixed": "English and Chinese"}


def limits(report: RunReport, findings: Findings) -> list[str]:
    """Return what the report does not show or warns of, a sentence or two each: of data, of scores, in general."""
    sentences = [*_of_data(report, findings), *findings.limits()]
    if findings.headline:
        sentences.append("Scores hold for texts like those scored: another source, time or style needs its own test.")
    language = LANGUAGES.get(report.data.language)
    if language:
        sentences.append(f"The texts are {language}; nothing is known about other languages.")
    if always := findings.always():
        sentences.append(always)
    sentences.append("The backbone is frozen: whatever bias it has, the prompt inherits.")
    return sentences


def _of_data(report: RunReport, findings: Findings) -> list[str]:
    sentences = []
    if findings.headline and findings.headline.split == "dev":
        sentences.append(
            "There is no test set. The scores are on dev, which also served to choose: expect a little less."
        )
    if report.data.train_rows < FEW_TRAIN_ROWS:
        rows = report.data.train_rows
        sentences.append(f"Tuned on {rows:,} rows only; another {rows:,} could give a noticeably different prompt.")
    reached = [run.dev_score for run in report.runs if run.dev_score is not None]
    if len(reached) > 1 and max(reached) - min(reached) >= SEEDS_APART:
        sentences.append(
            f"Over {len(reached)} seeds {findings.dev_score.name} ranged from {percent(min(reached))} to "
            f"{percent(max(reached))}."
        )
    return sentences
