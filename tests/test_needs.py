"""The end of a run of tests says what was not tried and what brings it, through workers too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import pytest, needs

@pytest.mark.parametrize("n", range(44))
@pytest.mark.skipif(True, reason=needs.browser.kwargs["reason"])
def test_a_page(n): pass

def test_fetched():
    from trimtab.errors import TrimtabError
    with needs.network():
        raise TrimtabError("smollm2-135m could not be fetched: no answer.", "Check the network.")

def test_tried(): pass
"""


@pytest.mark.parametrize("workers", [[], ["-n1"]], ids=["alone", "workers"])
def test_what_was_not_tried_is_said_at_the_end(
    workers: list[str], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Path(__file__).parent
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PYTHONPATH", str(here), prepend=os.pathsep)
    pytester.makeconftest((here / "conftest.py").read_text(encoding="utf-8"))
    pytester.makepyfile(TESTS)
    done = pytester.runpytest_subprocess("-q", *workers)
    assert [line for line in done.outlines if "not tried" in line] == [
        "================================== not tried ===================================",
        "44 tests were not tried: no Chromium. `apt-get install chromium` brings it.",
        "1 test was not tried: smollm2-135m could not be fetched: no answer. Check the network. `make test` with a "
        "network, once, brings it.",
    ]
    assert done.parseoutcomes() == {"passed": 1, "skipped": 45}
