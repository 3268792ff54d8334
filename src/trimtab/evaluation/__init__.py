"""Metrics, baselines and reports. Knows nothing about models."""

from trimtab.evaluation.baselines import majority, naive_bayes
from trimtab.evaluation.choosing import choose
from trimtab.evaluation.classic import read_word_vectors, tfidf_logistic, word_vector_logistic, word_vector_ridge
from trimtab.evaluation.comparison import Comparison, CurveLine, Difference, Disagreement, LeftOut, Way
from trimtab.evaluation.keywords import keyword_rules, mine_rules
from trimtab.evaluation.measured import TextScore
from trimtab.evaluation.metrics import CalibrationBin, ClassScore, Interval, Mistake, Scores, score
from trimtab.evaluation.numbers import NumberScores, mean_number, ridge, score_numbers
from trimtab.evaluation.pass_at_k import pass_at_k
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
    TagBaseline,
    TagReport,
)
from trimtab.evaluation.significance import (
    accuracy_interval,
    holm,
    paired_bootstrap,
    paired_f1_test,
    paired_permutation_test,
    paired_test,
)
from trimtab.evaluation.tags import (
    TagMistake,
    TagScores,
    commonest_tag,
    commonest_tag_of_token,
    entity_counts,
    score_tags,
)
from trimtab.evaluation.texts import TEXT_METRICS, TextDifference, TextScores, compare_texts, score_texts

__all__ = [
    "TEXT_METRICS",
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
    "TagBaseline",
    "TagMistake",
    "TagReport",
    "TagScores",
    "TextDifference",
    "TextScore",
    "TextScores",
    "Way",
    "accuracy_interval",
    "choose",
    "commonest_tag",
    "commonest_tag_of_token",
    "compare_texts",
    "entity_counts",
    "holm",
    "keyword_rules",
    "majority",
    "mean_number",
    "mine_rules",
    "naive_bayes",
    "paired_bootstrap",
    "paired_f1_test",
    "paired_permutation_test",
    "paired_test",
    "pass_at_k",
    "read_comparison",
    "read_report",
    "read_word_vectors",
    "ridge",
    "score",
    "score_numbers",
    "score_tags",
    "score_texts",
    "tfidf_logistic",
    "word_vector_logistic",
    "word_vector_ridge",
    "write_comparison",
    "write_report",
]
