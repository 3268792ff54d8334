"""What is tuned where no method is named: several; told how to train, context tuning or a soft prompt."""

from __future__ import annotations

import pytest
import yaml

import tiny
from trimtab.errors import TrimtabError
from trimtab.jobs import tune
from trimtab.settings.file import make_task, read_task
from trimtab.tasks import usual_method
from whole_jobs import kill_and_resume


def written(folder, backbone, rows=64, **changes):
    """A task file that names no method unless it is among the changes."""
    folder.mkdir(parents=True, exist_ok=True)
    tiny.write_rows(folder / "reviews.jsonl", tiny.rows(rows, 1))
    path = tiny.write_task(folder, backbone, **{"method": None, "train": {"steps": 1}, **changes})
    settings = {name: value for name, value in yaml.safe_load(path.read_text()).items() if value is not None}
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return path


def tuned(path, out, pretrained):
    notes = []
    done = tune.run(
        read_task(path), out, base=path.parent, report=False, pretrained=pretrained,
        on_plan=lambda task, plan, said: notes.extend(said),
    )  # fmt: skip
    return done.run.task.method, notes


@pytest.mark.parametrize(
    ("content", "searched"),
    [
        ({}, True),
        ({"train": {"seed": 3, "threads": 1, "precision": "float32", "device": "cpu", "checkpoint_seconds": 5}}, True),
        ({"train": {"steps": 3}}, False),
        ({"train": {"rate": 0.1}}, False),
        ({"train": {"runs": 3}}, False),
        ({"method": "soft_prompt"}, False),
        ({"method": "head"}, False),
        ({"template": {"text": "{soft:3} {text} {answer}"}}, False),
    ],
)
def test_several_methods_are_tried_where_nothing_is_said_of_one(content: dict[str, object], searched: bool) -> None:
    given = make_task(content)
    task = usual_method.with_search(given)
    assert (task.method.name == "auto") is searched
    assert searched or task is given


def test_a_task_file_by_its_name_is_searched_for_the_best_of_several(tmp_path, tiny_folder, pretrained, monkeypatch):
    path = written(tmp_path, tiny_folder)
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "train": {"threads": 1}}))
    monkeypatch.setattr("trimtab.kinds.labels.Labels.tried_ways", lambda self, *, few, many: ("majority", "head"))
    done = tune.run(str(path), tmp_path / "run", beside=False, pretrained=pretrained)
    assert done.run.task.method.name == "head"
    assert [way.key for way in done.report.tried] == ["majority", "head"]


def test_few_rows_are_context_tuned(trimtab, tmp_path, tiny_folder):
    written(tmp_path, tiny_folder)
    code, out, err = trimtab("tune", "task.yaml", "--out", "run")
    assert code == 0
    first, _, third, *_ = err.splitlines()
    method = read_task(tmp_path / "run" / "task.yaml").method
    assert (method.name, method.init, method.demonstrations) == ("prefix", "demonstrations", 8)
    assert first == f"reviews: {method.length}-token prefix from 8 demonstrations on {tiny_folder}, 64 training rows"
    assert third == usual_method.note(64)
    assert "prefix" in out
    assert usual_method.note(64) in (tmp_path / "run" / "report.json").read_text(encoding="utf-8")
    assert trimtab("predict", "run", "-t", "a good film").code == 0
    shown = trimtab("show", "task.yaml", "-n", "1").out
    assert shown == trimtab("show", "task.yaml", "-n", "1", "--set", "method={name: prefix, init: demonstrations}").out
    assert shown != trimtab("show", "task.yaml", "-n", "1", "--set", "method=soft_prompt").out


