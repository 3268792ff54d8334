"""Answers of runs of choices and of numbers against plain models, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

import tiny
from answer_rows import (
    CHOICE,
    choice_examples,
    choices,
    given_by_hand,
    number_state,
    numbers,
    option_score,
    settings,
    write_answers,
)
from closeness import assert_near
from trimtab import Request, open_engine
from trimtab.jobs import predict, tune
from trimtab.kinds.prediction import ChoicePrediction, NumberPrediction
from trimtab.settings.file import make_task


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_answers(tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def oracle(tiny_folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32, attn_implementation="eager").eval()


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
    tokenizer, prompt = pretrained.tokenizer, run.tensors[0].get("prompt")
    for row, answer in zip(rows, found, strict=True):
        options: list[str] = row["options"]  # type: ignore[assignment]
        shown = "\n".join(f"{letter}. {option}" for letter, option in zip("ABCD", options, strict=False))
        given = given_by_hand(oracle, tokenizer, prompt, str(row["text"]), ":", " " + shown, " ?")
        ids = [tokenizer(" " + option, add_special_tokens=False)["input_ids"] for option in options]
        with torch.no_grad():
            scores = torch.stack([option_score(oracle, given, own, normalise) for own in ids])
        expected = scores.softmax(-1).tolist()
        assert list(answer) == ["option", "index", "probability", "probabilities"]
        assert list(answer["probabilities"]) == options  # type: ignore[call-overload]
        assert_near(list(answer["probabilities"].values()), expected)  # type: ignore[attr-defined]
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
    for request, example, found in zip(asked, choice_examples(rows), engine.answer(asked), strict=True):
        [row] = bound.encode([example])
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
        assert isinstance(found, ChoicePrediction)
        assert_near(list(found.probabilities.values()), expected.tolist())


def test_numbers_are_those_of_the_plain_model(
    pretrained: Any, tiny_folder: Path, oracle: Any, data: Path, tmp_path: Path
) -> None:
    task = settings("number", tiny_folder, answer={"kind": "number", "mean": 5.0, "sd": 2.0}, train={"steps": 3})
    run = tune.run(task, tmp_path / "run", base=data, beside=False, pretrained=pretrained).run
    texts = [str(row["text"]) for row in numbers(6, 7)]
    with torch.no_grad():
        hidden = torch.stack([
            number_state(oracle, pretrained.tokenizer, run.tensors[0]["prompt"], text) for text in texts
        ])  # fmt: skip
    expected = hidden @ run.tensors[0]["head.weight"][0] + run.tensors[0]["head.bias"]
    engine = open_engine(tmp_path / "run", pretrained=pretrained)
    answers = engine.answer([Request("run", {"text": text}) for text in texts])
    found = [answer.number for answer in answers if isinstance(answer, NumberPrediction)]
    assert_near(found, (expected * 2 + 5).tolist())
    assert [answer.label for answer in answers] == [f"{number:.6g}" for number in found]
