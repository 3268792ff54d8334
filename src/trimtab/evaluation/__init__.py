"""Metrics, baselines and reports. Knows nothing about models."""

from trimtab.evaluation.baselines import majority, naive_bayes
from trimtab.evaluation.choosing import choose
from trimtab.evaluation.comparison import Comparison, CurveLine, Difference, Disagreement, LeftOut, Way
from trimtab.evaluation.metrics import CalibrationBin, ClassScore, Interval, Mistake, Scores, score
from trimtab.evaluation.report import read_comparison, read_report, write_comparison, write_report
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
    "Comparison",
    "Cost",
    "CurveLine",
    "CurvePoint",
    "DataFacts",
    "Difference",
    "Disagreement",
    "Interval",
    "LeftOut",
    "MachineFacts",
    "MethodFacts",
    "Mistake",
    "RunFacts",
    "RunReport",
    "Scores",
    "Way",
    "choose",
    "majority",
    "naive_bayes",
    "paired_test",
    "read_comparison",
    "read_report",
    "score",
    "write_comparison",
    "write_report",
]