def test_what_was_picked_is_said_before_what_was_done_to_the_data(tmp_path, tiny_folder, pretrained):
    path = written(tmp_path, tiny_folder, data={"dev": None})
    _, said = tuned(path, tmp_path / "run", pretrained)
    notes = [note for note in said if "in train too" not in note]  # the tiny texts of test repeat
    assert notes[:2] == [usual_method.note(48), "dev: 16 of 64 rows carved from train (seed 0)"]
    assert notes[2].startswith("demonstrations: the best of 4 draws on 16 rows of dev (")
    assert len(notes) == 3


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({}, 208),
        ({"answer": "text", "labels": None}, 24),
        ({"method": "soft_prompt"}, 64),
        ({"method": {"length": 5}}, 64),
        ({"train": {"steps": 1, "rate": 0.1}}, 64),
        ({"template": {"text": "{soft:2}Text: {text}\nAnswer:{answer}"}}, 64),
    ],
    ids=["many rows", "texts", "named", "settings of a soft prompt", "a rate", "soft slots"],
)
def test_otherwise_a_soft_prompt_is_tuned(changes, rows, tmp_path, tiny_folder, pretrained):
    method, notes = tuned(written(tmp_path, tiny_folder, rows, **changes), tmp_path / "run", pretrained)
    assert method.name == "soft_prompt"
    assert not any(note.startswith("method:") for note in notes)


@pytest.mark.parametrize(
    ("method", "labels", "texts"), [("soft_prompt", 0.08, 0.25), ("prefix", 0.008, 0.025), ("lora", 3e-4, 3e-4)]
)
def test_rates_follow_the_kind_of_answer(tmp_path, tiny_folder, pretrained, method, labels, texts):
    for name, rate, changes in (("label", labels, {}), ("text", texts, {"answer": "text", "labels": None})):
        path = written(tmp_path / name, tiny_folder, method=method, **changes)
        done = tune.run(
            read_task(path), tmp_path / f"{name}-run", base=path.parent, report=False, pretrained=pretrained
        )
        assert done.run.task.train.rate == rate


def test_a_soft_prompt_is_tuned_where_demonstrations_would_be_long(tmp_path, tiny_folder, pretrained, monkeypatch):
    path = written(tmp_path, tiny_folder)
    monkeypatch.setattr(usual_method, "LONGEST_START", 20)
    assert tuned(path, tmp_path / "run", pretrained)[0].name == "soft_prompt"


def test_the_words_of_the_template_are_part_of_demonstrations(tmp_path, tiny_folder, pretrained, monkeypatch):
    monkeypatch.setattr(usual_method, "LONGEST_START", 300)
    for said, method in ((1, "prefix"), (8, "soft_prompt")):
        path = written(tmp_path / str(said), tiny_folder, template={"text": "{task} " * said + "{text}{answer}"})
        assert tuned(path, tmp_path / f"run{said}", pretrained)[0].name == method


def test_a_soft_prompt_is_tuned_where_demonstrations_are_refused(tmp_path, tiny_folder, pretrained):
    rows = [{"text": "good film", "label": "positive"}] * 40 + [{"text": "bad film", "label": "negative"}]
    path = written(tmp_path, tiny_folder, template={"text": "{task} " * 16 + "{text}{answer}"})
    tiny.write_rows(tmp_path / "reviews.jsonl", rows)
    asked = read_task(path, ["method={name: prefix, init: demonstrations}"])
    with pytest.raises(TrimtabError, match="demonstration"):
        tune.run(asked, tmp_path / "asked", base=tmp_path, report=False, pretrained=pretrained)
    method, notes = tuned(path, tmp_path / "run", pretrained)
    assert method.name == "soft_prompt"
    assert not any(note.startswith("method:") for note in notes)


def test_what_is_wrong_with_the_task_itself_is_said_as_before(tmp_path, tiny_folder, pretrained):
    path = written(tmp_path, tiny_folder, labels=["negative", "positive", "neutral"])
    words = yaml.safe_load(path.read_text())
    words["labels"] = {"negative": "same", "positive": "same"}
    with pytest.raises(TrimtabError, match="same") as error:
        tune.run(make_task(words, "task"), tmp_path / "run", base=tmp_path, report=False, pretrained=pretrained)
    assert "demonstrations" not in error.value.message
    assert not (tmp_path / "run").exists()


def test_a_killed_run_goes_on_as_it_began(tmp_path, tiny_folder, pretrained):
    train = {"steps": 4, "evaluate_every": 2, "checkpoint_seconds": 0}
    task = read_task(written(tmp_path, tiny_folder, train=train))
    assert (
        kill_and_resume(task, tmp_path, step=3, base=tmp_path, pretrained=pretrained).run.task.method.name == "prefix"
    )
