"""The loop on losses made by hand: several runs, accumulation, stopping, divergence, checkpoints."""

from __future__ import annotations

import pytest
import torch

from closeness import assert_near
from trimtab.errors import TrimtabError
from trimtab.runs.tensors import load_tensors, save_tensors
from trimtab.training.loop import DevScore, Parameters, Plan, Training

TARGETS = torch.randn(20, 3, 4, generator=torch.Generator().manual_seed(9))


def loss(runs, parameters, rows, step):
    """Mean square distance to the targets of the rows."""
    return torch.stack(
        [(p["x"] - TARGETS[r]).square().sum((1, 2)).mean() for p, r in zip(parameters, rows, strict=True)]
    )


def evaluate(runs, parameters):
    return [DevScore(0.5, float((p["x"] - TARGETS.mean(0)).square().sum())) for p in parameters]


def plan(**changes) -> Plan:
    given = {"rows": 20, "steps": 12, "batch_size": 6, "evaluate_every": 5, "rate": 0.1, "seeds": (3, 4, 5)}
    return Plan(**{**given, **changes})


def starts(n: int) -> list[Parameters]:
    return [{"x": x} for x in torch.randn(n, 3, 4, generator=torch.Generator().manual_seed(1))]


def train(made: Plan, given=None, evaluate=evaluate, loss=loss) -> Training:
    training = Training(made, given or starts(len(made.seeds)), loss, evaluate)
    training.records = list(training.steps())
    return training


def test_records():
    records = train(plan()).records
    assert [r.step for r in records] == list(range(1, 13))
    assert [r.epoch for r in records] == pytest.approx([0.3 * r.step for r in records])
    assert [r.step for r in records if r.dev] == [5, 10, 12]
    assert records[0].rate == pytest.approx(0.1)  # 6% of 12 steps: one step of warm-up
    first = [float((p["x"] - TARGETS[plan().batch(k, 0)]).square().sum((1, 2)).mean()) for k, p in enumerate(starts(3))]
    assert_near(records[0].losses, first)


@pytest.mark.parametrize(("steps", "rows"), [(12, 20), (1, 20), (2, 1000)])
def test_rows_in_the_order_in_which_a_run_first_comes_to_them(steps, rows):
    made = plan(steps=steps, rows=rows)
    shown = [i for step in range(steps) for k in range(3) for i in made.batch(k, step)]
    assert made.first_seen() == sorted(set(shown), key=shown.index)


@pytest.mark.parametrize("optimiser", ["adamw", "adafactor", "sgd"])
def test_several_runs_in_one_pass_are_several_trainings(optimiser):
    together = train(plan(optimiser=optimiser, rate=0.02))
    for k, seed in enumerate((3, 4, 5)):
        alone = train(plan(optimiser=optimiser, rate=0.02, seeds=(seed,)), [starts(3)[k]])
        assert_near(together.parameters[k]["x"], alone.parameters[0]["x"])
        assert_near([r.losses[k] for r in together.records], [r.losses[0] for r in alone.records])


@pytest.mark.parametrize("optimiser", ["adamw", "adafactor", "sgd"])
def test_the_layout_of_a_start_in_memory_changes_nothing(optimiser):
    turned = [{"x": p["x"].T.contiguous().T} for p in starts(3)]
    plain, ours = train(plan(optimiser=optimiser)), train(plan(optimiser=optimiser), turned)
    assert all(torch.equal(a["x"], b["x"]) for a, b in zip(plain.parameters, ours.parameters, strict=True))


@pytest.mark.parametrize("parts", [2, 4, 6])
def test_accumulation_changes_nothing(parts):
    whole, split = train(plan()), train(plan(accumulate=parts))
    for a, b in zip(whole.parameters, split.parameters, strict=True):
        assert_near(a["x"], b["x"])
    assert_near([r.losses for r in whole.records], [r.losses for r in split.records])


def test_the_gradient_is_clipped_run_by_run():
    wild = [{"x": starts(3)[0]["x"] * 1000}, *starts(3)[1:]]
    clipped = train(plan(clip=1.0, optimiser="sgd", steps=1, schedule="constant", warmup=0.0), wild)
    free = train(plan(clip=None, optimiser="sgd", steps=1, schedule="constant", warmup=0.0), wild)
    moved = [(a["x"].detach() - b["x"]).norm().item() / 0.1 for a, b in zip(clipped.parameters, wild, strict=True)]
    wished = [(a["x"].detach() - b["x"]).norm().item() / 0.1 for a, b in zip(free.parameters, wild, strict=True)]
    assert moved == pytest.approx([min(1.0, x) for x in wished], rel=1e-3)


def test_each_parameter_has_a_rate_of_its_own():
    """A parameter measured in other units, at a rate in those units, moves as the same parameter in plain ones."""
    made = plan(seeds=(3,), steps=6, clip=None)

    def loss_in_tens(runs, parameters, rows, step):
        return loss(runs, [{"x": p["tens"] / 10} for p in parameters], rows, step)

    training = Training(made, [{"tens": starts(1)[0]["x"] * 10}], loss_in_tens, lambda *_: [DevScore(0.5, 1.0)],
                        {"tens": 10.0}.__getitem__)  # fmt: skip
    list(training.steps())
    plain = train(plan(seeds=(3,), steps=6, clip=None), starts(1))
    assert_near(training.parameters[0]["tens"] / 10, plain.parameters[0]["x"])


def scripted(*courses):
    """Accuracies by evaluation, one course a run."""
    asked = [0] * len(courses)

    def evaluate(runs, parameters):
        scores = []
        for k in runs:
            scores.append(DevScore(courses[k][asked[k]], 1.0))
            asked[k] += 1
        return scores

    return evaluate


