"""Records with more tokens than a row holds, in windows: against plain models on records cut by hand; whole jobs."""

from __future__ import annotations

import json
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from seqeval.metrics import f1_score
from torch.nn import functional as F

import tiny
from closeness import assert_near
from encoders import save_encoder
from tagged_rows import TAGS, by_hand, examples_of, rows, settings, with_tags
from trimtab import Engine, Request, open_engine
from trimtab.backbones.pretrained import Pretrained, load
from trimtab.jobs import evaluate, predict, show, tune
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.prediction import TagPrediction
from trimtab.prompts import EncodedRow
from trimtab.runs.run import load_run
from trimtab.training.targets import TagTarget
from trimtab.tuning.prepare import encode
from whole_jobs import kill_and_resume, training_on

KINDS = ["llama", "bert", "bare"]
MOST = 48  # tokens of a row, soft prompt and template included


def long_rows(n: int, seed: int, joined: int = 14) -> list[dict[str, Any]]:
    """Records of several sentences each."""
    short = rows(n * joined, seed)
    parts = [short[i : i + joined] for i in range(0, len(short), joined)]
    return [{key: [x for row in own for x in row[key]] for key in ("tokens", "tags")} for own in parts]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tags")
    for name, n, seed in (("train", 40, 1), ("dev", 6, 2), ("test", 8, 3)):
        tiny.write_rows(folder / f"{name}.jsonl", [*rows(n, seed), *long_rows(3, seed)])
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> dict[str, Path]:
    top = tmp_path_factory.mktemp("encoders")
    return {"llama": tiny_folder} | {name: save_encoder(top / name, name) for name in ("bert", "bare")}


@pytest.fixture(scope="module")
def loaded(
    folders: dict[str, Path], pretrained: Pretrained, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Pretrained]:
    cache = tmp_path_factory.mktemp("cache")
    encoders = {n: load(folders[n], cache, name=str(folders[n]), precision="float32") for n in ("bert", "bare")}
    return {"llama": pretrained} | encoders


class Cut(NamedTuple):
    """A window: the stretch of tokens that it reads, and that of those that get their tags from it."""

    start: int
    stop: int
    first: int
    last: int


def encoded(bound: BoundTask, tokens: list[str]) -> EncodedRow:
    [row] = bound.encode(examples_of([{"tokens": tokens, "tags": []}]))
    return row


def cuts(bound: BoundTask, tokens: list[str]) -> list[Cut]:
    """Where a record is cut, found from the length of its windows and of each token's own ids."""
    row = encoded(bound, tokens)
    places = [0, *accumulate(len(window.read_at or ()) for window in row.windows)]
    found = []
    for window, (first, last) in zip(row.windows, pairwise(places), strict=True):
        alone = {
            (a, b): encoded(bound, tokens[a:b]).ids
            for a in range(first + 1)
            for b in range(last, len(tokens) + 1)
            if b - a <= len(window.ids)
        }
        [(start, stop)] = [key for key, ids in alone.items() if ids == window.ids]
        found.append(Cut(start, stop, first, last))
    return found


def bound_to(kind: str, loaded: dict[str, Pretrained], folders: dict[str, Path], base: Path) -> BoundTask:
    task = with_tags(settings(folders[kind], template={"max_tokens": MOST}, train={"label_smoothing": 0.1}))
    return bind(task, {}, loaded[kind], base, training=True)


@pytest.mark.parametrize("kind", KINDS)
def test_loss_counts_each_token_once_in_the_window_it_belongs_to(
    kind: str, data: Path, loaded: dict[str, Pretrained], folders: dict[str, Path]
) -> None:
    """The loss of windows beside short rows, and its gradients, are those of the plain model on records cut by hand."""
    bound = bound_to(kind, loaded, folders, data)
    start = bound.method.initial(0)
    generator = torch.Generator().manual_seed(5)
    start = {n: (x + 0.05 * torch.randn(x.shape, generator=generator)).requires_grad_() for n, x in start.items()}
    [long], [short] = long_rows(1, 7), rows(1, 9)
    examples = examples_of([long, short])
    targets, notes = encode(bound, examples)
    where = cuts(bound, long["tokens"])
    assert len(where) > 2
    assert notes == [f"1 of 2 training rows are too long for one row and are read in {len(where)} windows."]
    windows = [target for target in targets if isinstance(target, TagTarget)]
    assert [tag for window in windows for tag in window.tags] == [*long["tags"], *short["tags"]]
    assert [window.goes_on for window in windows] == [False, *[True] * (len(where) - 1), False]
    loss = training_on(bound, examples).loss([0], [start], [range(len(windows))], 0)
    expected = []
    for row, own in [*((long, cut) for cut in where), (short, Cut(0, len(short["tokens"]), 0, len(short["tokens"])))]:
        scores = by_hand(bound, folders[kind], start, row["tokens"][own.start : own.stop])
        wanted = torch.tensor([TAGS.index(tag) for tag in row["tags"][own.first : own.last]])
        scores = scores[own.first - own.start : own.last - own.start]
        expected.append(F.cross_entropy(scores, wanted, label_smoothing=0.1))
    assert_near(loss[0], torch.stack(expected).mean())
    mine = torch.autograd.grad(loss.sum(), list(start.values()))
    theirs = torch.autograd.grad(torch.stack(expected).mean(), list(start.values()))
    for name, ours, reference in zip(start, mine, theirs, strict=True):
        assert_near(ours, reference, what=name)


