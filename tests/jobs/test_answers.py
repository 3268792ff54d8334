"""Choices, numbers and pairs of texts through whole jobs: tuned, resumed, judged, used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import tiny
from answer_rows import CHOICE, TEMPLATES, choices, numbers, settings, write_answers
from closeness import assert_near
from encoders import save_encoder
from trimtab import Engine, Request, open_engine
from trimtab.backbones.pretrained import load
from trimtab.data import Example
from trimtab.data.example import ChoiceExample
from trimtab.errors import TrimtabError
from trimtab.jobs import evaluate, exchange, predict, show, tune
from trimtab.kinds.bind import bind
from trimtab.kinds.prediction import ChoicePrediction, NumberPrediction
from trimtab.runs.run import load_run
from trimtab.settings.file import make_task, read_task
from whole_jobs import Killed, dying_at


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_answers(tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def runs(data: Path, tiny_folder: Path, pretrained: Any) -> dict[str, Path]:
    """A run of each kind, judged beside the baselines."""
    train = {"steps": 40, "evaluate_every": 20}
    for kind in TEMPLATES:
        tune.run(settings(kind, tiny_folder, train=train), data / f"run-{kind}", base=data, pretrained=pretrained)
    return {kind: data / f"run-{kind}" for kind in TEMPLATES}


def test_a_choice_is_learned_judged_and_reported(runs: dict[str, Path]) -> None:
    report = json.loads((runs["choice"] / "report.json").read_text())
    scored = report["scored"]
    assert scored["kind"] == "choice"
    assert scored["test"]["accuracy"] >= 0.85
    assert {b["name"] for b in scored["baselines"]} == {"majority", "zero-shot"}
    assert max(b["accuracy"] for b in scored["baselines"]) < scored["test"]["accuracy"]
    assert set(report["data"]["label_counts"]["train"]) == {"option 1", "option 2", "option 3", "option 4"}
    assert sum(report["data"]["label_counts"]["train"].values()) == 48
    page, card = ((runs["choice"] / name).read_text() for name in ("report.html", "card.md"))
    assert "Where the right option stands" in page
    assert "Macro F1" not in page
    assert "Gives one of the options that stand in the record to texts" in card
    assert load_run(runs["choice"]).task.labels.words is None


def test_numbers_are_learned_judged_and_reported(runs: dict[str, Path], data: Path) -> None:
    report = json.loads((runs["number"] / "report.json").read_text())["scored"]
    scores = {b["name"]: b["rmse"] for b in report["baselines"]}
    assert report["test"]["rmse"] < 0.8 * scores["mean"]
    assert report["test"]["pearson"] > 0.8
    assert set(scores) == {"mean", "ridge regression"}
    resolved = yaml.safe_load((runs["number"] / "task.yaml").read_text())["answer"]
    right = [float(str(row["label"])) for row in numbers(48, 1)]
    assert (resolved["mean"], resolved["sd"]) == pytest.approx((np.mean(right), np.std(right)))
    steps = [json.loads(line) for line in (runs["number"] / "metrics.jsonl").read_text().splitlines()]
    shares, losses = zip(*(step["dev"][0] for step in steps if step["dev"]), strict=True)
    dev = [(float(str(row["label"])) - resolved["mean"]) / resolved["sd"] for row in numbers(18, 2)]
    assert list(shares) == pytest.approx([1 - loss / np.var(dev) for loss in losses])


@pytest.mark.parametrize("method", ["soft_prompt", "prefix"])
def test_a_prompt_of_choices_starts_from_demonstrations(
    method: str, data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path
) -> None:
    own = make_task({"method": {"name": method, "init": "demonstrations"}}).method
    task = settings("choice", tiny_folder, train={"epochs": 3, "steps": None}).model_copy(update={"method": own})
    done = tune.run(task, tmp_path / "run", base=data, beside=False, pretrained=pretrained)
    kept = load_run(tmp_path / "run").task.method
    assert (kept.demonstrations, kept.length > 60) == (8, True)
    assert done.report.scored.test.accuracy > 0.5


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_killed_run_goes_on_to_the_same_bits(
    kind: str, data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path
) -> None:
    task = settings(kind, tiny_folder, train={"runs": 2, "checkpoint_seconds": 0})
    tune.run(task, tmp_path / "whole", base=data, beside=False, pretrained=pretrained)
    with pytest.raises(Killed):
        tune.run(task, tmp_path / "run", base=data, pretrained=pretrained, on_step=dying_at(5))
    task = tune.resolved_task(tmp_path / "run")
    tune.run(task, tmp_path / "run", base=data, beside=False, pretrained=pretrained, resume=True)
    for name in ("prompt.safetensors", "task.yaml"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "run" / name).read_bytes()


@pytest.mark.parametrize("kind", TEMPLATES)
def test_answers_do_not_depend_on_what_else_is_asked(
    kind: str, runs: dict[str, Path], data: Path, pretrained: Any, trimtab: Callable[..., Any]
) -> None:
    engine = open_engine(runs[kind], pretrained=pretrained)
    source = str(data / f"{kind}-test.jsonl")
    together = list(predict.run(engine, source, batch=1000))
    alone = list(predict.run(engine, source, batch=1))
    what = "number" if kind == "number" else "probability"
    assert_near([a[what] for a in alone], [a[what] for a in together])
    assert [list(a) for a in alone] == [list(a) for a in together]
    printed = [json.loads(line) for line in trimtab("predict", runs[kind], source).out.splitlines()]
    assert_near([a[what] for a in printed], [a[what] for a in together])


def test_kinds_mix_in_one_engine(runs: dict[str, Path], pretrained: Any) -> None:
    engine = Engine(pretrained)
    for kind, folder in runs.items():
        engine.add(kind, load_run(folder))
    choice = Request("choice", {"text": "how was it"}, options=("the film was bad", "the film was great"))
    number = Request("number", {"text": "a great and warm film"})
    both = engine.answer([choice, number, choice])
    chosen, said = both[:2]
    assert chosen == both[2]
    assert isinstance(chosen, ChoicePrediction)
    assert (chosen.label, chosen.index) == ("the film was great", 1)
    [alone] = engine.answer([number])
    assert isinstance(said, NumberPrediction)
    assert isinstance(alone, NumberPrediction)
    assert_near(said.number, alone.number)


def test_bad_rows_are_answered_in_their_places(runs: dict[str, Path], pretrained: Any, tmp_path: Path) -> None:
    good = {"text": "how was it", "options": ["the film was bad", "the film was great"], "label": -1}
    path = tiny.write_rows(tmp_path / "new.jsonl", [good, {**good, "options": ["one"]}, {"text": "x"}, good])
    found = list(predict.run(open_engine(runs["choice"], pretrained=pretrained), str(path)))
    assert found[0] == found[3]
    assert found[1]["error"] == f"{path}:2: 1 option, expected two or more. Add options, or leave the row out."
    assert found[2]["error"] == (
        f"{path}:3: no column 'options' for the options; the columns are text. "
        "Set answer.options to a column that is there."
    )
    with pytest.raises(TrimtabError) as caught:
        open_engine(runs["choice"], pretrained=pretrained).answer([Request("run", {"text": "x"})])
    assert str(caught.value) == "input: 0 options, expected two or more. Give the row its options."


def test_the_command_line_shows_looks_and_scores(
    runs: dict[str, Path], data: Path, tiny_folder: Path, trimtab: Callable[..., Any], pretrained: Any
) -> None:
    shown = trimtab("show", runs["choice"] / "task.yaml", "-n", "2").out
    right = choices(48, 1)[0]
    assert f"怎么样 ?{right['options'][right['label']]}" in shown  # type: ignore[index]
    assert "Label words" not in shown
    looked = trimtab("data", data / "number-train.jsonl", "--task", runs["number"] / "task.yaml", "--no-tokens").out
    assert "48 rows, numbers from 2 to 8.99, median 5.49, mean 5.465" in looked
    said = trimtab("evaluate", runs["number"])
    assert (said.code, "Pearson" in said.out, "ridge regression" in said.out) == (0, True, True)
    text = trimtab("predict", runs["choice"], "-t", "x")
    assert (text.code, text.err) == (
        2,
        "trimtab: this task chooses among the options of a row, and a text alone has none.\n"
        "         Give a file, or JSON lines on standard input.\n",
    )
    [answer] = show.run(settings("number", tiny_folder), 1, base=data, pretrained=pretrained)[0]
    assert answer.text.endswith("\nScore:")
    again = evaluate.run(runs["choice"], test=str(data / "choice-dev.jsonl"), out=data / "again", pretrained=pretrained)
    assert again.scored.test is not None
    assert again.scored.test.rows == 18


@pytest.mark.parametrize("method", ["head", "lora", "late_prompt", "prefix", "full"])
def test_every_sort_of_method_learns_numbers(
    method: str, data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path
) -> None:
    content = {"name": method, **({"length": 4} if method in ("late_prompt", "prefix") else {})}
    task = settings("number", tiny_folder, train={"steps": 24, "evaluate_every": 12, "runs": 2, "ensemble": True})
    task = task.model_copy(update={"method": make_task({"method": content}).method})
    made = tune.run(task, tmp_path / "run", base=data, beside=False, pretrained=pretrained)
    assert made.report is not None
    assert made.report.scored.kind == "number"
    assert made.report.scored.test is not None
    spread = np.std([float(str(row["label"])) for row in numbers(18, 3)])
    assert made.report.scored.test.rmse < spread


@pytest.mark.parametrize("method", ["lora", "late_prompt", "prefix"])
def test_every_sort_of_method_chooses(
    method: str, data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path
) -> None:
    content = {"name": method, **({} if method == "lora" else {"length": 4})}
    task = settings("choice", tiny_folder, train={"steps": 4, "runs": 2, "gradient_checkpointing": True})
    task = task.model_copy(update={"method": make_task({"method": content}).method})
    made = tune.run(task, tmp_path / "run", base=data, beside=False, pretrained=pretrained)
    assert made.report is not None
    assert made.report.scored.dev is not None
    assert_near(made.report.scored.dev.log_loss, made.run.facts["dev_loss"][made.run.kept])
    assert made.report.scored.dev.accuracy == pytest.approx(made.run.facts["dev_accuracy"][made.run.kept])


def test_an_option_may_be_too_long_and_the_text_is_cut_for_it(pretrained: Any, tiny_folder: Path) -> None:
    bound = bind(settings("choice", tiny_folder, template={"max_tokens": 64}), {}, pretrained)
    fields = {"text": "the plot is great " * 30}
    rows = {}
    for name, option in (("short", "good"), ("long", "good and " * 4)):
        [rows[name]] = bound.encode([ChoiceExample(fields, None, "rows.jsonl:1", options=(option, "bad"))])
    assert rows["short"].options is not None
    assert rows["long"].options is not None
    longer = rows["long"].options.longest - rows["short"].options.longest
    assert len(rows["short"].ids) - len(rows["long"].ids) == rows["long"].cut - rows["short"].cut == longer
    assert len(rows["long"].ids) + bound.method.tokens + rows["long"].options.longest == 64
    with pytest.raises(TrimtabError) as caught:
        bound.encode([ChoiceExample(fields, None, "rows.jsonl:1", options=("good and " * 60, "bad"))])
    found = len(pretrained.tokenizer(" " + "good and " * 60, add_special_tokens=False)["input_ids"])
    assert str(caught.value) == (
        f"rows.jsonl:1: an option of {found} tokens leaves no room for the input within {bound.encoder.budget}. "
        "Shorten it, leave the row out, or raise template.max_tokens."
    )


@pytest.mark.parametrize("kind", ["bert", "bare"])
def test_encoders_say_numbers_too(kind: str, data: Path, tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / kind, kind)
    encoder = load(folder, tmp_path / "cache", name=kind, precision="float32")
    task = settings("number", folder, train={"steps": 3}, template={"text": "{answer} : {text}"})
    tune.run(task, tmp_path / "run", base=data, beside=False, pretrained=encoder)
    [answer] = open_engine(tmp_path / "run", pretrained=encoder).answer([Request("run", {"text": "a great film"})])
    assert isinstance(answer, NumberPrediction)
    assert np.isfinite(answer.number)
    task = settings("choice", folder)
    with pytest.raises(TrimtabError) as caught:
        tune.run(task, tmp_path / "other", base=data, pretrained=encoder)
    assert str(caught.value) == (
        "options are scored as text, which needs a causal backbone; one of type 'bert' is an encoder. "
        "Choose another backbone."
    )


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "labels": (
        {"answer": "number", "labels": ["a", "b"]},
        "labels are given, and the answers of this task are numbers. Take `labels` out, or set answer to label.",
    ),
    "number untrained": (
        {"answer": "number", "method": "few_shot"},
        "method 'few_shot' trains nothing, and numbers are read by a layer that must be trained. Choose a method that "
        "trains, head or soft_prompt say.",
    ),
    "smoothing": (
        {"answer": "number", "train": {"label_smoothing": 0.1}},
        "train.label_smoothing spreads probability over labels, and the answers of this task are numbers. Take it out.",
    ),
    "head": (
        {"answer": CHOICE, "method": "head"},
        "method 'head' needs labels that are the same for all rows, and each row has options of its own. Choose "
        "another method, soft_prompt or lora say.",
    ),
    **{
        f"calibrated {name}": (
            {"answer": CHOICE, "method": {"name": name, "calibrate": True}},
            "method.calibrate needs labels that are the same for all rows, and each row has options of its own. "
            "Take it out.",
        )
        for name in ("zero_shot", "few_shot")
    },
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_go_together(case: str, tmp_path: Path) -> None:
    content, message = REFUSED[case]
    with pytest.raises(TrimtabError) as caught:
        tune.run(make_task(content), tmp_path / "run", base=tmp_path)
    assert str(caught.value) == message


def test_numbers_are_not_exchanged(runs: dict[str, Path], tmp_path: Path, pretrained: Any) -> None:
    with pytest.raises(TrimtabError) as caught:
        exchange.export(runs["number"], tmp_path / "out", pretrained=pretrained)
    assert str(caught.value) == (
        "the answers of this task are numbers, said by a linear layer of the run's own, which neither PEFT nor a model "
        "class of transformers has a place for. Answer with the run itself: trimtab predict."
    )


@pytest.mark.parametrize("apart", [True, False], ids=["no option begins another", "one begins another"])
def test_a_choice_goes_to_peft_and_back(
    apart: bool, runs: dict[str, Path], data: Path, tiny_folder: Path, tmp_path: Path, pretrained: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The card's code, which loads the adapter with PEFT, and the run made of the adapter answer as the run does."""
    out, again = tmp_path / "adapter", tmp_path / "again"
    exchange.export(runs["choice"], out, pretrained=pretrained)
    exchange.import_(out, settings("choice", tiny_folder), again, base=data, pretrained=pretrained)
    options = ["the film was great", "the film was awful" if apart else "the film was great fun"]
    request = Request("run", {"text": "how was it"}, options=options)
    both = [open_engine(folder, pretrained=pretrained).answer([request])[0] for folder in (runs["choice"], again)]
    expected, found = (list(one.probabilities.values()) for one in both if isinstance(one, ChoicePrediction))
    assert found == pytest.approx(expected, abs=1e-6)
    card = (out / "README.md").read_text()
    assert "Label words: each row's own options\n" in card
    code = card.partition("```python\n")[2].partition("```")[0]
    code = code.replace('options = ["...", "..."]', f"options = {options}").replace("'...'", "'how was it'")
    monkeypatch.chdir(out)
    names: dict[str, Any] = {}
    exec(compile(code, "card", "exec"), names)
    assert list(names["probabilities"]) == options
    assert_near(list(names["probabilities"].values()), expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"answer": "numbr"}, "task: unknown kind of answer 'numbr'. Did you mean 'number'?"),
        ({"answer": {"kind": "choice", "option": ["a", "b"]}}, "Did you mean 'options'?"),
        ({"answer": {"kind": "number", "sd": 0}}, "task: answer.sd: Input should be greater than 0 (found 0). "
         "See docs/task-file.md."),
        ({"answer": {"kind": "choice", "options": ["a"]}}, "task: answer.options: Value error, name two different "
         "columns or more, or one column that holds a list (found ['a']). See docs/task-file.md."),
    ],
)  # fmt: skip
def test_settings_that_will_not_do(content: dict[str, Any], message: str) -> None:
    with pytest.raises(TrimtabError) as caught:
        make_task(content)
    assert str(caught.value).endswith(message)


