"""How figures are written."""

from __future__ import annotations

import pytest

from trimtab.reports.format import latency_text, money_text, parameters_text, training_text


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        (latency_text, 0.00041, "0.4 ms"),
        (latency_text, 0.0213, "21 ms"),
        (latency_text, 1.42, "1.4 s"),
        (money_text, 0, "0"),
        (money_text, 0.0004, "< 0.001"),
        (money_text, 0.0635, "0.064"),
        (money_text, 1234.5, "1,234.50"),
        (training_text, 0.0, "none"),
        (training_text, 0.02, "< 0.1 s"),
        (training_text, 722.0, "12 min"),
        (parameters_text, 11_520, "11,520"),
        (parameters_text, 134_515_008, "134.5 M"),
    ],
)
def test_figures_are_written_so(text: object, value: float, expected: str) -> None:
    assert text(value) == expected  # type: ignore[operator]
