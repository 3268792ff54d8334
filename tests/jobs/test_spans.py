"""Spans through whole jobs: tuned, resumed, judged, used, mixed with tags, compared; and what is refused."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import tagged_rows
import tiny
from encoders import save_encoder
from span_rows import QUESTION, rows, settings, write_spans
from trimtab import Engine, Request, open_engine
from trimtab.backbones.pretrained import load
from trimtab.data.records import Record
from trimtab.errors import TrimtabError
from trimtab.evaluation.scores.spans import score_spans, span_results
from trimtab.evaluation.scores.thresholds import best_answer_threshold
from trimtab.jobs import compare, evaluate, predict, show, tune
from trimtab.kinds.prediction import SpanPrediction, TagPrediction
from trimtab.runs.run import load_run
from trimtab.settings.file import make_task
from trimtab.ways.wanted import Wanted
from whole_jobs import kill_and_resume

NOT_THERE = (
    "train.jsonl:1: the answer 'z' does not stand in the context (2 of 2 rows). Set answer.context to the field that "
    "answers stand in, or data.label (now 'answers') to the column of the answers; where answers are in other words "
    "than the context's, set answer to text."
)
LEARNT = {"steps": 70, "batch_size": 16, "evaluate_every": 35, "rate": 0.01}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_spans(tmp_path_factory.mktemp("spans"))


@pytest.fixture(scope="module")
def learnt(data: Path, pretrained: Any, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tune.Tuned:
    """A run whose weights are all trained, so that it learns what words say."""
    folder = tmp_path_factory.mktemp("learnt")
    return tune.run(settings(tiny_folder, "full", train=LEARNT), folder, base=data, pretrained=pretrained)


def test_a_run_learns_keeps_its_threshold_and_answers_as_it_was_judged(
    learnt: tune.Tuned, data: Path, pretrained: Any
) -> None:
    report, folder = learnt.report, Path(learnt.run.name)
    assert report is not None
    assert report.scored.kind == "span"
    scores, dev = report.scored.test, report.scored.dev
    assert scores is not None
    assert dev is not None
    assert [b.name for b in report.scored.baselines] == ["first words", "nearest sentence", "words nearby"]
    assert scores.f1 > 0.8 > max(b.f1 for b in report.scored.baselines)
    assert 0 < scores.without < scores.rows < 36  # rows of one input are one
    kept = yaml.safe_load((folder / "task.yaml").read_text())
    assert kept["answer"] == {
        "kind": "span", "context": "context", "start": "answer_start", "longest": 2,
        "threshold": report.scored.threshold,
    }  # fmt: skip
    assert 0 < report.scored.threshold < 1
    engine = open_engine(folder, pretrained=pretrained)
    kind = engine.runs["run"].kind
    records = [Record(row, f"r:{i}") for i, row in enumerate(rows(36, 2), 1)]
    data_settings = learnt.run.task.data
    every = [kind.read(record, ("question", "context"), data_settings, answered=True) for record in records]
    examples = kind.merged(every)
    asked = [Request("run", example.fields) for example in examples]
    answers = [one for one in engine.answer(asked) if isinstance(one, SpanPrediction)]
    assert score_spans(examples, [one.given or () for one in answers]).f1 == pytest.approx(dev.f1)
    each = span_results(examples, [a.best.place or () for a in answers])[0].per_row
    without = [not example.references for example in examples]
    chosen = best_answer_threshold(np.array([a.best.share for a in answers]), each, np.array(without))
    assert chosen == pytest.approx(report.scored.threshold, abs=1e-4)
    steps = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert max(step["dev"][0][0] for step in steps if step["dev"]) == pytest.approx(dev.f1)


def test_answers_are_written_with_their_places(learnt: tune.Tuned, data: Path, pretrained: Any, tmp_path: Path) -> None:
    content = [{"id": i, **row} for i, row in enumerate(rows(12, 3))]
    content[3]["context"] = "😀 " + content[3]["context"]
    tiny.write_rows(tmp_path / "ask.jsonl", [*content, {"question": "?", "context": ""}, {"question": "?"}])
    engine = open_engine(Path(learnt.run.name), pretrained=pretrained)
    *found, empty, lacking = predict.run(engine, tmp_path / "ask.jsonl", batch=5)
    right = 0
    for row, answer in zip(content, found, strict=True):
        assert set(answer) == {"text", "start", "end", "probability", "share", "row"}
        assert answer["row"] == {"id": row["id"], "answers": row["answers"]}
        if answer["text"]:
            assert row["context"][answer["start"] : answer["end"]] == answer["text"]  # type: ignore[misc]
        else:
            assert (answer["start"], answer["end"]) == (None, None)
        right += answer["text"] == (row["answers"] or [""])[0]
    assert right >= 9
    assert (empty["text"], empty["share"]) == ("", 0.0)
    assert lacking == {
        "error": f"{tmp_path / 'ask.jsonl'}:14: no column 'context' for the field 'context'; the columns are question. "
        "Set data.columns.context to one of them.",
        "where": f"{tmp_path / 'ask.jsonl'}:14",
    }


def test_a_context_of_a_hundred_thousand_characters_is_answered(learnt: tune.Tuned, pretrained: Any) -> None:
    engine = open_engine(Path(learnt.run.name), pretrained=pretrained)
    context = "好" * 97_000 + " awful"
    places = engine.runs["run"].asked(Request("run", {"question": QUESTION, "context": context})).windows
    assert len(places) > 500
    assert sum(len(window.ids) for window in places) < 700_000


def test_a_killed_run_goes_on_and_is_scored_again(
    data: Path, tiny_folder: Path, pretrained: Any, tmp_path: Path
) -> None:
    task = settings(tiny_folder, "prefix", train={"steps": 8, "evaluate_every": 4})
    killed = kill_and_resume(task, tmp_path / "killed", step=5, base=data, pretrained=pretrained)
    whole = tune.run(task, tmp_path / "whole", base=data, pretrained=pretrained)
    assert killed.report is not None
    assert whole.report is not None
    assert killed.report.scored.test == whole.report.scored.test
    again = evaluate.run(tmp_path / "whole", beside=False, pretrained=pretrained)
    assert [again.scored.test.f1, again.scored.test.intervals] == [  # type: ignore[union-attr]
        whole.report.scored.test.f1, whole.report.scored.test.intervals,  # type: ignore[union-attr]
    ]  # fmt: skip
    [first, *_], words = show.run(task, 4, base=data, pretrained=pretrained)
    assert first.text.startswith(f"Question: {QUESTION}\nContext: ")
    assert words == {}


@pytest.mark.parametrize("name", ["bert", "bare"])
def test_encoders_give_spans_and_a_head_alone_is_fitted(name: str, data: Path, tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / name, name)
    encoder = load(folder, tmp_path / "cache", name=str(folder), precision="float32")
    told = tune.run(settings(folder, "head"), tmp_path / "head", base=data, pretrained=encoder, beside=False).report
    assert told is not None
    assert told.scored.test.f1 > 0.4  # type: ignore[union-attr]
    tuned = tune.run(settings(folder), tmp_path / "run", base=data, pretrained=encoder, beside=False)
    assert isinstance(tuned.report.scored.test.f1, float)  # type: ignore[union-attr]


def test_several_seeds_share_a_pass_and_may_answer_together(
    data: Path, tiny_folder: Path, pretrained: Any, tmp_path: Path
) -> None:
    task = settings(tiny_folder, train={"runs": 2, "ensemble": True, "steps": 4})
    tuned = tune.run(task, tmp_path / "run", base=data, pretrained=pretrained, beside=False)
    assert tuned.report is not None
    assert len(tuned.report.runs) == 2
    engine = open_engine(tmp_path / "run", pretrained=pretrained)
    [answer] = engine.answer([Request("run", {"question": QUESTION, "context": "the plot is bad"})])
    assert isinstance(answer, SpanPrediction)


def test_spans_and_tags_are_answered_in_one_batch(
    learnt: tune.Tuned, tiny_folder: Path, pretrained: Any, tmp_path: Path, data: Path
) -> None:
    for name, n, seed in (("train", 24, 1), ("dev", 8, 2), ("test", 8, 3)):
        tiny.write_rows(tmp_path / f"{name}.jsonl", tagged_rows.rows(n, seed))
    tune.run(
        tagged_rows.settings(tiny_folder, train={"steps": 2}), tmp_path / "tags", base=tmp_path, pretrained=pretrained,
        report=False,
    )  # fmt: skip
    tune.run(
        settings(tiny_folder, train={"steps": 2}), tmp_path / "spans", base=data, pretrained=pretrained, report=False
    )
    engine = Engine(pretrained)
    engine.add("tags", load_run(tmp_path / "tags"))
    engine.add("spans", load_run(tmp_path / "spans"))
    long = " ".join(row["context"] for row in rows(60, 5))
    asked = [
        Request("spans", {"question": QUESTION, "context": "the plot is bad"}),
        Request("tags", {"tokens": "a great plot"}),
        Request("spans", {"question": QUESTION, "context": long}),
    ]
    together = engine.answer(asked)
    assert [type(one) for one in together] == [SpanPrediction, TagPrediction, SpanPrediction]
    for request, one in zip(asked, together, strict=True):
        [alone] = engine.answer([request])
        assert alone.label == one.label
        if isinstance(one, SpanPrediction) and isinstance(alone, SpanPrediction):
            assert alone.best.probability == pytest.approx(one.best.probability, rel=1e-4)


def test_ways_are_compared_by_f1(data: Path, tiny_folder: Path, pretrained: Any, tmp_path: Path) -> None:
    wanted = Wanted(methods=("majority", "sentence", "nearby_words", "head"))
    made = compare.run(settings(tiny_folder), tmp_path / "out", wanted, base=data, pretrained=pretrained)
    assert made.metric.name == "F1"
    assert [other.name for other in made.others] == ["EM", "HasAns F1", "HasAns EM", "NoAns"]
    assert {way.key for way in made.ways} == {"majority", "sentence", "nearby_words", "head"}
    assert "F1" in (tmp_path / "out" / "compare.html").read_text()
    again = compare.run(settings(tiny_folder), tmp_path / "out", wanted, base=data, pretrained=pretrained)
    assert [way.score for way in again.ways] == [way.score for way in made.ways]


def test_where_every_row_of_train_has_an_answer_one_is_always_given(
    tiny_folder: Path, pretrained: Any, tmp_path: Path
) -> None:
    folder = write_spans(tmp_path, without=False)
    tuned = tune.run(settings(tiny_folder), tmp_path / "run", base=folder, pretrained=pretrained, beside=False)
    assert tuned.run.task.answer.threshold == 0  # type: ignore[union-attr]
    engine = open_engine(tmp_path / "run", pretrained=pretrained)
    [answer] = predict.run(engine, [{"question": QUESTION, "context": "the plot"}])
    assert set(answer) == {"text", "start", "end", "probability"}
    assert answer["text"]


def test_rows_in_memory_and_csv(tiny_folder: Path, pretrained: Any, tmp_path: Path) -> None:
    content = [{**row, "answers": json.dumps(row["answers"])} for row in rows(40, 1)]
    out = io.StringIO()
    writer = csv.DictWriter(out, ["question", "context", "answers"])
    writer.writeheader()
    writer.writerows(content)
    (tmp_path / "rows.csv").write_text(out.getvalue(), encoding="utf-8")
    task = make_task(
        {"backbone": str(tiny_folder), "answer": "span", "method": "head", "data": {"train": "rows.csv"}}
    )  # fmt: skip
    by_file = tune.run(task, tmp_path / "file", base=tmp_path, pretrained=pretrained, beside=False).report
    rowless = task.model_copy(update={"data": task.data.model_copy(update={"train": None})})
    own = {"train": rows(40, 1)}
    in_memory = tune.run(rowless, tmp_path / "memory", rows=own, pretrained=pretrained, beside=False).report
    assert by_file is not None
    assert in_memory is not None
    assert by_file.scored.dev.f1 == in_memory.scored.dev.f1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": "q", "passage": "a", "answers": ["a"]},
         "train.jsonl:1: no column 'context' for the field 'context'; the columns are question, passage, answers. "
         "Set data.columns.context to one of them."),
        ({"question": "q", "context": "a b", "answer": "z"}, NOT_THERE),
        ({"question": "q", "context": "", "answer": "z"}, NOT_THERE),
        ({"question": "q", "context": "a"},
         "train.jsonl:1: no column 'answers' for the answer; the columns are question, context. "
         "Set data.label to one of them."),
    ],
    ids=["wrong column", "not there", "empty context", "no answers"],
)  # fmt: skip
def test_rows_that_will_not_do(
    row: dict[str, Any], message: str, tiny_folder: Path, pretrained: Any, tmp_path: Path
) -> None:
    tiny.write_rows(tmp_path / "train.jsonl", [row, row])
    task = make_task({"backbone": str(tiny_folder), "answer": "span", "data": {"train": "train.jsonl"}})
    with pytest.raises(TrimtabError) as caught:
        tune.run(task, tmp_path / "run", base=tmp_path, pretrained=pretrained)
    assert str(caught.value) == message
