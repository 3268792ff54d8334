"""What no figure shows, whatever the kind of answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from made_reports import bare, choices, label_sets, numbers, spans, tags, texts, two_classes

from trimtab.reports.findings.choose import findings_of
from trimtab.reports.findings.limits import limits
from trimtab.reports.run_report import RunReport

LAST = [
    "Scores hold for texts like those scored: another source, time or style needs its own test.",
    "The texts are English; nothing is known about other languages.",
    "The backbone is frozen: whatever bias it has, the prompt inherits.",
]


def said(made: RunReport) -> list[str]:
    return limits(made, findings_of(made.scored))


def test_dev_alone_few_training_rows_and_seeds_are_said() -> None:
    made = two_classes()
    data = made.data.model_copy(update={"train_rows": 32})
    scored = made.scored.model_copy(update={"test": None})
    made = made.model_copy(update={"data": data, "scored": scored})
    assert said(made)[:3] == [
        "There is no test set. The scores are on dev, which also served to choose: expect a little less.",
        "Tuned on 32 rows only; another 32 could give a noticeably different prompt.",
        "Over 3 seeds dev accuracy ranged from 90.0% to 92.0%.",
    ]
    assert findings_of(made.scored).summary().startswith("92.1% of 1,821 dev rows right (95%: 90.8 to 93.2)")


@pytest.mark.parametrize(
    "made", [two_classes, choices, label_sets, numbers, tags, spans, texts], ids=lambda made: made.__name__
)
def test_scores_texts_and_backbone_are_spoken_of_last(made: Callable[[], RunReport]) -> None:
    always = findings_of(made().scored).always()
    assert said(made())[-3 - bool(always) :] == [*LAST[:2], *([always] if always else []), LAST[2]]


@pytest.mark.parametrize(
    ("made", "name"),
    [(numbers, "the share of dev's variance explained"), (tags, "entity F1 on dev"),
     (label_sets, "micro F1 on dev"), (spans, "F1 on dev"),
     (texts, "mean probability of a token on dev"), (choices, "dev accuracy")],
)  # fmt: skip
def test_seeds_are_said_to_differ_in_what_they_are_chosen_by(made: Callable[[], RunReport], name: str) -> None:
    assert f"Over 3 seeds {name} ranged from 90.0% to 92.0%." in said(made())
    alike = [run.model_copy(update={"dev_score": 0.9}) for run in made().runs]
    assert not [s for s in said(made().model_copy(update={"runs": alike})) if s.startswith("Over 3 seeds")]


def test_without_scores_nothing_is_said_of_them() -> None:
    unknown = bare().data.model_copy(update={"language": ""})
    assert said(bare().model_copy(update={"data": unknown})) == [LAST[2]]
    mixed = bare().data.model_copy(update={"language": "mixed"})
    assert said(bare().model_copy(update={"data": mixed})) == [
        "The texts are English and Chinese; nothing is known about other languages.", LAST[2],
    ]  # fmt: skip
