"""Runs of every sort answer at the same time as each does alone: streams left open, dropped and closed, and threads."""

from __future__ import annotations

import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from adapters import moved_run
from trimtab.backbones.pretrained import Pretrained
from trimtab.errors import RunError, TrimtabError
from trimtab.inference.engine import Engine
from trimtab.inference.request import Request
from trimtab.kinds.prediction import LabelPrediction, TextPrediction
from trimtab.runs.run import Run
from trimtab.settings.file import make_task

WORDS = {"negative": ["bad"], "positive": ["good"]}
LABELS: dict[str, Any] = {
    "soft": {"name": "soft_prompt", "length": 3}, "prefix": {"name": "prefix", "length": 3},
    "lora": {"name": "lora", "rank": 2}, "dora": {"name": "lora", "rank": 2, "dora": True}, "full": "full",
    "head": "head", "late": "late_prompt",
}  # fmt: skip
TEXTS: dict[str, Any] = {"say soft": LABELS["soft"], "say lora": LABELS["lora"], "say full": "full"}
ROWS = ["a good film", "bad", "the film was long and not so very bad", "good good good"]


@pytest.fixture(scope="module")
def engine(pretrained: Pretrained) -> Engine:
    made = Engine(pretrained)
    for name in (*LABELS, *TEXTS):
        made.add(name, engine_run(pretrained, name))
    return made


def engine_run(pretrained: Pretrained, name: str) -> Run:
    if name in LABELS:
        task = make_task({"backbone": "tiny", "method": LABELS[name], "labels": WORDS})
        return moved_run(pretrained, task, WORDS)
    task = make_task({"backbone": "tiny", "method": TEXTS[name], "answer": {"kind": "text", "max_tokens": 6}})
    return moved_run(pretrained, task, {})


def asked(name: str) -> list[Request]:
    return [Request(name, {"text": text}) for text in ROWS]


def alone(engine: Engine) -> dict[str, list[Any]]:
    return {name: list(map(value, engine.answer(asked(name)))) for name in [*LABELS, *TEXTS]}


def value(prediction: Any) -> Any:
    if isinstance(prediction, TextPrediction):
        return prediction.texts[0].text
    assert isinstance(prediction, LabelPrediction)
    return math.log(prediction.probabilities["positive"]) - math.log(prediction.probabilities["negative"])


def same(found: list[Any], expected: list[Any]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one == other if isinstance(one, str) else abs(one - other) < 1e-3


def test_the_runs_differ(engine: Engine) -> None:
    """Else what follows could not fail."""
    answers = alone(engine)
    assert len({tuple(round(float(odds), 2) for odds in answers[name]) for name in LABELS}) == len(LABELS)
    assert len({tuple(answers[name]) for name in TEXTS}) > 1


def test_streams_left_open_change_nothing_for_others_in_whatever_order_they_end(engine: Engine) -> None:
    expected = alone(engine)
    streams = {name: engine.stream(Request(name, {"text": ROWS[2]})) for name in TEXTS}
    begun = {name: next(stream) for name, stream in streams.items()}
    for name, answers in expected.items():
        same(list(map(value, engine.answer(asked(name)))), answers)
    streams.pop("say lora").close()
    for name, stream in streams.items():  # in the order in which they were opened
        assert begun[name] + "".join(stream) == expected[name][2]
    for name, answers in expected.items():
        same(list(map(value, engine.answer(asked(name)))), answers)


def test_threads_get_the_answers_of_one(engine: Engine) -> None:
    expected = alone(engine)
    names = [*expected] * 3

    def answered(name: str) -> list[Any]:
        if name in TEXTS:
            next(engine.stream(Request(name, {"text": ROWS[0]})), None)  # and dropped
        return list(map(value, engine.answer(asked(name))))

    with ThreadPoolExecutor(8) as pool:
        for name, found in zip(names, pool.map(answered, names), strict=True):
            same(found, expected[name])


def test_runs_are_replaced_and_removed_while_others_are_answered(engine: Engine, pretrained: Pretrained) -> None:
    made, expected = Engine(pretrained), alone(engine)
    soft, late = engine_run(pretrained, "say soft"), engine_run(pretrained, "say lora")
    made.add("say", soft)
    stream = made.stream(Request("say", {"text": ROWS[2]}))
    begun = next(stream)
    made.replace("say", late)
    assert begun + "".join(stream) == expected["say soft"][2]  # it goes on with the run that it began with
    same(list(map(value, made.answer(asked("say")))), expected["say lora"])
    made.remove("say")
    assert not made.runs
    for call in (lambda: made.remove("say"), lambda: made.answer(asked("say"))):
        with pytest.raises(RunError) as refused:
            call()
        assert str(refused.value) == "no run named 'say' is loaded. Loaded: none."
    made.add("say", soft)
    with pytest.raises(RunError) as refused:
        made.replace("say", dataclasses.replace(late, backbone={**late.backbone, "content_hash": "other"}))
    assert "made for backbone" in refused.value.message
    same(list(map(value, made.answer(asked("say")))), expected["say soft"])


def test_only_the_prompts_of_a_pass_are_put_side_by_side(pretrained: Pretrained) -> None:
    made = Engine(pretrained)
    task = make_task({"backbone": "tiny", "method": LABELS["soft"], "labels": WORDS})
    for i in range(20):
        made.add(f"run {i}", moved_run(pretrained, task, WORDS, seed=i))
    made.answer([Request(f"run {i}", {"text": "a film"}) for i in (7, 3, 7, 11)])
    assert made.passes._joined is not None
    used, joined = made.passes._joined
    assert [state.lengths for state in used] == [joined.lengths[:1]] * 3
    made.remove("run 3")
    assert made.passes._joined is None


def test_a_refused_target_leaves_nothing_in_the_backbone(pretrained: Pretrained) -> None:
    model = pretrained.backbone.model
    before = {name: type(module) for name, module in model.named_modules()}
    for targets in (["q_proj", "nowhere"], ["lm_head"], ["embed_tokens"]):
        task = make_task({"backbone": "tiny", "method": {"name": "lora", "targets": targets}, "labels": WORDS})
        with pytest.raises(TrimtabError):
            moved_run(pretrained, task, WORDS)
        assert {name: type(module) for name, module in model.named_modules()} == before
        assert not hasattr(model, "peft_config")
    assert not any(weight.requires_grad for weight in model.parameters())