def test_a_task_file_from_before_has_labels(tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    path.write_text("labels: [a, b]\n")
    assert read_task(path).answer.kind == "label"
    assert read_task(path, ["answer.kind=number"]).answer.kind == "number"
    path.write_text("answer: number\n")
    assert read_task(path, ["answer.loss=huber"]).answer.model_dump()["loss"] == "huber"


def test_pairs_are_cut_in_either_field(data: Path, tiny_folder: Path, pretrained: Any) -> None:
    task = make_task({
        **tiny.task(tiny_folder),
        "template": {"text": "{premise}\nQuestion: {hypothesis} True, false or neither?{answer}",
                     "truncate": ["premise", "hypothesis"], "max_tokens": 64},
        "labels": {"entailment": "True", "contradiction": "false", "neutral": "neither"},
    })  # fmt: skip
    bound = bind(task, {k: list(v) for k, v in (task.labels.words or {}).items()}, pretrained)
    short, long = "the plot is great", "the plot is great and " * 40
    for premise, hypothesis in ((long, short), (short, long), (long, long)):
        [row] = bound.encode([Example({"premise": premise, "hypothesis": hypothesis}, None, "pairs.jsonl:1")])
        assert row.cut > 0
        text = pretrained.tokenizer.decode(row.ids)
        assert len(row.ids) + bound.method.tokens + bound.verbalizer.longest == 64
        assert "\nQuestion:" in text
        assert text.endswith(" True, false or neither?")
        for given in (premise, hypothesis):
            assert given != short or short in text
