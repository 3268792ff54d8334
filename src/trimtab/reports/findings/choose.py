"""Which findings a report has: the one place where kinds of answer are told apart. Knows nothing about pages."""

from __future__ import annotations

from trimtab.reports.findings.findings import Findings
from trimtab.reports.findings.labels import PLACES_OF_OPTIONS, LabelFindings, labels
from trimtab.reports.findings.multilabel import MultiLabelFindings
from trimtab.reports.findings.numbers import NumberFindings
from trimtab.reports.findings.spans import SpanFindings
from trimtab.reports.findings.tags import TagFindings
from trimtab.reports.findings.texts import TextFindings
from trimtab.reports.scored import (
    ChoiceReport,
    LabelReport,
    MultiLabelReport,
    NumberReport,
    Scored,
    SpanReport,
    TagReport,
    TextReport,
)


def findings_of(scored: Scored) -> Findings:
    """What the scored part of a report says."""
    match scored:
        case LabelReport():
            return LabelFindings(scored, labels(scored.words))
        case MultiLabelReport():
            return MultiLabelFindings(scored)
        case ChoiceReport():
            return LabelFindings(scored, PLACES_OF_OPTIONS)
        case NumberReport():
            return NumberFindings(scored)
        case TagReport():
            return TagFindings(scored)
        case SpanReport():
            return SpanFindings(scored)
        case TextReport():
            return TextFindings(scored)