@pytest.fixture(scope="module")
def runs(
    data: Path, loaded: dict[str, Pretrained], folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tune.Tuned]:
    """A run on records of both lengths for each backbone, that of the encoder without a head of two seeds together."""
    top = tmp_path_factory.mktemp("runs")
    train = {"steps": 60, "batch_size": 16, "evaluate_every": 20, "rate": 0.3}
    several = {"bare": {"runs": 2, "ensemble": True}}
    return {
        kind: tune.run(
            settings(folders[kind], template={"max_tokens": MOST}, train={**train, **several.get(kind, {})}),
            top / kind, base=data, pretrained=loaded[kind],
        )
        for kind in KINDS
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_token_gets_the_tag_of_its_window(
    kind: str, runs: dict[str, tune.Tuned], loaded: dict[str, Pretrained], folders: dict[str, Path]
) -> None:
    """Probabilities are those of the plain model on the record cut by hand, alone and among other rows."""
    run = load_run(Path(runs[kind].run.name))
    engine = open_engine(Path(run.name), pretrained=loaded[kind])
    tokens = long_rows(1, 11)[0]["tokens"]
    [alone] = engine.answer([Request("run", {}, tokens=tokens)])
    assert isinstance(alone, TagPrediction)
    expected = []
    with torch.no_grad():
        for own in cuts(engine.runs["run"], tokens):
            part = tokens[own.start : own.stop]
            each = [by_hand(engine.runs["run"], folders[kind], x, part).softmax(-1) for x in run.answering]
            expected += torch.stack(each).mean(0)[own.first - own.start : own.last - own.start].amax(-1).tolist()
    assert alone.tagged.tokens == tuple(tokens)
    assert_near(alone.tagged.probabilities, expected)
    assert alone.cut_tokens == 0
    others = [Request("run", {}, tokens=row["tokens"]) for row in [*rows(5, 12), *long_rows(2, 13)]]
    together = engine.answer([*others[:3], Request("run", {}, tokens=tokens), *others[3:]])[3]
    assert together.label == alone.label
    assert isinstance(together, TagPrediction)
    assert_near(together.tagged.probabilities, alone.tagged.probabilities)


def test_the_first_window_of_a_causal_backbone_is_exact(
    runs: dict[str, tune.Tuned], loaded: dict[str, Pretrained]
) -> None:
    """Its tokens see all that stands before them: they get what they get where the whole record fits in one row."""
    run = load_run(Path(runs["llama"].run.name))
    task = run.task.model_copy(update={"template": run.task.template.model_copy(update={"max_tokens": None})})
    engine = Engine(loaded["llama"])
    short = engine.add("windows", run)
    engine.add("whole", run.__class__(**{**run.__dict__, "task": task}))
    tokens = long_rows(1, 14, 6)[0]["tokens"]
    first, *others = cuts(short, tokens)
    assert (first.first, first.last) == (first.start, first.stop)
    assert others
    both = [engine.answer([Request(name, {}, tokens=tokens)])[0] for name in ("windows", "whole")]
    in_windows, whole = (answer.tagged for answer in both if isinstance(answer, TagPrediction))
    same = pytest.approx(whole.probabilities[: first.last], abs=1e-5)
    assert in_windows.probabilities[: first.last] == same
    assert in_windows.probabilities[first.last :] != pytest.approx(whole.probabilities[first.last :], abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_reports_and_predictions_are_of_records(
    kind: str, data: Path, tmp_path: Path, runs: dict[str, tune.Tuned], loaded: dict[str, Pretrained]
) -> None:
    report, folder = runs[kind].report, Path(runs[kind].run.name)
    assert report is not None
    assert (report.data.train_rows, report.data.dev_rows, report.data.test_rows) == (43, 9, 11)
    assert any(note.startswith("3 of 43 training rows are too long for one row") for note in report.data.notes)
    assert report.scored.kind == "tags"
    test, dev = report.scored.test, report.scored.dev
    assert test is not None
    assert dev is not None
    given = [json.loads(line) for line in (data / "test.jsonl").read_text().splitlines()]
    assert (test.rows, test.tokens) == (len(given), sum(len(row["tokens"]) for row in given))
    assert 0 < test.f1 < 1
    engine = open_engine(folder, pretrained=loaded[kind])
    found = list(predict.run(engine, str(data / "test.jsonl")))
    assert [record["tokens"] for record in found] == [row["tokens"] for row in given]
    assert all(set(record) == {"tokens", "tags", "entities", "row"} for record in found)
    tags: list[list[str]] = [record["tags"] for record in found]  # type: ignore[misc]
    assert test.f1 == pytest.approx(f1_score([row["tags"] for row in given], tags))
    again = evaluate.run(folder, out=tmp_path / "again", beside=False, pretrained=loaded[kind])
    assert again.scored.kind == "tags"
    assert again.scored.test is not None
    assert again.scored.test.f1 == test.f1
    if kind != "bare":  # where the mean of two runs answers, none of them has its score
        steps = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        assert dev.f1 == pytest.approx(max(step["dev"][0][0] for step in steps if step["dev"]))


def test_long_records_alone_are_learned_from(
    tmp_path: Path, loaded: dict[str, Pretrained], folders: dict[str, Path]
) -> None:
    for name, n, seed in (("train", 8, 21), ("dev", 2, 22), ("test", 3, 23)):
        tiny.write_rows(tmp_path / f"{name}.jsonl", long_rows(n, seed))
    train = {"steps": 80, "batch_size": 16, "rate": 0.003}
    task = settings(folders["llama"], "full", template={"max_tokens": MOST}, train=train)
    report = tune.run(task, tmp_path / "run", base=tmp_path, pretrained=loaded["llama"]).report
    assert report is not None
    assert report.scored.kind == "tags"
    assert report.scored.test is not None
    assert report.scored.test.rows == 3
    assert report.scored.test.f1 > 0.7  # a third of the tokens stand in the first windows


@pytest.mark.parametrize("method", ["prefix", "late_prompt", "full"])
def test_other_methods_and_a_resume(
    method: str, data: Path, tmp_path: Path, loaded: dict[str, Pretrained], folders: dict[str, Path]
) -> None:
    task = settings(folders["llama"], method, template={"max_tokens": MOST}, train={"runs": 2, "checkpoint_seconds": 0})
    kill_and_resume(task, tmp_path, step=4, base=data, pretrained=loaded["llama"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_does_not_fit_is_an_error_of_its_row(
    kind: str, tmp_path: Path, runs: dict[str, tune.Tuned], loaded: dict[str, Pretrained]
) -> None:
    """Unless it is one token of the backbone, as unknown words of word-level vocabularies are."""
    engine = open_engine(Path(runs[kind].run.name), pretrained=loaded[kind])
    tiny.write_rows(tmp_path / "in.jsonl", [{"text": "a cold film " * 50 + "q" * 90}, {"text": "a cold film " * 50}])
    long, short = predict.run(engine, "in.jsonl", base=tmp_path)
    if kind == "llama":
        assert long["error"] == (
            "in.jsonl:1: token 151, 'qqqqqqqqqqqqqqqqqqqq...', takes 91 tokens of the backbone, and 41 fit. "
            "Split it or leave it out, shorten other fields, or raise template.max_tokens."
        )
    else:
        assert len(long["tags"]) == 151  # type: ignore[arg-type]
    assert len(short["tags"]) == 150  # type: ignore[arg-type]


def test_windows_are_shown(data: Path, loaded: dict[str, Pretrained], folders: dict[str, Path]) -> None:
    task = settings(folders["llama"], template={"max_tokens": MOST}, data={"train": str(data / "dev.jsonl")})
    *_, shown = show.run(task, 7, base=data, pretrained=loaded["llama"])[0]
    names = [name for name, _ in shown.parts]
    assert names == ["soft prompt", "head", *(f"window {n}" for n in range(1, len(names) - 1))]
    assert len(names) > 4
    assert shown.cut == 0
    assert all(len(tokens) <= MOST for _, tokens in shown.parts)
