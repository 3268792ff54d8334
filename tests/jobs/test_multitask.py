"""Multitask prompts: trained on several tasks together, used for one, started from by another."""

from __future__ import annotations

import pytest
import torch
import yaml

import tiny
from closeness import assert_near
from trimtab import Request, open_engine
from trimtab.errors import TrimtabError
from trimtab.jobs import tune
from trimtab.kinds.bind import bind
from trimtab.runs.run import load_run
from trimtab.settings.file import make_task, read_task
from trimtab.tasks.resolve import resolve
from trimtab.tasks.rows import read_rows
from trimtab.training.joint import joint_loss
from trimtab.training.objective import Objective
from trimtab.training.word_criterion import WordCriterion
from trimtab.tuning.prepare import encode, prepare

METHOD = {"name": "multitask_prompt", "length": 4, "rank": 2}


@pytest.fixture(scope="module")
def data(tmp_path_factory, tiny_folder):
    """A task in English, and beside it other.yaml in Chinese, with another template and other labels."""
    folder = tmp_path_factory.mktemp("data")
    tiny.write_task(folder, tiny_folder)
    tiny.write_rows(folder / "chinese.jsonl", tiny.rows(40, words=tiny.CHINESE))
    other = tiny.task(tiny_folder, name="other", data={"train": "chinese.jsonl"}, template={"text": "{text}：{answer}"})
    other |= {"labels": ["好评", "差评"], "task": "好还是差？"}
    (folder / "other.yaml").write_text(yaml.safe_dump(other, allow_unicode=True), encoding="utf-8")
    return folder


def settings(folder, sources=("other.yaml",), train=None, **method):
    content = tiny.task(folder, train={"steps": 6, "runs": 2, **(train or {})})
    return make_task({**content, "method": {**METHOD, "sources": list(sources), **method}})


def test_the_loss_is_that_of_each_task_with_its_own_prompt(data, pretrained, tiny_folder):
    task = settings(tiny_folder)
    read = read_rows(task, data)
    bound = bind(task, read.words, pretrained, data)
    [other] = read.sources
    assert (list(other.words), other.base) == (["好评", "差评"], data)
    theirs = bind(other.task, other.words, pretrained, other.base, training=True)
    generator = torch.Generator().manual_seed(1)
    start = {n: x + 0.1 * torch.randn(x.shape, generator=generator) for n, x in bound.method.initial(0).items()}
    assert set(start) == {"shared", "u", "v", "source.0.u", "source.0.v"}

    def objective(of, examples, whose):
        prompt = start["shared"] * (start[whose + "u"] @ start[whose + "v"])
        embeddings = prompt * pretrained.backbone.embedding_rms
        condition = bound.method.of(start, whose)
        torch.testing.assert_close(condition.soft, embeddings)
        criterion = WordCriterion(of.verbalizer, encode(of, examples)[0], [])
        return Objective(pretrained.backbone, criterion, lambda *_: condition, of.prompt)

    own, rest = objective(bound, read.splits.train[:3], ""), objective(theirs, other.splits.train[:2], "source.0.")
    both = joint_loss([own, rest])([0, 1], [start, start], [[0, 3, 4, 2], [1]], 0)
    alone = own.loss([0], [start], [[0, 2]], 0), rest.loss([0], [start], [[0, 1]], 0)
    assert both[0].item() == pytest.approx(((alone[0] + alone[1]) / 2).item(), abs=1e-6)
    assert both[1].item() == pytest.approx(own.loss([0], [start], [[1]], 0).item(), abs=1e-6)

    rows = len(read.splits.train)
    training = prepare(resolve(read, pretrained)).training
    assert training.plan.rows == rows + len(other.splits.train)
    job = training.loss([0, 1], [start, start], [[0, rows, rows + 1, 2], [1]], 0)
    torch.testing.assert_close(job, both, atol=1e-6, rtol=1e-6)


def test_tuned_used_and_started_from(data, tmp_path, pretrained, tiny_folder):
    task = settings(tiny_folder, train={"runs": 1, "steps": 40, "batch_size": 16, "evaluate_every": 20})
    notes = []
    tuned = tune.run(
        task, tmp_path / "run", base=data, pretrained=pretrained, on_plan=lambda task, plan, said: notes.extend(said)
    )
    rows = tuned.report.data.train_rows
    assert f"sources: trained on {rows} rows of its own together with 40 of other" in notes
    assert tuned.report.scored.dev.accuracy > 0.7
    kept = load_run(tmp_path / "run").tensors[0]
    assert read_task(tmp_path / "run" / "task.yaml").method.sources == [str(data / "other.yaml")]
    engine = open_engine(tmp_path / "run", pretrained=pretrained)
    assert engine.answer([Request("run", {"text": "a great and warm film"})])[0].label == "positive"

    start = {"init": "run", "init_run": str(tmp_path / "run")}
    again = settings(tiny_folder, sources=(), train={"steps": 1, "rate": 1e-9}, **start)
    second = tune.run(again, tmp_path / "second", base=data, beside=False, pretrained=pretrained)
    torch.testing.assert_close(second.run.tensors[0]["shared"], kept["shared"])
    torch.testing.assert_close(second.run.tensors[0]["u"], (kept["u"] + kept["source.0.u"]) / 2, atol=0.1, rtol=0)

    plain = {"name": "soft_prompt", "length": 4, **start}
    task = make_task({**tiny.task(tiny_folder, train={"steps": 1, "rate": 1e-9}), "method": plain})
    third = tune.run(task, tmp_path / "third", base=data, beside=False, pretrained=pretrained)
    expected = kept["shared"] * (kept["u"] @ kept["v"])
    assert_near(third.run.tensors[0]["prompt"], expected)


def test_other_rows_or_another_backbone_are_noticed(data, tmp_path, pretrained, tiny_folder):
    def refusal(name: str, **changes) -> str:
        other = yaml.safe_load((data / "other.yaml").read_text(encoding="utf-8"))
        (data / f"{name}.yaml").write_text(yaml.safe_dump({**other, **changes}, allow_unicode=True), encoding="utf-8")
        with pytest.raises(TrimtabError) as caught:
            tune.run(settings(tiny_folder, [f"{name}.yaml"]), tmp_path / "run", base=data, pretrained=pretrained)
        assert not (tmp_path / "run").exists()
        return str(caught.value)

    assert refusal("far", backbone="gemma3-270m") == (
        f"method.sources: far.yaml: its backbone is gemma3-270m, that of this task {tiny_folder}. "
        "Set both to the same one."
    )
    assert refusal("empty", data={"train": "none.jsonl"}).startswith("method.sources: empty.yaml: none.jsonl: no such")
    assert refusal("numbers", answer="number") == (
        "method.sources: numbers.yaml: its answers are of kind 'number', and only tasks with labels are trained "
        "together. Name another task."
    )
    assert "label '差评'" in refusal("fewer", labels=["好评", "差平"])
    with pytest.raises(TrimtabError, match=r"method.sources: absent.yaml: .*absent.yaml: no such file"):
        tune.run(settings(tiny_folder, ["absent.yaml"]), tmp_path / "run", base=data, pretrained=pretrained)
