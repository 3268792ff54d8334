"""Late prompts through whole jobs: what rows are where the prompt enters is computed once, whatever the answers are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import answer_rows
import tagged_rows
import tiny
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.hidden_state_cache import Budget
from trimtab.backbones.views import late
from trimtab.jobs import tune
from trimtab.prompts import verbalizer
from trimtab.settings.file import make_task
from trimtab.settings.task import Task
from whole_jobs import kill_and_resume

LONG = {"negative": ["not a good film", "bad"], "positive": ["a good film"]}
ANSWERS = ["words", "long words", "many long words", "branches", "text", "choice", "number", "tags"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name, n, seed in (("train", 24, 1), ("dev", 8, 2), ("test", 8, 3)):
        tiny.write_rows(folder / f"words-{name}.jsonl", tiny.rows(n, seed))
        tiny.write_rows(folder / f"tags-{name}.jsonl", tagged_rows.rows(n, seed))
        for kind, rows in (("choice", answer_rows.choices(n, seed)), ("number", answer_rows.numbers(n, seed))):
            tiny.write_rows(folder / f"{kind}-{name}.jsonl", rows)
    return folder


@pytest.fixture(params=ANSWERS)
def task(request: pytest.FixtureRequest, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    answer, train = request.param, {"runs": 2, "steps": 9, "evaluate_every": 3, "checkpoint_seconds": 0}
    kind = answer if answer in ("choice", "number", "tags") else "words"
    places = {part: f"{kind}-{part}.jsonl" for part in ("train", "dev", "test")}
    if kind == "tags":
        made = tagged_rows.settings(tiny_folder, data=places, train=train)
    elif kind in ("choice", "number"):
        made = answer_rows.settings(kind, tiny_folder, data=places, train=train)
    else:
        content = tiny.task(tiny_folder, data=places, train=train)
        content |= {"answer": "text", "labels": {}} if answer == "text" else {}
        content |= {"labels": LONG} if answer == "long words" else {}
        among = {"many long words": "vocabulary", "branches": "branches"}.get(answer)
        content |= {"labels": {"words": LONG, "among": among}} if among else {}
        made = make_task(content)
    if answer in ("many long words", "branches"):
        monkeypatch.setattr(verbalizer, "TREE_NODES", 0)
    method = make_task({"method": {"name": "late_prompt", "length": 4, "dropout": 0.2}}).method
    return made.model_copy(update={"method": method})


@pytest.mark.parametrize("tokens", [10_000, 300])
def test_a_kill_and_a_resume_end_the_same(
    tokens: int, task: Task, data: Path, tmp_path: Path, pretrained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "Budget", lambda _: Budget(tokens * 32 * 4))
    monkeypatch.setattr("trimtab.decoding.scoring.PASS_TOKENS", 100)
    kill_and_resume(task, tmp_path, step=4, base=data, pretrained=pretrained)


def test_every_row_goes_through_the_lower_layers_once(
    task: Task, data: Path, tmp_path: Path, pretrained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Any, ...]] = []
    lower = CausalBackbone.hidden_at

    def noted(self: CausalBackbone, layer: int, rows: Any, *state: Any) -> Any:
        seen.extend((tuple(row.ids), row.parents) for row in rows.rows if state)
        return lower(self, layer, rows, *state)

    monkeypatch.setattr(CausalBackbone, "hidden_at", noted)
    tune.run(task, tmp_path / "run", base=data, report=False, pretrained=pretrained)
    assert len(seen) == len(set(seen)) > 8
