"""The page of a report: figures, escaping, self-containment, missing parts."""

from __future__ import annotations

import re

import pytest
from html_pages import Page, headings
from made_reports import (
    ENGLISH,
    HOSTILE,
    bare,
    chinese,
    choices,
    hostile,
    label_sets,
    made_scores,
    many_classes,
    numbers,
    report,
    spans,
    tags,
    texts,
    two_classes,
)

from trimtab.reports.page import render_page
from trimtab.reports.run_report import CurvePoint

EVERY = [two_classes, many_classes, chinese, choices, label_sets, numbers, tags, spans, texts, bare]
ALL = pytest.mark.parametrize("made", EVERY, ids=lambda made: made.__name__)
INTERVAL = "90.8 to 93.2"  # 1677 of 1821 right: 92.1% ± 1.96 * sqrt(0.921 * 0.079 / 1821) is 90.9 to 93.3


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
    made = hostile()
    html = render_page(made)
    assert HOSTILE in [mistake.fields["text"] for mistake in made.scored.test.mistakes]  # type: ignore[union-attr]
    assert "<script" not in html
    assert "<img" not in html
    assert Page(html).text.count(HOSTILE) >= 8


def test_hostile_labels_are_inert_in_charts() -> None:
    html = render_page(report(made_scores([f"{HOSTILE} {c}" for c in range(14)], 200, 2.0, ["text"])))
    assert "<script" not in html
    assert 'class="map"' in html


def test_the_headline_comes_first() -> None:
    made = two_classes()
    assert made.scored.test is not None
    lead = Page(render_page(made)).text
    found = lead[lead.index("right\n") - 60 : lead.index("Say whether")]
    assert " ".join(found.split()).endswith(
        f"92.1% of 1,821 test rows right 95% interval {INTERVAL} · naive Bayes 82.0% · zero-shot 79.8% "
        "10.1 points better than naive Bayes, the best of the baselines (p < 0.001, McNemar’s exact test)."
    )


def test_a_figure_stands_large_only_where_it_is_told_from_the_next_best() -> None:
    made = two_classes()
    alike = made.scored.baselines[0].model_copy(update={"p_value": 0.4})
    html = render_page(made.model_copy(update={"scored": made.scored.model_copy(update={"baselines": [alike]})}))
    assert "<h1><strong>" not in html
    assert "<h1>No clear difference from naive Bayes (10.1 points above it, p = 0.40): chance could explain" in html
    assert f"<b>92.1%</b> of 1,821 test rows right · 95% interval {INTERVAL}" in html
    assert 'class="verdict"' not in html


def test_missing_parts_leave_no_empty_sections() -> None:
    full = [
        "Beside the baselines", "Learning curve", "What it confuses", "How sure, how right",
        "Answering only where it is sure", "Label by label", "Worst mistakes", "How a row reads", "Limits",
        "Data, settings, cost",
    ]  # fmt: skip
    assert headings(render_page(two_classes())) == full
    assert headings(render_page(bare())) == ["Limits", "Data, settings, cost"]
    alone = two_classes().scored.model_copy(update={"baselines": []})
    no_curve = render_page(two_classes().model_copy(update={"curve": [], "scored": alone}))
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
    assert made.scored.test is not None
    cells = re.findall(r'<td class="(?:right|wrong)" style="[^"]*" title="[^"]*">([\d,]+)</td>', render_page(made))
    assert cells == [str(n) for row in made.scored.test.confusion for n in row]
    many = render_page(many_classes())
    assert "The commonest confusions" in many
    assert 'class="confusion' not in many


def test_a_matrix_that_is_wider_than_a_phone_says_that_it_scrolls() -> None:
    labels = ["question", "complaint", "praise", "refund", "delivery", "other"]
    wide = render_page(report(made_scores(labels, 60, 2.0, [ENGLISH])))
    assert 'class="sideways">On a narrow screen it scrolls sideways' in wide
    assert 'class="sideways"' not in render_page(two_classes())


def test_chinese_texts_are_marked_as_chinese() -> None:
    html = render_page(chinese())
    assert '<bdi lang="zh">好评</bdi>' in html
    assert '<p class="task" dir="auto" lang="zh">判断这条外卖评论的情感。</p>' in html
