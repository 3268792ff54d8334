"""The best way found: what is tried, what is kept, what a stop leaves, and what is said of it."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny
from encoders import save_encoder
from trimtab.backbones.pretrained import Pretrained
from trimtab.errors import RunError, TrimtabError
from trimtab.kinds.labels import Labels
from trimtab.reports.figures import Cell
from trimtab.runs.run import load_run
from trimtab.settings.file import make_task
from trimtab.tasks.rows import TaskRows, read_rows
from trimtab.ways import auto, search_state
from trimtab.ways.cells import Material
from trimtab.ways.ways import WayKind

# Accuracy on dev of ways that are not really measured.
Scores = dict[str, float]


@pytest.fixture
def rows(tmp_path: Path, tiny_folder: Path) -> Callable[..., TaskRows]:
    """Rows of a task whose method is auto."""
    for name, n, seed in (("reviews", 64, 1), ("dev", 24, 2), ("test", 24, 3)):
        tiny.write_rows(tmp_path / f"{name}.jsonl", tiny.rows(n, seed))

    def made(**settings: Any) -> TaskRows:
        method = {"name": "auto", **settings}
        task = make_task({**tiny.task(tiny_folder, embeddings=str(tmp_path / "bare")), "method": method})
        return read_rows(task, tmp_path)

    return made


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, pretrained: Pretrained) -> Callable[[Scores], list[str]]:
    """Have ways reach what they are said to reach, none of them trained; lists what is measured."""

    def put(scores: Scores) -> list[str]:
        asked: list[str] = []

        def measure(way: WayKind, seed: int, material: Material, **_: Any) -> Cell:
            asked.append(way.key)
            if way.key not in scores:
                raise TrimtabError(f"{way.key} cannot be done.", "Leave it.")
            right = np.array([material.words and list(material.words).index(e.answer or "") for e in material.judged])
            wrong = round((1 - scores[way.key]) * len(right))
            answers = np.where(np.arange(len(right)) < wrong, 1 - right, right)
            return Cell(seed, answers, bytes_on_disk={"lora": 9_000, "prefix": 500}.get(way.key, 50), seconds=1.0)

        monkeypatch.setattr(auto, "measure", measure)
        monkeypatch.setattr(auto._Search, "_steps_that_fit", lambda self, way: 8)
        monkeypatch.setattr(auto._Search, "_keep", lambda self, way, folder: None)
        monkeypatch.setattr(auto, "_left_at", lambda folder: "")
        monkeypatch.setattr(auto, "load_run", lambda folder: folder)
        monkeypatch.setattr(Material, "of", lambda self, way: self)
        return asked

    return put


def kept(found: auto.Found) -> str:
    [way] = [tried.key for tried in found.tried if tried.kept]
    return way


@pytest.mark.parametrize(
    ("settings", "scores", "best"),
    [
        ({}, {"naive_bayes": 1.0, "head": 0.7, "soft_prompt": 0.75, "lora": 0.75}, "soft_prompt"),
        ({}, {"zero_shot": 0.9, "head": 0.8}, "zero_shot"),
        ({}, {"head": 0.5, "lora": 1.0}, "lora"),
        ({}, {"head": 0.92, "lora": 0.96}, "head"),  # one row of 24 is no reason to change weights
        ({"smallest": True}, {"head": 0.92, "lora": 0.96, "soft_prompt": 0.96}, "soft_prompt"),
        ({"change_weights": False}, {"head": 0.5, "lora": 1.0}, "head"),
    ],
)
def test_what_is_kept(
    settings: dict[str, Any], scores: Scores, best: str, rows: Callable[..., TaskRows],
    measured: Callable[[Scores], list[str]], pretrained: Pretrained, tmp_path: Path,
) -> None:  # fmt: skip
    asked = measured(scores)
    found = auto.find(rows(**settings), pretrained, tmp_path / "run")
    assert kept(found) == best
    assert ("lora" in asked) == settings.get("change_weights", True)
    assert [tried.key for tried in found.tried] == asked
    assert all((tried.score is None) == (tried.key not in scores) for tried in found.tried)


def test_what_is_said(
    rows: Callable[..., TaskRows], measured: Callable[[Scores], list[str]], pretrained: Pretrained, tmp_path: Path
) -> None:
    measured({"naive_bayes": 1.0, "zero_shot": 0.5, "head": 0.75})
    found = auto.find(rows(change_weights=False), pretrained, tmp_path / "run")
    assert found.why[0].startswith("3 ways were tried in ")
    assert found.why[0].endswith("; kept is the head (75.0%), by accuracy on 24 rows of dev.")
    assert found.why[1] == (
        "Naive Bayes (100.0%) is ahead by more than chance is likely to make, and is no run that can be kept."
    )
    assert found.why[2].startswith("Left out: majority (majority cannot be done. Leave it); TF-IDF + logistic")
    assert found.why[2].endswith("soft prompt (soft_prompt cannot be done. Leave it).")


def test_nothing_that_can_be_kept(
    rows: Callable[..., TaskRows], measured: Callable[[Scores], list[str]], pretrained: Pretrained, tmp_path: Path
) -> None:
    measured({"naive_bayes": 1.0})
    with pytest.raises(
        TrimtabError, match=r"^method: auto found no way to do this task: .*; head: head cannot be done"
    ):
        auto.find(rows(), pretrained, tmp_path / "run")


def test_a_search_that_runs_and_one_that_is_stopped_and_goes_on(
    rows: Callable[..., TaskRows], pretrained: Pretrained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_encoder(tmp_path / "bare", "bare")
    few = ("majority", "head", "sentence_head", "soft_prompt", "prefix")
    monkeypatch.setattr(Labels, "tried_ways", lambda self, **_: few)
    given = rows(budget=600)
    out = tmp_path / "run"

    def stop(way: WayKind, left: float | None) -> None:
        if way.key == "prefix":
            raise KeyboardInterrupt

    stopped = auto.find(given, pretrained, out, on_way=stop)
    assert stopped.stopped
    first = {tried.key: tried.score for tried in stopped.tried}
    assert first["prefix"] is None
    assert first["sentence_head"] is not None
    assert load_run(out).facts["auto"] == kept(stopped)  # it can be used as it is
    state = json.loads((out / "tried" / "search.json").read_text())
    assert set(state["steps"]) == {"soft_prompt"}
    assert 0 < state["spent"] < state["budget"] == 600

    gone_on = auto.find(given, pretrained, out)
    assert not gone_on.stopped
    later = {tried.key: tried.score for tried in gone_on.tried}
    assert {key: later[key] for key in first if key != "prefix"} == {
        key: score for key, score in first.items() if key != "prefix"
    }
    assert later["prefix"] is not None
    run = load_run(out)
    assert run.task.method.name == gone_on.run.task.method.name != "auto"
    search_state.finish(out)
    assert sorted(path.name for path in out.iterdir()) == [
        "metrics.jsonl", "prompt.safetensors", "task.yaml", "trained_on.safetensors",
    ]  # fmt: skip


def test_begun_with_other_settings(
    rows: Callable[..., TaskRows], measured: Callable[[Scores], list[str]], pretrained: Pretrained, tmp_path: Path
) -> None:
    measured({"head": 0.8})
    auto.find(rows(), pretrained, tmp_path / "run")
    with pytest.raises(RunError, match=r"run: begun with other settings\. Give the settings"):
        auto.find(rows(smallest=True), pretrained, tmp_path / "run")
    (tmp_path / "run" / "tried" / "search.json").write_text('{"steps": 3}')
    with pytest.raises(RunError, match=r"search\.json: damaged"):
        auto.find(rows(), pretrained, tmp_path / "run")


def test_a_time_that_is_too_short_leaves_trainings_out(
    rows: Callable[..., TaskRows], pretrained: Pretrained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = rows(budget=0.001)
    monkeypatch.setattr(Labels, "tried_ways", lambda self, **_: ("zero_shot", "head", "soft_prompt", "lora"))
    found = auto.find(given, pretrained, tmp_path / "run")
    notes = {tried.key: tried.note for tried in found.tried}
    assert notes["soft_prompt"] == notes["lora"] == "the time was up."
    assert found.run.task.method.name in ("head", "zero_shot")


class Clock:
    """Stands in for the clock: it goes on only where a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def on_step(self, *_: object) -> None:
        self.now += 10


