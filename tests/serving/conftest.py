"""A server of tasks of every kind, shared by tests that leave it as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from serving_runs import Served, server
from trimtab.backbones.pretrained import Pretrained
from trimtab.serving.limits import Limits


@pytest.fixture(scope="module")
def served(pretrained: Pretrained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    limits = Limits(body=500_000, rows=40, tokens=512)
    with server(pretrained, store=tmp_path_factory.mktemp("store"), limits=limits) as one:
        yield one
