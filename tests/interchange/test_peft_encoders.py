"""Runs on encoders and encoder-decoders, and PEFT adapters, give the same numbers, both ways; or are refused."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import (
    LoraConfig,
    PeftModel,
    PrefixTuningConfig,
    get_peft_model,
)
from transformers import AutoModelForMaskedLM, AutoModelForSeq2SeqLM, BartForConditionalGeneration
from transformers import T5ForConditionalGeneration as T5

import adapters
from adapters import PEFT, carried_out, moved_run, our_scores, write_with_card
from closeness import assert_near
from encoder_decoders import STARTS, save_encoder_decoder
from encoders import save_encoder
from trimtab.backbones.pretrained import load
from trimtab.errors import TrimtabError
from trimtab.inference.engine import Engine
from trimtab.interchange.adapter import read_adapter, write_adapter
from trimtab.interchange.imported import from_adapter
from trimtab.interchange.merged import write_merged
from trimtab.interchange.peft import to_adapter
from trimtab.runs.run import Run
from trimtab.settings.file import make_task

TEXTS = ("a great film", "awful from start to end and boring too")
MASKED, DECODING = ["bert", "roberta"], ["t5", "t5 v1.1", "bart"]
WORDS = {"bad": ["negative"], "good": ["positive", "great"]}
SAID = {"bad": ["negative", "not good"], "good": ["positive", "it was great", "it was so good"]}
METHODS = {
    name: {**method, "takes_positions": True} if name.startswith("prefix") else method
    for name, method in adapters.METHODS.items()
}


@pytest.fixture(scope="module", params=[*MASKED, *DECODING])
def name(request) -> str:
    return request.param


def methods_of_models(methods: Iterable[str]) -> pytest.MarkDecorator:
    """Every method with a model of each kind, every model with some, of those that both it and PEFT have."""
    every, rest = ("bert", "bart"), ("roberta", "t5", "t5 v1.1")
    pairs = [(name, method) for name in every for method in methods]
    pairs += [(name, method) for i, name in enumerate(rest) for j, method in enumerate(methods) if (i + j) % 5 == 1]
    return pytest.mark.parametrize(
        ("name", "method"),
        [
            (name, method)
            for name, method in pairs
            if not (name in DECODING and "prefix" in method)  # PEFT's are other ones, and refused
            and not (name.startswith("t5") and method == "bitfit")  # T5 has no biases
        ],
        indirect=["name"],
    )


@pytest.fixture(scope="module")
def folder(name, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "it"
    return save_encoder(path, name) if name in MASKED else save_encoder_decoder(path, name)


@pytest.fixture(scope="module")
def backbone(folder, tmp_path_factory):
    torch.set_num_threads(1)
    return load(folder, tmp_path_factory.mktemp("cache"), name="tiny", precision="float32")


@pytest.fixture(autouse=True)
def _seq2seq_of_peft(monkeypatch):
    """PEFT 0.21 takes note of a method that transformers 5 no longer has, and never calls it here."""
    for kind in (T5, BartForConditionalGeneration):
        monkeypatch.setattr(kind, "_prepare_encoder_decoder_kwargs_for_generation", None, raising=False)


def plain_model(folder: Path, name: str):
    kind = AutoModelForMaskedLM if name in MASKED else AutoModelForSeq2SeqLM
    return kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def task_values(name: str) -> dict:
    text = "the film : {text} it was {answer} ." if name in MASKED else "the film : {text} ? it was{answer}"
    return {"task": "is the film good ?", "template": {"text": text}, "backbone": "tiny"}


def run_of(backbone, name: str, method, **settings) -> Run:
    words = WORDS if name in MASKED else SAID
    return moved_run(backbone, make_task({**task_values(name), "method": method, **settings}), words)


def their_scores(model, backbone, name: str, text: str, skipped: int = 0) -> torch.Tensor:
    """The same by transformers or PEFT, from the row as one text; `skipped` of its first tokens left out."""
    tokenizer = backbone.tokenizer
    with torch.no_grad():
        if name in MASKED:
            ids = tokenizer(f"the film : {text} it was [MASK] .")["input_ids"][skipped:]
            place = ids.index(tokenizer.mask_token_id) - len(ids)
            return model(input_ids=torch.tensor([ids])).logits[0, place]
        ids = tokenizer(f"the film : {text} ? it was")["input_ids"][skipped:]
        start = torch.tensor([list(STARTS[name])])
        return model(input_ids=torch.tensor([ids]), decoder_input_ids=start).logits[0, -1]


def answers(backbone, run: Run) -> np.ndarray:
    engine = Engine(backbone)
    engine.add("r", run)
    return engine.probabilities("r", [({"text": text}, text) for text in TEXTS])[0]


@methods_of_models(METHODS)
def test_a_run_gives_the_same_scores_in_peft(method, name, folder, backbone, tmp_path):
    run = run_of(backbone, name, METHODS[method])
    adapter = to_adapter(run, backbone)
    write_adapter(tmp_path, adapter)
    model = PeftModel.from_pretrained(plain_model(folder, name), tmp_path).eval()
    behind_special = not name.startswith("t5") and method in ("soft prompt", "p-tuning", "p-tuning lstm")
    assert adapter.leading == int(behind_special)
    for text in TEXTS:
        theirs = their_scores(model, backbone, name, text, adapter.leading)
        assert_near(our_scores(backbone, run, text), theirs)


@methods_of_models(METHODS)
def test_there_and_back_again(method, name, backbone, tmp_path):
    run = run_of(backbone, name, METHODS[method])
    write_adapter(tmp_path, to_adapter(run, backbone))
    again, notes = from_adapter(read_adapter(tmp_path), "adapter", run.task, run.words, backbone)
    np.testing.assert_allclose(answers(backbone, again), answers(backbone, run), atol=1e-6)
    assert notes == []
    for setting in ("name", "length", "rank", "alpha", "dora", "rslora", "encoder", "takes_positions"):
        assert getattr(again.task.method, setting, None) == getattr(run.task.method, setting, None)
    if method != "prefix through a network":
        for key, tensor in run.tensors[0].items():
            torch.testing.assert_close(again.tensors[0][key], tensor)


@methods_of_models(PEFT)
def test_an_adapter_of_peft_gives_the_same_scores_here(method, name, folder, backbone, tmp_path):
    kind, settings = PEFT[method]
    torch.manual_seed(3)
    task_type = "SEQ_2_SEQ_LM" if name in DECODING else "FEATURE_EXTRACTION"
    model = get_peft_model(plain_model(folder, name), kind(task_type=task_type, **settings)).eval()
    model.save_pretrained(tmp_path)
    words = WORDS if name in MASKED else SAID
    run, notes = from_adapter(read_adapter(tmp_path), "adapter", make_task(task_values(name)), words, backbone)
    for text in TEXTS:
        theirs = their_scores(model, backbone, name, text)
        assert_near(our_scores(backbone, run, text), theirs)
    made_by_network = ["PEFT keeps no network of P-tuning: the prompt it made is now a soft prompt."]
    assert notes == (made_by_network if method == "p-tuning" else [])
    if run.task.method.name == "soft_prompt":
        assert run.task.method.before_leading is not name.startswith("t5")
        assert run.task.method.length == 4


@methods_of_models(["lora", "dora", "rslora", "ia3", "full", "bitfit"])
def test_merged_weights_give_the_same_scores(method, name, folder, backbone, tmp_path):
    run = run_of(backbone, name, METHODS.get(method, {"name": method}))
    write_merged(tmp_path, run, backbone)
    model, untuned = plain_model(tmp_path, name), plain_model(folder, name)
    for text in TEXTS:
        theirs = their_scores(model, backbone, name, text)
        assert_near(our_scores(backbone, run, text), theirs)
        assert (their_scores(untuned, backbone, name, text) - theirs).abs().max() > 1e-3


@methods_of_models(["soft prompt", "prefix", "lora", "full"])
@pytest.mark.parametrize("length_normalise", [False, True])
def test_the_code_on_the_card_gives_the_probabilities(
    method, length_normalise, name, backbone, tmp_path, monkeypatch, capsys
):
    labels = {"length_normalise": length_normalise}
    run = run_of(backbone, name, METHODS.get(method, {"name": method}), labels=labels)
    text = write_with_card(tmp_path, run, backbone, merged=method == "full")
    monkeypatch.chdir(tmp_path)
    names = carried_out(text, TEXTS[1])
    assert list(names["probabilities"]) == ["bad", "good"]
    assert_near(list(names["probabilities"].values()), answers(backbone, run)[1])
    assert capsys.readouterr().out.startswith("{'")


def refusal(call) -> str:
    with pytest.raises(TrimtabError) as caught:
        call()
    return str(caught.value)


def test_prefixes_that_peft_has_otherwise(name, folder, backbone, tmp_path):
    run = run_of(backbone, name, {"name": "prefix", "length": 4})
    if name in MASKED:
        assert refusal(lambda: to_adapter(run, backbone)) == (
            "runs/a: its prefix takes up no positions, and PEFT counts those of an encoder's rows from behind it. "
            "Tune with method.takes_positions=true to export it."
        )
        return
    kind = backbone.backbone.config.model_type
    assert refusal(lambda: to_adapter(run, backbone)) == (
        f"runs/a: its prefix stands in the encoder and the decoder of a backbone of type '{kind}'; PEFT puts one in "
        "the decoder only, and at other positions. Tune with soft_prompt or lora to export it."
    )
    config = PrefixTuningConfig(task_type="SEQ_2_SEQ_LM", num_virtual_tokens=4)
    get_peft_model(plain_model(folder, name), config).save_pretrained(tmp_path)
    task = make_task(task_values(name))
    assert refusal(lambda: from_adapter(read_adapter(tmp_path), "adapter", task, run.words, backbone)) == (
        "adapter: PEFT's prefixes of an encoder-decoder stand in its decoder only and move its positions, which "
        "Trimtab cannot carry out. Use an adapter with a soft prompt or LoRA."
    )
    assert refusal(lambda: run_of(backbone, name, METHODS["prefix"])) == (
        f"method.takes_positions is for encoders, and a backbone of type '{kind}' is an encoder-decoder. Take it out."
    )


def test_adapters_of_other_kinds_of_model(name, folder, backbone, tmp_path):
    config = LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear")
    model = PeftModel(plain_model(folder, name), config)
    model.save_pretrained(tmp_path)
    expected = "'FEATURE_EXTRACTION' for an encoder"
    if name in DECODING:
        expected = "'SEQ_2_SEQ_LM' or 'FEATURE_EXTRACTION' for an encoder-decoder"
    task = make_task(task_values(name))
    assert refusal(lambda: from_adapter(read_adapter(tmp_path), "adapter", task, WORDS, backbone)) == (
        f"adapter: made for task type 'CAUSAL_LM', expected {expected}. "
        "Use another adapter, or the backbone it was made for."
    )


def test_a_prompt_before_the_special_tokens_has_no_slots(name, backbone):
    template = {"text": "{soft:4} {text} it was {answer}"}
    assert refusal(lambda: run_of(backbone, name, METHODS["soft prompt in front"], template=template)) == (
        "method.before_leading puts the soft prompt before the row, and the template has {soft} slots. "
        "Take the slots out of template.text, or method.before_leading."
    )
