"""Objectives in the loop: several runs in one pass, runs that take turns, batches in parts, and PEFT's own step."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM

from closeness import assert_near
from objectives import before_rows, make_objective, prompts
from trimtab.backbones.layout import Row
from trimtab.training.loop import Plan, Training


def train(pretrained, seeds, starts, *, dropout=0.0, words="one token", **changes) -> Training:
    objective = make_objective(pretrained, words, dropout=dropout, seeds=seeds)
    plan = Plan(
        **{"rows": 24, "steps": 5, "batch_size": 6, "evaluate_every": 5, "rate": 0.05, "seeds": seeds, **changes}
    )
    training = Training(plan, starts, objective.loss, objective.evaluate)
    training.records = list(training.steps())
    return training


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_several_seeds_in_one_pass_are_several_trainings(pretrained, dropout):
    together = train(pretrained, (3, 7, 5), prompts(3), dropout=dropout)
    for k, seed in enumerate((3, 7, 5)):
        alone = train(pretrained, (seed,), [prompts(3)[k]], dropout=dropout)
        assert_near(together.parameters[k]["prompt"], alone.parameters[0]["prompt"])
        assert_near([r.losses[k] for r in together.records], [r.losses[0] for r in alone.records])


@pytest.mark.parametrize("words", ["one token", "several tokens"])
def test_accumulation_changes_nothing(pretrained, words):
    whole = train(pretrained, (3, 7), prompts(2), words=words)
    parts = train(pretrained, (3, 7), prompts(2), words=words, accumulate=4)  # 6 rows: parts of 2, 2, 1 and 1
    for a, b in zip(whole.parameters, parts.parameters, strict=True):
        assert_near(a["prompt"], b["prompt"])


def test_peft_gives_the_same_logits_and_the_same_step(pretrained, tiny_folder):
    from peft import PromptTuningConfig, TaskType, get_peft_model

    objective = make_objective(pretrained, task="")
    start, rate, rms = prompts(1)[0]["prompt"].detach(), 0.04, pretrained.backbone.embedding_rms
    plan = Plan(
        rows=24,
        steps=1,
        batch_size=6,
        evaluate_every=1,
        rate=rate,
        seeds=(3,),
        schedule="constant",
        warmup=0,
        clip=None,
    )
    training = Training(plan, [{"prompt": start}], objective.loss, objective.evaluate)
    batch = [objective.criterion.train[i] for i in plan.batch(0, 0)]

    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32, attn_implementation="eager")
    peft = get_peft_model(model, PromptTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=len(start)))
    prompt = peft.prompt_encoder["default"].embedding.weight
    with torch.no_grad():
        prompt.copy_(start * rms)
    only = torch.tensor([word.ids[0] for word in objective.criterion.verbalizer.words])
    # AdamW's epsilon is measured in the gradient's units, and so is ours, in units of the embedding RMS.
    optimiser = torch.optim.AdamW([prompt], lr=rate * rms, weight_decay=0.0, eps=1e-8 / rms)
    logits = torch.stack([peft(input_ids=torch.tensor([e.ids])).logits[0, -1] for e in batch])
    with torch.no_grad():
        hidden = pretrained.backbone.forward([Row(e.ids) for e in batch], [before_rows(objective, {"prompt": start})])
        ours = pretrained.backbone.logits(hidden)
    assert_near(ours, logits.detach())
    loss = F.cross_entropy(logits[:, only], torch.tensor([e.label for e in batch]))
    loss.backward()
    optimiser.step()

    [record] = training.steps()
    assert_near(record.losses[0], loss.item())
    reached = training.parameters[0]["prompt"].detach() * rms
    moved = (reached - start * rms).norm()
    assert moved > 0
    assert_near(reached, prompt.detach())
    assert (reached - prompt.detach()).norm() <= 1e-2 * moved
