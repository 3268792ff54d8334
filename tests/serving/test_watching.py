"""Runs that are put into a watched folder are answered for, those that are replaced or gone no more as they were."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving_runs import write_run
from trimtab.backbones.pretrained import Pretrained
from trimtab.runs.folder import PROMPT_FILE
from trimtab.serving.limits import Limits
from trimtab.serving.served import Serving
from trimtab.serving.watching import Watch


@pytest.fixture
def serving(pretrained: Pretrained) -> Iterator[Serving]:
    made = Serving(Limits())
    made.host(pretrained)
    yield made
    made.stop()


def test_what_lies_in_the_folder_is_answered_for(
    serving: Serving, pretrained: Pretrained, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch(serving, tmp_path)
    watch.look()
    assert list(serving.tasks) == []
    write_run(tmp_path / "my reviews", pretrained, "reviews")
    write_run(tmp_path / "say", pretrained, "say")
    (tmp_path / "begun").mkdir()
    (tmp_path / "a file").write_text("x")
    watch.look()
    assert list(serving.tasks) == ["my-reviews", "say"]
    before = serving.tasks["say"]
    watch.look()
    assert serving.tasks["say"] is before
    write_run(tmp_path / "say", pretrained, "say", seed=2)
    shutil.rmtree(tmp_path / "my reviews")
    watch.look()
    assert list(serving.tasks) == ["say"]
    assert serving.tasks["say"] is not before
    with caplog.at_level(logging.WARNING):
        half = (tmp_path / "say" / PROMPT_FILE).read_bytes()[:200]
        (tmp_path / "say" / PROMPT_FILE).write_bytes(half)
        now = serving.tasks["say"]
        watch.look()
        watch.look()
    assert serving.tasks["say"] is now  # the former one answers until a whole one is there
    [record] = caplog.records
    assert record.message == "task refused"
    assert "damaged or not written by Trimtab" in vars(record)["facts"]["reason"]
