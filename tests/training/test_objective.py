"""The loss of prompts on real rows: against F.cross_entropy by hand on the untouched model, and against PEFT."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM

import tiny
from trimtab.backbones.layout import Row
from trimtab.inference.bound import bind
from trimtab.settings.file import make_task
from trimtab.training.labelled import Labelled
from trimtab.training.loop import Plan, Training
from trimtab.training.objective import Objective

WORDS = {
    "one token": {"negative": ["negative"], "positive": ["positive"]},
    "several words": {"negative": ["negative", "awful"], "positive": ["positive", "great"]},
    "several tokens": {"negative": ["not a good film", "bad"], "positive": ["a good film"]},
}

BRANCHES = {"negative": ["not a good film"], "positive": ["a good film"], "neither": ["a great film"]}


@pytest.fixture(scope="module")
def oracle(tiny_folder):
    return AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32, attn_implementation="eager").eval()


def make_objective(
    pretrained, words="one token", *, n=24, smoothing=0.0, dropout=0.0, seeds=(0, 1, 2), task="is it good ?", **more
):
    text = "{task}\nText: {text}\nAnswer:{answer}" if task else "{text}\nAnswer:{answer}"
    made = make_task({"task": task, "template": {"text": text}, "method": {"length": 4, "dropout": dropout}, **more})
    bound = bind(made, WORDS.get(words) or BRANCHES, pretrained)
    encoded = [
        Labelled(bound.encoder.encode({"text": row["text"]}).ids, bound.labels.index(row["label"]))
        for row in tiny.rows(n)
    ]

    def condition(parameters, step, run):
        noise = None if step is None else torch.Generator().manual_seed(seeds[run] * 1_000_003 + step)
        return bound.method.condition(parameters, noise)

    return Objective(pretrained.backbone, bound.verbalizer, encoded, encoded[:8], condition, bound.prompt, smoothing)


def prompts(n: int) -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(2)
    return [{"prompt": torch.randn(4, 32, generator=generator).requires_grad_()} for _ in range(n)]


def prefix(objective, parameters) -> torch.Tensor:
    return objective.prompt(objective.condition(parameters, None, 0)).embeddings


def token_logits(oracle, objective, prompt, ids, word) -> torch.Tensor:
    """Scores [len(word), V] of the tokens of a word behind a row, the row alone through the untouched model."""
    whole = torch.cat([prefix(objective, prompt), oracle.get_input_embeddings()(torch.tensor([*ids, *word.ids]))])
    return oracle(inputs_embeds=whole[None], use_cache=False).logits[0][len(whole) - len(word.ids) - 1 : -1]


def by_hand(oracle, objective, prompt, rows, smoothing, large_tree) -> torch.Tensor:
    """Mean loss of the rows: over the labels' likelihoods, or over the vocabulary where the tree of words is large."""
    verbalizer, losses = objective.verbalizer, []
    for i in rows:
        example = objective.train[i]
        if large_tree:
            word = verbalizer.trained_word(example.label)
            logits, targets = token_logits(oracle, objective, prompt, example.ids, word), torch.tensor(word.ids)
            losses.append(F.cross_entropy(logits, targets, reduction="sum", label_smoothing=smoothing))
            continue
        words = [
            sum(
                torch.log_softmax(scores, -1)[token]
                for scores, token in zip(
                    token_logits(oracle, objective, prompt, example.ids, word), word.ids, strict=True
                )
            )
            for word in verbalizer.words
        ]
        labels = [
            torch.logsumexp(torch.stack([s for s, w in zip(words, verbalizer.words, strict=True) if w.label == k]), 0)
            for k in range(len(verbalizer.labels))
        ]
        losses.append(F.cross_entropy(torch.stack(labels), torch.tensor(example.label), label_smoothing=smoothing))
    return torch.stack(losses).mean()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize(("words", "large_tree"), [*((words, False) for words in WORDS), ("several tokens", True)])
def test_loss_and_gradient_of_several_runs(pretrained, oracle, words, smoothing, large_tree, monkeypatch):
    if large_tree:
        monkeypatch.setattr("trimtab.training.objective.TREE_NODES", 0)
    objective = make_objective(pretrained, words, smoothing=smoothing)
    ours, theirs = prompts(3), prompts(3)
    rows = [[0, 5, 9], [1, 2, 3], [9, 8, 0]]
    losses = objective.loss([0, 1, 2], ours, rows, 0)
    losses.sum().backward()
    for loss, mine, other, members in zip(losses, ours, theirs, rows, strict=True):
        expected = by_hand(oracle, objective, other, members, smoothing, large_tree)
        torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-5)
        expected.backward()
        gradient, reference = mine["prompt"].grad, other["prompt"].grad
        assert (gradient - reference).norm() <= 1e-4 * reference.norm()


