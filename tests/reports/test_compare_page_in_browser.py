"""The page of a comparison in a real browser: it fits, sorts, prints, asks for nothing; labels keep apart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from chromium import Chromium
from made_comparisons import chinese, five_ways, fourteen_ways, one_way, tags, texts

import needs
from trimtab.reports.compare_page import render_comparison
from trimtab.reports.comparison import Comparison

pytestmark = needs.browser
MADE = {made.__name__: made for made in (five_ways, chinese, one_way, fourteen_ways, tags, texts)}
NAMES = "[...document.querySelectorAll('table.ways tbody tr')].map(row => row.cells[0].dataset.value)"
SORTED = (
    "[...document.querySelectorAll('table.ways thead [aria-sort]')]"
    ".map(th => th.dataset.name + ' ' + th.getAttribute('aria-sort'))"
)
OPEN_ALL = "document.querySelectorAll('details').forEach(e => { e.open = true; })"
# What reaches over the right edge of the window, and regions that would have to be scrolled.
MEASURE = """(() => {
  const inside = e => e.closest(".scroll table:not(.ways)") || e.closest("svg") || e.closest(".vanish");
  const wide = [...document.body.querySelectorAll("*")].filter(e => !inside(e))
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + "." + e.className);
  const regions = [...document.querySelectorAll(".scroll:has(.ways)")].filter(e => e.scrollWidth > e.clientWidth + 1);
  return { width: document.documentElement.scrollWidth, wide, regions: regions.length };
})()"""
# Every text and mark of the charts that are shown: chart, class, words, and the box in the chart's own pixels.
CHARTS = """[...document.querySelectorAll("svg.compared")].filter(s => s.getClientRects().length).map(s => ({
  view: [s.viewBox.baseVal.width, s.viewBox.baseVal.height],
  scale: s.getBoundingClientRect().width / s.viewBox.baseVal.width,
  texts: [...s.querySelectorAll("text")].map(t => {
    const b = t.getBBox(), box = [b.x, b.y, b.x + b.width, b.y + b.height];
    return { kind: t.classList[0], text: t.textContent, box };
  }),
  marks: [...s.querySelectorAll(".way > :is(rect, circle, path:not(.whisker))")].map(m => {
    const b = m.getBBox(); return [b.x, b.y, b.x + b.width, b.y + b.height];
  }),
}))"""
# The contrast (WCAG 2.2) of every text in the charts and the table with the page.
CONTRAST = """(() => {
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = colour => { const [r, g, b] = colour.match(/[\\d.]+/g).map(Number);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const against = colour => ratio(light(colour), paper);
  const charts = [...document.querySelectorAll("svg.compared text")].map(t => against(getComputedStyle(t).fill));
  const table = [...document.querySelectorAll("table.ways :is(th, td, small, button)")];
  return { least: Math.min(...charts, ...table.map(t => against(getComputedStyle(t).color))), paper };
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, made in MADE.items():
        (folder / f"{name}.html").write_text(render_comparison(made()), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in MADE}


def overlap(a: list[float], b: list[float], slack: float = 0.5) -> bool:
    return a[0] < b[2] - slack and b[0] < a[2] - slack and a[1] < b[3] - slack and b[1] < a[3] - slack


def without_leading(box: list[float]) -> list[float]:
    """A text's box less the room that the font keeps above and below its letters."""
    spare = (box[3] - box[1]) * 0.15
    return [box[0], box[1] + spare, box[2], box[3] - spare]


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (390, "dark"), (800, "light"), (1280, "dark")])
@pytest.mark.parametrize("name", MADE)
def test_the_page_fits_and_its_labels_keep_apart(
    name: str, width: int, scheme: str, browser: Chromium, pages: dict[str, Path]
) -> None:
    browser.open(pages[name], width=width, scheme=scheme)
    browser.ask(OPEN_ALL)
    measured = browser.ask(MEASURE)
    assert measured["width"] == width
    if width != 800:  # there the table scrolls within its region
        assert measured["wide"] == []
        assert measured["regions"] == 0
    charts: list[dict[str, Any]] = browser.ask(CHARTS)
    made: Comparison = MADE[name]()
    assert len(charts) == (len(made.ways) > 1) + (len(made.curves) > 0)
    for chart in charts:
        texts = [(f"{t['kind']} {t['text']}", without_leading(t["box"])) for t in chart["texts"]]
        assert [(a, b) for (a, x), (b, y) in combinations(texts, 2) if overlap(x, y)] == []
        wide, high = chart["view"]
        assert [t for t, box in texts if box[0] < -1 or box[1] < -1 or box[2] > wide + 1 or box[3] > high + 1] == []
        assert [t for t, box in texts if any(overlap(box, mark) for mark in chart["marks"])] == []
        assert 12 * chart["scale"] >= 9.5  # pixels of the smallest text
    contrast = browser.ask(CONTRAST)
    assert contrast["least"] >= 4.5
    assert contrast["paper"] == pytest.approx(1.0) if scheme == "light" else contrast["paper"] < 0.02
    assert browser.messages == []
    assert browser.requests == [pages[name].as_uri()]


@pytest.mark.parametrize("width", [390, 1280])
def test_a_click_sorts_and_another_turns_the_order(width: int, browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["fourteen_ways"], width=width)
    ways = fourteen_ways().ways
    assert browser.ask(NAMES) == [way.name for way in ways]
    assert browser.ask(SORTED) == ["Accuracy descending"]
    browser.click("th[data-name=Training] button")
    assert browser.ask(NAMES) == [way.name for way in sorted(ways, key=lambda way: way.train_seconds)]
    assert browser.ask(SORTED) == ["Training ascending"]
    assert browser.ask("document.querySelector('#sorted').textContent") == "Sorted by Training, ascending."
    browser.click("th[data-name=Training] button")
    assert browser.ask(NAMES) == [way.name for way in sorted(ways, key=lambda way: -way.train_seconds)]
    assert browser.ask(SORTED) == ["Training descending"]
    browser.click("th[data-name=Accuracy] button")
    assert browser.ask(NAMES) == [way.name for way in sorted(ways, key=lambda way: -way.score)]
    browser.click("th[data-name=Way] button")
    assert browser.ask(NAMES) == sorted((way.name for way in ways), key=str.lower)
    assert browser.messages == []


def test_what_was_not_measured_stays_last(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["five_ways"], width=1280)
    browser.click("th[data-name=Latency] button")
    assert browser.ask(NAMES)[0] == "naive Bayes"
    assert browser.ask(NAMES)[-1] == "majority"
    browser.click("th[data-name=Latency] button")
    assert browser.ask(NAMES)[-2:] == ["naive Bayes", "majority"]


def test_the_keyboard_sorts(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["five_ways"], width=1280)
    focus = "document.activeElement.closest('th')?.dataset.name ?? document.activeElement.getAttribute('aria-label')"
    reached = []
    for _ in range(4):
        browser.key("Tab")
        reached.append(browser.ask(focus))
    assert reached == ["Way by way", "Way", "Accuracy", "Macro F1"]
    browser.key("Enter", "\r")
    assert browser.ask(SORTED) == ["Macro F1 descending"]
    browser.key(" ", " ")
    assert browser.ask(SORTED) == ["Macro F1 ascending"]
    assert browser.ask(NAMES) == [way.name for way in sorted(five_ways().ways, key=lambda way: way.mean("macro F1"))]
    assert browser.ask(focus) == "Macro F1"
    assert browser.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_without_scripts_the_page_is_complete(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["five_ways"], width=1280, script=False)
    assert browser.ask(NAMES) == [way.name for way in five_ways().ways]
    assert browser.ask("document.querySelectorAll('button').length") == 0
    assert browser.ask("document.querySelector('th[data-name=Training]').innerText") == "Training"
    browser.open(pages["five_ways"], width=390, script=False)
    assert browser.ask(MEASURE)["wide"] == []


def test_it_prints_on_white_with_details_open_and_headings_on_every_page(
    browser: Chromium, pages: dict[str, Path]
) -> None:
    browser.open(pages["fourteen_ways"], width=1000, scheme="dark")
    browser.media("dark", "print")
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.ask("document.querySelector('.curves').getBoundingClientRect().height") > 100
    assert browser.ask("getComputedStyle(document.querySelector('.compared.narrow')).display") == "none"
    browser.ask("dispatchEvent(new Event('beforeprint'))")
    assert browser.ask("document.querySelectorAll('button').length") == 0
    assert browser.ask("document.querySelector('th[data-name=Training]').textContent") == "Training"
    browser.ask("dispatchEvent(new Event('afterprint'))")
    browser.media()
    browser.click("th[data-name=Training] button")
    assert browser.ask(SORTED) == ["Training ascending"]
