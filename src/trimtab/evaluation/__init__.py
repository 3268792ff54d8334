"""Metrics, baselines and reports. Knows nothing about models."""

from trimtab.evaluation.baselines import majority, naive_bayes
from trimtab.evaluation.choosing import choose
from trimtab.evaluation.classic import read_word_vectors, tfidf_logistic, word_vector_logistic, word_vector_ridge
from trimtab.evaluation.comparison import Comparison, CurveLine, Difference, Disagreement, LeftOut, Way
from trimtab.evaluation.keywords import keyword_rules, mine_rules
from trimtab.evaluation.metrics import CalibrationBin, ClassScore, Interval, Mistake, Scores, score
from trimtab.evaluation.numbers import NumberScores, mean_number, ridge, score_numbers
from trimtab.evaluation.report import read_comparison, read_report, write_comparison, write_report
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
from trimtab.evaluation.significance import (
    accuracy_interval,
    holm,
    paired_bootstrap,
    paired_permutation_test,
    paired_test,
)

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
    "NumberBaseline",
    "NumberReport",
    "NumberScores",
    "RunFacts",
    "RunReport",
    "Scores",
    "Way",
    "accuracy_interval",
    "choose",
    "holm",
    "keyword_rules",
    "majority",
    "mean_number",
    "mine_rules",
    "naive_bayes",
    "paired_bootstrap",
    "paired_permutation_test",
    "paired_test",
    "read_comparison",
    "read_report",
    "read_word_vectors",
    "ridge",
    "score",
    "score_numbers",
    "tfidf_logistic",
    "word_vector_logistic",
    "word_vector_ridge",
    "write_comparison",
    "write_report",
]
