"""Metrics, baselines and reports. Knows nothing about models."""

from trimtab.evaluation.baselines import majority, naive_bayes
from trimtab.evaluation.metrics import CalibrationBin, ClassScore, Interval, Mistake, Scores, score
from trimtab.evaluation.numbers import NumberScores, mean_number, ridge, score_numbers
from trimtab.evaluation.report import read_report, write_report
from trimtab.evaluation.run_report import (
    BackboneFacts,
    Baseline,
    Cost,
    CurvePoint,
    DataFacts,
    MachineFacts,
    MethodFacts,
    NumberBaseline,
    NumberReport,
    RunFacts,
    RunReport,
)
from trimtab.evaluation.significance import paired_permutation_test, paired_test

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
    "NumberBaseline",
    "NumberReport",
    "NumberScores",
    "RunFacts",
    "RunReport",
    "Scores",
    "majority",
    "mean_number",
    "naive_bayes",
    "paired_permutation_test",
    "paired_test",
    "read_report",
    "ridge",
    "score",
    "score_numbers",
    "write_report",
]
