"""What heads say: losses, gradients and dev scores of labels, numbers and tags, by hand on the untouched model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from seqeval.metrics import f1_score
from torch.nn import functional as F

from answer_rows import number_examples, number_state, numbers, settings
from closeness import assert_near
from models import tiny_model
from objectives import objective_on
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.prefix import Prompt
from trimtab.kinds.bind import bind
from trimtab.methods.method import Condition
from trimtab.training.criterion import Conditioned
from trimtab.training.head_criterion import HeadCriterion, LabelOutputs, NumberOutputs, TagOutputs
from trimtab.training.kept_rows import KeptStates
from trimtab.training.targets import LabelTarget, NumberTarget, TagTarget

ROWS = [(5, 6, 7, 8), (9,), (3, 14, 15, 92, 65), (4, 2), (40, 41, 42)]
NAMES = ("O", "B-x", "I-x", "B-y")
LABELS = [LabelTarget(ids, i % 3, answer=len(ids) // 2) for i, ids in enumerate(ROWS)]
NUMBERS = [NumberTarget(ids, 0.7 * i - 2.0) for i, ids in enumerate(ROWS)]
# The third and fourth are windows on one record.
TAGS = [
    TagTarget(ROWS[0], (1, 2, 3), ("B-x", "I-x", "O")),
    TagTarget(ROWS[1], (0,), ("B-y",)),
    TagTarget(ROWS[2], (0, 4), ("O", "B-x")),
    TagTarget(ROWS[3], (1,), ("I-x",), goes_on=True),
    TagTarget(ROWS[4], (0, 2), ("B-y", "B-y")),
]
CASES: dict[str, tuple[Any, list[Any], int]] = {
    "labels": (LabelOutputs(), LABELS, 3),
    "smoothed labels": (LabelOutputs(0.2), LABELS, 3),
    "numbers": (NumberOutputs(), NUMBERS, 1),
    "numbers by Huber": (NumberOutputs(huber=True), NUMBERS, 1),
    "tags": (TagOutputs(NAMES, plain=False), TAGS, 4),
    "smoothed tags": (TagOutputs(NAMES, plain=False, smoothing=0.1), TAGS, 4),
    "plain tags": (TagOutputs(NAMES, plain=True), TAGS, 4),
}
BATCH = [[0, 3, 1], [4, 2]]


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny_model("gpt2")


@pytest.fixture(scope="module")
def backbone() -> CausalBackbone:
    return CausalBackbone(tiny_model("gpt2"))


def head(classes: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    weight, bias = torch.randn(classes, 32, generator=generator), torch.randn(classes, generator=generator)
    return weight.requires_grad_(), bias.requires_grad_()


def conditioned(backbone: CausalBackbone, classes: int, *, alike: bool = False) -> Conditioned:
    """Two runs, each with its own head, behind two prompts or one."""
    prompts = [Prompt(backbone.embed_with(ids, None)) for ids in ([1, 2], [1, 2] if alike else [11])]
    return Conditioned(backbone, [Condition(head=head(classes, seed)) for seed in (1, 2)], prompts)


def said_by_hand(model: Any, given: Conditioned, k: int, target: Any) -> torch.Tensor:
    """What the head of a run says of a row [w, C], the row alone behind the run's prompt."""
    row, prompt = target.read(), given.prompts[k].embeddings
    words = model.get_input_embeddings()(torch.tensor(row.ids))
    hidden = model.base_model(inputs_embeds=torch.cat([prompt, words])[None]).last_hidden_state[0, len(prompt) :]
    places = row.read_at or [len(row.ids) - 1 if row.answer is None else row.answer]
    return F.linear(hidden[list(places)], *given.conditions[k].head)


def smoothed(scores: torch.Tensor, gold: int, share: float) -> torch.Tensor:
    """Cross entropy with a share of the right class's probability given to all alike (Szegedy et al. 2016)."""
    found = torch.log_softmax(scores, -1)
    return -(1 - share) * found[gold] - share * found.mean()


def loss_by_hand(outputs: Any, target: Any, said: torch.Tensor) -> torch.Tensor:
    if isinstance(outputs, LabelOutputs):
        return smoothed(said[0], target.label, outputs.smoothing)
    if isinstance(outputs, TagOutputs):
        each = [smoothed(own, NAMES.index(tag), outputs.smoothing) for own, tag in zip(said, target.tags, strict=True)]
        return torch.stack(each).mean()
    off = said[0, 0] - target.number
    if not outputs.huber:
        return off**2
    return off**2 / 2 if abs(off) < 1 else abs(off) - 0.5


@pytest.mark.parametrize("case", CASES)
def test_losses_and_gradients_of_two_runs_in_one_pass(case: str, model: Any, backbone: CausalBackbone) -> None:
    outputs, targets, classes = CASES[case]
    given = conditioned(backbone, classes)
    found = HeadCriterion(outputs, targets, targets).losses(given, BATCH)
    batch = [(k, i) for k, members in enumerate(BATCH) for i in members]
    expected = torch.stack([
        loss_by_hand(outputs, targets[i], said_by_hand(model, given, k, targets[i])) for k, i in batch
    ])  # fmt: skip
    assert_near(found, expected)
    weights = [x for condition in given.conditions for x in condition.head]
    mine, theirs = (torch.autograd.grad(losses.sum(), weights) for losses in (found, expected))
    for ours, reference in zip(mine, theirs, strict=True):
        assert_near(ours, reference)


