"""Free text as the answer: tuned, resumed, answered in mixed batches, streamed; against transformers' generate."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM

import needs
import tiny
from closeness import assert_near
from trimtab import load_splits
from trimtab.decoding.constraints import make_constraint
from trimtab.errors import TrimtabError
from trimtab.inference.engine import Engine
from trimtab.inference.request import Request
from trimtab.jobs import predict, tune
from trimtab.kinds.bind import bind
from trimtab.kinds.texts import answer_ids
from trimtab.reports.files import read_report
from trimtab.runs.run import Run, backbone_facts, zero_shot
from trimtab.settings.answers import TextAnswer
from trimtab.settings.file import make_task, read_task
from whole_jobs import tuned

ANSWERS = {"positive": ["a good film", "I liked it"], "negative": ["a bad film", "I did not like it"]}
METHODS = ("soft_prompt", "prefix", "p_tuning", "late_prompt", "lora", "ia3", "full")


def rows(n: int, seed: int):
    out = []
    for i, row in enumerate(tiny.rows(n, seed)):
        texts = ANSWERS[row["label"]]
        out.append({"text": row["text"], "answer": texts if i % 3 else texts[0]})
    return out


@pytest.fixture
def folder(tmp_path, tiny_folder):
    for name, n, seed in (("train", 48, 1), ("dev", 12, 2), ("test", 12, 3)):
        tiny.write_rows(tmp_path / f"{name}.jsonl", rows(n, seed))
    settings = {
        "name": "verdicts", "backbone": str(tiny_folder), "task": "what do you say of the film ?", "answer": "text",
        "data": {"train": "train.jsonl", "dev": "dev.jsonl", "test": "test.jsonl", "label": "answer"},
        "method": {"length": 5},
        "train": {"steps": 6, "batch_size": 8, "evaluate_every": 3, "threads": 1, "precision": "float32"},
    }  # fmt: skip
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains_and_answers(folder, pretrained, method):
    run = tuned(folder, pretrained, overrides=[f"method={method}", "train.steps=4"]).run
    losses = [json.loads(line)["loss"][0] for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]
    assert all(0 < loss < 20 for loss in losses)
    engine = predict.open_engine(folder / "run", pretrained=pretrained)
    [answer] = engine.answer([Request("run", {"text": "a great film"})])
    assert len(answer.texts) == 1
    assert answer.label == answer.texts[0].text
    assert 0 < run.facts["dev_accuracy"][0] < 1


def test_dev_reads_the_first_answer_of_each_row(folder, pretrained):
    several = [
        {**row, "answer": [row["answer"][0], "a film"]} for row in rows(12, 2) if isinstance(row["answer"], list)
    ]
    found = []
    for name, dev in (("one", [{**row, "answer": row["answer"][0]} for row in several]), ("two", several)):
        tiny.write_rows(folder / "dev.jsonl", dev)
        found.append(tuned(folder, pretrained, overrides=["train.steps=2"], out=name).run.facts["dev_loss"])
    assert found[0] == found[1]


def test_training_ends_where_answers_are_learned_by_heart(folder, pretrained):
    tiny.write_rows(folder / "dev.jsonl", [{**row, "answer": "what was that ?"} for row in rows(12, 2)])
    settings = ["train.steps=24", "train.evaluate_every=2", "method=full", "train.rate=0.01"]
    made = tune.run(read_task(folder / "task.yaml", settings), folder / "ended", base=folder, pretrained=pretrained)
    run = made.run
    evaluations = run.facts["best_steps"][0] / 2
    assert run.facts["steps"] == 2 * (evaluations + 4) < run.facts["planned_steps"] == 24  # a third of twelve
    assert any("dev had not improved for 4 evaluations" in warning for warning in made.report.warnings)
    run = tuned(folder, pretrained, overrides=[*settings, "train.patience=0"], out="all").run
    assert run.facts["steps"] == 24


def test_full_fine_tuning_learns_the_answers(folder, pretrained):
    tuned(folder, pretrained, overrides=["method=full", "train.steps=60", "train.rate=0.01", "train.evaluate_every=60"])
    engine = predict.open_engine(folder / "run", pretrained=pretrained)
    films = ("a great and funny film", "a bad and cold film")
    answers = engine.answer([Request("run", {"text": text}) for text in films])
    assert {a.label for a in answers} <= {text for texts in ANSWERS.values() for text in texts}
    assert {a.texts[0].ended for a in answers} == {"end"}


def test_longest_answer_is_picked_and_kept(folder, pretrained):
    run = tuned(folder, pretrained).run
    tokenizer = pretrained.tokenizer
    longest = max(len(tokenizer(" " + text)["input_ids"]) for texts in ANSWERS.values() for text in texts)
    assert run.task.answer.max_tokens == longest + 2


def test_training_loss_is_that_of_plain_transformers(folder, pretrained, tiny_folder):
    notes = []
    tuned(
        folder,
        pretrained,
        overrides=["train.steps=1", "train.batch_size=5", "method=full"],
        on_plan=lambda task, plan, n: notes.extend(n),
    )
    found = json.loads((folder / "run" / "metrics.jsonl").read_text().splitlines()[0])["loss"][0]
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    task = read_task(folder / "run" / "task.yaml")
    bound = bind(task, {}, pretrained)
    from trimtab.training.loop import Plan

    splits = load_splits(task.data, ["text"], task.answer, base=folder)
    pairs = [(e, text) for e in splits.train for text in e.references]
    batch = Plan(len(pairs), 1, 5, 1, 0.1, (task.train.seed,)).batch(0, 0)
    total = 0.0
    for i in batch:
        example, text = pairs[i]
        answer = answer_ids(bound, text)
        assert answer[-1] == pretrained.tokenizer.eos_token_id
        ids = [*bound.leading, *bound.encoder.head_ids, *bound.encoder.encode(example.fields).ids, *answer]
        logits = model(torch.tensor([ids])).logits[0, -len(answer) - 1 : -1]
        total += torch.nn.functional.cross_entropy(logits, torch.tensor(answer), reduction="sum").item()
    mean = sum(len(answer_ids(bound, text)) for _, text in pairs) / len(pairs)
    assert_near(found, total / len(batch) / mean)
    assert notes == ["test: 12 rows hold 11 inputs, each right with any of its answers"]


def test_resume_is_exact(folder, pretrained):
    whole = tuned(folder, pretrained, "whole").run

    class Stop(Exception):
        pass

    def stop(record, plan):
        if record.step == 4:
            raise Stop

    with pytest.raises(Stop):
        tuned(folder, pretrained, "killed", ["train.checkpoint_seconds=0"], on_step=stop)
    again = tuned(folder, pretrained, "killed", ["train.checkpoint_seconds=0"], resume=True).run
    for name, tensor in whole.tensors[0].items():
        assert torch.equal(tensor, again.tensors[0][name])


def test_several_runs_in_one_pass_are_those_of_each_alone(folder, pretrained):
    both = tuned(folder, pretrained, "both", ["train.runs=2"]).run
    alone = tuned(folder, pretrained, "alone", ["train.seed=1"]).run
    for name, tensor in alone.tensors[0].items():
        assert_near(tensor, both.tensors[1][name])


def made(pretrained, seed=0, method=None, answer=None, **settings) -> Run:
    task = make_task(
        {
            "method": method or {"length": 4},
            "task": "say",
            "answer": {"kind": "text", "max_tokens": 9, **(answer or {})},
            **settings,
        }
    )
    generator = torch.Generator().manual_seed(seed)
    start = bind(task, {}, pretrained).method.initial(0)
    tensors = {name: x + 0.3 * torch.randn(x.shape, generator=generator) for name, x in start.items()}
    return Run("a run", task, {}, (tensors,), 0, backbone_facts(pretrained), {})


TEXTS = ("a great film", "", "这家店好吃 😀 and awful", "the plot is bad , the cast cold")


def test_a_mixed_batch_answers_as_each_alone(pretrained):
    labels = {"negative": ["negative"], "positive": ["positive"]}
    runs = {
        name: made(pretrained, i, {"name": name})
        for i, name in enumerate(("soft_prompt", "prefix", "p_tuning", "lora", "late_prompt"))
    }
    runs["longer"] = made(pretrained, 7, {"length": 11})
    runs["drawn"] = made(pretrained, 8, answer={"temperature": 1.0, "top_p": 0.9, "answers": 2})
    runs["beams"] = made(pretrained, 9, answer={"beams": 3})
    runs["labels"] = zero_shot(make_task({}), labels, pretrained)
    engine = Engine(pretrained)
    for name, run in runs.items():
        engine.add(name, run)
    asked = [Request(name, {"text": text}) for text in TEXTS for name in runs]
    together = engine.answer(asked)
    for request, found in zip(asked, together, strict=True):
        alone = Engine(pretrained)
        alone.add(request.run, runs[request.run])
        [expected] = alone.answer([request])
        assert found.label == expected.label
        if request.run == "labels":
            assert_near(found.probabilities, expected.probabilities)
            continue
        assert [t.ids for t in found.texts] == [t.ids for t in expected.texts]
        assert [t.ended for t in found.texts] == [t.ended for t in expected.texts]


def test_greedy_answers_are_those_of_transformers(pretrained, tiny_folder):
    run = zero_shot(make_task({"answer": {"kind": "text", "max_tokens": 12}}), {}, pretrained)
    engine = Engine(pretrained)
    bound = engine.add("run", run)
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    for text in TEXTS:
        [found] = engine.answer([Request("run", {"text": text})])
        ids = [*bound.encoder.head_ids, *bound.encoder.encode({"text": text}).ids]
        [expected] = model.generate(torch.tensor([ids]), max_new_tokens=12, do_sample=False, pad_token_id=0).tolist()
        assert list(found.texts[0].ids) == [i for i in expected[len(ids) :] if i != 0]


def test_streamed_pieces_make_the_answer(pretrained):
    engine = Engine(pretrained)
    engine.add("run", made(pretrained, 3, answer={"max_tokens": 30}))
    for text in TEXTS:
        request = Request("run", {"text": text})
        [whole] = engine.answer([request])
        pieces = list(engine.stream(request))
        assert "".join(pieces) == whole.label
    stop = re.findall("[a-z]{2}", whole.label)[-1]
    request = Request("run", {"text": TEXTS[-1]}, decoding=TextAnswer(max_tokens=30, stop=[stop]))
    [cut] = engine.answer([request])
    assert cut.texts[0].ended == "stop"
    assert cut.label == whole.label[: whole.label.index(stop)].strip()
    assert "".join(engine.stream(request)) == cut.label


def test_drawing_follows_the_seed_and_the_temperature(pretrained):
    engine = Engine(pretrained)
    engine.add("run", made(pretrained, 3))

    def drawn(**settings):
        own = TextAnswer(max_tokens=8, temperature=1.0, answers=4, **settings)
        return [t.ids for t in engine.answer([Request("run", {"text": "a film"}, decoding=own)])[0].texts]

    assert drawn(seed=1) == drawn(seed=1)
    assert drawn(seed=1) != drawn(seed=2)
    assert len(set(drawn(seed=1))) > 1
    assert len(set(drawn(seed=1, top_k=1))) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "head"}, "method 'head' needs labels, and the answers of this task are texts."),
        ({"method": "search"}, "method 'search' needs labels, and the answers of this task are texts."),
        ({"labels": ["a", "b"]}, "labels are given, and the answers of this task are texts."),
        (
            {"method": {"name": "zero_shot", "calibrate": True}},
            "method.calibrate needs labels, and the answers of this task are texts.",
        ),
        (
            {"train": {"ensemble": True}},
            "train.ensemble takes the mean of labels' probabilities, and the answers of this task are texts.",
        ),
    ],
)
def test_what_does_not_go_with_text(pretrained, changes, message):
    with pytest.raises(TrimtabError) as error:
        bind(make_task({"answer": "text", **changes}), {}, pretrained)
    assert str(error.value).startswith(message)


def test_report_page_and_card(folder, pretrained, trimtab, monkeypatch):
    monkeypatch.chdir(folder)
    found = trimtab("tune", "task.yaml", "--out", "run", "--set", "method=full", "--set", "answer.metrics=[F1, EM]")
    assert found.code == 0, found.err
    assert "nearest answer" in found.out
    assert "zero-shot" in found.out
    report = read_report(folder / "run" / "report.json")
    assert report.scored.kind == "text"
    assert [f.name for f in report.scored.test.figures] == ["F1", "EM"]
    assert report.scored.dev is None
    assert {b.name for b in report.scored.baselines} == {"nearest answer", "zero-shot"}
    page = (folder / "run" / "report.html").read_text()
    assert "Answers, the worst first" in page
    card = (folder / "run" / "card.md").read_text()
    assert "Gives an answer in free text" in card
    assert "rules:squad" in card
    again = trimtab("evaluate", "run", "--no-beside")
    assert again.code == 0
    assert "zero-shot" not in again.out


def test_predict_finds_texts_otherwise_where_told(folder, pretrained, trimtab, monkeypatch):
    tuned(folder, pretrained)
    monkeypatch.chdir(folder)
    drawn = trimtab("predict", "run", "-t", "a film", "--set", "answer.temperature=1", "--set", "answer.answers=2")
    [record] = [json.loads(line) for line in drawn.out.splitlines()]
    assert len(record["texts"]) == 2
    assert record["text"] == record["texts"][0]["text"]
    among = trimtab("predict", "run", "-t", "a film", "--set", 'answer.one_of=["so so", "好 😀"]')
    assert json.loads(among.out)["text"] in ("so so", "好 😀")
    refused = trimtab("predict", "run", "-t", "x", "--set", "train.steps=3")
    assert (refused.code, refused.err) == (
        2, "trimtab: 'train.steps=3' cannot be set for a run that is tuned.\n         Only settings of `answer` can.\n"
    )  # fmt: skip


def test_data_and_show(folder, trimtab, monkeypatch):
    monkeypatch.chdir(folder)
    found = trimtab("data", "train.jsonl", "--task", "task.yaml", "--no-tokens")
    assert "48 rows, 80 answers in free text, 4 different, 32 rows with several; 10 to 17 characters" in found.out
    shown = trimtab("show", "task.yaml", "-n", "1")
    assert "<eos>" in shown.out


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([], "2 rows have none"),
        (["good", ""], "one of the 2 answers in column 'answer' is empty."),
        ([{"a": 1}], "holds an object, expected text or a number."),
    ],
)
def test_answers_that_will_not_do(folder, pretrained, answer, message):
    tiny.write_rows(folder / "train.jsonl", [{"text": "a", "answer": answer}, {"text": "b", "answer": answer}])
    with pytest.raises(TrimtabError) as error:
        tuned(folder, pretrained)
    assert message in str(error.value)


def test_unknown_metric_is_refused_before_training(folder, pretrained):
    with pytest.raises(TrimtabError, match=r"Metric 'BLUE' is not one of .*Did you mean 'BLEU'"):
        tuned(folder, pretrained, overrides=["answer.metrics=[BLUE]"])
    assert not (folder / "run").exists()


def test_few_shot_ends_where_the_next_example_would_begin(folder, pretrained):
    shown = tuned(folder, pretrained, overrides=['method={"name": "few_shot", "demonstrations": 2}']).run
    engine = Engine(pretrained)
    bound = engine.add("run", shown)
    assert "\n\n" in bound.kind.generating(bound, None).settings.stop
    [answer] = engine.answer([Request("run", {"text": "a film"})])
    assert "\n\n" not in answer.label


def test_rows_that_ask_alike_share_one_constraint(pretrained, monkeypatch):
    made_constraints = []

    def counted(*given):
        made_constraints.append(make_constraint(*given))
        return made_constraints[-1]

    monkeypatch.setattr("trimtab.inference.engine.make_constraint", counted)
    engine = Engine(pretrained)
    engine.add("run", made(pretrained, answer={"one_of": ["a warm film", "a cold film"]}))
    answers = engine.answer([Request("run", {"text": text}) for text in TEXTS])
    answers += engine.answer([Request("run", {"text": text}) for text in TEXTS])
    assert len(made_constraints) == 1
    assert {answer.label for answer in answers} <= {"a warm film", "a cold film"}
    other = TextAnswer(max_tokens=9, pattern="[0-9]{3}")
    [answer] = engine.answer([Request("run", {"text": "a film"}, decoding=other)])
    assert re.fullmatch("[0-9]{3}", answer.label)
    assert len(made_constraints) == 2


def test_programs_are_run_where_asked_for(folder, pretrained, trimtab, monkeypatch):
    def problems(n: int) -> list[dict[str, str]]:
        return [
            {"text": f"add {i}", "answer": f"def f(x): return x + {i}", "check": f"assert f(1) == {i} + 1"}
            for i in range(n)
        ]

    for name in ("train", "dev", "test"):
        tiny.write_rows(folder / f"{name}.jsonl", problems(4))
    tuned(folder, pretrained, overrides=["answer.tests=check", "train.steps=1"])
    monkeypatch.chdir(folder)
    # What a tiny model says is no program: the right answers are put in its place.
    right = {row["text"]: row["answer"] for row in problems(4)}
    says = Engine.answer_examples

    def said(self, run, examples):
        given = [right[example.fields["text"]] for example in examples]
        given[0] = "def f(x): raise SystemExit"
        return [
            replace(found, label=text, texts=(replace(found.texts[0], text=text),))
            for found, text in zip(says(self, run, examples), given, strict=True)
        ]

    monkeypatch.setattr(Engine, "answer_examples", said)
    needs.namespaces()
    found = trimtab("evaluate", "run", "--run-code", "--no-beside")
    assert found.code == 0, found.err
    figures = read_report(folder / "run" / "report.json").scored.test.figures
    assert (figures[-1].name, figures[-1].value) == ("pass@1", 0.75)


def test_there_must_be_tests_to_run(folder, pretrained, trimtab, monkeypatch):
    tuned(folder, pretrained, overrides=["train.steps=1"])
    monkeypatch.chdir(folder)
    found = trimtab("evaluate", "run", "--run-code")
    assert (found.code, found.err) == (
        2, "trimtab: run: the task of this run names no column of tests, so there are no programs to run.\n"
        "         Set answer.tests in the run's task.yaml, or leave --run-code out.\n",
    )  # fmt: skip
    with pytest.raises(TrimtabError, match="no column 'check' for the tests"):
        tuned(folder, pretrained, "other", overrides=["answer.tests=check"])
