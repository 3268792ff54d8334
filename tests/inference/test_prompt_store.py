"""States of prompts are there once, within a limit, and answers are the same whatever was forgotten."""

from __future__ import annotations

import pytest

from adapters import moved_run
from trimtab.backbones.pretrained import Pretrained
from trimtab.inference.engine import Engine
from trimtab.inference.prompt_store import size_of
from trimtab.inference.request import Request
from trimtab.kinds.prediction import LabelPrediction
from trimtab.runs.run import Run
from trimtab.settings.file import make_task

WORDS = {"negative": ["bad"], "positive": ["good"]}


def run(pretrained: Pretrained, seed: int) -> Run:
    task = make_task({"backbone": "tiny", "method": {"name": "soft_prompt", "length": 3}, "labels": WORDS})
    return moved_run(pretrained, task, WORDS, seed)


def filled(pretrained: Pretrained, limit: int | None = None, pinned: int | None = None) -> Engine:
    engine = Engine(pretrained, prompt_bytes=limit)
    for seed in range(4):
        engine.add(str(seed), run(pretrained, seed), pinned=seed == pinned)
    return engine


def odds(engine: Engine) -> list[float]:
    found = engine.answer([Request(str(seed), {"text": "a film"}) for seed in (2, 0, 3, 1, 0)])
    return [round(one.probabilities["positive"], 5) for one in found if isinstance(one, LabelPrediction)]


def kept(engine: Engine) -> set[str]:
    return {name for name in engine.runs if engine.find(name).members[0].content in engine.prompts._states}


def test_those_used_last_are_kept_and_the_others_are_read_again(pretrained: Pretrained) -> None:
    whole = filled(pretrained)
    one = size_of(whole.prompts.state(whole.find("0").members[0]))
    assert whole.prompts.bytes == 4 * one
    few = filled(pretrained, limit=2 * one)
    assert kept(few) == {"2", "3"}
    assert odds(few) == odds(whole)
    assert few.prompts.bytes == 2 * one
    assert kept(few) == {"0", "1"}


def test_what_is_pinned_stays(pretrained: Pretrained) -> None:
    engine = filled(pretrained, limit=0, pinned=1)
    assert kept(engine) == {"1", "3"}
    engine.replace("1", run(pretrained, 1))
    odds(engine)
    assert kept(engine) == {"0"}


def test_runs_of_the_same_prompt_share_it(pretrained: Pretrained) -> None:
    engine = filled(pretrained)
    before = engine.prompts.bytes
    engine.add("again", run(pretrained, 2))
    assert engine.prompts.bytes == before
    engine.remove("2")
    assert engine.prompts.bytes == before
    engine.remove("again")
    assert engine.prompts.bytes == pytest.approx(before * 3 / 4)