def test_what_is_foreseen_to_take_longer_than_there_is_time_is_not_begun(
    rows: Callable[..., TaskRows], pretrained: Pretrained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    measured: Callable[[Scores], list[str]],
) -> None:  # fmt: skip
    """A head reads 64 rows of train and 24 of dev twice, and answers these: 136 rows, of which one takes a second."""
    asked, clock = measured({"zero_shot": 0.5, "sentence_head": 0.75}), Clock(monkeypatch)
    quick = auto.measure

    def slow(way: WayKind, *given: Any, **how: Any) -> Cell:
        cell = replace(quick(way, *given, **how), batch_rows_per_second=1.0)
        clock.now += 10
        return cell

    def timed(*_: object) -> int:
        raise AssertionError("its steps were timed")

    monkeypatch.setattr(auto, "measure", slow)
    monkeypatch.setattr(auto._Search, "_steps_that_fit", timed)
    ways = ("zero_shot", "head", "sentence_head", "context_tuning")
    monkeypatch.setattr(Labels, "tried_ways", lambda self, **_: ways)
    found = auto.find(rows(budget=100), pretrained, tmp_path / "run")
    assert asked == ["zero_shot", "sentence_head"]
    notes = {tried.key: tried.note for tried in found.tried}
    assert notes["head"] == "it would take about 2 min, and 90 s were left. --budget 3m leaves enough."
    assert notes["context_tuning"].startswith("it would take about ")
    monkeypatch.setattr(auto, "is_kept", lambda way, *_: way.key == "head")  # as it was before a stop
    again = auto.find(rows(budget=100), pretrained, tmp_path / "again")
    assert {tried.key: tried.note for tried in again.tried}["head"] == "head cannot be done. Leave it."


