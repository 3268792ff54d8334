"""Every method through the whole job: tuned, killed and resumed, judged, used."""

from __future__ import annotations

import json

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

import tiny
from closeness import assert_near
from trimtab.backbones.pretrained import load
from trimtab.errors import TrimtabError
from trimtab.jobs import tune
from trimtab.runs.run import load_run
from trimtab.settings.file import make_task, read_task
from whole_jobs import assert_answers_alone_as_together, assert_learned, kill_and_resume

METHODS = {
    "multitask_prompt": {"length": 4, "rank": 2, "dropout": 0.2},
    "soft_prompt": {"length": 4, "dropout": 0.2},
    "inside": {"name": "soft_prompt"},
    "warp": {"length": 4, "dropout": 0.2},
    "late_prompt": {"length": 4, "dropout": 0.2},
    "prefix": {"length": 4},
    "prefix through a network": {"name": "prefix", "length": 4, "hidden": 8},
    "p_tuning": {"length": 4, "hidden": 8, "encoder": "lstm"},
    "lora": {"rank": 2, "dropout": 0.2},
    "lora and a prompt": {"name": "lora", "rank": 2, "prompt": 3},
    "ia3": {},
    "full": {},
    "head": {"solver": "steps", "dropout": 0.2},
}
TITLES = {
    "inside": "soft prompt", "soft_prompt": "soft prompt", "warp": "prompt and class vectors (WARP)",
    "late_prompt": "late prompt",
    "prefix through a network": "prefix", "p_tuning": "P-tuning",
    "multitask_prompt": "multitask prompt",
    "lora": "LoRA", "lora and a prompt": "LoRA", "ia3": "IA3", "full": "full fine-tuning",
}  # fmt: skip


def settings(name: str, folder, **train):
    content = tiny.task(folder, train={"runs": 2, "steps": 6, **train})
    content["method"] = {"name": name, **METHODS[name]}
    if name == "inside":
        content["template"] = {"text": "{soft:2}Review: {text}\n{soft:2}Answer:{answer}"}
    return make_task(content)


@pytest.fixture(scope="module")
def data(tmp_path_factory, tiny_folder):
    folder = tmp_path_factory.mktemp("data")
    tiny.write_task(folder, tiny_folder)
    return folder


@pytest.fixture(scope="module")
def biased(tmp_path_factory):
    """A backbone that has biases."""
    folder = tmp_path_factory.mktemp("biased")
    tiny.save_tokenizer(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=400, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, initializer_range=0.3, bos_token_id=None, eos_token_id=0,
    )  # fmt: skip
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return load(folder, tmp_path_factory.mktemp("cache"), name=str(folder), precision="float32")


@pytest.fixture(params=METHODS)
def name(request):
    return request.param


def test_a_kill_and_a_resume_end_the_same(name, data, tmp_path, pretrained, tiny_folder):
    task = settings(name, tiny_folder, checkpoint_seconds=0)
    whole = kill_and_resume(task, tmp_path, step=4, base=data, pretrained=pretrained)
    assert whole.report.method.name == TITLES.get(name, name)
    assert whole.report.method.trained_parameters > 0
    assert [run.seed for run in whole.report.runs] == [0, 1]


def test_learning_judging_and_using(name, data, tmp_path, pretrained, tiny_folder):
    """A tuned run beats chance on words that give the label away, and answers the same from its folder."""
    rate = {"head": 0.03}.get(name)  # the default is meant for the hidden states of real models
    task = settings(name, tiny_folder, runs=1, steps=20, batch_size=16, evaluate_every=20, rate=rate)
    if name == "warp":  # what is fitted has learnt before the first step
        task = task.model_copy(update={"method": task.method.model_copy(update={"vectors": "labels"})})
    tuned = tune.run(task, tmp_path / "run", base=data, beside=True, pretrained=pretrained)
    assert_learned(tmp_path / "run")
    assert [baseline.name for baseline in tuned.report.scored.baselines] == ["majority", "naive Bayes", "zero-shot"]
    assert "None" not in (tmp_path / "run" / "card.md").read_text()
    assert_answers_alone_as_together(tmp_path / "run", pretrained)


def test_two_seeds_are_two_jobs(name, data, tmp_path, pretrained, tiny_folder):
    both = tune.run(settings(name, tiny_folder), tmp_path / "both", base=data, beside=False, pretrained=pretrained)
    alone = tune.run(
        settings(name, tiny_folder, runs=1, seed=1), tmp_path / "alone", base=data, beside=False, pretrained=pretrained
    )
    assert_near(both.run.facts["dev_loss"][1], alone.run.facts["dev_loss"][0])


