"""An attention function finds the pass that it runs in, and no other."""

from __future__ import annotations

import threading

import pytest

from trimtab.backbones.attention.current_pass import current_pass, running


def test_passes_nest_and_end():
    with running("outer"):
        with running("inner"):
            assert current_pass() == "inner"
        assert current_pass() == "outer"
        with pytest.raises(ZeroDivisionError), running("failing"):
            raise ZeroDivisionError
        assert current_pass() == "outer"
    with pytest.raises(AssertionError, match="runs inside its own forward only"):
        current_pass()


def test_threads_have_passes_of_their_own():
    found, both = {}, threading.Barrier(2)

    def run(name: str) -> None:
        with running(name):
            both.wait(10)
            found[name] = current_pass()
            both.wait(10)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"one": "one", "two": "two"}
