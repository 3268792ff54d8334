"""Labels by their words: the loss against F.cross_entropy by hand on the untouched model, and what dev is judged by."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM

from closeness import assert_near
from objectives import WORDS, before_rows, make_objective, prompts


@pytest.fixture(scope="module")
def oracle(tiny_folder):
    return AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32, attn_implementation="eager").eval()


def token_logits(oracle, objective, prompt, ids, word) -> torch.Tensor:
    """Scores [len(word), V] of the tokens of a word behind a row, the row alone through the untouched model."""
    whole = torch.cat([before_rows(objective, prompt), oracle.get_input_embeddings()(torch.tensor([*ids, *word.ids]))])
    return oracle(inputs_embeds=whole[None], use_cache=False).logits[0][len(whole) - len(word.ids) - 1 : -1]


def by_hand(oracle, objective, prompt, rows, smoothing, large_tree) -> torch.Tensor:
    """Mean loss of the rows: over the labels' likelihoods, or over the vocabulary where the tree of words is large."""
    verbalizer, losses = objective.criterion.verbalizer, []
    for i in rows:
        example = objective.criterion.train[i]
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
        monkeypatch.setattr("trimtab.prompts.verbalizer.TREE_NODES", 0)
    objective = make_objective(pretrained, words, smoothing=smoothing)
    ours, theirs = prompts(3), prompts(3)
    rows = [[0, 5, 9], [1, 2, 3], [9, 8, 0]]
    losses = objective.loss([0, 1, 2], ours, rows, 0)
    losses.sum().backward()
    for loss, mine, other, members in zip(losses, ours, theirs, rows, strict=True):
        expected = by_hand(oracle, objective, other, members, smoothing, large_tree)
        assert_near(loss, expected)
        expected.backward()
        gradient, reference = mine["prompt"].grad, other["prompt"].grad
        assert_near(gradient, reference)


def test_rows_are_weighed_by_their_labels(pretrained):
    objective = make_objective(pretrained, "one token")
    rows, own = [[0, 5, 9]], prompts(1)
    labels = [objective.criterion.train[i].label for i in rows[0]]
    weighed = replace(objective, criterion=replace(objective.criterion, weights=(0.5, 3.0)))
    each = [objective.loss([0], own, [[i]], 0) for i in rows[0]]
    expected = torch.stack([(0.5, 3.0)[label] * loss for label, loss in zip(labels, each, strict=True)]).mean()
    assert_near(weighed.loss([0], own, rows, 0), expected[None])


def test_label_smoothing_over_two_labels(pretrained):
    """Smoothing e takes e/2 off the right label of two and gives it to the other (Szegedy et al. 2016)."""
    plain, smooth = (make_objective(pretrained, smoothing=s).loss([0], prompts(1), [[3]], 0) for s in (0.0, 0.2))
    right = torch.exp(-plain)
    assert_near(smooth, -0.9 * right.log() - 0.1 * (1 - right).log())


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_branches_of_a_large_tree_are_the_cross_entropy_over_labels(pretrained, smoothing, monkeypatch):
    """Each token among those that words go on with there: the product over a word's tokens is the label's share."""
    objective = make_objective(pretrained, "branches", labels={"among": "branches"}, smoothing=smoothing)
    assert objective.criterion.verbalizer.branches
    rows = [list(range(8)), [0, 5, 9]]
    whole, parts = prompts(2), prompts(2)
    expected = objective.loss([0, 1], whole, rows, 0)  # over the labels' scores, all nodes run
    monkeypatch.setattr("trimtab.prompts.verbalizer.TREE_NODES", 0)
    found = objective.loss([0, 1], parts, rows, 0)  # along the right word only
    if smoothing:  # spread over the branches at each token, not over the labels
        assert not torch.allclose(found, expected, atol=1e-4)
        return
    assert_near(found, expected)
    found.sum().backward()
    expected.sum().backward()
    for one, other in zip(whole, parts, strict=True):
        assert_near(one["prompt"].grad, other["prompt"].grad)


@pytest.mark.parametrize("words", WORDS)
def test_dev_scores(pretrained, words):
    objective = make_objective(pretrained, words)
    together = objective.evaluate([0, 2], [{"prompt": p["prompt"].detach()} for p in prompts(2)])
    for score, prompt in zip(together, prompts(2), strict=True):
        [alone] = objective.evaluate([1], [{"prompt": prompt["prompt"].detach()}])
        assert alone.accuracy == score.accuracy
        assert_near(alone.loss, score.loss)
        expected = objective.loss([0], [prompt], [list(range(8))], 0)  # on the same rows
        assert_near(score.loss, expected.item())
