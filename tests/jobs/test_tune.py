"""Tuning as a user does it: what a run folder holds, what is learned, and going on after a kill or Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import tiny
from closeness import assert_near
from trimtab.errors import TrimtabError
from trimtab.jobs import tune
from trimtab.runs.run import load_run
from trimtab.runs.tensors import load_tensors
from trimtab.settings.file import read_task
from whole_jobs import Killed, dying_at

FINISHED = [
    "card.md", "metrics.jsonl", "prompt.safetensors", "report.html", "report.json", "task.yaml",
    "trained_on.safetensors",
]  # fmt: skip


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def metrics(folder: Path) -> list[dict[str, object]]:
    """The records, without what depends on the clock."""
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in record.items() if k != "seconds"} for record in records]


def same(one: Path, other: Path) -> None:
    """The two folders hold the same finished run, to the bit."""
    assert (one / "prompt.safetensors").read_bytes() == (other / "prompt.safetensors").read_bytes()
    assert (one / "task.yaml").read_text() == (other / "task.yaml").read_text()
    assert metrics(one) == metrics(other)
    assert files(one) == files(other) == FINISHED


def test_a_run_learns_and_leaves_its_folder(trimtab, tmp_path, tiny_folder):
    tiny.write_rows(tmp_path / "reviews.jsonl", tiny.rows(256, 1))
    path = tiny.write_task(tmp_path, tiny_folder, train={"steps": 120, "evaluate_every": 40})
    code, out, err = trimtab("tune", path)
    assert code == 0
    run = tmp_path / "runs" / "reviews"
    assert files(run) == FINISHED
    report = json.loads((run / "report.json").read_text())
    scores = {b["name"]: b["accuracy"] for b in report["scored"]["baselines"]}
    assert report["scored"]["test"]["accuracy"] >= 0.85
    assert scores["majority"] == 0.5
    assert scores["zero-shot"] < 0.7
    assert "soft prompt" in out
    assert out.endswith("Report: runs/reviews/report.html\n")
    lines = err.splitlines()
    assert lines[0] == f"reviews: 5-token soft prompt on {tiny_folder}, 256 training rows"
    assert lines[1] == (
        "picked: 120 steps of 8 rows (3.8 passes), adamw, rate 0.08 x embedding RMS, cosine, dev every 40 steps"
    )
    assert [line.split(":")[0] for line in lines[2:]] == [f"step {n} of 120" for n in (40, 80, 120)]
    records = metrics(run)
    assert [record["step"] for record in records] == list(range(1, 121))
    assert records[-1]["loss"][0] < records[0]["loss"][0]
    assert [record["step"] for record in records if record["dev"]] == [40, 80, 120]


def test_task_yaml_is_resolved_and_means_the_same_from_any_folder(trimtab, tmp_path, tiny_folder, monkeypatch):
    path = tiny.write_task(tmp_path / "a", tiny_folder)
    assert trimtab("tune", "a/task.yaml", "--out", "one", "--no-beside").code == 0
    resolved = yaml.safe_load((tmp_path / "one" / "task.yaml").read_text())
    assert resolved["data"]["train"] == str(tmp_path / "a" / "reviews.jsonl")
    assert resolved["labels"]["words"] == {"negative": ["negative"], "positive": ["positive"]}
    assert {k: resolved["train"][k] for k in ("steps", "epochs", "batch_size", "rate", "evaluate_every")} == {
        "steps": 8, "epochs": None, "batch_size": 8, "rate": 0.08, "evaluate_every": 4,
    }  # fmt: skip
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "b")
    assert trimtab("tune", "../one/task.yaml", "--out", "two", "--no-beside").code == 0
    same(tmp_path / "one", tmp_path / "b" / "two")
    assert path.is_file()


def test_a_backbone_beside_the_task_file(trimtab, tmp_path, tiny_folder, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "model").symlink_to(tiny_folder)
    tiny.write_task(tmp_path / "a", "model")
    assert trimtab("tune", "a/task.yaml", "--out", "run", "--no-beside").code == 0
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "b")
    assert trimtab("predict", "../run", "-t", "great").code == 0


def test_chinese(trimtab, tmp_path, tiny_folder):
    for name, n, seed in (("reviews", 128, 1), ("dev", 24, 2), ("test", 24, 3)):
        tiny.write_rows(tmp_path / f"{name}.jsonl", tiny.rows(n, seed, tiny.CHINESE))
    tiny.write_task(
        tmp_path, tiny_folder, task="这条外卖评论是好评还是差评？", labels={"好评": "好评", "差评": ["差评", "失望"]},
        template={"text": "{task}\n评论：{text}\n答案：{answer}"}, train={"steps": 60, "evaluate_every": 30},
    )  # fmt: skip
    assert trimtab("tune", "task.yaml", "--out", "run").code == 0
    records = metrics(tmp_path / "run")
    assert sum(r["loss"][0] for r in records[-10:]) < 0.9 * sum(r["loss"][0] for r in records[:10])
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["data"]["language"] == "zh"
    assert report["scored"]["words"] == {"好评": ["好评"], "差评": ["差评", "失望"]}


def test_several_seeds_and_an_ensemble(trimtab, tmp_path, tiny_folder):
    tiny.write_task(tmp_path, tiny_folder, train={"runs": 3, "seed": 4})
    assert trimtab("tune", "task.yaml", "--out", "best").code == 0
    assert trimtab("tune", "task.yaml", "--out", "mean", "--set", "train.ensemble=true").code == 0
    assert trimtab("tune", "task.yaml", "--out", "third", "--set", "train.runs=1", "--set", "train.seed=6").code == 0
    best, mean, third = (load_run(tmp_path / name) for name in ("best", "mean", "third"))
    assert best.facts["seeds"] == [4, 5, 6]
    assert (len(best.answering), len(mean.answering)) == (1, 3)
    scores = list(zip(best.facts["dev_accuracy"], (-x for x in best.facts["dev_loss"]), strict=True))
    assert best.kept == scores.index(max(scores))
    assert_near(best.tensors[2]["prompt"], third.tensors[0]["prompt"])
    answers = [json.loads(trimtab("predict", name, "-t", "a great film").out) for name in ("best", "mean")]
    assert answers[0]["probabilities"] != answers[1]["probabilities"]
    report = json.loads((tmp_path / "mean" / "report.json").read_text())
    assert [run["kept"] for run in report["runs"]] == [True, True, True]
    assert report["method"]["trained_parameters"] == 3 * 5 * 32


@pytest.mark.parametrize("optimiser", ["adafactor", "sgd"])
def test_every_optimiser_and_schedule_runs(trimtab, tmp_path, tiny_folder, optimiser):
    schedule = {"adafactor": "linear", "sgd": "exponential"}[optimiser]
    tiny.write_task(tmp_path, tiny_folder, train={"optimiser": optimiser, "schedule": schedule, "label_smoothing": 0.1})
    assert trimtab("tune", "task.yaml", "--out", "run", "--no-beside").code == 0


# Going on. All of these end as a run that was never stopped.

LONG = {"steps": 20, "evaluate_every": 6, "checkpoint_seconds": 0, "runs": 2}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, tiny_folder, pretrained) -> Path:
    """A folder with a task file and its run `whole`, never stopped."""
    base = tmp_path_factory.mktemp("whole")
    path = tiny.write_task(base, tiny_folder, method={"dropout": 0.1}, train=LONG)
    tune.run(read_task(path), base / "whole", base=base, beside=False, pretrained=pretrained)
    return base


def begin(whole: Path, out: Path, *changes: str, stderr: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "trimtab", "tune", whole / "task.yaml", "--out", out, "--no-beside"]
    changes = tuple(part for change in changes for part in ("--set", change))
    return subprocess.Popen([*command, *changes], stdout=subprocess.DEVNULL, stderr=stderr, env=os.environ)


def wait_for(steps: int, out: Path, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        if (out / "metrics.jsonl").is_file() and (out / "metrics.jsonl").read_bytes().count(b"\n") >= steps:
            return
        time.sleep(0.005)
    raise AssertionError("it ended before it could be stopped")


@pytest.mark.parametrize("steps", [1, 10])
def test_kill_then_resume_ends_the_same(trimtab, whole, tmp_path, steps):
    out = tmp_path / "killed"
    process = begin(whole, out)
    wait_for(steps, out, process)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not (out / "prompt.safetensors").exists()
    assert trimtab("tune", whole / "task.yaml", "--out", out, "--resume", "--no-beside").code == 0
    same(out, whole / "whole")


def stopped_by(whole: Path, folder: Path, stop: signal.Signals) -> Path:
    """A run that was stopped by a signal; the steps are so short that some end before it comes."""
    for attempt in range(10):
        process = begin(whole, out := folder / f"stopped{attempt}")
        with suppress(AssertionError):
            wait_for(1, out, process)
        process.send_signal(stop)
        if process.wait() == 130:
            return out
    raise AssertionError("it always ended before it could be stopped")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_leaves_a_usable_run_and_resume_ends_the_same(trimtab, whole, tmp_path, stop):
    out = stopped_by(whole, tmp_path, stop)
    assert "checkpoint.safetensors" in files(out)
    assert "prompt.safetensors" in files(out)
    answer = json.loads(trimtab("predict", out, "-t", "a great film").out)
    assert answer["label"] in ("negative", "positive")
    assert load_run(out).facts["stopped"] is True
    assert trimtab("tune", out, "--resume", "--no-beside").code == 0
    same(out, whole / "whole")


def test_a_second_tune_into_the_folder_of_one_at_work_is_refused_and_a_third_waits_for_nothing(
    trimtab, whole, tmp_path
):
    out = tmp_path / "held"
    process = begin(whole, out)
    wait_for(1, out, process)
    process.send_signal(signal.SIGSTOP)  # it holds the folder however long this takes
    for more in ((), ("--resume",)):
        refused = trimtab("tune", whole / "task.yaml", "--out", out, *more)
        assert refused == (
            2, "", f"trimtab: {out}: another process is tuning there.\n"
            "         Wait for it to end, or choose another folder with --out.\n",
        )  # fmt: skip
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()
    assert trimtab("tune", whole / "task.yaml", "--out", out, "--resume", "--no-beside").code == 0
    same(out, whole / "whole")


def test_what_a_kill_left_of_a_folder_that_was_just_begun_is_no_hindrance(trimtab, whole, tmp_path):
    for resume in ((), ("--resume",)):
        out = tmp_path / f"begun{len(resume)}"
        (out / "task.yaml.part").mkdir(parents=True)
        for name in (".lock", "metrics.jsonl", "task.yaml.part/task.yaml"):
            (out / name).write_text("")
        assert trimtab("tune", whole / "task.yaml", "--out", out, "--no-beside", *resume).code == 0
        same(out, whole / "whole")


def test_a_third_ctrl_c_prints_no_traceback(whole, tmp_path):
    for attempt in range(10):
        out = tmp_path / f"impatient{attempt}"
        process = begin(whole, out, stderr=subprocess.PIPE)
        with suppress(AssertionError):
            wait_for(1, out, process)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        assert b"Traceback" not in process.communicate()[1]
        if process.returncode == 130:
            return
    raise AssertionError("it always ended before it could be stopped")


@pytest.mark.parametrize(
    ("step", "seconds"),
    [(1, 0), (2, 0), (6, 0), (7, 0), (20, 0), (13, 1000)],
    ids=["first", "second", "evaluated", "after", "last", "no checkpoint yet"],
)
def test_stopped_at_any_step(whole, tmp_path, pretrained, step, seconds):
    """Resume by the task file; with `checkpoint_seconds=0` the last checkpoint is a step behind metrics.jsonl."""
    task = read_task(whole / "task.yaml", [f"train.checkpoint_seconds={seconds}"])
    out = tmp_path / "run"

    with pytest.raises(Killed):
        tune.run(task, out, base=whole, beside=False, pretrained=pretrained, on_step=dying_at(step))
    assert len(metrics(out)) == step
    assert (out / "checkpoint.safetensors").is_file() is (seconds == 0 and step > 1)
    taken = []
    tune.run(
        task,
        out,
        base=whole,
        beside=False,
        pretrained=pretrained,
        resume=True,
        on_step=lambda r, _: taken.append(r.step),
    )
    assert taken == list(range(step if seconds == 0 else 1, 21))
    assert (out / "prompt.safetensors").read_bytes() == (whole / "whole" / "prompt.safetensors").read_bytes()
    assert metrics(out) == metrics(whole / "whole")


def test_a_kill_while_a_checkpoint_is_written(whole, tmp_path, pretrained, monkeypatch):
    task, out, replace, moved = read_task(whole / "task.yaml"), tmp_path / "run", os.replace, []

    def kill(source, target):
        moved.append(target)
        if len(moved) == 12:
            raise Killed
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr("trimtab.runs.folder.os.replace", kill)
        with pytest.raises(Killed):
            tune.run(task, out, base=whole, beside=False, pretrained=pretrained)
    left = out / "checkpoint.safetensors.part"
    left.mkdir()  # as a process that is killed leaves it
    (left / ".tmp1234").write_bytes(b"half")
    with (out / "metrics.jsonl").open("a") as stream:
        stream.write('{"step": 13, "epo')  # and a line cut short
    tune.run(task, out, base=whole, beside=False, pretrained=pretrained, resume=True)
    same(out, whole / "whole")


def refusal(call) -> str:
    with pytest.raises(TrimtabError) as caught:
        call()
    return str(caught.value)


@pytest.fixture
def stopped(whole, tmp_path, pretrained) -> Path:
    """A run folder killed at its sixth step."""
    out, task = tmp_path / "stopped", read_task(whole / "task.yaml")
    with pytest.raises(Killed):
        tune.run(task, out, base=whole, beside=False, pretrained=pretrained, on_step=dying_at(6))
    return out


def test_resume_with_other_settings_is_refused(trimtab, whole, stopped):
    before = {path.name: path.read_bytes() for path in stopped.iterdir()}
    changed = ("--set", "train.rate=0.5", "--set", "method.length=6")
    said = (
        f"trimtab: {stopped}: begun with other settings: method.length was 5, is 6; train.rate was 0.08, is 0.5.\n"
        "         Give the settings it was begun with, or choose another folder with --out.\n"
    )
    for arguments in (("tune", whole / "task.yaml", "--out", stopped), ("tune", stopped)):
        code, out, err = trimtab(*arguments, "--resume", *changed)
        assert (code, out) == (2, "")
        assert err.endswith(said)
    assert {path.name: path.read_bytes() for path in stopped.iterdir()} == before


def test_resume_with_other_passes_is_refused(whole, tmp_path, pretrained):
    """A setting from which steps were picked counts as much as the steps."""
    out = tmp_path / "run"
    given = ["train.steps=null", "train.epochs=1"]
    begun = read_task(whole / "task.yaml", given)
    with pytest.raises(Killed):
        tune.run(begun, out, base=whole, pretrained=pretrained, on_step=dying_at(1))
    other = read_task(whole / "task.yaml", ["train.steps=null", "train.epochs=2"])
    assert refusal(lambda: tune.run(other, out, base=whole, pretrained=pretrained, resume=True)) == (
        f"{out}: begun with other settings: train.steps was 8, is 16. "
        "Give the settings it was begun with, or choose another folder with --out."
    )


def test_resume_on_other_examples_is_refused(whole, stopped, tmp_path, pretrained):
    rows = [json.loads(line) for line in (whole / "reviews.jsonl").read_text().splitlines()]
    task = read_task(stopped / "task.yaml")
    path = Path(task.data.train)
    content = path.read_text()
    try:
        tiny.write_rows(path, [*rows[:-1], {**rows[-1], "text": "something else"}])
        assert refusal(lambda: tune.run(task, stopped, base=whole, pretrained=pretrained, resume=True)) == (
            f"{stopped}: begun with other examples than {path} holds now. "
            "Put the former ones back, or choose another folder with --out."
        )
    finally:
        path.write_text(content)


def test_resume_on_another_backbone_is_refused(whole, stopped, tmp_path, session_cache):
    from trimtab.backbones.pretrained import load

    other = load(tiny.save_backbone(tmp_path / "other", seed=1), session_cache, name="other", precision="float32")
    task = read_task(stopped / "task.yaml")
    assert refusal(lambda: tune.run(task, stopped, base=whole, pretrained=other, resume=True)) == (
        f"{stopped}: begun with other weights than {task.backbone} holds now. "
        "Put the former ones back, or choose another folder with --out."
    )


def test_resume_with_another_tokenizer_is_refused(whole, stopped, pretrained):
    task = read_task(stopped / "task.yaml")
    other = replace(pretrained, files={**pretrained.files, "tokenizer.json": "0" * 64})
    assert refusal(lambda: tune.run(task, stopped, base=whole, pretrained=other, resume=True)) == (
        f"{stopped}: begun with other config.json or tokenizer files than {task.backbone} holds now. "
        "Put the former ones back, or choose another folder with --out."
    )


def test_a_corrupt_checkpoint_is_refused(trimtab, whole, stopped):
    path = stopped / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    code, _, err = trimtab("tune", stopped, "--resume")
    assert code == 2
    assert f"trimtab: {path}: damaged or not written by Trimtab (" in err
    assert err.endswith("\n         Delete it and tune again.\n")
    path.unlink()  # as it says: the run then starts over
    assert trimtab("tune", stopped, "--resume", "--no-beside").code == 0
    same(stopped, whole / "whole")


def test_what_a_folder_holds_already(trimtab, whole, stopped, tmp_path):
    path = whole / "task.yaml"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("precious")
    (tmp_path / "file").write_text("")
    other = "Choose another folder with --out."
    for arguments, message, hint in (
        (
            (path, "--out", stopped),
            f"{stopped}: holds a run that was not finished.",
            f"Go on with --resume, or c{other[1:]}",
        ),
        ((path, "--out", whole / "whole"), f"{whole / 'whole'}: the folder holds a finished run.", other),
        (
            (whole / "whole", "--resume"),
            f"{whole / 'whole'}: this run is finished.",
            "Look at it with `trimtab evaluate`.",
        ),
        ((path, "--out", "full"), "full: the folder is not empty.", other),
        ((path, "--out", "full", "--resume"), "full: the folder is not empty.", other),
        ((path, "--out", "file"), "file: a file, not a folder.", other),
        (("full", "--resume"), "full: not a run folder (no task.yaml).", "Give a task file to begin one."),
        ((stopped,), f"{stopped}: a folder, expected a task file.", "Add --resume to go on with a run folder."),
    ):
        assert trimtab("tune", *arguments) == (2, "", f"trimtab: {message}\n         {hint}\n")
    assert (tmp_path / "full" / "thesis.tex").read_text() == "precious"
    assert "--out does not go with a run folder" in trimtab("tune", stopped, "--resume", "--out", "x").err


def test_the_checkpoint_holds_no_code(stopped):
    stored = load_tensors(stopped / "checkpoint.safetensors")
    assert stored.values["done"] == 5
    assert {name.split(".")[0] for name in stored.tensors} == {"parameter", "best", "optimiser"}
