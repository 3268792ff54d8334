"""metrics.jsonl: a line a step, read back whole whatever a kill left of it; time, pace and learning curves from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trimtab.errors import TrimtabError
from trimtab.training.loop import DevScore, StepRecord
from trimtab.tuning import metrics


def record(
    step: int, *losses: float | None, dev: list[DevScore | None] | None = None, seconds: float = 0.5
) -> StepRecord:
    return StepRecord(step=step, epoch=step / 4, rate=0.1 / step, losses=list(losses), dev=dev, seconds=seconds)


def written(folder: Path, *records: StepRecord, choosing: float = 0.0) -> Path:
    metrics.begin(folder, choosing)
    for one in records:
        metrics.append(folder, one)
    return folder


def test_a_line_a_step(tmp_path: Path) -> None:
    written(tmp_path, record(1, 2.0, 3.0), record(2, 1.0, None, dev=[DevScore(0.5, 0.7), None]), choosing=1.23456)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines == metrics.read(tmp_path) == [
        {"step": 0, "loss": [], "seconds": 1.2346},
        {"step": 1, "epoch": 0.25, "rate": 0.1, "loss": [2.0, 3.0], "dev": None, "seconds": 0.5},
        {"step": 2, "epoch": 0.5, "rate": 0.05, "loss": [1.0, None], "dev": [[0.5, 0.7], None], "seconds": 0.5},
    ]  # fmt: skip
    assert metrics.read(written(tmp_path)) == []  # nothing was chosen, and no step is made yet


def test_time_and_pace(tmp_path: Path) -> None:
    """A step in which two runs took part counts twice; what was chosen before is part of the time alone."""
    written(tmp_path, record(1, 2.0, 3.0), record(2, 1.0, None, seconds=1.0), choosing=2.0)
    assert metrics.seconds(tmp_path) == 3.5
    assert metrics.pace(tmp_path) == 3 / 1.5


def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    written(tmp_path, record(1, 2.0), record(2, 1.0), record(3, 0.5), choosing=1.0)
    file = tmp_path / "metrics.jsonl"
    file.write_text(file.read_text()[:-20])
    assert [line["step"] for line in metrics.read(tmp_path)] == [0, 1, 2]
    metrics.keep(tmp_path, 1)
    assert [line["step"] for line in metrics.read(tmp_path)] == [0, 1]
    metrics.append(tmp_path, record(2, 1.5))
    assert [line["loss"] for line in metrics.read(tmp_path)] == [[], [2.0], [1.5]]
    file.unlink()
    metrics.keep(tmp_path, 5)  # a run that was stopped before its first step
    assert metrics.read(tmp_path) == []


def test_the_learning_curve_has_every_evaluation_and_the_mean_losses_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "POINTS", 2)  # every third of six steps
    dev = {4: [DevScore(0.5, 0.7), None], 6: [DevScore(0.75, 0.6), DevScore(0.25, 0.9)]}
    steps = [record(i, float(i), None if i == 5 else 10.0 * i, dev=dev.get(i)) for i in range(1, 7)]
    written(tmp_path, *steps, choosing=1.0)
    one, other = (
        [(p.step, p.loss, p.dev_score) for p in metrics.curve(tmp_path, (7, 8)) if p.seed == seed] for seed in (7, 8)
    )
    assert one == [(3, 2.0, None), (4, 4.0, 0.5), (6, 5.5, 0.75)]
    assert other == [(3, 20.0, None), (6, 50.0, 0.25)]
    first = metrics.curve(tmp_path, (7,))[0]
    assert (first.epoch, first.rate) == (0.75, 0.1 / 3)


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(TrimtabError) as caught:
        metrics.append(tmp_path, record(1, 2.0))
    assert str(caught.value) == (
        f"{tmp_path / 'metrics.jsonl'}: cannot be written (Is a directory). Free some space, then use --resume."
    )
