"""Class vectors that are fitted behind a prompt before both are trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

import tiny
from closeness import assert_near
from trimtab.errors import TrimtabError
from trimtab.methods.headed import BIAS, WEIGHT
from trimtab.settings.file import make_task
from trimtab.tasks.resolve import resolve
from trimtab.tasks.rows import read_rows
from trimtab.training.fitting import softmax_regression
from trimtab.training.fitting.softmax_regression import Rows
from trimtab.training.loop import Training
from trimtab.tuning import heads
from trimtab.tuning.prepare import Prepared, prepare


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Path:
    folder = tmp_path_factory.mktemp("data")
    tiny.write_task(folder, tiny_folder)
    return folder


def prepared(data: Path, pretrained: Any, progress: Any = None, *, train: Any = (), **method: Any) -> Prepared:
    content = tiny.task(pretrained.name, train=dict(train))
    content["method"] = {"name": "warp", "length": 3, **method}
    return prepare(resolve(read_rows(make_task(content), data), pretrained), progress)


def states_by_transformers(made: Prepared, texts: list[str], pretrained: Any) -> torch.Tensor:
    """Final hidden states [N, D] where rows are answered, the prompt's vectors put before each row's embeddings."""
    tokenizer, model = pretrained.tokenizer, LlamaForCausalLM.from_pretrained(pretrained.name).eval()
    soft = made.bound.method.condition(made.start[0]).soft
    assert soft is not None
    found = []
    for text in texts:
        ids = [i for part in ("Text:", f" {text}", "\nAnswer:") for i in tokenizer(part)["input_ids"]]
        embedded = torch.cat([soft, model.model.embed_tokens(torch.tensor(ids))])[None]
        with torch.no_grad():
            found.append(model.model(inputs_embeds=embedded).last_hidden_state[0, -1])
    return torch.stack(found)


def test_class_vectors_are_fitted_behind_the_prompt_as_it_starts(data: Path, pretrained: Any) -> None:
    made = prepared(data, pretrained)
    rows = read_rows(made.task, data).splits.train
    features = states_by_transformers(made, [example.fields["text"] for example in rows], pretrained)
    labels = torch.tensor([["negative", "positive"].index(example.answer or "") for example in rows])
    words = made.bound.method.initial(0)
    own = Rows(features, labels, torch.ones(len(rows)), np.arange(len(rows)), 2)
    expected = softmax_regression.fit(own, prior=(words[WEIGHT], words[BIAS]))
    [start] = made.start
    ours, theirs = (torch.softmax(features @ w.T + b, -1) for w, b in (
        (start[WEIGHT], start[BIAS]), (expected.weight_CD, expected.bias_C),
    ))  # fmt: skip
    assert_near(ours, theirs)
    assert torch.equal(start["prompt"], words["prompt"])


def test_other_starts_are_not_fitted(data: Path, pretrained: Any) -> None:
    for vectors in ("labels", "zero"):
        made = prepared(data, pretrained, vectors=vectors)
        words = made.bound.method.initial(0)
        assert all(torch.equal(made.start[0][name], x) for name, x in words.items())
        assert (made.training.best_scores, made.choosing) == ([None], 0.0)


def test_what_is_fitted_counts_among_what_is_best(data: Path, pretrained: Any) -> None:
    """A rate that ruins everything: the best is what training started from."""
    made = prepared(data, pretrained, train={"rate": 900.0, "steps": 2, "evaluate_every": 1})
    training = made.training
    assert isinstance(training, Training)
    assert made.choosing > 0
    [first] = training.best_scores
    records = list(training.steps())
    assert first is not None
    assert all(record.dev and record.dev[0] and first.beats(record.dev[0]) for record in records)
    assert (training.best_scores, training.best_steps) == ([first], [0])
    assert all(torch.equal(x, made.start[0][name]) for name, x in training.best[0].items())


def test_of_many_rows_some_are_drawn_by_the_seed(data: Path, pretrained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "MOST_FITTED", 20)
    told: list[tuple[str, int, int | None]] = []
    first = prepared(data, pretrained, lambda *said: told.append(said))
    assert {(what, of) for what, _, of in told} == {("fitting class vectors", 20)}
    again, other = prepared(data, pretrained), prepared(data, pretrained, train={"seed": 1})
    assert torch.equal(first.start[0][WEIGHT], again.start[0][WEIGHT])
    assert not torch.equal(first.start[0][WEIGHT], other.start[0][WEIGHT])


def test_answers_that_no_layer_reads_are_refused(data: Path, pretrained: Any) -> None:
    task = {**tiny.task(pretrained.name), "method": "warp", "answer": "text"}
    task.pop("labels")
    with pytest.raises(TrimtabError) as caught:
        read_rows(make_task(task), data)
    assert str(caught.value) == (
        "method 'warp' needs labels, and the answers of this task are texts. "
        "Choose another method, soft_prompt or lora say."
    )
