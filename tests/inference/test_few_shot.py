"""Demonstrations and calibration in the engine, against plain transformers on the whole text and by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_scoring import by_hand
from transformers import AutoModelForCausalLM

import tiny
from closeness import assert_near
from trimtab.data import Example
from trimtab.errors import TrimtabError
from trimtab.inference.calibration import content_free
from trimtab.inference.engine import Engine
from trimtab.inference.request import Request
from trimtab.kinds.bind import bind
from trimtab.methods.zero_shot import CALIBRATION
from trimtab.runs.run import Run, backbone_facts, load_run, save_run, zero_shot
from trimtab.settings.file import make_task

WORDS = {
    "one token": {"negative": ["negative"], "positive": ["positive"]},
    "several tokens and words": {"negative": ["not a good film", "awful"], "positive": ["a good film", "great"]},
}
TEXTS = ("a great film", "awful from start to end , and boring too", "这家店好吃，很快。", "")
POOL = tuple(Example({"text": row["text"]}, row["label"], f"x:{i}") for i, row in enumerate(tiny.rows(12, 5)))
TEMPLATE = "{task}\nText: {text}\nAnswer:{answer}"


def few_shot(pretrained, *, words=WORDS["one token"], examples=POOL[:3], tensors=None, template=(), **method) -> Run:
    settings = {"name": "few_shot", "demonstrations": 3, **method}
    task = make_task({"method": settings, "task": "good ?", "template": {"text": TEMPLATE, **dict(template)}})
    return Run("run", task, words, (tensors or {},), 0, backbone_facts(pretrained), {}, tuple(examples))


def given(text: str, where: str = "x") -> Example:
    return Example({"text": text}, None, where)


def engine_of(pretrained, **runs: Run) -> Engine:
    engine = Engine(pretrained)
    for name, run in runs.items():
        engine.add(name, run)
    return engine


def probabilities(engine: Engine, texts=TEXTS, name="run") -> np.ndarray:
    return engine.probabilities(name, [({"text": text}, "x") for text in texts])[0]


@pytest.fixture(scope="module")
def oracle(tiny_folder):
    return AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32, attn_implementation="eager").eval()


def ids_of(tokenizer, text: str, answer: str | None = None) -> list[int]:
    parts = ["good ?\nText:", f" {text}", "\nAnswer:", *([f" {answer}", "\n\n"] if answer else [])]
    return [i for part in parts for i in tokenizer(part)["input_ids"]]


def plain(oracle, pretrained, verbalizer, text: str, shown, words) -> np.ndarray:
    """Label probabilities behind the whole text, demonstrations and all, read at once by transformers."""
    ids = [
        i for e in shown for i in ids_of(pretrained.tokenizer, e.fields["text"], words[e.answer][0])
    ] + ids_of(pretrained.tokenizer, text)  # fmt: skip
    nothing = torch.zeros(0, pretrained.backbone.hidden_size)
    return by_hand(oracle, tuple(ids), verbalizer, nothing).exp().numpy()


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("choice", ["random", "fixed"])
def test_the_same_for_all_rows_equals_the_whole_text(pretrained, oracle, words, choice):
    engine = engine_of(pretrained, run=few_shot(pretrained, words=words, choice=choice))
    verbalizer = engine.runs["run"].verbalizer
    expected = [plain(oracle, pretrained, verbalizer, text, POOL[:3], words) for text in TEXTS]
    assert_near(probabilities(engine), expected)


def nearest_by_hand(oracle, tokenizer, text: str, examples, k: int) -> list[Example]:
    """Mean final hidden states of each row alone, compared by cosine; the nearest last."""

    def mean(text: str) -> torch.Tensor:
        ids = [i for part in (f" {text}", "\nAnswer:") for i in tokenizer(part)["input_ids"]]
        with torch.no_grad():
            return oracle.base_model(torch.tensor([ids]), use_cache=False).last_hidden_state[0].mean(0)

    own = mean(text)
    cosines = [round(float(torch.cosine_similarity(own, mean(e.fields["text"]), dim=0)), 4) for e in examples]
    best = sorted(range(len(examples)), key=lambda i: -cosines[i])[:k]
    return [examples[i] for i in reversed(best)]


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_the_nearest_equal_the_whole_text(pretrained, oracle, words):
    engine = engine_of(pretrained, run=few_shot(pretrained, words=words, choice="nearest", examples=POOL))
    verbalizer = engine.runs["run"].verbalizer
    chosen = [nearest_by_hand(oracle, pretrained.tokenizer, text, POOL, 3) for text in TEXTS]
    assert len({tuple(e.where for e in own) for own in chosen}) > 1
    expected = [
        plain(oracle, pretrained, verbalizer, text, own, words) for text, own in zip(TEXTS, chosen, strict=True)
    ]
    assert_near(probabilities(engine), expected)


def test_runs_mixed_in_one_engine_answer_as_alone(pretrained):
    runs = {
        "random": few_shot(pretrained),
        "nearest": few_shot(pretrained, choice="nearest", examples=POOL),
        "calibrated": few_shot(pretrained, tensors={CALIBRATION: torch.tensor([-0.1, -3.0])}),
        "several": few_shot(pretrained, words=WORDS["several tokens and words"], choice="nearest", examples=POOL),
        "zero": zero_shot(make_task({}), WORDS["one token"], pretrained),
    }
    engine = engine_of(pretrained, **runs)
    mixed = engine.answer([Request(name, {"text": text}) for text in TEXTS for name in runs])
    for n, (name, run) in enumerate(runs.items()):
        expected = probabilities(engine_of(pretrained, run=run))
        found = [list(answer.probabilities.values()) for answer in mixed[n :: len(runs)]]
        assert_near(found, expected, what=name)


def test_demonstrations_for_all_are_read_once_and_the_pool_once(pretrained, monkeypatch):
    backbone, read, embedded = pretrained.backbone, [], []
    real_read, real_pack = backbone.read_prefix, backbone.pack
    monkeypatch.setattr(backbone, "read_prefix", lambda prompts: read.append(1) or real_read(prompts))
    monkeypatch.setattr(backbone, "pack", lambda rows, *a: embedded.append(len(rows)) or real_pack(rows, *a))
    engine = engine_of(pretrained, run=few_shot(pretrained))
    assert len(read) == 1
    embedded.clear()
    for _ in range(3):
        probabilities(engine)
    assert len(read) == 1
    assert embedded == [4, 4, 4]
    bare = engine_of(pretrained, run=few_shot(pretrained, examples=()))
    [row], [alone] = (e.runs["run"].encode([given("warm")]) for e in (engine, bare))
    assert row == alone  # a row pays for its own tokens only
    near = engine_of(pretrained, run=few_shot(pretrained, choice="nearest", examples=POOL))
    embedded.clear()
    for _ in range(3):
        probabilities(near)
    assert sorted(embedded) == [4] * 6 + [12]


@pytest.mark.parametrize("choice", ["random", "nearest"])
def test_everything_stays_within_the_limit(pretrained, choice):
    long = [replace(e, fields={"text": e.fields["text"] + " and warm" * 40}) for e in POOL]
    run = few_shot(pretrained, choice=choice, examples=long[:3], template={"max_tokens": 100})
    bound = engine_of(pretrained, run=run).runs["run"]
    for text in ("warm", "warm " * 500):
        [row] = bound.encode([given(text)])
        head = 0 if choice == "nearest" else len(bound.encoder.head_ids)
        whole = len(bound.shown) + head + len(row.ids) + bound.verbalizer.longest
        assert whole <= 100
        assert whole == 100 or not row.cut
        assert not row.cut or whole - len(bound.shown) - row.demonstrations >= 100 // 4  # its even share
    assert len(bound.demonstrations.rows) == 3
    assert bound.demonstrations.notes[0].startswith("3 of 3 demonstrations were shortened to fit, by ")


def test_a_row_that_may_not_be_shortened_drops_the_farthest(pretrained):
    run = few_shot(pretrained, choice="nearest", examples=POOL, template={"max_tokens": 90, "truncate": []})
    bound = engine_of(pretrained, run=run).runs["run"]
    lengths = [len(ids) for ids in bound.demonstrations.rows]
    text = "warm and " * 14
    [short], [row] = (bound.encode([given(t)]) for t in ("warm", text))
    assert short.demonstrations >= 3 * min(lengths)
    assert row.demonstrations < short.demonstrations
    assert row.cut == 0
    with pytest.raises(TrimtabError) as caught:
        bound.encode([given(text * 3, "rows.jsonl:7")])
    assert str(caught.value).startswith("rows.jsonl:7: the row is ")


# Calibration


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("examples", [POOL[:3], ()], ids=["few-shot", "zero-shot"])
def test_calibration_by_the_papers_formula(pretrained, oracle, words, examples):
    """q = W p / sum(W p), W = diag(p_cf)^-1, p_cf the mean over N/A, "" and [MASK] (Zhao et al. 2021, section 4)."""
    run = few_shot(pretrained, words=words, examples=examples)
    bound = bind(run.task, words, pretrained, examples=examples)

    def p(text: str) -> np.ndarray:
        return plain(oracle, pretrained, bound.verbalizer, text, examples, words).astype(np.float64)

    free = np.mean([p(text) for text in ("N/A", "", "[MASK]")], axis=0)
    tensor = content_free(bound)
    assert (tensor.dtype, tensor.shape) == (torch.float32, (2,))
    assert_near(tensor.exp().numpy(), free)
    weighted = [np.diag(1 / free) @ p(text) for text in TEXTS]
    expected = [row / row.sum() for row in weighted]
    found = probabilities(engine_of(pretrained, run=replace(run, tensors=({CALIBRATION: tensor},))))
    assert_near(found, expected)
    assert np.abs(found - probabilities(engine_of(pretrained, run=run))).max() > 1e-3


def test_rows_without_content_are_answered_evenly(pretrained):
    run = few_shot(pretrained)
    bound = bind(run.task, run.words, pretrained, examples=run.examples)
    calibrated = replace(run, tensors=({CALIBRATION: content_free(bound)},))
    found = probabilities(engine_of(pretrained, run=calibrated), ("N/A", "", "[MASK]"))
    assert np.abs(found.mean(0) - 0.5).max() < 0.1


def test_a_run_folder_round_trip(pretrained, tmp_path):
    run = replace(few_shot(pretrained, tensors={CALIBRATION: torch.tensor([-0.7, -0.68])}), name=str(tmp_path))
    save_run(tmp_path, run)
    back = load_run(tmp_path)
    assert back.examples == run.examples
    np.testing.assert_array_equal(
        probabilities(engine_of(pretrained, run=back)), probabilities(engine_of(pretrained, run=run))
    )
