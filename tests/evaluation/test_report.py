"""The three files of a report: round trip, escaping, self-containment, missing parts, errors."""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from reports import HOSTILE, bare, chinese, many_classes, report, two_classes

from trimtab.errors import TrimtabError
from trimtab.reports.files import read_report, write_report
from trimtab.reports.page import render_card, render_page
from trimtab.reports.run_report import CurvePoint, RunReport

ALL = pytest.mark.parametrize("made", [two_classes, many_classes, chinese, bare], ids=lambda made: made.__name__)
VOID = {"meta", "link", "img", "br", "wbr"}


INTERVAL = "90.8 to 93.3"  # 1677 of 1821 right: 92.1% ± 1.96 * sqrt(0.921 * 0.079 / 1821) is 90.9 to 93.3


class Page(HTMLParser):
    """Collects the elements of a page, its texts, and tags that are opened and closed out of order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.misnested: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.misnested.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def headings(html: str) -> list[str]:
    return re.findall(r"<h2[^>]*>([^<]*)</h2>", html)


@ALL
def test_report_json_round_trips(made: object, tmp_path: Path) -> None:
    original: RunReport = made()  # type: ignore[operator]
    write_report(tmp_path, original)
    assert read_report(tmp_path / "report.json") == original
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.md", "report.html", "report.json"]
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["version"] == 2


def test_a_diverged_loss_survives_json(tmp_path: Path) -> None:
    point = CurvePoint(seed=0, step=1, epoch=0.1, loss=float("nan"), rate=0.1)
    write_report(tmp_path, report(None, curve=[point]))
    assert str(read_report(tmp_path / "report.json").curve[0].loss) == "nan"


@ALL
def test_the_page_is_well_formed_and_asks_for_nothing(made: object) -> None:
    html = render_page(made())  # type: ignore[operator]
    page = Page(html)
    assert page.misnested == []
    assert page.open == []
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "iframe", "object", "embed", "form", "img"}
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "data", "action"):
            assert attributes.get(name) in (None, "data:,"), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
    assert "url(" not in html
    assert "@import" not in html
    assert "http://" not in html
    assert "https://" not in html


@ALL
def test_the_page_is_accessible(made: object) -> None:
    html = render_page(made())  # type: ignore[operator]
    page = Page(html)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a} <= set(ids)
    for tag, attributes in page.elements:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-label"]
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
    assert [a["lang"] for tag, a in page.elements if tag == "html"] == ["en"]


def test_texts_of_the_data_are_inert() -> None:
    made = two_classes()
    hostile = made.model_copy(
        update={
            "name": HOSTILE,
            "task": HOSTILE,
            "warnings": [HOSTILE],
            "template_example": HOSTILE,
            "settings": {HOSTILE: HOSTILE},
            "label_words": {"negative": [HOSTILE], "positive": [HOSTILE]},
            "data": made.data.model_copy(
                update={"notes": [HOSTILE], "sources": {"test": HOSTILE}, "label_counts": {"test": {HOSTILE: 3}}}
            ),
        }
    )
    html = render_page(hostile)
    assert HOSTILE in [mistake.fields["text"] for mistake in hostile.test.mistakes]  # type: ignore[union-attr]
    assert "<script" not in html
    assert "<img" not in html
    assert Page(html).text.count(HOSTILE) >= 8
    outside_fences = re.sub(r"^```text\n.*?^```$", "", render_card(hostile), flags=re.DOTALL | re.MULTILINE)
    assert re.findall(r"(?<!\\)<", outside_fences) == []


def test_hostile_labels_are_inert_in_charts() -> None:
    from reports import made_scores

    html = render_page(report(made_scores([f"{HOSTILE} {c}" for c in range(14)], 200, 2.0, ["text"])))
    assert "<script" not in html
    assert 'class="map"' in html


def test_the_headline_comes_first() -> None:
    made = two_classes()
    assert made.test is not None
    lead = Page(render_page(made)).text
    found = lead[lead.index("right\n") - 60 : lead.index("Say whether")]
    assert " ".join(found.split()).endswith(
        f"92.1% of 1,821 test rows right 95% interval {INTERVAL} · naive Bayes 82.0% · zero-shot 79.8% "
        "10.1 points better than naive Bayes, the best of the baselines (p < 0.001, McNemar’s exact test)."
    )


def test_missing_parts_leave_no_empty_sections() -> None:
    full = [
        "Beside the baselines", "Learning curve", "What it confuses", "How sure, how right", "Label by label",
        "Worst mistakes", "How a row reads", "Limits", "Data, settings, cost",
    ]  # fmt: skip
    assert headings(render_page(two_classes())) == full
    assert headings(render_page(bare())) == ["Limits", "Data, settings, cost"]
    no_curve = render_page(two_classes().model_copy(update={"curve": [], "baselines": []}))
    assert headings(no_curve) == full[2:]
    losses_only = [CurvePoint(seed=0, step=s, epoch=s / 9, loss=1 / (s + 1), rate=0.1) for s in range(9)]
    html = render_page(two_classes().model_copy(update={"curve": losses_only}))
    assert "Training loss" in html
    assert "Dev accuracy" not in html


def test_one_run_needs_no_key() -> None:
    made = two_classes()
    html = render_page(made.model_copy(update={"runs": made.runs[:1]}))
    assert "in use" not in html
    assert "in use: seed 0 (92.0% on dev)" in " ".join(Page(render_page(made)).text.split())


def test_few_classes_get_a_matrix_and_many_their_commonest_confusions() -> None:
    made = two_classes()
    assert made.test is not None
    cells = re.findall(r'<td class="(?:right|wrong)" style="[^"]*" title="[^"]*">([\d,]+)</td>', render_page(made))
    assert cells == [str(n) for row in made.test.confusion for n in row]
    many = render_page(many_classes())
    assert "The commonest confusions" in many
    assert 'class="confusion' not in many


def test_chinese_texts_are_marked_as_chinese() -> None:
    html = render_page(chinese())
    assert '<bdi lang="zh">好评</bdi>' in html
    assert '<p class="task" dir="auto" lang="zh">判断这条外卖评论的情感。</p>' in html
    assert "外卖评论" in render_card(chinese())


def test_card_holds_what_a_reader_needs() -> None:
    card = render_card(two_classes())
    assert re.findall("^## (.*)$", card, re.MULTILINE) == [
        "Intended use", "Data", "Scores", "Limits", "Settings and cost", "Backbone and licence",
    ]  # fmt: skip
    assert f"| accuracy | 92.1% | {INTERVAL} |" in card
    assert "| naive Bayes, accuracy | 82.0% | 80.2 to 83.8 |" in card
    assert "About 8 in 100 answers are wrong; where an error matters, have a person check." in card
    assert "| train.epochs | 2.0 |" in card
    assert "Licence: Apache-2.0." in card


def test_a_fence_in_the_template_does_not_end_the_card_early() -> None:
    card = render_card(report(None, template_example="```\ncode\n```"))
    assert "````text\n```\ncode\n```\n````\n" in card


def test_table_cells_of_the_card_hold_their_bars() -> None:
    card = render_card(report(None, settings={"a": "x|y\nz"}))
    assert "| a | x\\|y z |" in card


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report(tmp_path, two_classes())
    before = (tmp_path / "report.json").read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrimtabError) as error:
        write_report(tmp_path, chinese())
    assert str(error.value) == (
        f"{tmp_path}/report.json: cannot be written (No space left on device). "
        "Free some space, or choose another folder."
    )
    assert (tmp_path / "report.json").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 3


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrimtabError) as error:
        write_report(tmp_path / "no", bare())
    assert str(error.value) == (
        f"{tmp_path}/no/report.json: cannot be written (No such file or directory). "
        "Free some space, or choose another folder."
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read (No such file or directory)."),
        ("{", "not a report (not JSON). Run `trimtab evaluate` to write a new one."),
        ("[]", "not a report (the whole: Input should be a valid dictionary or instance of RunReport). "
               "Run `trimtab evaluate` to write a new one."),
        ('{"version": 3}', "report of version 3; this Trimtab reads up to 2. Update it."),
        ('{"version": 1}', "not a report (name: Field required). Run `trimtab evaluate` to write a new one."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_an_error(content: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TrimtabError) as error:
        read_report(path)
    assert str(error.value) == f"{path}: {message}"
