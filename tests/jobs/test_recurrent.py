"""Whole jobs on a recurrent backbone: tuned, mixed in one engine, resumed, answered in text, measured."""

from __future__ import annotations

import pytest
import yaml

import tiny
from recurrent_models import save_recurrent
from trimtab import Request, RunError, TextScorer, open_engine
from trimtab.backbones.pretrained import Pretrained
from trimtab.backbones.pretrained import load as load_folder
from trimtab.jobs import exchange
from trimtab.settings.file import read_task
from whole_jobs import (
    assert_answers_alone_as_together,
    assert_answers_mixed_as_alone,
    assert_learned,
    kill_and_resume,
    tuned,
)

METHODS = {
    "soft": {"name": "soft_prompt", "length": 4},
    "state": {"name": "prefix", "length": 4},
    "low_rank": {"name": "lora", "rank": 2},
    "all": {"name": "full"},
}


@pytest.fixture(scope="module")
def gru(tmp_path_factory) -> Pretrained:
    folder = save_recurrent(tmp_path_factory.mktemp("gru") / "gru", "gru")
    return load_folder(folder, folder.parent / "cache", name=str(folder), precision="float32")


def test_runs_of_several_methods_learn_and_answer_mixed_as_alone(gru, tmp_path):
    for name, method in METHODS.items():
        rate = {"rate": 0.01} if method["name"] in ("lora", "full") else {}
        tiny.write_task(tmp_path, gru.name, method=method, train={"steps": 24, "evaluate_every": 24, **rate})
        settings = yaml.safe_load((tmp_path / "task.yaml").read_text())
        settings["method"] = method
        (tmp_path / "task.yaml").write_text(yaml.safe_dump(settings))
        tuned(tmp_path, gru, name)
        assert_learned(tmp_path / name)
    assert_answers_alone_as_together(tmp_path / "soft", gru)
    assert_answers_mixed_as_alone(tmp_path, list(METHODS), gru)
    for name in ("soft", "state"):
        with pytest.raises(RunError) as error:
            exchange.export(tmp_path / name, tmp_path / "adapter", pretrained=gru)
        assert (
            str(error.value)
            == f"{tmp_path / name}: PEFT knows no backbone of type 'trimtab-gru'. Serve the run as it is."
        )


def test_a_run_of_two_seeds_that_is_killed_ends_with_the_same_bits(gru, tmp_path):
    tiny.write_task(tmp_path, gru.name, train={"steps": 6, "evaluate_every": 2, "runs": 2})
    kill_and_resume(read_task(tmp_path / "task.yaml"), tmp_path, step=4, base=tmp_path, pretrained=gru)


def test_texts_are_said_as_they_come_and_are_no_surprise(gru, tmp_path):
    tiny.write_task(tmp_path, gru.name, answer={"kind": "text", "max_tokens": 6}, labels=None)
    settings = yaml.safe_load((tmp_path / "task.yaml").read_text())
    del settings["labels"]
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(settings))
    tuned(tmp_path, gru)
    engine = open_engine(tmp_path / "run", pretrained=gru)
    request = Request("run", {"text": "a great film"})
    [answer] = engine.answer([request])
    assert "".join(engine.stream(request)).strip() == answer.texts[0].text
    text = ["a great film , and a warm one too\n"]
    [whole] = TextScorer(gru).texts([text])
    [short] = TextScorer(gru).texts([text], context=8, stride=1)
    assert whole.tokens == short.tokens
    assert whole.perplexity != short.perplexity
