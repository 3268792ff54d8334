"""Tags through whole jobs: tuned, resumed, judged, used, on causal backbones and encoders; against plain models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from seqeval.metrics.sequence_labeling import get_entities
from torch.nn import functional as F

import tiny
from closeness import assert_near
from encoder_decoders import save_encoder_decoder
from encoders import save_encoder
from tagged_rows import TAGS, by_hand, examples_of, rows, settings, with_tags
from trimtab import Engine, Request, open_engine
from trimtab.backbones.pretrained import load
from trimtab.errors import TrimtabError
from trimtab.jobs import evaluate, exchange, predict, show, tune
from trimtab.kinds.bind import bind
from trimtab.kinds.prediction import NumberPrediction, TagPrediction
from trimtab.runs.run import load_run
from trimtab.settings.file import make_task
from whole_jobs import kill_and_resume, training_on

BACKBONES = ["llama", "bert", "bare"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tags")
    for name, n, seed in (("train", 64, 1), ("dev", 16, 2), ("test", 16, 3)):
        tiny.write_rows(folder / f"{name}.jsonl", rows(n, seed))
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> dict[str, Path]:
    top = tmp_path_factory.mktemp("encoders")
    return {"llama": tiny_folder} | {name: save_encoder(top / name, name) for name in ("bert", "bare")}


@pytest.fixture(scope="module")
def loaded(folders: dict[str, Path], pretrained: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    cache = tmp_path_factory.mktemp("cache")
    encoders = {n: load(folders[n], cache, name=str(folders[n]), precision="float32") for n in ("bert", "bare")}
    return {"llama": pretrained} | encoders


@pytest.mark.parametrize("method", ["soft_prompt", "head"])
@pytest.mark.parametrize("kind", BACKBONES)
def test_loss_and_gradients_are_those_of_the_plain_model(
    kind: str, method: str, data: Path, loaded: dict[str, Any], folders: dict[str, Path]
) -> None:
    task = with_tags(settings(folders[kind], method, train={"label_smoothing": 0.1, "runs": 2}))
    bound = bind(task, {}, loaded[kind], data, training=True)
    generator = torch.Generator().manual_seed(5)
    starts = [bound.method.initial(seed) for seed in (0, 1)]
    starts = [
        {n: (x + 0.05 * torch.randn(x.shape, generator=generator)).requires_grad_() for n, x in start.items()}
        for start in starts
    ]
    examples = rows(8, 7)
    loss = training_on(bound, examples_of(examples)).loss([0, 1], starts, [[0, 3, 5], [7, 1]], 0)
    for start, members, own in zip(starts, ([0, 3, 5], [7, 1]), loss, strict=True):
        expected = torch.stack([
            F.cross_entropy(
                by_hand(bound, folders[kind], start, examples[i]["tokens"]),
                torch.tensor([TAGS.index(tag) for tag in examples[i]["tags"]]), label_smoothing=0.1,
            )
            for i in members
        ]).mean()  # fmt: skip
        assert_near(own, expected)
        mine = torch.autograd.grad(own, list(start.values()), retain_graph=True)
        theirs = torch.autograd.grad(expected, list(start.values()))
        for name, ours, reference in zip(start, mine, theirs, strict=True):
            assert_near(ours, reference, what=name)


@pytest.mark.parametrize("kind", BACKBONES)
def test_learning_judging_and_using(
    kind: str, data: Path, tmp_path: Path, loaded: dict[str, Any], folders: dict[str, Path]
) -> None:
    train = {"steps": 60, "batch_size": 16, "evaluate_every": 20, "runs": 2, "rate": 0.3}
    tuned = tune.run(settings(folders[kind], train=train), tmp_path / "run", base=data, pretrained=loaded[kind])
    assert tuned.report is not None
    assert tuned.report.scored.kind == "tags"
    scores = tuned.report.scored.test
    assert scores is not None
    assert scores.f1 > 0.7
    assert [b.name for b in tuned.report.scored.baselines] == ["commonest tag", "commonest tag of each token"]
    assert tuned.report.scored.baselines[0].f1 == 0
    resolved = yaml.safe_load((tmp_path / "run" / "task.yaml").read_text())
    assert resolved["answer"]["tags"] == TAGS
    run = load_run(tmp_path / "run")
    engine = open_engine(tmp_path / "run", pretrained=loaded[kind])
    test = rows(16, 3)
    together = engine.answer([Request("run", {}, tokens=row["tokens"]) for row in test])
    for row, answer in zip(test, together, strict=True):
        with torch.no_grad():
            expected = by_hand(engine.runs["run"], folders[kind], run.tensors[run.kept], row["tokens"]).softmax(-1)
        assert isinstance(answer, TagPrediction)
        assert_near(answer.tagged.probabilities, expected.amax(-1).tolist())
        assert answer.label == " ".join(answer.tagged.tags)
    again = evaluate.run(tmp_path / "run", beside=False, pretrained=loaded[kind])
    assert again.scored.kind == "tags"
    assert again.scored.test is not None
    assert again.scored.test.f1 == scores.f1
    steps = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    best = max((step["dev"][run.kept][0], -step["dev"][run.kept][1]) for step in steps if step["dev"])
    assert tuned.report.scored.dev is not None
    assert tuned.report.scored.dev.f1 == pytest.approx(best[0])


@pytest.mark.parametrize("method", ["soft_prompt", "lora"])
def test_a_kill_and_a_resume_end_the_same(method: str, data: Path, tmp_path: Path, loaded: Any, folders: Any) -> None:
    task = settings(folders["llama"], method, train={"runs": 2, "checkpoint_seconds": 0})
    kill_and_resume(task, tmp_path, step=4, base=data, pretrained=loaded["llama"])


METHODS = ["soft_prompt", "warp", "prefix", "p_tuning", "late_prompt", "lora", "bitfit", "full", "ia3", "head"]


@pytest.mark.parametrize("kind", ["llama", "bare"])
def test_runs_of_all_methods_and_kinds_mix(kind: str, data: Path, tmp_path: Path, loaded: Any, folders: Any) -> None:
    """Every method gives tags, and a run of numbers in the same batch gets what it gets alone."""
    engine = Engine(loaded[kind])
    without = {"llama": "bitfit", "bare": "late_prompt"}  # the tiny Llama has no biases
    methods = [method for method in METHODS if method != without[kind]]
    for method in methods:
        ensemble = {"steps": 2, "runs": 2, "ensemble": method == "prefix"}
        task = settings(folders[kind], method, train=ensemble)
        tune.run(task, tmp_path / method, base=data, report=False, pretrained=loaded[kind])
    tiny.write_rows(
        tmp_path / "n.jsonl", [{"text": f"a {w} film", "label": i} for i, w in enumerate(["good", "great"])]
    )
    number = tiny.task(folders[kind], labels={}, answer="number", template={"text": "{text} :{answer}"})
    number["data"] = {"train": "n.jsonl", "dev": "n.jsonl"}
    tune.run(make_task(number), tmp_path / "number", base=tmp_path, report=False, pretrained=loaded[kind])
    names = [*methods, "number"]
    for name in names:
        engine.add(name, load_run(tmp_path / name))
    requests = [
        Request(name, {"tokens": "", "text": " ".join(row["tokens"])}, tokens=() if name == "number" else row["tokens"])
        for row in rows(4, 9)
        for name in names
    ]
    alone = {name: open_engine(tmp_path / name, pretrained=loaded[kind]) for name in names}
    for request, answer in zip(requests, engine.answer(requests), strict=True):
        [expected] = alone[request.run].answer([Request("run", request.fields, tokens=request.tokens)])
        assert type(answer) is type(expected)
        if request.run == "number":
            assert isinstance(answer, NumberPrediction)
            assert isinstance(expected, NumberPrediction)
            assert_near(answer.number, expected.number)
        else:
            assert isinstance(answer, TagPrediction)
            assert isinstance(expected, TagPrediction)
            assert_near(answer.tagged.probabilities, expected.tagged.probabilities)
            assert answer.label == expected.label


@pytest.fixture(scope="module")
def run(data: Path, loaded: Any, folders: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train = {"steps": 80, "batch_size": 16, "rate": 0.003}
    tune.run(
        settings(folders["llama"], "full", train=train), folder, base=data, beside=False, pretrained=loaded["llama"]
    )
    return folder


TEXT = "the plot is awful, the cast boring"


def apart(said: dict[str, Any]) -> tuple[dict[str, Any], list[float]]:
    """What is said of a row but for the probabilities and what came with it, and the probabilities."""
    entities = [{name: value for name, value in e.items() if name != "probability"} for e in said["entities"]]
    own = {name: value for name, value in said.items() if name != "row"}
    return {**own, "entities": entities}, [e["probability"] for e in said["entities"]]


def assert_same_said(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Probabilities differ a little with the place in a batch."""
    (parts, probabilities), (expected_parts, expected_probabilities) = apart(found), apart(expected)
    assert parts == expected_parts
    assert_near(probabilities, expected_probabilities)


