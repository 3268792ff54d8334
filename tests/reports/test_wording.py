"""How a comparison speaks of answers, by what they are; each clause once as it stands on the page."""

from __future__ import annotations

import pytest

from trimtab.evaluation.metrics.metric import Metric
from trimtab.reports.migrations import wording_of

ACCURACY, MACRO_F1 = Metric(name="accuracy", what="rows right"), Metric(name="macro F1")
R_SQUARED = Metric(name="R²", what="variance explained")
RMSE = Metric(name="RMSE", what="root mean squared error", unit="own", higher_is_better=False)
BLEU = Metric(name="BLEU", what="n-grams in common", unit="points")
EMPTY = Metric(name="empty", what="answers without any text", higher_is_better=False)


@pytest.mark.parametrize(
    ("kind", "metric", "others", "said"),
    [
        ("label", ACCURACY, [MACRO_F1], ("right label", "nobody", "Accuracy and macro F1 in %", "most accurate way",
                                         "{}", "is right on {} of the rows")),
        ("choice", ACCURACY, [], ("right option", "nobody", "Accuracy in %", "most accurate way", "{}",
                                  "is right on {} of the rows")),
        ("number", R_SQUARED, [RMSE], ("right number", "in the data", "R² in % and root mean squared error,",
                                       "way of the highest R²", "R² {}", "has a root mean squared error of {}")),
        ("tags", Metric(name="entity F1"), [], ("right answer", "nobody", "Entity F1 in %",
                                                "way of the highest entity F1", "entity F1 {}", "has entity F1 {}")),
        ("text", BLEU, [EMPTY], ("answer in the data", "in the data", "BLEU", "way of the highest BLEU", "BLEU {}",
                                 "has BLEU {}")),
        ("text", EMPTY, [], ("answer in the data", "in the data", "Empty in %", "way of the lowest empty", "empty {}",
                             "has empty {}")),
    ],
)  # fmt: skip
def test_clauses(kind: str, metric: Metric, others: list[Metric], said: tuple[str, ...]) -> None:
    found = wording_of(kind, metric, others)
    assert (found.right, found.by_nobody, found.caption, found.best, found.score, found.guess) == said


def test_metrics_whose_names_do_not_say_what_they_are_are_defined() -> None:
    assert wording_of("text", BLEU, [EMPTY]).reading == (
        "BLEU: n-grams in common; Empty: answers without any text. Of empty, lower is better."
    )
    assert wording_of("tags", Metric(name="entity F1"), []).reading == ""
    assert wording_of("label", ACCURACY, [MACRO_F1]).reading == ""
    assert wording_of("number", R_SQUARED, [RMSE]).reading.startswith("R² is the share of the variance")


def test_only_of_free_text_another_answer_may_be_right_too() -> None:
    kinds: dict[str, Metric] = {"label": ACCURACY, "choice": ACCURACY, "tags": EMPTY, "text": BLEU}
    assert [kind for kind, metric in kinds.items() if not wording_of(kind, metric).others_are_wrong] == ["text"]
