"""What a report on tags says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from made_reports import tags

from trimtab.reports.files import read_report, write_report
from trimtab.reports.scored import TagReport


def test_the_report_on_tags(tmp_path: Path) -> None:
    report = tags()
    write_report(tmp_path, report)
    assert read_report(tmp_path / "report.json") == report
    page, card = ((tmp_path / name).read_text() for name in ("report.html", "card.md"))
    assert report.scored.test is not None
    f1 = f"{100 * report.scored.test.f1:.1f}%"
    assert f"<strong>{f1}</strong> entity F1 on 60 test rows" in page
    assert "Type by type" in page
    assert '<mark class="missed">' in page
    assert "Entity F1 on dev" in page
    assert "<script>" not in page
    assert f"| entity F1 | {f1} |" in card
    assert "Gives a tag for each token to texts" in card
    assert re.search(r"It finds \d+\.\d% of the entities, and \d+\.\d% of those it finds are right", card)
    assert "McNemar" not in page + card
    assert "paired randomisation test" in card
    assert json.loads((tmp_path / "report.json").read_text())["scored"]["kind"] == "tags"


def test_the_report_on_plain_tags(tmp_path: Path) -> None:
    plain = tags(plain=True)
    write_report(tmp_path, plain)
    page, card = ((tmp_path / name).read_text() for name in ("report.html", "card.md"))
    assert "of tokens tagged rightly on 60 test rows" in page
    assert "Tag by tag" in page
    assert "Token accuracy on dev" in page
    assert "entit" not in page.replace("identity", "") + card
    unscored = plain.model_copy(update={"scored": TagReport()})
    write_report(tmp_path, unscored)
    assert "Not scored." in (tmp_path / "card.md").read_text()