def scores_by_hand(case: str, targets: list[Any], said: list[torch.Tensor]) -> tuple[float, float]:
    """Dev score and loss."""
    if "label" in case:
        found = [torch.log_softmax(own[0], -1) for own in said]
        losses = [-float(own[target.label]) for own, target in zip(found, targets, strict=True)]
        right = [int(own.argmax()) == target.label for own, target in zip(found, targets, strict=True)]
        return float(np.mean(right)), float(np.mean(losses))
    if "number" in case:
        wanted = np.array([target.number for target in targets])
        errors = (np.array([float(own) for own in said]) - wanted) ** 2
        return float(1 - errors.sum() / ((wanted - wanted.mean()) ** 2).sum()), float(errors.mean())
    gold, given = [], []
    for target, own in zip(targets, said, strict=True):
        tags = [NAMES[i] for i in own.argmax(-1)]
        if target.goes_on:
            gold[-1] += target.tags
            given[-1] += tags
        else:
            gold.append(list(target.tags))
            given.append(tags)
    losses = [
        -float(torch.log_softmax(row, -1)[NAMES.index(tag)])
        for target, own in zip(targets, said, strict=True)
        for row, tag in zip(own, target.tags, strict=True)
    ]
    if "plain" in case:
        pairs = [(a, b) for own, other in zip(gold, given, strict=True) for a, b in zip(own, other, strict=True)]
        return float(np.mean([a == b for a, b in pairs])), float(np.mean(losses))
    return float(f1_score(gold, given)), float(np.mean(losses))


@pytest.mark.parametrize("case", CASES)
def test_dev_scores_of_two_runs(case: str, model: Any, backbone: CausalBackbone) -> None:
    """Of labels their accuracy, of numbers R squared, of tags F1; smoothing and Huber's loss are for training alone."""
    outputs, targets, classes = CASES[case]
    given = conditioned(backbone, classes)
    with torch.no_grad():
        found = HeadCriterion(outputs, [], targets).evaluate(given)
        for k, score in enumerate(found):
            said = [said_by_hand(model, given, k, target) for target in targets]
            assert (score.accuracy, score.loss) == pytest.approx(scores_by_hand(case, targets, said), rel=1e-5)


@pytest.mark.parametrize("states", [100, 4, 0], ids=["all kept", "some kept", "none kept"])
@pytest.mark.parametrize("case", CASES)
def test_kept_states_give_the_same(case: str, states: int, backbone: CausalBackbone) -> None:
    outputs, targets, classes = CASES[case]
    given = conditioned(backbone, classes, alike=True)
    rows = [target.read() for target in targets]
    kept = KeptStates(backbone, given.prompts[0], rows, rows, [0, 3, 1, 4, 2], states * 32 * 4)
    plain, keeping = (HeadCriterion(outputs, targets, targets, own) for own in (None, kept))
    assert_near(keeping.losses(given, BATCH), plain.losses(given, BATCH))
    with torch.no_grad():
        both = zip(keeping.evaluate(given), plain.evaluate(given), strict=True)
    for one, other in both:
        assert (one.accuracy, one.loss) == pytest.approx((other.accuracy, other.loss), rel=1e-5)


def test_rows_are_run_as_heads_read_them(backbone: CausalBackbone) -> None:
    dev, train = HeadCriterion(TagOutputs(NAMES, plain=False), TAGS[:2], TAGS[2:]).as_run(backbone)
    assert dev == [target.read() for target in TAGS[2:]]
    assert train == [target.read() for target in TAGS[:2]]


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_the_loss_of_numbers_behind_a_tuned_prompt(loss: str, pretrained: Any, tiny_folder: Any) -> None:
    """In units of the standard deviation, as the task says, from the head and the prompt that are trained together."""
    from transformers import AutoModelForCausalLM

    oracle = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32, attn_implementation="eager").eval()
    answer = {"kind": "number", "loss": loss, "mean": 5.0, "sd": 2.0}
    bound = bind(settings("number", tiny_folder, answer=answer), {}, pretrained)
    generator = torch.Generator().manual_seed(3)
    tensors = {n: x + 0.1 * torch.randn(x.shape, generator=generator) for n, x in bound.method.initial(0).items()}
    examples = number_examples(numbers(6, 7))
    with torch.no_grad():
        hidden = torch.stack([
            number_state(oracle, pretrained.tokenizer, tensors["prompt"], example.fields["text"])
            for example in examples
        ])  # fmt: skip
    said = hidden @ tensors["head.weight"][0] + tensors["head.bias"]
    off = said - torch.tensor([(example.number - 5) / 2 for example in examples])
    by_hand = off**2 if loss == "squared" else torch.where(off.abs() < 1, off**2 / 2, off.abs() - 0.5)
    [found] = objective_on(bound, examples).loss([0], [tensors], [range(6)], 0)
    assert_near(float(found), float(by_hand.mean()))