@pytest.mark.parametrize(
    ("ways", "every", "note"),
    [
        (("soft_prompt",), 10, "left at step 25 of 40"),
        (("zero_shot", "soft_prompt"), 40, "the time was up before it was scored."),
        (("soft_prompt",), 40, ""),  # there would be no run else
    ],
)
def test_a_training_ends_where_the_time_is_up_and_its_best_is_kept(
    ways: tuple[str, ...], every: int, note: str, rows: Callable[..., TaskRows], pretrained: Pretrained,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    clock = Clock(monkeypatch)
    monkeypatch.setattr(Labels, "tried_ways", lambda self, **_: ways)
    monkeypatch.setattr(auto._Search, "_steps_that_fit", lambda self, way: 40)
    given = rows(budget=250)
    train = given.task.train.model_copy(update={"evaluate_every": every})
    given = replace(given, task=given.task.model_copy(update={"train": train}))
    found = auto.find(given, pretrained, tmp_path / "run", on_step=clock.on_step)
    assert found.tried[-1].note == note
    assert kept(found) == ways[0]
    if ways == ("soft_prompt",):
        facts = load_run(tmp_path / "run").facts
        assert facts["steps"] == (25 if note else 40)
        assert facts["best_steps"][0] in ((10, 20) if note else (40,))


def test_dev_scored_at_every_step_is_no_hindrance(
    rows: Callable[..., TaskRows], pretrained: Pretrained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Labels, "tried_ways", lambda self, **_: ("soft_prompt",))
    given = rows(budget=600)
    train = given.task.train.model_copy(update={"evaluate_every": 1})
    found = auto.find(
        replace(given, task=given.task.model_copy(update={"train": train})), pretrained, tmp_path / "run"
    )  # fmt: skip
    assert found.run.task.train.evaluate_every == 1
    assert found.tried[0].score is not None


def test_a_full_disk_stops_a_search(
    rows: Callable[..., TaskRows], pretrained: Pretrained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Cell:
        raise RunError("it cannot be written.") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(auto, "measure", full)
    with pytest.raises(RunError, match="it cannot be written"):
        auto.find(rows(), pretrained, tmp_path / "run")


def test_an_encoder_that_reads_no_chinese_is_not_tried(
    rows: Callable[..., TaskRows], measured: Callable[[Scores], list[str]], pretrained: Pretrained, tmp_path: Path
) -> None:
    given = rows()
    for embeddings, language, tried in (("minilm-l6", "zh", False), ("minilm-l6", "en", True), ("own", "zh", True)):
        asked = measured({"head": 0.8})
        task = given.task.model_copy(update={"embeddings": embeddings, "language": language})
        auto.find(replace(given, task=task), pretrained, tmp_path / f"{embeddings}-{language}")
        assert ("sentence_head" in asked) is tried
