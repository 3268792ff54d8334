"""What a test needs of the machine, and the reasons not to try it, which say what brings it. Knows no test."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest

from trimtab.errors import TrimtabError, is_installed
from trimtab.sandbox.box import run_program

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

ALLOW_NAMESPACES = "User namespaces, allowed to this user or in the container's settings, bring it."

browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium. `apt-get install chromium` brings it.")
published_data = pytest.mark.skipif(
    "TRIMTAB_TEST_DATA" not in os.environ,
    reason="no published data sets. `TRIMTAB_TEST_DATA=FOLDER make test` brings them, from a folder with sst2, trec, "
    "waimai and banking77.",
)
gensim = pytest.mark.skipif(
    not is_installed("gensim"), reason="gensim is not installed. `pip install 'trimtab[vectors]'` brings it."
)
linux = pytest.mark.skipif(sys.platform != "linux", reason="this is no Linux. A container with Linux brings it.")


@cache
def _why_not_isolated() -> str:
    try:
        run_program("")
    except TrimtabError as error:
        return str(error)
    return ""


def namespaces() -> None:
    """Skip the test where programs cannot be isolated; the reason is the error's, with its remedy."""
    if why := _why_not_isolated():
        pytest.skip(why)


@contextmanager
def network() -> Iterator[None]:
    """Skip the test where what it fetches on first use cannot be fetched."""
    try:
        yield
    except TrimtabError as error:
        if "could not be fetched" in error.message:
            pytest.skip(f"{error} `make test` with a network, once, brings it.")
        raise
