"""Labels of which one is rare: said where it is never found, and found where the task weighs it up."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

import tiny
from trimtab.jobs import compare, tune
from trimtab.kinds.labels import Labels
from trimtab.reports.findings.choose import findings_of
from trimtab.settings.file import make_task
from trimtab.settings.methods import AutoSettings
from trimtab.training.loop import DevScore
from trimtab.ways.wanted import Wanted
from whole_jobs import kill_and_resume

HIDES = "None of the test rows of “rare” (6) was found, which the score over all rows hides."


def rows(n: int, seed: int) -> list[dict[str, str]]:
    """Rows of which a tenth are rare, whose words say little of that."""
    draw = random.Random(seed)
    words = [word for own in tiny.ENGLISH.values() for word in own]
    return [
        {"text": " ".join([*draw.choices(words, k=4), *(["warm"] * draw.randint(0, 1) if i % 10 == 0 else [])]),
         "label": "rare" if i % 10 == 0 else "usual"}
        for i in range(n)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("skewed")
    for name, n, seed in (("train", 120, 1), ("dev", 60, 2), ("test", 60, 3)):
        tiny.write_rows(folder / f"{name}.jsonl", rows(n, seed))
    return folder


def settings(folder: Path, method: Any = "head", **train: Any) -> Any:
    content = tiny.task(folder, labels={}, method=None, train=train)
    content["data"] = {part: f"{part}.jsonl" for part in ("train", "dev", "test")}
    content["labels"], content["method"] = ["rare", "usual"], method
    return make_task(content)


def test_a_label_that_is_never_found_is_named_with_what_may_help(
    data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path
) -> None:
    plain = tune.run(settings(tiny_folder), tmp_path / "plain", base=data, beside=False, pretrained=pretrained)
    assert plain.report is not None
    assert plain.report.warnings == [
        f"{HIDES} What may help: train.class_weights=balanced, which weighs rare labels up; train.choose_by=macro_f1, "
        "by which every label counts alike on dev; more training rows of them."
    ]
    assert "which the score over all rows hides" in (tmp_path / "plain" / "report.html").read_text()
    weighed = settings(tiny_folder, class_weights="balanced", choose_by="macro_f1", evaluate_rows=1000)
    found = tune.run(weighed, tmp_path / "weighed", base=data, beside=False, pretrained=pretrained)
    assert found.report is not None
    assert found.report.warnings == []
    rare = found.report.scored.test.per_class[0]
    assert rare.recall > 0
    assert findings_of(found.report.scored).dev_score.name == "macro F1 on dev"
    assert findings_of(plain.report.scored).dev_score.name == "dev accuracy"
    assert found.run.facts["dev_accuracy"] == [pytest.approx(found.report.scored.dev.macro_f1)]


def test_steps_are_chosen_by_macro_f1_and_resume_with_weights(
    data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path
) -> None:
    asked = {"class_weights": "balanced", "choose_by": "macro_f1", "checkpoint_seconds": 0, "steps": 6,
             "evaluate_every": 1}  # fmt: skip
    task = settings(tiny_folder, {"name": "soft_prompt", "length": 3}, **asked)
    whole = kill_and_resume(task, tmp_path, step=4, base=data, pretrained=pretrained)
    lines = [json.loads(line) for line in (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()]
    scores = [DevScore(*line["dev"][0]) for line in lines]
    best = scores[whole.run.facts["best_steps"][0] - 1]
    assert not any(other.beats(best) for other in scores)
    assert best.accuracy == pytest.approx(whole.run.facts["dev_accuracy"][0])
    assert whole.report is not None
    assert best.accuracy == pytest.approx(whole.report.scored.dev.macro_f1)


def test_ways_are_ranked_and_searched_by_macro_f1(
    data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Always giving the common label is right nine times of ten, and half of macro F1 at most."""
    asked = settings(tiny_folder, class_weights="balanced", choose_by="macro_f1")
    wanted = Wanted(methods=("majority", "head"))
    made = compare.run(asked, tmp_path / "compared", wanted, base=data, pretrained=pretrained)
    scores = {way.key: way.score for way in made.ways}
    assert (made.metric.name, [other.name for other in made.others]) == ("macro F1", ["accuracy"])
    assert scores["majority"] == pytest.approx(108 / 114 / 2)
    assert made.reference in scores
    monkeypatch.setattr(Labels, "tried_ways", lambda self, **_: ("majority", "head"))
    task = asked.model_copy(update={"method": AutoSettings(budget=60)})
    found = tune.run(task, tmp_path / "found", base=data, beside=False, report=False, pretrained=pretrained)
    assert "by macro F1 on 60 rows of dev." in found.why[0]
