"""Heads through whole jobs, in steps and fitted: rows are read once, and all else is as where they always are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

import answer_rows
import tagged_rows
import tiny
from closeness import assert_near
from encoder_decoders import save_encoder_decoder
from encoders import save_encoder
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.encoder import EncoderBackbone
from trimtab.backbones.encoder_decoder import EncoderDecoderBackbone
from trimtab.backbones.hidden_state_cache import Budget
from trimtab.backbones.pretrained import load
from trimtab.errors import TaskError
from trimtab.jobs import tune
from trimtab.runs.run import load_run
from trimtab.settings.file import make_task
from trimtab.settings.methods import METHODS
from trimtab.settings.task import Task
from trimtab.training import kept_rows
from whole_jobs import kill_and_resume

KINDS = ["llama", "bert", "bare", "t5"]
CASES = [*((kind, "labels") for kind in KINDS), ("llama", "number"), ("bare", "number"), ("llama", "tags"),
         ("bert", "tags"), ("bare", "tags")]  # fmt: skip
TRAIN, DEV = 64, 24  # rows


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> dict[str, Path]:
    top = tmp_path_factory.mktemp("backbones")
    encoders = {name: save_encoder(top / name, name) for name in ("bert", "bare")}
    return {"llama": tiny_folder, "t5": save_encoder_decoder(top / "t5"), **encoders}


@pytest.fixture(scope="module")
def loaded(folders: dict[str, Path], pretrained: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    cache = tmp_path_factory.mktemp("cache")
    others = {n: load(folders[n], cache, name=str(folders[n]), precision="float32") for n in KINDS[1:]}
    return {"llama": pretrained, **others}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name, n, seed in (("train", TRAIN, 1), ("dev", DEV, 2), ("test", 8, 3)):
        tiny.write_rows(folder / f"labels-{name}.jsonl", tiny.rows(n, seed))
        tiny.write_rows(folder / f"number-{name}.jsonl", answer_rows.numbers(n, seed))
        tiny.write_rows(folder / f"tags-{name}.jsonl", tagged_rows.rows(n, seed))
    return folder


def settings(folder: Path, answer: str, train: dict[str, Any], **method: Any) -> Task:
    """A task whose method is a head that is trained in steps, unless `method` says something else."""
    places = {part: f"{answer}-{part}.jsonl" for part in ("train", "dev", "test")}
    train = {"steps": 12, "evaluate_every": 4, "rate": 0.03, **train}
    if answer == "tags":
        task = tagged_rows.settings(folder, data=places, train=train)
    elif answer == "number":
        task = answer_rows.settings("number", folder, data=places, train=train)
    else:
        template = {"text": "{task} review : {text} ? it was {answer}"}
        task = make_task(tiny.task(folder, data=places, train=train, template=template))
    return task.model_copy(
        update={"method": make_task({"method": {"name": "head", "solver": "steps", **method}}).method}
    )


@pytest.fixture
def rows_read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many rows the backbones have read."""
    count: Counter[str] = Counter()
    for kind in (CausalBackbone, EncoderBackbone, EncoderDecoderBackbone):

        def counted(self: Any, rows: Any, *given: Any, forward: Any = kind.forward, **more: Any) -> torch.Tensor:
            count["rows"] += len(getattr(rows, "rows", rows))
            made: torch.Tensor = forward(self, rows, *given, **more)
            return made

        monkeypatch.setattr(kind, "forward", counted)
    return count


def assert_same(one: tune.Tuned, other: tune.Tuned) -> None:
    """The same to rounding: what was trained, and how it scored on dev."""
    for own, theirs in zip(one.run.tensors, other.run.tensors, strict=True):
        for name, tensor in own.items():
            assert_near(tensor, theirs[name])
    for what in ("dev_loss", "dev_accuracy"):
        assert_near(one.run.facts[what], other.run.facts[what])
    assert one.run.facts["best_steps"] == other.run.facts["best_steps"]


