"""Choices and numbers against plain models: scores, losses and gradients, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM

import tiny
from answer_rows import CHOICE, choices, numbers, settings, write_answers
from trimtab import Request, open_engine
from trimtab.decoding import scoring
from trimtab.inference.bound import BoundTask, bind
from trimtab.jobs import predict, tune
from trimtab.runs.run import Run
from trimtab.settings.file import make_task
from trimtab.training.labelled import Labelled
from trimtab.training.objective import Objective


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_answers(tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def oracle(tiny_folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32, attn_implementation="eager").eval()


def before(oracle: Any, run: Run, tokenizer: Any, *texts: str) -> torch.Tensor:
    """Embeddings [T, D] of the soft prompt in the model's units and of texts tokenised apart."""
    table = oracle.get_input_embeddings().weight
    ids = [i for text in texts for i in tokenizer(text, add_special_tokens=False)["input_ids"]]
    vectors = table[torch.tensor(ids)]
    prompt = run.tensors[0].get("prompt")
    return vectors if prompt is None else torch.cat([prompt * table.square().mean().sqrt(), vectors])


def option_score(oracle: Any, given: torch.Tensor, ids: list[int], mean: bool) -> torch.Tensor:
    """Log-likelihood of an option's tokens behind a row, by the untouched model."""
    whole = torch.cat([given, oracle.get_input_embeddings()(torch.tensor(ids))])
    logits = oracle(inputs_embeds=whole[None], use_cache=False).logits[0]
    found = torch.log_softmax(logits, -1)[len(given) - 1 : -1][range(len(ids)), ids]
    return found.mean() if mean else found.sum()


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("method", ["soft_prompt", "zero_shot"])
def test_probabilities_of_options_are_those_of_the_plain_model(
    method: str, normalise: bool, data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path, oracle: Any
) -> None:
    task = settings("choice", tiny_folder, method={"name": method}, answer={**CHOICE, "length_normalise": normalise},
                    train={"steps": 2}, template={"text": "{text}: {options} ? {answer}"})  # fmt: skip
    if method == "zero_shot":
        task = task.model_copy(update={"method": make_task({"method": method}).method})
    run = tune.run(task, tmp_path / "run", base=data, beside=False, pretrained=pretrained).run
    rows = choices(6, 5)
    tiny.write_rows(tmp_path / "new.jsonl", [{k: v for k, v in row.items() if k != "label"} for row in rows])
    found = list(predict.run(open_engine(tmp_path / "run", pretrained=pretrained), str(tmp_path / "new.jsonl")))
    tokenizer = pretrained.tokenizer
    for row, answer in zip(rows, found, strict=True):
        options: list[str] = row["options"]  # type: ignore[assignment]
        shown = "\n".join(f"{letter}. {option}" for letter, option in zip("ABCD", options, strict=False))
        given = before(oracle, run, tokenizer, str(row["text"]), ":", " " + shown, " ?")
        ids = [tokenizer(" " + option, add_special_tokens=False)["input_ids"] for option in options]
        with torch.no_grad():
            scores = torch.stack([option_score(oracle, given, own, normalise) for own in ids])
        expected = scores.softmax(-1).tolist()
        assert list(answer) == ["option", "index", "probability", "probabilities"]
        assert list(answer["probabilities"]) == options  # type: ignore[call-overload]
        assert list(answer["probabilities"].values()) == pytest.approx(expected, abs=1e-5)  # type: ignore[attr-defined]
        assert (answer["option"], answer["index"]) == (options[int(scores.argmax())], int(scores.argmax()))


@pytest.mark.parametrize("choice", ["random", "nearest"])
def test_options_behind_demonstrations_are_scored_as_behind_the_whole_text(
    choice: str, data: Path, tmp_path: Path, pretrained: Any, tiny_folder: Path, oracle: Any
) -> None:
    """Each demonstration is a row with its own right option; the run answers without the training file."""
    tokenizer = pretrained.tokenizer
    method = make_task({"method": {"name": "few_shot", "demonstrations": 3, "choice": choice}}).method
    task = settings("choice", tiny_folder).model_copy(update={"method": method})
    run = tune.run(task, tmp_path / "run", base=data, beside=False, pretrained=pretrained).run
    rows = choices(5, 5)
    asked = [Request("run", {"text": str(row["text"])}, "x", tuple(row["options"])) for row in rows]  # type: ignore[arg-type]
    engine = open_engine(tmp_path / "run", pretrained=pretrained)
    bound = engine.runs["run"]
    texts = {f"{e.fields['text']} ?{' ' * str(e.answer).isascii()}{e.answer}" for e in run.examples}
    for request, found in zip(asked, engine.answer(asked), strict=True):
        [row] = bound.encode([(request.fields, "x")], [request.options])
        shown = [*bound.shown, *row.ids[: row.demonstrations]]
        *blocks, end = tokenizer.decode(shown).split("\n\n")
        assert (len(blocks), end) == (3, "")
        assert {block.strip() for block in blocks} <= texts
        own = [i for part in (request.fields["text"], " ?") for i in tokenizer(part)["input_ids"]]
        assert list(row.ids[row.demonstrations :]) == own
        given = oracle.get_input_embeddings()(torch.tensor([*shown, *own]))
        ids = [tokenizer(f" {o}" if o.isascii() else o)["input_ids"] for o in request.options]
        with torch.no_grad():
            expected = torch.stack([option_score(oracle, given, one, True) for one in ids]).softmax(-1)
        assert list(found.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-5)


