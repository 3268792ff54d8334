"""The page in a real browser, of a real server: tasks picked, an input answered, by keyboard, in both languages."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from chromium import Chromium

import needs
from serving_runs import Served, server, wait_until
from trimtab.backbones.pretrained import Pretrained
from trimtab.serving.keys import add_key

pytestmark = needs.browser
WIDE = """[...document.body.querySelectorAll("*")].filter(e => e.getClientRects().length && !e.closest("pre"))
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + "." + e.className)"""
CONTRAST = """(() => {
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = colour => { const [r, g, b] = colour.match(/[\\d.]+/g).map(Number);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (c !== "rgba(0, 0, 0, 0)") return c; } };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const texts = "h1, h2, h3, small, span, dt, dd, p, label, button:not(:disabled), mark, summary";
  return Math.min(...[...document.querySelectorAll(texts)]
    .filter(e => e.getClientRects().length && e.textContent.trim())
    .map(e => ratio(light(getComputedStyle(e).color), light(behind(e)))));
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as one:
        yield one


def until(browser: Chromium, expression: str) -> None:
    wait_until(lambda: browser.ask(expression))


def pick(browser: Chromium, *names: str) -> None:
    """Tick these tasks and no others."""
    browser.ask(
        f"(names => document.querySelectorAll('#tasks input').forEach(box => box.checked !== names.includes(box.value) "
        f"&& box.click()))({json.dumps(names)})"
    )


def write(browser: Chromium, **fields: str) -> None:
    for name, text in fields.items():
        area = (
            f"document.querySelector('textarea[data-field=' + {json.dumps(json.dumps(name, ensure_ascii=False))} + ']')"
        )
        browser.ask(f"{area}.focus(), {area}.select()")
        browser.call("Input.insertText", text=text)


def picture(browser: Chromium, name: str) -> None:
    """Keep what the page looks like, where a folder for pictures is named."""
    if folder := os.environ.get("TRIMTAB_TEST_PICTURES"):
        taken = browser.call("Page.captureScreenshot", captureBeyondViewport=True)
        (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))


def card(browser: Chromium, task: str) -> Any:
    quoted = json.dumps(json.dumps(task, ensure_ascii=False))
    return browser.ask(f"document.querySelector('article[data-task=' + {quoted} + ']').innerText")


def answered(browser: Chromium, cards: int) -> None:
    until(browser, f"document.querySelectorAll('article details.copy').length === {cards}")


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_tasks_of_every_kind_answer_side_by_side(width: int, scheme: str, served: Served, browser: Chromium) -> None:
    browser.open(served.url, width=width, scheme=scheme)
    browser.ask("localStorage.setItem('language', 'en'), location.reload()")
    until(browser, "document.querySelectorAll('#tasks li').length === 11 && document.documentElement.lang === 'en'")
    browser.requests.clear()
    pick(browser, "reviews", "点评", "topics", "stars", "names", "answers", "which", "say", "tiny")
    text = "a great film 好吃😀"
    write(browser, question="who ?", context="😀 Ann is here", **{"*text": text, "*options": "good\nbad"})
    browser.click("#go")
    answered(browser, 9)
    assert browser.ask("document.querySelectorAll('.wrong').length") == 0
    assert "negative" in card(browser, "reviews")
    assert "%" in card(browser, "点评")
    stars = served.ask("POST", "/v1/tasks/stars/predict", {"input": text})[1]["answer"]["number"]
    assert browser.ask("document.querySelector('.number').textContent") == str(stars)
    answer = served.ask("POST", "/v1/tasks/names/predict", {"input": text})[1]["answer"]
    marks = browser.ask("[...document.querySelectorAll('article[data-task=names] mark')].map(m => m.firstChild.data)")
    assert marks == [entity["text"] for entity in answer["entities"]]
    span = served.ask(
        "POST", "/v1/tasks/answers/predict", {"input": {"question": "who ?", "context": "😀 Ann is here"}}
    )
    assert (
        browser.ask("document.querySelector('article[data-task=answers] mark').textContent")
        == span[1]["answer"]["text"]
    )
    said = served.ask("POST", "/v1/tasks/say/predict", {"input": text})[1]["answer"]["text"]
    assert browser.ask("document.querySelector('article[data-task=say] .text').textContent") == said
    picture(browser, f"kinds-{width}")
    assert browser.ask(WIDE) == []
    assert browser.ask("document.documentElement.scrollWidth") == width
    assert browser.ask(CONTRAST) >= 4.5
    assert all(url.startswith(served.url) for url in browser.requests)
    assert [one for one in browser.messages if "error" in one.lower()] == []


def test_a_dialogue_goes_on_and_the_request_is_shown_as_programs(served: Served, browser: Chromium) -> None:
    browser.open(served.url, width=1280)
    until(browser, "document.querySelectorAll('#tasks li').length === 11")
    pick(browser, "talk")
    for text, turns in (('it\'s "good"', 2), ("好吃", 4)):
        write(browser, **{"*text": text})
        browser.ask("document.querySelector('textarea').dispatchEvent(new KeyboardEvent('keydown', "
                    "{key: 'Enter', ctrlKey: true, bubbles: true}))")  # fmt: skip
        until(
            browser, f"document.querySelectorAll('.turn').length === {turns} && !document.querySelector('#go').disabled"
        )
    browser.click("article summary")
    shown = {}
    for number in (1, 2, 3):
        browser.click(f"article .copy button:nth-child({number})")
        shown[number] = browser.ask("document.querySelector('article pre').textContent")
    assert shown[1].startswith(f"curl '{served.url}/v1/chat/completions'")
    names: dict[str, Any] = {}
    exec(shown[2], names)  # our own page's
    assert [turn["content"] for turn in names["body"]["messages"]][::2] == ['it\'s "good"', "好吃"]
    assert shown[3].startswith(f'const answer = await fetch("{served.url}/v1/chat/completions"')


def test_it_is_used_by_keyboard_and_in_chinese(served: Served, browser: Chromium) -> None:
    browser.open(served.url, width=390)
    until(browser, "document.querySelectorAll('#tasks li').length === 11")
    browser.click("#language")
    assert browser.ask("document.querySelector('#go').textContent + document.documentElement.lang") == "回答zh-CN"
    pick(browser, "reviews")
    browser.ask("document.querySelector('textarea').focus()")
    browser.call("Input.insertText", text="a film")
    browser.key("Tab")
    browser.key("Enter", "\r")
    answered(browser, 1)
    assert "标签" in card(browser, "reviews")
    browser.click("#language")


def test_a_page_without_a_key_asks_for_one(browser: Chromium, pretrained: Pretrained, tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.json", "shop", ["predict"])
    with server(pretrained, ["reviews"], keys=tmp_path / "keys.json") as served:
        browser.open(served.url, width=390)
        until(browser, "!document.querySelector('#entry').hidden")
        browser.ask("document.querySelector('#key').focus()")
        browser.call("Input.insertText", text=key)
        browser.key("Enter", "\r")
        until(browser, "document.querySelectorAll('#tasks li').length === 2")
        assert key not in json.dumps(browser.requests)
        browser.call("Page.navigate", url="about:blank")


def test_the_page_is_light_and_sends_its_policy(served: Served) -> None:
    page = files("trimtab.serving").joinpath("page")
    assert sum(len(file.read_bytes()) for file in page.iterdir()) < 150_000
    status, _, headers = served.ask("GET", "/")
    assert status == 200
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert served.ask("GET", "/page/..%2fapp.py")[0] == 404