def test_early_stopping_stops_one_run_and_not_the_other():
    made = plan(seeds=(3, 4), evaluate_every=1, patience=2, steps=6)
    training = train(made, evaluate=scripted([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.5, 0.4, 0.5]))
    assert [r.losses[1] is None for r in training.records] == [False, False, False, True, True, True]
    assert all(r.losses[0] is not None for r in training.records)
    assert [r.dev[1] is None for r in training.records] == [False, False, False, True, True, True]
    assert training.best_steps == [6, 1]
    assert training.best_scores == [DevScore(0.6, 1.0), DevScore(0.5, 1.0)]
    stopped = train(plan(seeds=(4,), evaluate_every=1, steps=6), [starts(2)[1]], scripted([1.0] * 6))
    three = Training(plan(seeds=(4,), evaluate_every=1, steps=6), [starts(2)[1]], loss, scripted([1.0] * 6))
    steps = three.steps()
    for _ in range(3):
        next(steps)
    assert torch.equal(training.parameters[1]["x"], three.parameters[0]["x"])  # as it was when it stopped
    assert not torch.equal(training.parameters[1]["x"], stopped.parameters[0]["x"])


def test_training_ends_when_every_run_has_stopped():
    training = train(plan(seeds=(3, 4), evaluate_every=1, patience=1), evaluate=scripted([0.5, 0.4], [0.5, 0.6, 0.6]))
    assert training.done == 3
    assert training.active == [False, False]


def test_the_best_parameters_are_kept():
    course = [0.1, 0.9, 0.3, 0.9, 0.2]
    training = Training(plan(seeds=(3,), evaluate_every=1, steps=5), starts(1), loss, scripted(course))
    seen = [training.parameters[0]["x"].detach().clone() for _ in training.steps()]
    assert training.best_steps == [2]
    assert torch.equal(training.best[0]["x"], seen[1])


def test_a_better_score():
    assert DevScore(0.5, 9).beats(None)
    assert DevScore(0.6, 9).beats(DevScore(0.5, 1))
    assert DevScore(0.5, 1).beats(DevScore(0.5, 2))
    assert not DevScore(0.5, 2).beats(DevScore(0.5, 2))
    assert not DevScore(0.4, 0).beats(DevScore(0.5, 2))


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_divergence_stops_before_the_step(what):
    def breaking(runs, parameters, rows, step):
        good = loss(runs, parameters, rows, step)
        if step < 2:
            return good
        if what == "loss":
            return good * torch.tensor([1.0, float("nan"), 1.0])
        return good + torch.stack(
            [(p["x"] * 0).sum().sqrt() if k == 1 else 0 * p["x"].sum() for k, p in enumerate(parameters)]
        )

    training = Training(plan(), starts(3), breaking, evaluate)
    steps = training.steps()
    next(steps), next(steps)
    before = [p["x"].detach().clone() for p in training.parameters]
    with pytest.raises(TrimtabError) as caught:
        next(steps)
    assert str(caught.value) == (
        f"training diverged: the {what} of seed 4 is not finite at step 3 (rate 0.098). Lower train.rate, to 0.025 say."
    )
    assert training.done == 2
    assert all(torch.equal(a, b["x"]) for a, b in zip(before, training.parameters, strict=True))


@pytest.mark.parametrize("optimiser", ["adamw", "adafactor", "sgd"])
@pytest.mark.parametrize("at", [1, 5, 7, 11])
def test_a_checkpoint_goes_on_exactly(tmp_path, optimiser, at):
    made = plan(optimiser=optimiser, patience=5, weight_decay=0.01)
    straight = train(made)
    first = Training(made, starts(3), loss, evaluate)
    steps = first.steps()
    for _ in range(at):
        next(steps)
    stored = first.checkpoint()
    save_tensors(tmp_path / "c.safetensors", stored.tensors, stored.values)
    second = Training(made, starts(3), loss, evaluate)
    second.restore(load_tensors(tmp_path / "c.safetensors"))
    records = list(second.steps())
    for a, b in zip([*straight.parameters, *straight.best], [*second.parameters, *second.best], strict=True):
        assert torch.equal(a["x"], b["x"])
    assert (straight.best_scores, straight.best_steps) == (second.best_scores, second.best_steps)
    assert [(r.step, r.rate, r.losses, r.dev) for r in records] == [
        (r.step, r.rate, r.losses, r.dev) for r in straight.records[at:]
    ]


@pytest.mark.parametrize("optimiser", ["adamw", "adafactor", "sgd"])
def test_a_checkpoint_remembers_which_runs_have_stopped(optimiser):
    made = plan(optimiser=optimiser, evaluate_every=1, patience=1, seeds=(3, 4), steps=4)
    courses = [0.1, 0.2, 0.3, 0.4], [0.5, 0.4]
    first = Training(made, starts(2), loss, scripted(*courses))
    steps = first.steps()
    for _ in range(3):
        next(steps)
    second = Training(made, starts(2), loss, scripted([0.4], []))
    second.restore(first.checkpoint())
    [record] = second.steps()
    assert record.losses[1] is None
    assert torch.equal(first.parameters[1]["x"], second.parameters[1]["x"])


def test_a_checkpoint_of_another_job_is_refused():
    stored = train(plan(seeds=(3,))).checkpoint()
    with pytest.raises(TrimtabError) as caught:
        Training(plan(), starts(3), loss, evaluate).restore(stored)
    assert str(caught.value) == (
        "the checkpoint does not fit this task ('parameter.1.x'). Delete it, then use --resume to start over."
    )
    with pytest.raises(TrimtabError):
        Training(plan(seeds=(3,)), [{"x": torch.zeros(2, 2)}], loss, evaluate).restore(stored)