def test_label_smoothing_over_two_labels(pretrained):
    """Smoothing e takes e/2 off the right label of two and gives it to the other (Szegedy et al. 2016)."""
    plain, smooth = (make_objective(pretrained, smoothing=s).loss([0], prompts(1), [[3]], 0) for s in (0.0, 0.2))
    right = torch.exp(-plain)
    torch.testing.assert_close(smooth, -0.9 * right.log() - 0.1 * (1 - right).log(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_branches_of_a_large_tree_are_the_cross_entropy_over_labels(pretrained, smoothing, monkeypatch):
    """Each token among those that words go on with there: the product over a word's tokens is the label's share."""
    objective = make_objective(pretrained, "branches", labels={"among": "branches"}, smoothing=smoothing)
    assert objective.verbalizer.branches
    rows = [list(range(8)), [0, 5, 9]]
    whole, parts = prompts(2), prompts(2)
    expected = objective.loss([0, 1], whole, rows, 0)  # over the labels' scores, all nodes run
    monkeypatch.setattr("trimtab.training.objective.TREE_NODES", 0)
    found = objective.loss([0, 1], parts, rows, 0)  # along the right word only
    if smoothing:  # spread over the branches at each token, not over the labels
        assert not torch.allclose(found, expected, atol=1e-4)
        return
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    found.sum().backward()
    expected.sum().backward()
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one["prompt"].grad, other["prompt"].grad, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("words", WORDS)
def test_dev_scores(pretrained, words):
    objective = make_objective(pretrained, words)
    together = objective.evaluate([0, 2], [{"prompt": p["prompt"].detach()} for p in prompts(2)])
    for score, prompt in zip(together, prompts(2), strict=True):
        [alone] = objective.evaluate([1], [{"prompt": prompt["prompt"].detach()}])
        assert alone.accuracy == score.accuracy
        assert alone.loss == pytest.approx(score.loss, abs=1e-5)
        expected = objective.loss([0], [prompt], [list(range(8))], 0)  # on the same rows
        assert score.loss == pytest.approx(expected.item(), abs=1e-5)


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
        torch.testing.assert_close(
            together.parameters[k]["prompt"], alone.parameters[0]["prompt"], atol=1e-5, rtol=1e-5
        )
        assert [r.losses[k] for r in together.records] == pytest.approx([r.losses[0] for r in alone.records], abs=1e-5)


@pytest.mark.parametrize("words", ["one token", "several tokens"])
def test_accumulation_changes_nothing(pretrained, words):
    whole = train(pretrained, (3, 7), prompts(2), words=words)
    parts = train(pretrained, (3, 7), prompts(2), words=words, accumulate=4)  # 6 rows: parts of 2, 2, 1 and 1
    for a, b in zip(whole.parameters, parts.parameters, strict=True):
        torch.testing.assert_close(a["prompt"], b["prompt"], atol=1e-5, rtol=1e-5)


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
    batch = [objective.train[i] for i in plan.batch(0, 0)]

    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32, attn_implementation="eager")
    peft = get_peft_model(model, PromptTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=len(start)))
    prompt = peft.prompt_encoder["default"].embedding.weight
    with torch.no_grad():
        prompt.copy_(start * rms)
    only = torch.tensor([word.ids[0] for word in objective.verbalizer.words])
    # AdamW's epsilon is measured in the gradient's units, and so is ours, in units of the embedding RMS.
    optimiser = torch.optim.AdamW([prompt], lr=rate * rms, weight_decay=0.0, eps=1e-8 / rms)
    logits = torch.stack([peft(input_ids=torch.tensor([e.ids])).logits[0, -1] for e in batch])
    with torch.no_grad():
        hidden = pretrained.backbone.forward([Row(e.ids) for e in batch], [prefix(objective, {"prompt": start})])
        ours = pretrained.backbone.logits(hidden)
    torch.testing.assert_close(ours, logits.detach(), atol=1e-5, rtol=1e-5)
    loss = F.cross_entropy(logits[:, only], torch.tensor([e.label for e in batch]))
    loss.backward()
    optimiser.step()

    [record] = training.steps()
    assert record.losses[0] == pytest.approx(loss.item(), abs=1e-5)
    reached = training.parameters[0]["prompt"].detach() * rms
    moved = (reached - start * rms).norm()
    assert moved > 0
    assert (reached - prompt.detach()).norm() <= 1e-4 * prompt.detach().norm()
    assert (reached - prompt.detach()).norm() <= 1e-2 * moved
