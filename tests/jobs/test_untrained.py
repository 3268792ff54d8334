"""Few-shot, calibrated and searched prompts as a user runs them: judged, used without the training file, refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import tiny
from closeness import assert_near
from trimtab import load_splits
from trimtab.errors import TrimtabError
from trimtab.jobs import predict, show, tune
from trimtab.prompts import choose_demonstrations
from trimtab.runs.run import load_run
from trimtab.settings.file import make_task, read_task
from trimtab.tuning import metrics
from whole_jobs import kill_and_resume

TEXTS = ["a great and warm film", "the plot is awful , the cast boring", ""]


def task_of(folder, method, **changes):
    settings = tiny.task(folder, **changes)
    settings["method"] = method
    return make_task(settings)


@pytest.fixture(scope="module")
def data(tmp_path_factory, tiny_folder):
    folder = tmp_path_factory.mktemp("data")
    tiny.write_task(folder, tiny_folder)
    return folder


def test_few_shot_by_the_command_line(trimtab, tmp_path, tiny_folder):
    tiny.write_task(tmp_path, tiny_folder, method={"length": 5})
    few = ("--set", "method={name: few_shot, demonstrations: 4, calibrate: true}")
    code, out, err = trimtab("tune", "task.yaml", "--out", "run", *few)
    assert code == 0
    assert err.splitlines()[:2] == [f"reviews: few-shot on {tiny_folder}, 64 training rows", "nothing to train"]
    assert "few-shot, calibrated" in out
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert (report["method"]["name"], report["method"]["trained_parameters"]) == ("few-shot, calibrated", 0)
    assert [b["name"] for b in report["scored"]["baselines"]] == ["majority", "naive Bayes", "zero-shot"]
    run = load_run(tmp_path / "run")
    assert sorted(example.answer for example in run.examples) == ["negative"] * 2 + ["positive"] * 2
    blocks = report["template_example"].split("\n\n")
    assert blocks[:4] == [f"Text: {e.fields['text']}\nAnswer: {e.answer}" for e in run.examples]
    assert len(blocks) == 5
    before = trimtab("predict", "run", *(part for text in TEXTS for part in ("-t", text)))
    for name in ("reviews", "dev", "test"):
        (tmp_path / f"{name}.jsonl").unlink()
    after = trimtab("predict", "run", *(part for text in TEXTS for part in ("-t", text)))
    assert (after.code, after.out) == (0, before.out)
    assert len(after.out.splitlines()) == 3


def test_search_by_the_command_line(trimtab, tmp_path, tiny_folder):
    text, words = "{text}\nSo?{answer}", {"negative": ["so"], "positive": ["film"]}
    tiny.write_task(
        tmp_path, tiny_folder, data={"dev": None, "dev_fraction": 0.4}, template={"text": text}, labels=words
    )
    code, _, err = trimtab("tune", "task.yaml", "--out", "run", "--set", "method={name: search, budget: 600}")
    assert code == 0
    lines = err.splitlines()
    assert lines[1] == "nothing to train"
    assert lines[2] == "dev: 26 of 64 rows carved from train (seed 0)"
    assert lines[3].startswith("search: ")
    assert lines[3].endswith("rows scored in all; the best stand in the run's task.yaml.")
    resolved = read_task(tmp_path / "run" / "task.yaml")
    run = load_run(tmp_path / "run")
    assert resolved.method.name == "search"
    assert resolved.labels.words == run.words
    given = {"task": "is the film good ?", "text": text, "words": words}
    assert run.facts["given"] == given
    assert given != {"task": resolved.task, "text": resolved.template.text, "words": run.words}
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["method"]["name"] == "hard prompt"
    plain = trimtab("tune", "task.yaml", "--out", "plain", "--set", "method=zero_shot", "--no-beside")
    assert plain.code == 0
    before = json.loads((tmp_path / "plain" / "report.json").read_text())
    beside = {b["name"]: b["accuracy"] for b in report["scored"]["baselines"]}
    assert beside["zero-shot"] == before["scored"]["test"]["accuracy"]  # as the task was given, not as it was found
    assert report["scored"]["dev"]["accuracy"] >= before["scored"]["dev"]["accuracy"]
    (tmp_path / "reviews.jsonl").unlink()
    assert trimtab("predict", "run", "-t", "a great film").code == 0


def answers(folder, pretrained):
    engine = predict.open_engine(folder, pretrained=pretrained)
    return np.array([list(a["probabilities"].values()) for a in predict.texts(engine, TEXTS)])


@pytest.mark.parametrize("choice", ["random", "fixed", "nearest"])
def test_the_seed_decides(choice, data, tmp_path, pretrained, tiny_folder):
    def run(name: str, seed: int):
        task = task_of(tiny_folder, {"name": "few_shot", "demonstrations": 3, "choice": choice}, train={"seed": seed})
        done = tune.run(task, tmp_path / name, base=data, beside=False, pretrained=pretrained)
        assert len(done.run.examples) == (64 if choice == "nearest" else 3)
        return answers(tmp_path / name, pretrained)

    first, again, other = run("a", 0), run("b", 0), run("c", 1)
    np.testing.assert_array_equal(first, again)
    assert np.array_equal(first, other) is (choice != "random")


@pytest.mark.parametrize("calibrate", [False, True])
def test_of_several_draws_the_best_on_dev_is_shown(calibrate, data, tmp_path, pretrained, tiny_folder):
    method = {"name": "few_shot", "demonstrations": 3, "calibrate": calibrate}
    told = []
    task = task_of(tiny_folder, {**method, "draws": 3})
    kept = tune.run(
        task, tmp_path / "best", base=data, beside=False, pretrained=pretrained,
        on_plan=lambda task, plan, own: told.extend(own),
    )  # fmt: skip
    splits = load_splits(task.data, ("text",), task.answer, base=data)
    scores, shown = [], []
    for draw in range(3):
        examples = choose_demonstrations(splits.train, list(kept.run.words), task.method, 0, draw)
        folder = tmp_path / str(draw)
        folder.mkdir()
        tiny.write_rows(folder / "shown.jsonl", [{"text": e.fields["text"], "label": e.answer} for e in examples])
        alone = task_of(tiny_folder, {**method, "choice": "fixed"}, data={"train": str(folder / "shown.jsonl")})
        tune.run(alone, folder / "run", base=data, beside=False, pretrained=pretrained, report=False)
        engine = predict.open_engine(folder / "run", pretrained=pretrained)
        given = list(predict.texts(engine, [e.fields["text"] for e in splits.dev]))
        right = np.mean([a["label"] == e.answer for a, e in zip(given, splits.dev, strict=True)])
        loss = np.mean([-np.log(a["probabilities"][e.answer]) for a, e in zip(given, splits.dev, strict=True)])
        scores.append((right, -loss))
        shown.append([e.fields for e in examples])
    assert len(set(scores)) == 3
    assert [e.fields for e in kept.run.examples] == shown[scores.index(max(scores))]
    reached = [f"{right:.1%}" for right, _ in (min(scores), max(scores))]
    assert told == [f"demonstrations: the best of 3 draws on {len(splits.dev)} rows of dev ({' to '.join(reached)})."]
    assert kept.report.cost.train_seconds == metrics.seconds(tmp_path / "best") > 0
    assert metrics.seconds(tmp_path / "0" / "run") == 0


def test_the_time_of_choosing_is_counted_once(data, tmp_path, pretrained, tiny_folder):
    method = {"name": "prefix", "init": "demonstrations"}
    task = task_of(tiny_folder, method, train={"steps": 4, "evaluate_every": 2, "checkpoint_seconds": 0})
    report = kill_and_resume(task, tmp_path, step=3, base=data, pretrained=pretrained).report
    for name in ("whole", "run"):
        records = metrics.read(tmp_path / name)
        assert [record["step"] for record in records] == [0, 1, 2, 3, 4]
        assert metrics.seconds(tmp_path / name) > sum(record["seconds"] for record in records[1:])
    assert [point.step for point in report.curve] == [1, 2, 3, 4]
    assert report.cost.train_seconds == metrics.seconds(tmp_path / "whole")


@pytest.mark.parametrize("method", ["soft_prompt", "prefix"])
def test_a_prompt_started_from_demonstrations_says_what_few_shot_says(method, data, tmp_path, pretrained, tiny_folder):
    """Before the first step, but for the noise; tuned from there on, it answers alone."""
    few = task_of(tiny_folder, {"name": "few_shot", "demonstrations": 3})
    shown = tune.run(few, tmp_path / "few", base=data, beside=False, pretrained=pretrained)
    told = []
    task = task_of(
        tiny_folder, {"name": method, "init": "demonstrations", "demonstrations": 3}, train={"steps": 1, "rate": 1e-9}
    )
    tune.run(
        task, tmp_path / "run", base=data, beside=False, pretrained=pretrained,
        on_plan=lambda task, plan, own: told.extend(own),
    )  # fmt: skip
    assert told[0].startswith("demonstrations: the best of 4 draws on ")
    text = "".join(f"Text: {e.fields['text']}\nAnswer: {e.answer}\n\n" for e in shown.run.examples)
    length = len(pretrained.tokenizer(text)["input_ids"])
    resolved = read_task(tmp_path / "run" / "task.yaml").method
    assert (resolved.init, resolved.demonstrations, resolved.length) == ("demonstrations", 3, length)
    far = np.abs(answers(tmp_path / "run", pretrained) - answers(tmp_path / "few", pretrained)).max()
    alone = task_of(tiny_folder, "zero_shot")
    tune.run(alone, tmp_path / "alone", base=data, beside=False, pretrained=pretrained)
    assert far < 0.2 * np.abs(answers(tmp_path / "alone", pretrained) - answers(tmp_path / "few", pretrained)).max()


def test_what_is_tuned_is_said_with_its_length(trimtab, tmp_path, tiny_folder):
    tiny.write_task(tmp_path, tiny_folder)
    method = ("--set", "method={name: prefix, init: demonstrations}", "--set", "train.steps=1")
    code, _, err = trimtab("tune", "task.yaml", "--out", "run", "--no-beside", *method)
    assert code == 0
    assert err.splitlines()[0] == f"reviews: 137-token prefix from 8 demonstrations on {tiny_folder}, 64 training rows"


def test_demonstrations_are_cut_or_repeated_to_a_length_that_is_set(data, tmp_path, pretrained, tiny_folder):
    for length in (5, 200):
        task = task_of(tiny_folder, {"name": "prefix", "init": "demonstrations", "length": length}, train={"steps": 1})
        done = tune.run(task, tmp_path / str(length), base=data, beside=False, pretrained=pretrained)
        assert len(done.run.tensors[0]["keys.0"]) == length


def test_one_answer_however_many_seeds_are_asked_for(data, tmp_path, pretrained, tiny_folder):
    task = task_of(tiny_folder, "zero_shot", train={"runs": 3, "ensemble": True})
    done = tune.run(task, tmp_path / "run", base=data, beside=False, pretrained=pretrained)
    assert (len(done.run.tensors), done.run.facts["seeds"]) == (1, [0])


def test_calibration_is_kept_and_beside_it_stands_plain_zero_shot(data, tmp_path, pretrained, tiny_folder):
    task = task_of(tiny_folder, {"name": "zero_shot", "calibrate": True})
    done = tune.run(task, tmp_path / "run", base=data, beside=True, pretrained=pretrained)
    [tensors] = load_run(tmp_path / "run").tensors
    assert list(tensors) == ["fixed.calibration"]
    assert_near(tensors["fixed.calibration"].exp().sum(), 1)
    torch.testing.assert_close(tensors["fixed.calibration"], done.run.tensors[0]["fixed.calibration"])
    assert [b.name for b in done.report.scored.baselines] == ["majority", "naive Bayes", "zero-shot"]
    assert done.report.method.name == "zero-shot, calibrated"


def test_notes_say_what_was_left_out(data, tmp_path, pretrained, tiny_folder):
    told = []
    task = task_of(tiny_folder, {"name": "few_shot", "demonstrations": 30}, template={"max_tokens": 120})
    done = tune.run(
        task,
        tmp_path / "run",
        base=data,
        beside=False,
        pretrained=pretrained,
        on_plan=lambda task, plan, notes: told.extend(notes),
    )
    count = len(done.run.examples)
    assert 0 < count < 30
    assert told[1] == f"{count} of 30 demonstrations fit beside a row; the others are left out."


@pytest.mark.parametrize("choice", ["random", "nearest"])
def test_show(choice, data, pretrained, tiny_folder):
    task = task_of(tiny_folder, {"name": "few_shot", "demonstrations": 2, "choice": choice})
    [shown], _ = show.run(task, 1, base=data, pretrained=pretrained)
    parts = {what: "".join(tokens) for what, tokens in shown.parts}
    assert list(parts) == ["demonstrations", *(["head"] if choice == "random" else []), "row", "answer"]
    assert parts["demonstrations"].count("Answer:") == 2
    assert parts["demonstrations"].endswith("\n\n")
    assert parts.get("head", "") + parts["row"] + parts["answer"] == shown.text


@pytest.mark.parametrize("method", ["soft_prompt", "prefix"])
def test_show_a_prompt_started_from_demonstrations(method, data, pretrained, tiny_folder):
    [few], _ = show.run(task_of(tiny_folder, "few_shot"), 1, base=data, pretrained=pretrained)
    [own], _ = show.run(
        task_of(tiny_folder, {"name": method, "init": "demonstrations"}), 1, base=data, pretrained=pretrained
    )
    tokens = dict(few.parts)["demonstrations"]
    assert dict(own.parts)[method.replace("_", " ")] == ["▢"] * len(tokens)


def test_refusals(data, tmp_path, pretrained, tiny_folder):
    def refusal(method, **changes) -> str:
        task = task_of(tiny_folder, method, **changes)
        with pytest.raises(TrimtabError) as caught:
            tune.run(task, tmp_path / "run", base=data, beside=False, pretrained=pretrained)
        assert not (tmp_path / "run").exists()
        return str(caught.value)

    assert refusal({"name": "few_shot", "demonstrations": 65}) == (
        "method.demonstrations is 65, but there are 64 training rows. Set it to 64 or less, or add rows."
    )
    assert refusal("few_shot", labels=["negative", "positive", "neutral"]) == (
        "there is no training row of the label 'neutral' to show. "
        "Add one, take the label out of `labels`, or set method.choice to fixed."
    )
    assert refusal({"name": "few_shot", "choice": "nearest", "calibrate": True}) == (
        "method.calibrate needs one prompt for all rows, and with method.choice=nearest each has its own. "
        "Set method.choice to random or fixed, or leave method.calibrate out."
    )
    assert refusal("few_shot", template={"text": "{soft:2}{text}{answer}"}) == (
        "the template has {soft} slots, which method 'few_shot' does not fill. "
        "Take them out of template.text, or set method to soft_prompt or p_tuning."
    )
    assert refusal({"name": "prefix", "init": "demonstrations", "demonstrations": 65}) == (
        "method.demonstrations is 65, but there are 64 training rows. Set it to 64 or less, or add rows."
    )
    assert refusal({"name": "prefix", "init": "demonstrations"}, answer="number", labels={}) == (
        "method.init is 'demonstrations', and few-shot does not go with this task: method 'few_shot' trains "
        "nothing, and numbers are read by a layer that must be trained. "
        "Start from something else: set method.init to task."
    )
    assert refusal({"name": "prefix", "init": "demonstrations"}, template={"max_tokens": 10}).startswith(
        "method.init is 'demonstrations', and few-shot does not go with this task: not one of 8 demonstrations fits "
    )
    tiny.write_rows(tmp_path / "few.jsonl", tiny.rows(2, 1))
    few = str(tmp_path / "few.jsonl")
    assert refusal("search", data={"train": few, "dev": None}) == (
        f"{few}: 2 rows are too few to set dev examples aside. Add rows, or name dev examples in data.dev."
    )
    with pytest.raises(TrimtabError) as caught:
        task_of(tiny_folder, {"name": "few_shot", "demonstration": 3})
    assert str(caught.value) == "task: unknown setting 'method.demonstration'. Did you mean 'demonstrations'?"