def test_predicting(run: Path, loaded: Any, tmp_path: Path) -> None:
    engine = open_engine(run, pretrained=loaded["llama"])
    tokens = ["the", "plot", "is", "awful", ",", "the", "cast", "boring"]
    content = [{"tokens": tokens}, {"text": TEXT}, {"tokens": TEXT}, {"tokens": []}, {"tags": ["O"]}, {"text": " "}]
    tiny.write_rows(tmp_path / "in.jsonl", content)
    listed, text, other, empty, absent, blank = predict.run(engine, "in.jsonl", base=tmp_path)
    marked = [(kind, start, end + 1) for kind, start, end in get_entities(listed["tags"])]
    assert ("part", 0, 2) in marked
    found: list[dict[str, Any]] = listed["entities"]  # type: ignore[assignment]
    assert [(e["type"], e["start"], e["end"]) for e in found] == marked
    assert [e["text"] for e in found] == [" ".join(tokens[start:end]) for _, start, end in marked]
    assert all(0 < e["probability"] <= 1 for e in found)
    assert set(found[0]) == {"type", "start", "end", "text", "probability"}
    assert_same_said(other, text)
    assert (text["tokens"], text["tags"]) == (tokens, listed["tags"])
    places: list[dict[str, Any]] = text["entities"]  # type: ignore[assignment]
    assert [TEXT[slice(*e["characters"])] for e in places] == [e["text"] for e in found]
    assert empty["error"] == "in.jsonl:4: column 'tokens' holds an empty list. Leave the row out."
    assert str(absent["error"]).startswith("in.jsonl:5: no column 'tokens' for the tokens;")
    assert blank == {"tokens": [], "tags": [], "entities": [], "row": {"text": " "}}
    [direct] = predict.texts(engine, [TEXT])
    assert_same_said(direct, text)


