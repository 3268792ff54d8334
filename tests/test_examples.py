"""Every task file of examples/ is valid, shows what it promises, and runs from tuning to answers.

It runs on the first layers of its backbone.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import needs
from closeness import assert_near
from trimtab import read_task
from trimtab.cli import main as cli
from trimtab.data import read_examples
from trimtab.kinds.choose import kind_of, template_of
from trimtab.sources import describe_model

EXAMPLES = Path(__file__).parents[1] / "examples"
FILES = sorted(EXAMPLES.glob("*.yaml"))
TINY = ("train.steps=2", "train.threads=1", "data.shots=4", "data.limit=null", "data.dev_limit=6", "data.test_limit=6")


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    """A task file."""
    chosen: Path = request.param
    return chosen


def test_there_are_examples() -> None:
    assert {file.stem for file in FILES} >= {"movie-reviews", "movie-verdicts", "chinese-reviews", "support-messages"}


def test_an_example_begins_with_what_it_is_and_how_long_it_takes(path: Path) -> None:
    comment = path.read_text(encoding="utf-8").split("name:")[0]
    assert all(line.startswith("# ") for line in comment.splitlines())
    assert "minutes on two CPU cores" in " ".join(comment.replace("\n#", "").split())


def test_an_example_is_valid_and_named_as_its_file(path: Path) -> None:
    task = read_task(path)
    assert task.name == path.stem
    assert task.task
    assert template_of(task).fields == ("text",)
    assert task.labels.words
    assert task.backbone in {"smollm2-135m", "gemma3-270m"}


def test_the_support_messages_are_read_through_their_column_names() -> None:
    task = read_task(EXAMPLES / "support-messages.yaml")
    rows = read_examples("support-messages.csv", ["text"], task.data, kind_of(task.answer), base=EXAMPLES)
    answers = [row.answer for row in rows]
    assert {label: answers.count(label) for label in task.labels.words or ()} == dict.fromkeys(
        ("delivery", "refund", "account", "product"), 15
    )
    assert len({row.fields["text"] for row in rows}) == 60


@pytest.mark.real
def test_an_example_runs(path: Path, shallow: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = read_task(path)
    entry = describe_model(task.backbone)
    if entry.terms and not (entry.agreed and entry.cached):
        pytest.skip(f"{task.backbone} has terms of use. `.venv/bin/trimtab models {task.backbone} --agree` brings it.")
    run = tmp_path / "run"
    overrides = [word for setting in TINY for word in ("--set", setting)]
    with needs.network():
        cli.trimtab.main(["tune", str(path), "--out", str(run), *overrides], standalone_mode=False)
    assert read_task(run / "task.yaml").method.title in capsys.readouterr().out
    cli.trimtab.main(["predict", str(run), "-t", "It came on time.", "-t", "很好"], standalone_mode=False)
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(answers) == 2
    for answer in answers:
        assert set(answer["probabilities"]) == set(task.labels.words or ())
        assert_near(sum(answer["probabilities"].values()), 1)
        assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get)