@pytest.mark.parametrize(("kind", "answer"), CASES)
def test_rows_are_read_once_and_the_numbers_stay(
    kind: str, answer: str, data: Path, tmp_path: Path, loaded: Any, folders: Any, rows_read: Counter[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Two seeds, dropout, batches in parts: with all rows kept, with some, and with none."""

    def tuned(name: str, **method: Any) -> tuple[tune.Tuned, int]:
        rows_read.clear()
        task = settings(folders[kind], answer, {"runs": 2, "accumulate": 3}, dropout=0.2, **method)
        made = tune.run(task, tmp_path / name, base=data, report=False, pretrained=loaded[kind])
        return made, rows_read["rows"]

    none, every_time = tuned("none", cache_megabytes=0)
    assert every_time == 2 * (12 * 8 + 3 * DEV)
    kept, once = tuned("kept")
    assert once == TRAIN + DEV
    assert_same(kept, none)
    monkeypatch.setattr(kept_rows, "Budget", lambda _: Budget(50 * 32 * 4))
    some, more = tuned("some")
    assert once < more < every_time
    assert_same(some, none)


def test_only_rows_that_are_trained_on_are_read(
    data: Path, tmp_path: Path, loaded: Any, folders: Any, rows_read: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trimtab.decoding.scoring.PASS_TOKENS", 1)  # rows are read one by one
    task = settings(folders["llama"], "labels", {"steps": 3, "evaluate_every": 3})
    tune.run(task, tmp_path / "run", base=data, report=False, pretrained=loaded["llama"])
    assert rows_read["rows"] == 3 * 8 + DEV


@pytest.mark.parametrize("states", [1000, 200, 44])
@pytest.mark.parametrize(("kind", "answer"), [("llama", "labels"), ("bare", "tags")])
def test_a_kill_and_a_resume_end_the_same(
    kind: str, answer: str, states: int, data: Path, tmp_path: Path, loaded: Any, folders: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(kept_rows, "Budget", lambda _: Budget(states * 32 * 4))
    monkeypatch.setattr("trimtab.decoding.scoring.PASS_TOKENS", 100)
    task = settings(folders[kind], answer, {"runs": 2, "checkpoint_seconds": 0}, dropout=0.2)
    kill_and_resume(task, tmp_path, step=7, base=data, pretrained=loaded[kind])


def test_two_seeds_share_what_is_kept_and_are_two_jobs(
    data: Path, tmp_path: Path, loaded: Any, folders: Any, rows_read: Counter[str]
) -> None:
    def tuned(name: str, **train: Any) -> tune.Tuned:
        task = settings(folders["llama"], "labels", train, dropout=0.2)
        return tune.run(task, tmp_path / name, base=data, report=False, pretrained=loaded["llama"])

    both = tuned("both", runs=2)
    assert rows_read["rows"] == TRAIN + DEV
    for seed in (0, 1):
        alone = tuned(f"alone-{seed}", seed=seed)
        for name, tensor in alone.run.tensors[0].items():
            assert_near(both.run.tensors[seed][name], tensor)
        assert_near(both.run.facts["dev_loss"][seed], alone.run.facts["dev_loss"][0])


@pytest.mark.parametrize(("kind", "answer"), CASES)
def test_a_fit_reads_rows_once_and_is_no_worse_than_many_steps(
    kind: str, answer: str, data: Path, tmp_path: Path, loaded: Any, folders: Any, rows_read: Counter[str]
) -> None:
    def tuned(name: str, train: dict[str, Any], **method: Any) -> tune.Tuned:
        task = settings(folders[kind], answer, train, **method)
        return tune.run(task, tmp_path / name, base=data, report=False, pretrained=loaded[kind])

    fitted = tuned("fitted", {"steps": None, "rate": None}, solver="exact")
    assert rows_read["rows"] == TRAIN + DEV
    assert fitted.run.facts["steps"] == fitted.run.facts["planned_steps"] == fitted.run.facts["best_steps"][0]
    stepped = tuned("stepped", {"steps": 300, "evaluate_every": 300, "rate": 0.01})
    assert fitted.run.facts["dev_accuracy"][0] >= stepped.run.facts["dev_accuracy"][0] - 2 / DEV
    assert fitted.run.facts["dev_loss"][0] <= 1.1 * stepped.run.facts["dev_loss"][0] + 0.01


def test_no_seed_has_a_part_in_a_fit_and_what_it_does_not_use_is_said(
    data: Path, tmp_path: Path, loaded: Any, folders: Any
) -> None:
    notes: list[str] = []

    def tuned(name: str, train: dict[str, Any]) -> bytes:
        task = settings(folders["llama"], "labels", train, solver="exact")
        tune.run(
            task, tmp_path / name, base=data, report=False, pretrained=loaded["llama"],
            on_plan=lambda _task, _plan, said: notes.extend(said),
        )  # fmt: skip
        assert len(load_run(tmp_path / name).tensors) == 1
        return (tmp_path / name / "prompt.safetensors").read_bytes()[-264:]  # 2 x 33 numbers

    assert tuned("one", {"seed": 3, "runs": 2}) == tuned("other", {"steps": None, "rate": None, "evaluate_every": None})
    assert [note for note in notes if note.startswith("train.")] == [
        "train.steps, train.batch_size, train.rate, train.evaluate_every, train.runs: not used, as the head is fitted "
        "at once; method.solver=steps trains it in steps.",
        "train.batch_size: not used, as the head is fitted at once; method.solver=steps trains it in steps.",
    ]


@pytest.mark.parametrize(("kind", "answer", "step"), [("llama", "labels", 1), ("bare", "tags", 3), ("t5", "labels", 1)])
def test_a_fit_that_was_killed_and_taken_up_ends_the_same(
    kind: str, answer: str, step: int, data: Path, tmp_path: Path, loaded: Any, folders: Any, rows_read: Counter[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("trimtab.decoding.scoring.PASS_TOKENS", 200)
    task = settings(folders[kind], answer, {"checkpoint_seconds": 0}, solver="exact")
    kill_and_resume(task, tmp_path, step=step, base=data, pretrained=loaded[kind])


def test_a_fit_that_would_not_fit_into_memory_is_refused(data: Path, tmp_path: Path, loaded: Any, folders: Any) -> None:
    task = settings(folders["llama"], "labels", {}, solver="exact", cache_megabytes=0)
    with pytest.raises(TaskError) as refused:
        tune.run(task, tmp_path / "run", base=data, report=False, pretrained=loaded["llama"])
    assert refused.value.message == "the hidden states of 88 rows take 1 MB, and method.cache_megabytes is 0."
    assert refused.value.hint == (
        "--set method.cache_megabytes=1, or train the head in steps: --set method.solver=steps."
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("method", ["soft_prompt", "lora", "prefix"])
def test_a_head_that_is_trained_along_reads_rows_at_every_step(
    method: str, data: Path, tmp_path: Path, loaded: Any, folders: Any, rows_read: Counter[str]
) -> None:
    task = settings(folders["bare"], "labels", {}).model_copy(update={"method": METHODS[method]()})
    tuned = tune.run(task, tmp_path / "run", base=data, report=False, pretrained=loaded["bare"])
    assert "head.weight" in tuned.run.tensors[0]
    assert rows_read["rows"] == 12 * 8 + 3 * DEV
