"""Sets of labels through whole jobs: tuned, resumed, judged, used, mixed with others; against plain models."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner
from sklearn.metrics import f1_score
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer

import tiny
from answer_rows import given_by_hand
from closeness import assert_near
from encoders import save_encoder
from label_set_rows import LABELS, rows, settings, write_label_sets
from trimtab import Engine, Request, open_engine
from trimtab.backbones.pretrained import load
from trimtab.cli.main import trimtab
from trimtab.errors import TrimtabError
from trimtab.evaluation.scores.thresholds import best_thresholds
from trimtab.jobs import compare, compare_runs, evaluate, exchange, predict, show, tune
from trimtab.kinds.prediction import MultiLabelPrediction
from trimtab.runs.run import load_run
from trimtab.settings.file import make_task
from trimtab.ways.wanted import Wanted
from whole_jobs import kill_and_resume

LEARNT = {"steps": 60, "batch_size": 16, "evaluate_every": 20, "rate": 0.01}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_label_sets(tmp_path_factory.mktemp("label-sets"))


@pytest.fixture(scope="module")
def learnt(data: Path, pretrained: Any, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tune.Tuned:
    """A run whose weights are all trained, so that it learns what words say."""
    folder = tmp_path_factory.mktemp("learnt")
    return tune.run(settings(tiny_folder, "full", train=LEARNT), folder, base=data, pretrained=pretrained)


def table(sets: list[tuple[str, ...]] | list[list[str]]) -> list[list[bool]]:
    return [[label in own for label in LABELS] for own in sets]


def test_a_run_learns_keeps_its_thresholds_and_answers_as_it_was_judged(
    learnt: tune.Tuned, data: Path, pretrained: Any
) -> None:
    report, folder = learnt.report, Path(learnt.run.name)
    assert report is not None
    assert report.scored.kind == "multilabel"
    scores, dev = report.scored.test, report.scored.dev
    assert scores is not None
    assert dev is not None
    assert scores.micro_f1 > 0.8 > report.scored.baselines[0].micro_f1
    assert [b.name for b in report.scored.baselines] == ["commonest labels", "naive Bayes"]
    kept = yaml.safe_load((folder / "task.yaml").read_text())
    assert list(kept["labels"]["words"]) == LABELS
    assert kept["answer"]["thresholds"] == report.scored.thresholds
    assert set(kept["answer"]["thresholds"]) == set(LABELS)
    engine = open_engine(folder, pretrained=pretrained)
    asked = [Request("run", {"text": row["text"]}) for row in rows(40, 2)]
    answers = [one for one in engine.answer(asked) if isinstance(one, MultiLabelPrediction)]
    probabilities = torch.tensor([list(one.probabilities.values()) for one in answers]).numpy()
    right = torch.tensor(table([row["labels"] for row in rows(40, 2)])).numpy()
    assert list(report.scored.thresholds.values()) == pytest.approx(best_thresholds(probabilities, right), abs=1e-4)
    given = table([one.labels for one in answers])
    assert dev.micro_f1 == pytest.approx(f1_score(right, given, average="micro"))
    steps = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    best = max((step["dev"][learnt.run.kept][0], -step["dev"][learnt.run.kept][1]) for step in steps if step["dev"])
    assert dev.micro_f1 == pytest.approx(best[0])
    again = evaluate.run(folder, beside=False, pretrained=pretrained)
    assert again.scored.kind == "multilabel"
    assert again.scored.test is not None
    assert again.scored.test.per_label == scores.per_label


def test_probabilities_are_those_of_the_plain_model(
    data: Path, pretrained: Any, tiny_folder: Path, tmp_path: Path
) -> None:
    task = settings(tiny_folder, train={"steps": 2})
    tuned = tune.run(task, tmp_path / "run", base=data, report=False, pretrained=pretrained)
    start = tuned.run.tensors[0]
    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32, attn_implementation="eager").eval()
    texts = [row["text"] for row in rows(3, 8)]
    answers = open_engine(tmp_path / "run", pretrained=pretrained).answer([Request("run", {"text": t}) for t in texts])
    for text, answer in zip(texts, answers, strict=True):
        given = given_by_hand(model, tokenizer, start["prompt"], text, " :")
        with torch.no_grad():
            state = model.model(inputs_embeds=given[None]).last_hidden_state[0, -1]
        expected = torch.sigmoid(F.linear(state, start["head.weight"], start["head.bias"]))
        assert isinstance(answer, MultiLabelPrediction)
        assert_near(list(answer.probabilities.values()), expected.tolist())


def test_a_fitted_head_minimises_the_entropy_of_each_label(
    data: Path, pretrained: Any, tiny_folder: Path, tmp_path: Path
) -> None:
    tuned = tune.run(settings(tiny_folder, "head"), tmp_path / "run", base=data, pretrained=pretrained)
    weight, bias = tuned.run.tensors[0]["weight"], tuned.run.tensors[0]["bias"]
    assert (weight.shape, bias.shape) == ((3, pretrained.backbone.hidden_size), (3,))
    engine = open_engine(tmp_path / "run", pretrained=pretrained)
    train = rows(80, 1)
    found = [a for a in engine.answer([Request("run", {"text": r["text"]}) for r in train]) if
             isinstance(a, MultiLabelPrediction)]  # fmt: skip
    for label in LABELS:  # biases are free: what is foretold comes to what there is
        foretold = sum(one.probabilities[label] for one in found)
        assert foretold == pytest.approx(sum(label in row["labels"] for row in train), abs=0.5)


@pytest.mark.parametrize("method", ["soft_prompt", "head"])
def test_a_kill_and_a_resume_end_the_same(
    method: str, data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path
) -> None:
    runs = {"runs": 2, "steps": 6} if method == "soft_prompt" else {}
    task = settings(tiny_folder, method, train={"checkpoint_seconds": 0, **runs})
    kill_and_resume(task, tmp_path, step=4 if method == "soft_prompt" else 1, base=data, pretrained=pretrained)


@pytest.mark.parametrize("kind", ["llama", "bare"])
def test_runs_of_all_methods_and_other_kinds_mix(
    kind: str, data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path
) -> None:
    """Each row of a batch gets what it gets alone, by its own run's thresholds."""
    folder, loaded = tiny_folder, pretrained
    if kind == "bare":
        folder = save_encoder(tmp_path / "bare", "bare")
        loaded = load(folder, tmp_path / "cache", name=str(folder), precision="float32")
    without = {"llama": "bitfit", "bare": "late_prompt"}[kind]
    methods = ["soft_prompt", "warp", "prefix", "p_tuning", "late_prompt", "lora", "bitfit", "full", "ia3", "head"]
    methods = [method for method in methods if method != without]
    for i, method in enumerate(methods):
        train = {"steps": 2, "runs": 2, "ensemble": method == "prefix"}
        answer = {"kind": "multilabel", "thresholds": 0.2 + i / 20}
        task = settings(folder, method, train=train, answer=answer)
        tune.run(task, tmp_path / method, base=data, report=False, pretrained=loaded)
    numbers = [{"text": row["text"], "label": i} for i, row in enumerate(rows(4, 5))]
    tiny.write_rows(tmp_path / "n.jsonl", numbers)
    number = tiny.task(folder, labels={}, answer="number", template={"text": "{text} :{answer}"})
    number["data"] = {"train": "n.jsonl", "dev": "n.jsonl"}
    tune.run(make_task(number), tmp_path / "number", base=tmp_path, report=False, pretrained=loaded)
    engine = Engine(loaded)
    for name in [*methods, "number"]:
        engine.add(name, load_run(tmp_path / name))
    requests = [Request(name, {"text": row["text"]}) for row in rows(3, 9) for name in [*methods, "number"]]
    alone = {name: open_engine(tmp_path / name, pretrained=loaded) for name in [*methods, "number"]}
    for request, answer in zip(requests, engine.answer(requests), strict=True):
        [expected] = alone[request.run].answer([Request("run", request.fields)])
        assert type(answer) is type(expected)
        if isinstance(answer, MultiLabelPrediction) and isinstance(expected, MultiLabelPrediction):
            assert_near(list(answer.probabilities.values()), list(expected.probabilities.values()))
            threshold = 0.2 + methods.index(request.run) / 20
            assert answer.labels == tuple(name for name, p in answer.probabilities.items() if p >= threshold)