def objective(bound: BoundTask, rows: list[Labelled], **changes: Any) -> Objective:
    return Objective(
        bound.pretrained.backbone, bound.verbalizer, rows, rows, lambda own, *_: bound.method.condition(own),
        bound.prompt, **changes,
    )  # fmt: skip


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_of_choices_is_cross_entropy_over_the_plain_models_scores(
    smoothing: float, pretrained: Any, tiny_folder: Path, oracle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = bind(settings("choice", tiny_folder), {}, pretrained)
    rows = choices(8, 4)
    encoded = bound.encode([({"text": str(r["text"])}, "x") for r in rows], [r["options"] for r in rows])  # type: ignore[misc]
    labelled = [Labelled(e.ids, int(str(r["label"])), None, e.options) for e, r in zip(encoded, rows, strict=True)]
    tensors = bound.method.initial(0)
    prompt = tensors["prompt"].clone().requires_grad_()
    losses = []
    for row in rows:
        run = Run("x", bound.task, {}, ({"prompt": prompt},), 0, {}, {})
        given = before(oracle, run, pretrained.tokenizer, str(row["text"]), " ?")
        options: list[str] = row["options"]  # type: ignore[assignment]
        texts = [" " + option if option.isascii() else option for option in options]
        ids = [pretrained.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
        scores = torch.stack([option_score(oracle, given, own, True) for own in ids])
        losses.append(F.cross_entropy(scores, torch.tensor(int(str(row["label"]))), label_smoothing=smoothing))
    expected = torch.stack(losses).mean()
    expected.backward()
    for piece in (1 << 25, 5 * 400):  # all at once; five hidden states at a time
        monkeypatch.setattr(scoring, "PIECE", piece)
        own = {"prompt": tensors["prompt"].clone().requires_grad_()}
        [loss] = objective(bound, labelled, smoothing=smoothing).loss([0], [own], [range(8)], 0)
        loss.backward()
        assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
        assert torch.allclose(own["prompt"].grad, prompt.grad, atol=1e-5)


def test_gradients_of_changed_weights_are_those_of_the_plain_model(pretrained: Any, tiny_folder: Path) -> None:
    """Scores are made again in the backward pass: by then the backbone has its own weights back."""
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32, attn_implementation="eager").eval()
    content = settings("choice", tiny_folder).model_copy(update={"method": make_task({"method": "full"}).method})
    bound = bind(content, {}, pretrained)
    generator = torch.Generator().manual_seed(0)
    own = {name: x + 0.1 * torch.randn(x.shape, generator=generator) for name, x in bound.method.initial(0).items()}
    row = choices(1, 4)[0]
    options: list[str] = row["options"]  # type: ignore[assignment]
    [encoded] = bound.encode([({"text": str(row["text"])}, "x")], [options])
    assert encoded.options is not None
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(own[name])
    given = model.get_input_embeddings()(torch.tensor(encoded.ids))
    scores = torch.stack([option_score(model, given, list(word.ids), True) for word in encoded.options.words])
    F.cross_entropy(scores, torch.tensor(int(str(row["label"])))).backward()
    trained = {name: x.clone().requires_grad_() for name, x in own.items()}
    labelled = [Labelled(encoded.ids, int(str(row["label"])), None, encoded.options)]
    objective(bound, labelled).loss([0], [trained], [[0]], 0).sum().backward()
    for name, weight in model.named_parameters():
        assert torch.allclose(trained[name].grad, weight.grad, atol=1e-4), name


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_numbers_and_their_loss_are_those_of_the_plain_model(
    loss: str, pretrained: Any, tiny_folder: Path, oracle: Any, data: Path, tmp_path: Path
) -> None:
    task = settings("number", tiny_folder, answer={"kind": "number", "loss": loss, "mean": 5.0, "sd": 2.0},
                    train={"steps": 3})  # fmt: skip
    run = tune.run(task, tmp_path / "run", base=data, beside=False, pretrained=pretrained).run
    rows = numbers(6, 7)
    with torch.no_grad():
        hidden = [
            oracle.model(
                inputs_embeds=before(
                    oracle, run, pretrained.tokenizer, "Text:", " " + str(row["text"]), "\nScore:"
                )[None]
            ).last_hidden_state[0, -1]
            for row in rows
        ]  # fmt: skip
    expected = torch.stack(hidden) @ run.tensors[0]["head.weight"][0] + run.tensors[0]["head.bias"]
    engine = open_engine(tmp_path / "run", pretrained=pretrained)
    answers = engine.answer([Request("run", {"text": str(row["text"])}) for row in rows])
    assert [a.number for a in answers] == pytest.approx((expected * 2 + 5).tolist(), abs=1e-4)
    assert [(a.label, a.probabilities) for a in answers] == [(f"{a.number:.6g}", {}) for a in answers]
    bound = engine.runs["run"]
    wanted = [(float(str(row["label"])) - 5) / 2 for row in rows]
    encoded = bound.encode([({"text": str(row["text"])}, "x") for row in rows])
    labelled = [Labelled(e.ids, 0, number=w) for e, w in zip(encoded, wanted, strict=True)]
    off = expected - torch.tensor(wanted)
    by_hand = off**2 if loss == "squared" else torch.where(off.abs() < 1, off**2 / 2, off.abs() - 0.5)
    [found] = objective(bound, labelled, huber=loss == "huber").loss([0], [run.tensors[0]], [range(6)], 0)
    assert float(found) == pytest.approx(float(by_hand.mean()), abs=1e-4)
