"""The page in a real browser, where one is found: no sideways scrolling on a phone, no console messages."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path

import pytest
from made_reports import bare, chinese, choices, label_sets, many_classes, numbers, spans, tags, texts, two_classes

import needs
from trimtab.reports.page import render_page

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --enable-logging=stderr "
    "--virtual-time-budget=4000 --dump-dom"
)
# The page goes into a frame of the phone's width, and the frame's measures into the title, which --dump-dom shows.
FRAME = """<!doctype html><meta charset="utf-8"><title></title><body style="margin:0">
<iframe style="width:{width}px;height:4000px;border:0" srcdoc="{page}"></iframe>
<script>
addEventListener("load", () => {{
  const page = document.querySelector("iframe").contentDocument;
  for (const details of page.querySelectorAll("details")) details.open = true;
  const inside = (e) => e.closest(".scroll") || e.closest("svg") || e.closest(".standing thead");
  const wide = [...page.body.querySelectorAll("*")].filter((e) => !inside(e))
    .filter((e) => e.getBoundingClientRect().right > {width} + 1).map((e) => e.tagName + "." + e.className);
  document.title = JSON.stringify({{
    width: page.documentElement.scrollWidth, wide, title: page.title, height: page.body.scrollHeight,
  }});
}});
</script>"""


@needs.browser
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(
    "made",
    [two_classes, many_classes, chinese, choices, label_sets, numbers, tags, spans, texts, bare],
    ids=lambda made: made.__name__,
)
def test_the_page_fits_its_width_and_the_console_stays_silent(made: object, width: int, tmp_path: Path) -> None:
    page = render_page(made())  # type: ignore[operator]
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(width=width, page=html.escape(page)), encoding="utf-8")
    command = [str(needs.BROWSER), *FLAGS.split(), f"--user-data-dir={tmp_path}/profile", "--window-size=1400,4000"]
    done = subprocess.run([*command, frame.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r"<title>(.*?)</title>", done.stdout)
    assert found
    measured = json.loads(html.unescape(found[1]))
    assert measured["wide"] == []
    assert measured["width"] == width
    assert measured["height"] > 800
    assert measured["title"].endswith("· Trimtab report")
    assert "CONSOLE" not in done.stderr