def test_gradient_checkpointing(name, data, tmp_path, pretrained, tiny_folder):
    found = []
    for checkpointing in (False, True):
        task = settings(name, tiny_folder, runs=1, steps=3, gradient_checkpointing=checkpointing)
        folder = tmp_path / str(checkpointing)
        tuned = tune.run(task, folder, base=data, beside=False, pretrained=pretrained)
        found.append(tuned.run.facts["dev_loss"])
    assert_near(found[0], found[1])


def test_zero_shot_trains_nothing(trimtab, data, tmp_path):
    done = trimtab("tune", data / "task.yaml", "--out", "run", "--set", "method=zero_shot")
    assert (done.code, "nothing to train" in done.err) == (0, True)
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert (report["method"]["name"], report["method"]["trained_parameters"]) == ("zero-shot", 0)
    assert [baseline["name"] for baseline in report["scored"]["baselines"]] == ["majority", "naive Bayes"]
    answer = trimtab("predict", "run", "-t", "a great film")
    assert answer.err == ""
    assert json.loads(answer.out)["label"] in ("negative", "positive")


def test_a_prompt_starts_from_another_runs(data, tmp_path, pretrained, tiny_folder):
    first = tune.run(
        settings("soft_prompt", tiny_folder, runs=1), tmp_path / "first", base=data, beside=False, pretrained=pretrained
    )
    again = {"name": "soft_prompt", "length": 4, "init": "run", "init_run": "first"}
    content = {**tiny.task(tiny_folder, train={"steps": 1, "rate": 1e-9}), "method": again}
    content["data"] = {part: str(data / place) for part, place in content["data"].items()}
    second = tune.run(make_task(content), tmp_path / "second", base=tmp_path, beside=False, pretrained=pretrained)
    assert (second.run.tensors[0]["prompt"] - first.run.tensors[0]["prompt"]).abs().max() < 1e-6
    assert read_task(tmp_path / "second" / "task.yaml").method.init_run == str(tmp_path / "first")

    def refusal(**changes) -> str:
        task = make_task({**content, "method": {**again, **changes}})
        with pytest.raises(TrimtabError) as caught:
            tune.run(task, tmp_path / "third", base=tmp_path, pretrained=pretrained)
        assert not (tmp_path / "third").exists()
        return str(caught.value)

    assert refusal(length=5) == (
        f"{tmp_path / 'first'}: its prompt has 4 tokens, method.length is 5. Set method.length to 4."
    )
    assert refusal(init_run=None) == "method.init is 'run' but method.init_run is not set. Give the run folder."
    tune.run(settings("head", tiny_folder), tmp_path / "head", base=data, beside=False, pretrained=pretrained)
    assert refusal(init_run="head") == (
        f"{tmp_path / 'head'}: a run of method 'head' holds no soft prompt. Give a run of soft_prompt."
    )


def test_soft_slots_need_a_method_that_fills_them(data, tmp_path, pretrained, tiny_folder):
    task = make_task({**tiny.task(tiny_folder), "method": "lora", "template": {"text": "{soft:2}{text}{answer}"}})
    with pytest.raises(TrimtabError) as caught:
        tune.run(task, tmp_path / "run", base=data, pretrained=pretrained)
    assert str(caught.value) == (
        "the template has {soft} slots, which method 'lora' does not fill. "
        "Take them out of template.text, or set method to soft_prompt or p_tuning."
    )


def test_large_runs_say_what_they_hold(data, tmp_path, pretrained, tiny_folder):
    tune.run(settings("full", tiny_folder, runs=1), tmp_path / "run", base=data, beside=False, pretrained=pretrained)
    names = load_run(tmp_path / "run").tensors[0]
    assert sum(x.numel() for x in names.values()) == pretrained.backbone.parameters


@pytest.mark.parametrize("name", [*METHODS, "head from zero", "bitfit"])
def test_every_method_learns(name, data, tmp_path, pretrained, tiny_folder, biased):
    """From its own start, at its own rate, the loss falls; with every optimiser: tests/tuning."""
    content = tiny.task(tiny_folder, train={"steps": 60, "evaluate_every": 60})
    own = {"head from zero": {"name": "head", "solver": "steps", "init": "zero"}, "bitfit": {}, **METHODS}[name]
    content["method"] = {"name": name, **{key: value for key, value in own.items() if key != "dropout"}}
    if name == "inside":
        content["template"] = {"text": "{soft:2}Review: {text}\n{soft:2}Answer:{answer}"}
    backbone = biased if name == "bitfit" else pretrained
    tune.run(make_task(content), tmp_path / "run", base=data, report=False, pretrained=backbone)
    lines = map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
    losses = [line["loss"][0] for line in lines if line["step"]]  # what is fitted first takes time, and no step
    assert sum(losses[-15:]) < 0.95 * sum(losses[:15])