def test_an_ensemble_answers_with_the_mean_and_chooses_its_thresholds_by_it(
    data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path
) -> None:
    train = {"runs": 2, "ensemble": True, "steps": 4}
    tuned = tune.run(
        settings(tiny_folder, train=train), tmp_path / "run", base=data, report=False, pretrained=pretrained
    )
    whole = open_engine(tmp_path / "run", pretrained=pretrained)
    asked = [Request("run", {"text": row["text"]}) for row in rows(40, 2)]
    found = [list(one.probabilities.values()) for one in whole.answer(asked) if isinstance(one, MultiLabelPrediction)]
    right = torch.tensor(table([row["labels"] for row in rows(40, 2)])).numpy()
    expected = best_thresholds(torch.tensor(found).numpy(), right)
    assert list(tuned.run.task.answer.thresholds.values()) == pytest.approx(expected, abs=1e-4)  # type: ignore[union-attr]


def test_predicting_rows_and_texts_as_json_and_as_csv(
    learnt: tune.Tuned, pretrained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(Path(learnt.run.name), pretrained=pretrained)
    thresholds = learnt.run.task.answer.thresholds.values()  # type: ignore[union-attr]
    content = [{"text": "great and boring film", "id": 7}, {"text": "the plot"}, {"labels": ["food"]}]
    tiny.write_rows(tmp_path / "in.jsonl", content)
    both, none, absent = predict.run(engine, "in.jsonl", base=tmp_path)
    assert both["row"] == {"id": 7}
    for answer in (both, none):
        found = zip(LABELS, answer["probabilities"].values(), thresholds, strict=True)  # type: ignore[attr-defined]
        assert answer["labels"] == [label for label, own, threshold in found if own >= threshold]
    assert set(both) == {"labels", "probabilities", "row"}
    assert list(both["probabilities"]) == LABELS  # type: ignore[call-overload]
    assert absent["error"] == (
        "in.jsonl:3: no column 'text' for the field 'text'; the columns are labels. Set data.columns.text to one of "
        "them."
    )
    monkeypatch.setattr("trimtab.jobs.predict.open_engine", lambda *_, **__: engine)
    told = CliRunner().invoke(
        trimtab, ["predict", learnt.run.name, "--csv", "-t", "great and boring film", "-t", "the plot"]
    )
    assert told.exit_code == 0, told.output
    lines = list(csv.DictReader(io.StringIO(told.stdout)))
    assert [json.loads(line["answer"]) for line in lines] == [both["labels"], none["labels"]]


def test_labels_in_columns_and_in_a_text_are_tuned_alike(
    data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path
) -> None:
    for name, n, seed in (("train", 80, 1), ("dev", 40, 2), ("test", 40, 3)):
        content = rows(n, seed)
        flags = [{"text": r["text"], **{label: int(label in r["labels"]) for label in LABELS}} for r in content]
        joined = [{"text": r["text"], "labels": "; ".join(r["labels"]) or "[]"} for r in content]
        tiny.write_rows(tmp_path / f"{name}.jsonl", flags)
        tiny.write_rows(tmp_path / f"joined-{name}.jsonl", joined)
    parts = ("train", "dev", "test")
    answers: dict[str, Any] = {"joined": "multilabel", "flags": {"kind": "multilabel", "columns": LABELS}}
    scored = []
    for name, answer in answers.items():
        files = {part: f"{'joined-' if name == 'joined' else ''}{part}.jsonl" for part in parts}
        task = settings(tiny_folder, "head", answer=answer, data=files)
        report = tune.run(task, tmp_path / name, base=tmp_path, beside=False, pretrained=pretrained).report
        assert report is not None
        assert report.scored.kind == "multilabel"
        assert report.scored.test is not None
        scored.append(report.scored.test.per_label)
    assert scored[0] == scored[1]


def test_labels_that_train_lacks_are_missed_and_said(
    data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path
) -> None:
    tiny.write_rows(tmp_path / "test.jsonl", [{"text": "a film", "labels": ["parking", "food"]}])
    task = settings(tiny_folder, "head", data={"test": str(tmp_path / "test.jsonl")})
    report = tune.run(task, tmp_path / "run", base=data, pretrained=pretrained).report
    assert report is not None
    assert "test: 1 label is none of train's (parking), and is missed." in report.data.notes
    assert report.data.label_counts["test"] == {"food": 1, "price": 0, "service": 0, "parking": 1}
    assert report.scored.kind == "multilabel"
    assert report.scored.test is not None
    assert [c.support for c in report.scored.test.per_label] == [1, 0, 0, 1]


def test_a_stopped_run_answers_from_a_half_on_until_it_goes_on(
    data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path
) -> None:
    def stop(record: Any, plan: Any) -> None:
        if record.step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    task = settings(tiny_folder, train={"steps": 6})
    stopped = tune.run(task, tmp_path / "run", base=data, on_step=stop, pretrained=pretrained)
    assert stopped.stopped_at == 2
    assert stopped.run.task.answer.thresholds is None  # type: ignore[union-attr]
    ended = tune.run(task, tmp_path / "run", base=data, resume=True, report=False, pretrained=pretrained)
    assert set(ended.run.task.answer.thresholds) == set(LABELS)  # type: ignore[union-attr, arg-type]


def test_ways_are_compared_by_micro_f1(data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path) -> None:
    wanted = Wanted(methods=("majority", "tfidf", "head", "soft_prompt"))
    task = settings(tiny_folder, train={"steps": 2})
    found = compare.run(task, tmp_path / "out", wanted, base=data, pretrained=pretrained)
    assert (found.answer, found.metric.name, found.reference) == ("multilabel", "micro F1", "soft_prompt")
    assert [other.name for other in found.others] == ["macro F1", "subset accuracy", "Hamming loss"]
    assert found.ways[0].key == "tfidf"
    ways = {way.key: way for way in found.ways}
    assert ways["majority"].always == "the commonest labels"
    assert ways["tfidf"].score > 0.9
    assert ways["head"].dev_score is not None
    kept = next((tmp_path / "out" / "cells").glob("head-*.json"))
    answers = json.loads(kept.read_text())["answers"]
    right = table([row["labels"] for row in rows(40, 3)])
    assert ways["head"].score == pytest.approx(f1_score(right, table(answers), average="micro"))
    assert found.disagreements[0].answer in {", ".join(row["labels"]) or "none" for row in rows(40, 3)}
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "F1 over all labels of all rows" in page


def test_runs_are_compared_on_the_same_rows(
    learnt: tune.Tuned, data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path
) -> None:
    tune.run(settings(tiny_folder, "head"), tmp_path / "head", base=data, report=False, pretrained=pretrained)
    folders = [Path(learnt.run.name), tmp_path / "head"]
    found = compare_runs.run(folders, test=str(data / "test.jsonl"), pretrained=pretrained)
    assert (found.answer, found.metric.name, found.labels) == ("multilabel", "micro F1", LABELS)
    ways = {way.key: way for way in found.ways}
    assert ways[learnt.run.name].score > ways[str(tmp_path / "head")].score
    assert ways[str(tmp_path / "head")].difference is not None


@pytest.mark.parametrize(
    ("way", "why"),
    [
        ("zero_shot", "trains nothing, and sets of labels are read by a layer that must be trained"),
        ("few_shot", "trains nothing, and sets of labels are read by a layer that must be trained"),
        ("context_tuning", "starts from few-shot, and sets of labels are read by a layer that must be trained"),
        ("multitask_prompt", "gives labels, and the answers of this task are sets of labels"),
        ("rules", "gives labels, and the answers of this task are sets of labels"),
        ("ridge", "gives numbers, and the answers of this task are sets of labels"),
    ],
)
def test_ways_that_give_no_sets_of_labels_are_refused(
    way: str, why: str, data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path
) -> None:
    with pytest.raises(TrimtabError) as caught:
        compare.run(settings(tiny_folder), tmp_path / "out", Wanted(methods=(way,)), base=data, pretrained=pretrained)
    assert str(caught.value) == (
        f"--methods: '{way}' {why}. Ways for tasks whose answers are sets of labels: majority, naive_bayes, tfidf, "
        "ngrams, embeddings, soft_prompt, warp, prefix, p_tuning, late_prompt, lora, ia3, bitfit, head, early_head, "
        "sentence_head, full."
    )


def test_a_head_is_not_exported(learnt: tune.Tuned, pretrained: Any, tmp_path: Path) -> None:
    with pytest.raises(TrimtabError) as caught:
        exchange.export(Path(learnt.run.name), tmp_path / "out", pretrained=pretrained)
    assert "sets of labels" in str(caught.value)


def test_a_row_is_shown(data: Path, pretrained: Any, tiny_folder: Path) -> None:
    shown, words = show.run(settings(tiny_folder), 4, base=data, pretrained=pretrained)
    first = rows(80, 1)[0]
    assert words == {}
    assert shown[0].text == f"{first['text']} :"
    assert shown[0].answer == json.dumps(sorted(first["labels"]))
