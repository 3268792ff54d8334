"""Metrics, baselines and reports. Knows nothing about models."""

from trimtab.evaluation.baselines import majority, naive_bayes
from trimtab.evaluation.metrics import CalibrationBin, ClassScore, Interval, Mistake, Scores, score
from trimtab.evaluation.report import read_report, write_report
from trimtab.evaluation.run_report import (
    BackboneFacts,
    Baseline,
    Cost,
    CurvePoint,
    DataFacts,
    MachineFacts,
    MethodFacts,
    RunFacts,
    RunReport,
)
from trimtab.evaluation.significance import paired_test

__all__ = [
    "BackboneFacts",
    "Baseline",
    "CalibrationBin",
    "ClassScore",
    "Cost",
    "CurvePoint",
    "DataFacts",
    "Interval",
    "MachineFacts",
    "MethodFacts",
    "Mistake",
    "RunFacts",
    "RunReport",
    "Scores",
    "majority",
    "naive_bayes",
    "paired_test",
    "read_report",
    "score",
    "write_report",
]