def test_an_entity_is_as_probable_as_its_tokens_together(run: Path, loaded: Any) -> None:
    [answer] = open_engine(run, pretrained=loaded["llama"]).answer([Request("run", {"tokens": TEXT})])
    assert isinstance(answer, TagPrediction)
    part = answer.tagged.entities[0]
    assert part.probability == pytest.approx(answer.tagged.probabilities[0] * answer.tagged.probabilities[1])
    assert not hasattr(answer, "probability")  # which is that of a label


def test_plain_tags(data: Path, tmp_path: Path, loaded: Any, folders: Any) -> None:
    kinds = {"O": "X", "B-part": "DET", "I-part": "NOUN", "B-praise": "ADJ", "B-blame": "ADJ"}
    for name, n, seed in (("train", 64, 1), ("dev", 16, 2), ("test", 16, 3)):
        changed = [{**row, "tags": [kinds[tag] for tag in row["tags"]]} for row in rows(n, seed)]
        tiny.write_rows(tmp_path / f"{name}.jsonl", changed)
    train = {"steps": 60, "batch_size": 16, "rate": 0.01}
    task = settings(folders["llama"], "lora", answer={"kind": "tags", "scheme": "plain"}, train=train)
    report = tune.run(task, tmp_path / "run", base=tmp_path, pretrained=loaded["llama"]).report
    assert report is not None
    assert report.scored.kind == "tags"
    assert report.scored.test is not None
    assert report.scored.test.plain
    assert report.scored.test.f1 == report.scored.test.token_accuracy > 0.9
    [answer] = predict.texts(open_engine(tmp_path / "run", pretrained=loaded["llama"]), [TEXT])
    assert set(answer) == {"tokens", "tags", "probabilities"}
    assert answer["tags"][:2] == ["DET", "NOUN"]  # type: ignore[index]


