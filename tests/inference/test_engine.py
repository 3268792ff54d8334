"""Many runs in one engine answer as each alone; what the engine refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from closeness import assert_near
from trimtab.errors import TrimtabError
from trimtab.inference.engine import Engine
from trimtab.inference.request import Request
from trimtab.kinds.bind import bind
from trimtab.runs.run import Run, backbone_facts, zero_shot
from trimtab.settings.file import make_task

TEXTS = ("a great film", "awful from start to end , and boring too", "这家店好吃，很快。", "")
METHODS = ("warp", "prefix", "late_prompt", "p_tuning", "lora", "ia3", "full", "head")
WORDS = {"negative": ["negative"], "positive": ["positive"]}


def make_run(pretrained, *, seed=0, length=4, prompts=1, words=WORDS, name="a run", **settings) -> Run:
    task = make_task({"method": {"length": length}, "train": {"ensemble": prompts > 1}, **settings})
    generator = torch.Generator().manual_seed(seed)
    size = pretrained.backbone.hidden_size
    made = tuple({"prompt": torch.randn(length, size, generator=generator)} for _ in range(prompts))
    return Run(name, task, words, made, 0, backbone_facts(pretrained), {})


def started(pretrained, method: str) -> Run:
    """A run of a method, its tensors moved a little from where they start."""
    task = make_task({"method": method, "task": "is the film good ?"})
    generator = torch.Generator().manual_seed(8)
    tensors = {
        name: x + 0.05 * torch.randn(x.shape, generator=generator)
        for name, x in bind(task, WORDS, pretrained).method.initial(0).items()
    }
    return Run(method, task, WORDS, (tensors,), 0, backbone_facts(pretrained), {})


@pytest.fixture
def runs(pretrained) -> dict[str, Run]:
    pair = {"text": "{premise} / {hypothesis}\nSame:{answer}"}
    return {
        "reviews": make_run(pretrained, seed=1),
        "longer": make_run(
            pretrained, seed=2, length=9, task="is the film good ?", template={"text": "{task}\n{text}{answer}"}
        ),
        "chinese": make_run(pretrained, seed=3, words={"好评": ["好评", "满意"], "差评": ["差评"], "无": ["没有"]}),
        "pairs": make_run(pretrained, seed=4, words={"yes": ["so"], "no": ["not so"]}, template=pair),
        "several": make_run(pretrained, seed=5, prompts=3),
        "zero-shot": zero_shot(make_task({}), WORDS, pretrained),
        "inside": make_run(
            pretrained, seed=6, length=5, template={"text": "Say {soft:2}{text}{soft:3}\nAnswer:{answer}"}
        ),
        **{
            name: started(pretrained, name)
            for name in ("warp", "prefix", "late_prompt", "p_tuning", "lora", "ia3", "full", "head")
        },
    }


def requests(name: str) -> list[Request]:
    if name == "pairs":
        return [Request(name, {"premise": text, "hypothesis": "a film"}) for text in TEXTS]
    return [Request(name, {"text": text}) for text in TEXTS]


def close(one, other) -> None:
    for a, b in zip(one, other, strict=True):
        assert list(a.probabilities) == list(b.probabilities)
        assert_near(list(a.probabilities.values()), list(b.probabilities.values()))
        assert (a.label, a.cut_tokens) == (b.label, b.cut_tokens)
        assert a.label == max(a.probabilities, key=lambda label: a.probabilities[label])
        assert a.probability == max(a.probabilities.values())
        assert abs(sum(a.probabilities.values()) - 1) < 1e-6


def alone(pretrained, run: Run, asked: list[Request]):
    engine = Engine(pretrained)
    engine.add(asked[0].run, run)
    return engine.answer(asked)


def test_runs_mixed_in_one_batch_answer_as_each_alone(pretrained, runs):
    engine = Engine(pretrained)
    for name, run in runs.items():
        engine.add(name, run)
    assert list(engine.runs) == list(runs)
    mixed = [request for row in zip(*(requests(name) for name in runs), strict=True) for request in row]
    answers = engine.answer(mixed)
    for i, (name, run) in enumerate(runs.items()):
        close(answers[i :: len(runs)], alone(pretrained, run, requests(name)))


def test_a_run_may_be_added_between_answers(pretrained, runs):
    engine = Engine(pretrained)
    engine.add("reviews", runs["reviews"])
    before = engine.answer(requests("reviews"))
    engine.add("longer", runs["longer"])
    close(engine.answer(requests("reviews")), before)


def test_no_requests_no_answers(pretrained, runs):
    assert Engine(pretrained).answer([]) == []


def test_an_ensemble_is_the_mean_of_probabilities(pretrained, runs):
    several = runs["several"]
    each = [
        alone(pretrained, replace(several, tensors=(tensors,), task=runs["reviews"].task), requests("several"))
        for tensors in several.tensors
    ]
    expected = np.mean([[list(p.probabilities.values()) for p in answers] for answers in each], axis=0)
    found = [list(p.probabilities.values()) for p in alone(pretrained, several, requests("several"))]
    assert_near(found, expected, within=1e-5)


def test_without_ensemble_the_kept_prompt_answers(pretrained, runs):
    several = replace(runs["several"], kept=2, task=runs["reviews"].task)
    only = replace(several, tensors=several.tensors[2:], kept=0)
    close(alone(pretrained, several, requests("x")), alone(pretrained, only, requests("x")))


def test_zero_shot_is_the_backbone_with_the_template_alone(pretrained, runs, tiny_folder):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32).eval()
    tokenizer = pretrained.tokenizer
    wanted = [tokenizer(f" {label}")["input_ids"][0] for label in WORDS]
    for text, answer in zip(TEXTS, alone(pretrained, runs["zero-shot"], requests("z")), strict=True):
        ids = [i for part in ("Text:", f" {text}", "\nAnswer:") for i in tokenizer(part)["input_ids"]]
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -1]
        assert_near(list(answer.probabilities.values()), torch.softmax(logits[wanted], 0).numpy())


def test_probabilities_in_rows_and_how_many_were_cut(pretrained):
    engine = Engine(pretrained)
    engine.add("r", make_run(pretrained))
    found, cut = engine.probabilities("r", [({"text": text}, "x:1") for text in (*TEXTS, "great " * 1000)])
    assert found.shape == (5, 2)
    assert cut == 1


def refusal(call) -> str:
    with pytest.raises(TrimtabError) as caught:
        call()
    return str(caught.value)


def test_another_backbone_is_refused(pretrained):
    run = make_run(pretrained, name="runs/reviews")
    other = replace(
        run, backbone={**run.backbone, "name": "other", "origin": "hub:org/other", "content_hash": "ab" * 32}
    )
    assert refusal(lambda: Engine(pretrained).add("r", other)) == (
        "runs/reviews: made for backbone 'other' (hub:org/other, content hash abababababab), not for "
        f"'{pretrained.name}' (local, {pretrained.content_hash[:12]}). "
        "Use the backbone it was made for, or tune a new run."
    )


def test_refusals(pretrained, runs):
    engine = Engine(pretrained)
    engine.add("reviews", runs["reviews"])
    engine.add("pairs", runs["pairs"])
    assert refusal(lambda: engine.add("reviews", runs["longer"])) == (
        "a run named 'reviews' is already loaded. Choose another name, or replace it."
    )
    assert refusal(lambda: engine.answer([Request("review", {"text": "a"})])) == (
        "no run named 'review' is loaded. Did you mean 'reviews'?"
    )
    assert refusal(lambda: engine.answer([Request("xyz", {"text": "a"})])) == (
        "no run named 'xyz' is loaded. Loaded: reviews, pairs."
    )
    assert refusal(lambda: engine.answer([Request("reviews", {"texts": "a"}, "rows.jsonl:3")])) == (
        "rows.jsonl:3: no field 'text'. Did you mean 'texts'?"
    )
    assert refusal(lambda: engine.answer([Request("pairs", {"premise": "a", "b": "c"})])) == (
        "input: no field 'hypothesis'. Fields found: premise, b."
    )
    assert refusal(lambda: engine.answer([Request("reviews", {})])) == "input: no field 'text'. Fields found: none."
