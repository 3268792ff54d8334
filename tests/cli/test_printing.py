"""The table of a comparison on the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_comparisons import chinese, choices, five_ways, fourteen_ways, numbers, one_way, tags, texts

from trimtab.cli.printing import TABLE_WIDTH, print_comparison

TABLE = """\
movie-reviews: 1,821 test rows
┏━━━━━━━━━━━━━┳━━━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━━━━┳━━━━━━━━┳━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━┓
┃ way         ┃ accuracy ┃ 95% interval ┃ macro F1 ┃ points ┃      p ┃ trained ┃ training ┃
┡━━━━━━━━━━━━━╇━━━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━━━━╇━━━━━━━━╇━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━┩
│ LoRA        │    92.7% │ 91.5 to 93.9 │    92.3% │   +0.8 │  0.210 │   2.4 M │   19 min │
│ soft prompt │    91.9% │ 90.6 to 93.1 │    91.5% │   ref. │        │  11,520 │   12 min │
│ naive Bayes │    82.0% │ 80.3 to 83.8 │    81.6% │   −9.9 │ <0.001 │       0 │    0.4 s │
│ zero shot   │    79.8% │ 78.0 to 81.6 │    79.4% │  −12.1 │ <0.001 │       0 │     none │
│ majority    │    50.1% │ 47.8 to 52.4 │    49.7% │  −41.8 │ <0.001 │       0 │     none │
└─────────────┴──────────┴──────────────┴──────────┴────────┴────────┴─────────┴──────────┘
Choose the soft prompt: 91.9%, and no other way is really better; it trains in 12 min. LoRA, at 92.7%, is no real \
difference (p = 0.21, paired bootstrap).
Left out: full fine-tuning (the time was up).
Comparison: runs/compare/compare.html
"""


def test_the_table_and_the_choice_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_comparison(five_ways(), Path("runs/compare"))
    printed = "".join(line.rstrip() + "\n" for line in capsys.readouterr().out.splitlines())
    assert printed == TABLE


def test_the_scores_are_those_of_the_answers(capsys: pytest.CaptureFixture[str]) -> None:
    print_comparison(numbers(), None)
    _, _, heading, _, first, second, *_ = capsys.readouterr().out.splitlines()
    assert [name.strip() for name in heading.split("┃")[1:-1]] == [
        "way", "R²", "95% interval", "RMSE", "points", "p", "trained", "training",
    ]  # fmt: skip
    assert [cell.strip() for cell in first.split("│")[1:-1]] == [
        "soft prompt", "61.3%", "59.0 to 63.0", "0.62", "ref.", "", "11,520", "5 min",
    ]  # fmt: skip
    assert second.split("│")[5].strip() == "−9.3"
    print_comparison(choices(), None)
    assert "F1" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "made", [chinese, fourteen_ways, one_way, numbers, choices, tags, texts], ids=lambda made: made.__name__
)
def test_tables_fit_their_width(made: object, capsys: pytest.CaptureFixture[str]) -> None:
    print_comparison(made(), Path("runs/compare"))  # type: ignore[operator]
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if line.startswith(("┏", "│", "└"))) <= TABLE_WIDTH


def test_texts_have_no_percent_signs_where_points_are_meant(capsys: pytest.CaptureFixture[str]) -> None:
    print_comparison(texts(), None)
    _, _, heading, _, first, *_ = capsys.readouterr().out.splitlines()
    assert [name.strip() for name in heading.split("┃")[1:-1]] == [
        "way", "BLEU", "95% interval", "chrF", "ROUGE-L", "points", "p", "trained", "training",
    ]  # fmt: skip
    assert [cell.strip() for cell in first.split("│")[1:-1]] == [
        "LoRA", "35.1", "32.9 to 37.3", "55.1", "45.1%", "+0.9", "0.400", "11,520", "12 min",
    ]  # fmt: skip


def test_a_narrow_terminal_gets_fewer_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    print_comparison(fourteen_ways(), Path("runs/compare"))
    out = capsys.readouterr().out
    table = [line for line in out.splitlines() if "┃" in line or "│" in line]
    assert "trained" not in table[0]
    assert "training" in table[0]
    assert "…" not in out
    assert "few-shot" in out