def test_tags_that_train_lacks_are_missed_and_said(data: Path, tmp_path: Path, loaded: Any, folders: Any) -> None:
    tiny.write_rows(tmp_path / "test.jsonl", [{"tokens": ["a", "film"], "tags": ["O", "B-work"]}])
    task = settings(folders["llama"], data={"test": str(tmp_path / "test.jsonl")})
    report = tune.run(task, tmp_path / "run", base=data, pretrained=loaded["llama"]).report
    assert report is not None
    assert "test: 1 tokens have tags that train lacks (B-work), and are missed." in report.data.notes
    assert report.scored.kind == "tags"
    assert report.scored.test is not None
    assert report.scored.test.recall == 0


def test_a_row_is_shown(data: Path, loaded: Any, folders: Any) -> None:
    shown, words = show.run(settings(folders["llama"]), 4, base=data, pretrained=loaded["llama"])
    assert words == {}
    tags = " ".join(rows(64, 1)[0]["tags"])
    assert shown[0].text == f"Text: {' '.join(rows(64, 1)[0]['tokens'])}\n{tags}"
    assert shown[0].answer == tags
    assert [name for name, _ in shown[0].parts] == ["soft prompt", "head", "row"]
    assert "".join(shown[3].parts[2][1]).startswith(" ")


T5 = "tags are read at the tokens of the row, which needs a causal backbone or an encoder; one of type 't5' is an "
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "labels": (
        {"labels": ["a", "b"]},
        "labels are given, and the answers of this task are tags. Take `labels` out, or set answer to label.",
    ),
    "nothing trained": (
        {"method": "few_shot"},
        "method 'few_shot' trains nothing, and tags are read by a layer that must be trained. "
        "Choose a method that trains, head or soft_prompt say.",
    ),
    "an answer slot": (
        {"template": {"text": "{tokens} {answer}"}},
        "template.text has an {answer} slot, and tags are read at the tokens themselves: '{tokens} {answer}'. "
        "Take it out.",
    ),
    "no tokens in the template": (
        {"template": {"text": "{text}"}},
        "template.text has no field of the tokens ('tokens'): '{text}'. "
        "Put one {tokens} where they belong, or set answer.tokens to their column.",
    ),
    "tokens twice": (
        {"template": {"text": "{tokens} {tokens}"}},
        "template.text has more than one field of the tokens ('tokens'): '{tokens} {tokens}'. "
        "Put one {tokens} where they belong, or set answer.tokens to their column.",
    ),
    "a tag that is not to be given": (
        {"answer": {"kind": "tags", "tags": ["O", "B-praise", "B-blam"]}},
        "train.jsonl:2: tag 2 is 'B-blame', which is not among answer.tags. Did you mean 'B-blam'?",
    ),
    "a token that no row has room for": (
        {"template": {"max_tokens": 12}},
        "train.jsonl:2: token 4, 'boring', takes 6 tokens of the backbone, and 5 fit. "
        "Split it or leave it out, shorten other fields, or raise template.max_tokens.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str, data: Path, tmp_path: Path, loaded: Any, folders: Any) -> None:
    changes, message = REFUSED[case]
    with pytest.raises(TrimtabError) as caught:
        tune.run(settings(folders["llama"], **changes), tmp_path / "run", base=data, pretrained=loaded["llama"])
    assert str(caught.value) == message
    assert not (tmp_path / "run").exists()


def test_what_does_not_take_tags(data: Path, run: Path, tmp_path: Path, loaded: Any) -> None:
    folder = save_encoder_decoder(tmp_path / "t5", "t5")
    backbone = load(folder, tmp_path / "cache", name=str(folder), precision="float32")
    with pytest.raises(TrimtabError) as caught:
        tune.run(settings(folder), tmp_path / "run", base=data, pretrained=backbone)
    assert str(caught.value) == f"{T5}encoder-decoder. Choose another backbone."
    with pytest.raises(TrimtabError) as caught:
        exchange.export(run, tmp_path / "out", pretrained=loaded["llama"])
    assert str(caught.value) == (
        "the answers of this task are tags, said by a linear layer of the run's own, which neither PEFT nor a model "
        "class of transformers has a place for. Answer with the run itself: trimtab predict."
    )
