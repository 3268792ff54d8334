"""The table of a report on the terminal: the run among the baselines, the best last."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_reports import bare, choices, label_sets, numbers, report, spans, tags, texts, two_classes

from trimtab.cli.printing import TABLE_WIDTH, print_report
from trimtab.reports.run_report import RunReport

TABLE = """\
movie-reviews: 1,821 test rows
┏━━━━━━━━━━━━━┳━━━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━┳━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━┓
┃ method      ┃ accuracy ┃ 95% interval ┃    F1 ┃      p ┃ trained ┃ seconds ┃
┡━━━━━━━━━━━━━╇━━━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━╇━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━┩
│ majority    │    50.1% │ 47.8 to 52.4 │       │ <0.001 │         │     0.0 │
│ zero-shot   │    79.8% │ 77.9 to 81.6 │       │ <0.001 │         │    41.0 │
│ naive Bayes │    82.0% │ 80.2 to 83.8 │       │ <0.001 │         │     1.4 │
│ soft_prompt │    92.1% │ 90.8 to 93.2 │ 92.1% │        │  11,520 │     722 │
└─────────────┴──────────┴──────────────┴───────┴────────┴─────────┴─────────┘
3 seeds on dev: 91.0 ± 1.0%
10.1 points better than naive Bayes, the best of the baselines (p < 0.001, McNemar’s exact test).
Report: runs/reviews/report.html
"""


def printed(made: RunReport, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_report(made, Path("runs/reviews"))
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def columns(lines: list[str]) -> list[str]:
    return [name.strip() for name in lines[2].split("┃")[1:-1]]


def names(lines: list[str]) -> list[str]:
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    return [name for name, figure, *_ in cells if figure]  # a long name goes on in lines without a figure


def test_the_table_and_the_verdict_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(two_classes(), capsys) == TABLE.splitlines()


def test_figures_are_those_of_the_answers(capsys: pytest.CaptureFixture[str]) -> None:
    around = ["p", "trained", "seconds"]
    lines = printed(numbers(), capsys)
    assert columns(lines) == ["method", "RMSE", "95% interval", "MAE", "Pearson", "Spearman", *around]
    assert names(lines) == ["mean", "ridge", "soft_prompt"]
    assert "3 seeds on dev: 91.0 ± 1.0% of the variance" in lines
    lines = printed(label_sets(), capsys)
    assert columns(lines) == ["method", "micro F1", "95% interval", "macro F1", "subset accuracy", *around]
    assert names(lines)[-2:] == ["naive Bayes", "soft_prompt"]
    assert "3 seeds on dev: 91.0 ± 1.0% micro F1" in lines
    lines = printed(tags(), capsys)
    assert columns(lines) == ["method", "F1", "95% interval", "precision", "recall", "macro F1", *around]
    assert "3 seeds on dev: 91.0 ± 1.0% F1" in lines
    assert columns(printed(tags(plain=True), capsys)) == ["method", "accuracy", "95% interval", "macro F1", *around]
    lines = printed(spans(), capsys)
    assert columns(lines) == ["method", "F1", "95% interval", "exact match", *around]
    lines = printed(texts(), capsys)
    assert columns(lines) == ["method", "chrF", "95% interval", "BLEU", "ROUGE-L", *around]
    assert "3 seeds on dev: 91.0 ± 1.0%, mean probability of a token" in lines
    macro_f1 = f"{100 * choices().scored.test.macro_f1:.1f}%"  # type: ignore[union-attr]
    assert macro_f1 not in "".join(printed(choices(), capsys))


def test_a_baseline_that_is_better_stands_below_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    for made in (two_classes(), label_sets(), numbers(), tags(), spans(), texts()):
        *_, best = made.scored.baselines
        better = {
            "multilabel": {"micro_f1": 0.999}, "number": {"rmse": 0.01}, "tags": {"f1": 0.999},
            "span": {"f1": 0.999},
            "label": {"accuracy": 0.999},
            "text": {"figures": [f.__class__(**(f.__dict__ | {"value": 99.9})) for f in getattr(best, "figures", [])]},
        }[made.scored.kind]  # fmt: skip
        part = made.scored.model_copy(update={"baselines": [best.model_copy(update=better)]})
        assert names(printed(made.model_copy(update={"scored": part}), capsys))[0] == "soft_prompt"


def test_nothing_is_printed_where_nothing_was_scored(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(bare(), capsys) == []


def test_names_are_text_and_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    named = two_classes().model_copy(update={"name": "[red]reviews[/red]"})
    assert printed(named, capsys)[0] == "[red]reviews[/red]: 1,821 test rows"


@pytest.mark.parametrize(
    "made", [two_classes, choices, label_sets, numbers, tags, spans, texts], ids=lambda made: made.__name__
)
def test_tables_fit_their_width(made: object, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(made(), capsys)  # type: ignore[operator]
    assert max(len(line) for line in lines if line.startswith(("┏", "│", "└"))) <= TABLE_WIDTH


def test_without_several_seeds_nothing_is_said_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    alone = report(two_classes().scored.test, runs=[])  # type: ignore[arg-type]
    assert not [line for line in printed(alone, capsys) if "seeds" in line]
