"""Choices: the loss over each row's own options, and its gradients, against plain models row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM

from answer_rows import choice_examples, choices, given_by_hand, option_score, settings
from closeness import assert_near
from objectives import objective_on
from trimtab.decoding import scoring
from trimtab.kinds.bind import bind
from trimtab.settings.file import make_task
from trimtab.training.option_criterion import OptionCriterion


@pytest.fixture(scope="module")
def oracle(tiny_folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32, attn_implementation="eager").eval()


def scores_by_hand(oracle: Any, tokenizer: Any, prompt: torch.Tensor, row: dict[str, Any]) -> torch.Tensor:
    """Mean log-likelihood of each option's tokens [C], each behind the row alone."""
    given = given_by_hand(oracle, tokenizer, prompt, row["text"], " ?")
    texts = [" " + option if option.isascii() else option for option in row["options"]]
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    return torch.stack([option_score(oracle, given, own, True) for own in ids])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_cross_entropy_over_the_plain_models_scores(
    smoothing: float, pretrained: Any, tiny_folder: Path, oracle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = bind(settings("choice", tiny_folder, train={"label_smoothing": smoothing}), {}, pretrained)
    rows: list[dict[str, Any]] = choices(8, 4)
    objective = objective_on(bound, choice_examples(rows))
    tensors = bound.method.initial(0)
    prompt = tensors["prompt"].clone().requires_grad_()
    losses = []
    for row in rows:
        scores = scores_by_hand(oracle, pretrained.tokenizer, prompt, row)
        losses.append(F.cross_entropy(scores, torch.tensor(row["label"]), label_smoothing=smoothing))
    expected = torch.stack(losses).mean()
    expected.backward()
    for piece in (1 << 25, 5 * 400):  # all at once; five hidden states at a time
        monkeypatch.setattr(scoring, "PIECE", piece)
        own = {"prompt": tensors["prompt"].clone().requires_grad_()}
        [loss] = objective.loss([0], [own], [range(8)], 0)
        loss.backward()
        assert_near(loss.item(), expected.item())
        assert_near(own["prompt"].grad, prompt.grad)


def test_gradients_of_changed_weights_are_those_of_the_plain_model(pretrained: Any, tiny_folder: Path) -> None:
    """Scores are made again in the backward pass: by then the backbone has its own weights back."""
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32, attn_implementation="eager").eval()
    content = settings("choice", tiny_folder).model_copy(update={"method": make_task({"method": "full"}).method})
    bound = bind(content, {}, pretrained)
    generator = torch.Generator().manual_seed(0)
    own = {name: x + 0.1 * torch.randn(x.shape, generator=generator) for name, x in bound.method.initial(0).items()}
    [row] = choices(1, 4)
    examples = choice_examples([row])
    [encoded] = bound.encode(examples)
    assert encoded.options is not None
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(own[name])
    given = model.get_input_embeddings()(torch.tensor(encoded.ids))
    scores = torch.stack([option_score(model, given, list(word.ids), True) for word in encoded.options.words])
    F.cross_entropy(scores, torch.tensor(int(str(row["label"])))).backward()
    trained = {name: x.clone().requires_grad_() for name, x in own.items()}
    objective_on(bound, examples).loss([0], [trained], [[0]], 0).sum().backward()
    for name, weight in model.named_parameters():
        assert_near(trained[name].grad, weight.grad, what=name)


def test_dev_scores_are_accuracy_and_loss_by_hand(pretrained: Any, tiny_folder: Path, oracle: Any) -> None:
    """Of two prompts in one batch; smoothing is for training alone."""
    bound = bind(settings("choice", tiny_folder, train={"label_smoothing": 0.2}), {}, pretrained)
    rows: list[dict[str, Any]] = choices(8, 4)
    prompts = [bound.method.initial(seed) for seed in (0, 1)]
    found = objective_on(bound, choice_examples(rows)).evaluate([0, 1], prompts)
    for score, own in zip(found, prompts, strict=True):
        with torch.no_grad():
            scores = [scores_by_hand(oracle, pretrained.tokenizer, own["prompt"], row) for row in rows]
        losses = [float(F.cross_entropy(s, torch.tensor(row["label"]))) for s, row in zip(scores, rows, strict=True)]
        right = [int(s.argmax()) == row["label"] for s, row in zip(scores, rows, strict=True)]
        assert_near(score.loss, sum(losses) / 8)
        assert score.accuracy == sum(right) / 8


def test_rows_are_run_with_their_own_tree(pretrained: Any, tiny_folder: Path) -> None:
    bound = bind(settings("choice", tiny_folder), {}, pretrained)
    examples = choice_examples(choices(4, 4))
    objective = objective_on(bound, examples)
    assert isinstance(objective.criterion, OptionCriterion)
    dev, train = objective.criterion.as_run(pretrained.backbone)
    assert dev == train
    for row, encoded in zip(train, bound.encode(examples), strict=True):
        assert encoded.options is not None
        assert tuple(row.ids) == (*encoded.ids, *encoded.options.node_ids)
        assert tuple(row.parents) == tuple(encoded.options.parents)
