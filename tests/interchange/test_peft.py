"""Runs and PEFT adapters give the same numbers, both ways; what either cannot express is refused."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import (
    LoHaConfig,
    LoraConfig,
    PeftModel,
    PrefixTuningConfig,
    get_peft_model,
)
from safetensors.torch import load_file, save_file
from tokenizers.processors import TemplateProcessing
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

import adapters
import tiny
from adapters import METHODS, carried_out, moved_run, our_scores, write_with_card
from models import CONFIGS
from trimtab.backbones.pretrained import load
from trimtab.errors import TrimtabError
from trimtab.inference.engine import Engine, Request
from trimtab.interchange.adapter import read_adapter, write_adapter
from trimtab.interchange.imported import from_adapter
from trimtab.interchange.merged import write_merged
from trimtab.interchange.nearest import describe, nearest
from trimtab.interchange.peft import to_adapter
from trimtab.runs.run import Run
from trimtab.settings.file import make_task

TEXTS = ("a great film", "awful from start to end , and boring too", "这家店好吃，很快。")
WORDS = {"negative": ["negative"], "positive": ["positive"]}
TASK = {"task": "is the film good ?", "template": {"text": "{task}\nText: {text}\nAnswer:{answer}"}}
PEFT = adapters.PEFT | {
    "projected prefix": (
        PrefixTuningConfig,
        {"num_virtual_tokens": 4, "prefix_projection": True, "encoder_hidden_size": 6},
    ),
}


@pytest.fixture(scope="session", params=["llama", "gpt2", "gemma3"])
def folder(request, tmp_path_factory) -> Path:
    """A tiny model with a tokenizer; that of Gemma puts a token in front of every text."""
    path = tmp_path_factory.mktemp(request.param)
    tiny.save_tokenizer(path)
    config = copy.deepcopy(CONFIGS[request.param])
    config.vocab_size = 400
    if request.param == "gemma3":
        config.sliding_window = 9
        tokenizer = PreTrainedTokenizerFast.from_pretrained(path)
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
            single="<eos> $A", special_tokens=[("<eos>", 0)]
        )
        tokenizer.save_pretrained(path)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.15 * torch.randn_like(weight))
    model.save_pretrained(path)
    return path


@pytest.fixture(scope="session")
def backbone(folder, tmp_path_factory):
    torch.set_num_threads(1)
    return load(folder, tmp_path_factory.mktemp("cache"), name="tiny", precision="float32")


def plain_model(folder: Path):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def run_of(backbone, method, words=WORDS, **settings) -> Run:
    return moved_run(backbone, make_task({**TASK, "backbone": "tiny", "method": method, **settings}), words)


def ids_of(backbone, text: str, *, leading: bool = True) -> list[int]:
    """The row by hand: constant text and the field tokenised apart, as the template reads."""
    parts = ("is the film good ?\nText:", f" {text}", "\nAnswer:")
    ids = [i for part in parts for i in backbone.tokenizer(part, add_special_tokens=False)["input_ids"]]
    first = backbone.tokenizer("a")["input_ids"][:-1] if leading else []
    return [*first, *ids]


def their_logits(model, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits[0, -1]


def answers(backbone, run: Run) -> np.ndarray:
    engine = Engine(backbone)
    engine.add("r", run)
    return engine.probabilities("r", [({"text": text}, text) for text in TEXTS])[0]


@pytest.mark.parametrize("name", METHODS)
def test_a_run_gives_the_same_logits_in_peft(name, folder, backbone, tmp_path):
    run = run_of(backbone, METHODS[name])
    adapter = to_adapter(run, backbone)
    write_adapter(tmp_path, adapter)
    model = PeftModel.from_pretrained(plain_model(folder), tmp_path).eval()
    for text in TEXTS:
        ids = ids_of(backbone, text, leading=adapter.leading == 0)
        torch.testing.assert_close(our_scores(backbone, run, text), their_logits(model, ids), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_there_and_back_again(name, backbone, tmp_path):
    run = run_of(backbone, METHODS[name])
    write_adapter(tmp_path, to_adapter(run, backbone))
    again, notes = from_adapter(read_adapter(tmp_path), "adapter", run.task, WORDS, backbone)
    np.testing.assert_allclose(answers(backbone, again), answers(backbone, run), atol=1e-6)
    assert notes == []
    kept = ("name", "length", "rank", "alpha", "dora", "rslora", "encoder")
    for setting in kept:
        assert getattr(again.task.method, setting, None) == getattr(run.task.method, setting, None)
    leads = backbone.backbone.config.model_type == "gemma3_text"  # elsewhere there is nothing to come before
    assert getattr(again.task.method, "before_leading", False) is (leads and name == "soft prompt in front")
    if name != "prefix through a network":
        for key, tensor in run.tensors[0].items():
            torch.testing.assert_close(again.tensors[0][key], tensor)


@pytest.mark.parametrize("name", PEFT)
def test_an_adapter_of_peft_gives_the_same_answers_here(name, folder, backbone, tmp_path):
    kind, settings = PEFT[name]
    torch.manual_seed(3)
    model = get_peft_model(plain_model(folder), kind(task_type="CAUSAL_LM", **settings)).eval()
    model.save_pretrained(tmp_path)
    task = make_task({**TASK, "backbone": str(folder)})
    run, notes = from_adapter(read_adapter(tmp_path), "adapter", task, WORDS, backbone)
    words = [backbone.tokenizer(f" {label}", add_special_tokens=False)["input_ids"][0] for label in WORDS]
    expected = [torch.softmax(their_logits(model, ids_of(backbone, text))[words], 0).numpy() for text in TEXTS]
    np.testing.assert_allclose(answers(backbone, run), np.stack(expected), atol=1e-5)
    made_by_network = ["PEFT keeps no network of P-tuning: the prompt it made is now a soft prompt."]
    assert [note for note in notes if "was made for" not in note] == (made_by_network if name == "p-tuning" else [])
    if run.task.method.name == "soft_prompt":
        assert run.task.method.before_leading is (backbone.backbone.config.model_type == "gemma3_text")


@pytest.mark.parametrize("settings", [{"layers_to_transform": [1]}, {"target_modules": r".*0\.self_attn\.[qk]_proj"}])
def test_lora_on_some_layers_only(settings, tiny_folder, pretrained, tmp_path):
    config = LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **settings)
    model = get_peft_model(plain_model(tiny_folder), config).eval()
    model.save_pretrained(tmp_path)
    run, _ = from_adapter(read_adapter(tmp_path), "adapter", make_task(TASK), WORDS, pretrained)
    for text in TEXTS:
        theirs = their_logits(model, ids_of(pretrained, text, leading=False))
        torch.testing.assert_close(our_scores(pretrained, run, text), theirs, atol=1e-5, rtol=1e-5)
    assert all(target.startswith("model.layers.") for target in run.task.method.targets)


@pytest.mark.parametrize("name", ["lora", "dora", "ia3", "full", "bitfit"])
def test_merged_weights_give_the_same_logits(name, folder, backbone, tmp_path):
    if name == "bitfit" and backbone.backbone.config.model_type != "gpt2":
        pytest.skip("only the GPT-2 has biases")
    before = {key: value.clone() for key, value in backbone.backbone.model.state_dict().items()}
    run = run_of(backbone, METHODS.get(name, {"name": name}))
    write_merged(tmp_path, run, backbone)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".safetensors", ".jinja"}
    model = plain_model(tmp_path)
    for text in TEXTS:
        theirs = their_logits(model, ids_of(backbone, text))
        torch.testing.assert_close(our_scores(backbone, run, text), theirs, atol=2e-5, rtol=1e-5)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    assert tokenizer(TEXTS[1])["input_ids"] == backbone.tokenizer(TEXTS[1])["input_ids"]
    after = backbone.backbone.model.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("name", ["soft prompt", "prefix", "lora", "full"])
@pytest.mark.parametrize(
    ("words", "labels"),
    [
        (WORDS, {}),
        ({"bad": ["awful", "not good"], "good": ["wonderful film", "warm"]}, {}),
        ({"bad": ["awful", "not good"], "good": ["wonderful film", "warm"]}, {"length_normalise": True}),
        ({"bad": ["not good", "not warm"], "good": ["wonderful film", "not bad"]}, {"among": "branches"}),
    ],
    ids=["one token", "several", "normalised", "branches"],
)
def test_the_code_on_the_card_gives_the_probabilities(name, words, labels, backbone, tmp_path, monkeypatch, capsys):
    run = run_of(backbone, METHODS.get(name, {"name": name}), words, labels=labels)
    text = write_with_card(tmp_path, run, backbone, merged=name == "full")
    assert f"base_model: {backbone.backbone.model.name_or_path}\n" in text
    assert "'is the film good ?\\nText:'" in text
    monkeypatch.chdir(tmp_path)
    names = carried_out(text, TEXTS[1])
    assert list(names["probabilities"]) == list(words)
    np.testing.assert_allclose(list(names["probabilities"].values()), answers(backbone, run)[1], atol=1e-5)
    assert capsys.readouterr().out.startswith("{'")


@pytest.mark.parametrize("name", ["soft prompt", "prefix", "lora", "full"])
def test_the_code_on_the_card_says_the_text(name, backbone, tmp_path, monkeypatch, capsys):
    run = run_of(backbone, METHODS.get(name, {"name": name}), {}, answer={"kind": "text", "max_tokens": 6})
    text = write_with_card(tmp_path, run, backbone, merged=name == "full")
    assert "Label words: none: it says free text" in text
    monkeypatch.chdir(tmp_path)
    names = carried_out(text, TEXTS[1])
    engine = Engine(backbone)
    engine.add("run", run)
    [answer] = engine.answer([Request("run", {"text": TEXTS[1]})])
    assert names["text"] == answer.label
    capsys.readouterr()


def test_a_soft_prompt_in_words(pretrained):
    ids = pretrained.tokenizer("great film bad")["input_ids"]
    run = run_of(pretrained, {"name": "soft_prompt", "length": len(ids)})
    exact = pretrained.backbone.embed(torch.tensor(ids)) * 3
    described = describe(replace(run, tensors=({"prompt": exact},)), pretrained)
    assert described["text"] == "great film bad"
    assert [token["id"] for token in described["tokens"]] == ids
    assert [token["cosine"] for token in described["tokens"]] == [1.0] * len(ids)
    assert described["caution"].startswith("A description, not an equivalent: ")
    soft, table = torch.randn(3, 8), torch.randn(50, 8)
    every = torch.cosine_similarity(soft[:, None], table[None], dim=2)
    cosines, found = nearest(soft, table)
    torch.testing.assert_close(cosines, every.amax(1))
    assert torch.equal(found, every.argmax(1))


def refusal(call) -> str:
    with pytest.raises(TrimtabError) as caught:
        call()
    return str(caught.value)


def test_lora_with_a_prompt_is_no_one_adapter(pretrained):
    run = run_of(pretrained, {"name": "lora", "prompt": 3})
    assert refusal(lambda: to_adapter(run, pretrained)) == (
        f"{run.name}: LoRA together with a soft prompt, which is no one adapter of PEFT's. "
        "Tune with method.prompt=0 to export it."
    )


def test_what_cannot_be_exported(pretrained):
    soft = run_of(pretrained, {"name": "soft_prompt", "length": 4})
    for name, hint in (("full", "Export whole weights: --format merged."), ("head", ""), ("late_prompt", "")):
        run = run_of(pretrained, name)
        expected = f"runs/a: PEFT has no adapter for method '{name}'. {hint}".rstrip()
        assert refusal(lambda run=run: to_adapter(run, pretrained)) == expected
    inside = run_of(pretrained, "soft_prompt", template={"text": "Say {soft:2}{text}{soft:3}\nAnswer:{answer}"})
    assert refusal(lambda: to_adapter(inside, pretrained)) == (
        "runs/a: its soft vectors stand within the template; those of a PEFT adapter come before all text. "
        "Tune with a template without {soft} slots to export it."
    )
    several = replace(soft, tensors=soft.tensors * 3, task=make_task({**TASK, "train": {"ensemble": True}}))
    assert refusal(lambda: to_adapter(several, pretrained)) == (
        "runs/a: answers with the mean of 3 sets of tensors, which one file cannot hold. "
        "Set train.ensemble: false in its task.yaml to export the best of them."
    )
    assert refusal(lambda: write_merged(Path("x"), soft, pretrained)) == (
        "runs/a: method 'soft_prompt' changes no weights that could be merged. "
        "Only lora, ia3, bitfit and full do; --format peft writes prompts and prefixes."
    )
    for name in ("prefix", "late_prompt"):
        assert refusal(lambda name=name: describe(run_of(pretrained, name), pretrained)) == (
            f"runs/a: method '{name}' has no soft prompt to put into words. Only soft_prompt and p_tuning have one."
        )


@pytest.fixture
def written(pretrained, tmp_path):
    """Write an adapter of a method, its configuration changed; return its folder."""

    def write(method: str, **config) -> Path:
        adapter = to_adapter(run_of(pretrained, METHODS[method]), pretrained)
        write_adapter(tmp_path, replace(adapter, config={**adapter.config, **config}))
        return tmp_path

    return write


def imported(pretrained, folder: Path, **task):
    return from_adapter(read_adapter(folder), "adapter", make_task({**TASK, **task}), WORDS, pretrained)


def test_folders_that_are_no_adapters(pretrained, tmp_path, written):
    assert refusal(lambda: read_adapter(tmp_path)) == (
        f"{tmp_path}: not a PEFT adapter (no adapter_config.json). "
        "Give the folder that `save_pretrained` of PEFT wrote."
    )
    config, weights = tmp_path / "adapter_config.json", tmp_path / "adapter_model.safetensors"
    written("soft prompt")
    weights.write_bytes(weights.read_bytes()[:100])
    assert refusal(lambda: read_adapter(tmp_path)).startswith(f"{weights}: damaged (")
    weights.unlink()
    assert refusal(lambda: read_adapter(tmp_path)) == (
        f"{tmp_path}: no adapter_model.safetensors. Give a whole adapter folder."
    )
    (tmp_path / "adapter_model.bin").write_bytes(b"")
    assert refusal(lambda: read_adapter(tmp_path)) == (
        f"{tmp_path / 'adapter_model.bin'}: a pickle, which can run code when it is read; Trimtab reads none. "
        "Where you trust it, load it with PEFT and save it again, which writes adapter_model.safetensors."
    )
    config.write_text("{")
    assert refusal(lambda: read_adapter(tmp_path)).startswith(f"{config}: damaged (")
    config.write_text(json.dumps({"r": 8}))
    assert refusal(lambda: read_adapter(tmp_path)) == (
        f"{config}: names no peft_type. Give the folder that `save_pretrained` of PEFT wrote."
    )


def test_adapters_that_cannot_be_carried_out(pretrained, tiny_folder, tmp_path, written):
    get_peft_model(plain_model(tiny_folder), LoHaConfig(task_type="CAUSAL_LM")).save_pretrained(tmp_path / "loha")
    assert refusal(lambda: imported(pretrained, tmp_path / "loha")) == (
        "adapter: adapters of type 'LOHA' are not supported. "
        "Did you mean 'LORA'? Supported: PROMPT_TUNING, P_TUNING, PREFIX_TUNING, LORA, IA3."
    )
    assert refusal(lambda: imported(pretrained, written("lora", task_type="SEQ_CLS"))) == (
        "adapter: made for task type 'SEQ_CLS', expected 'CAUSAL_LM' for a causal language model. "
        "Use another adapter, or the backbone it was made for."
    )
    assert refusal(lambda: imported(pretrained, written("lora", rank_pattern={"q_proj": 4}))) == (
        "adapter: sets 'rank_pattern' to {'q_proj': 4}, which Trimtab cannot carry out. Use an adapter without it."
    )
    assert refusal(lambda: imported(pretrained, written("lora", bias="all"))) == (
        "adapter: sets 'bias' to 'all', which Trimtab cannot carry out. Use an adapter without it."
    )
    assert refusal(lambda: imported(pretrained, written("lora", init_lora_weights="pissa"))) == (
        "adapter: its start 'pissa' has changed the backbone's own weights. "
        "Convert it to plain LoRA with PEFT (`path_initial_model_for_weight_conversion`) first."
    )
    assert refusal(lambda: imported(pretrained, written("prefix", num_transformer_submodules=2))) == (
        f"adapter: made for an encoder-decoder model; backbone '{pretrained.name}' is a causal language model. "
        "Name the backbone it was made for in the task file."
    )
    soft_slots = {"template": {"text": "{soft:4}{text}\nAnswer:{answer}"}}
    assert refusal(lambda: imported(pretrained, written("prefix"), **soft_slots)) == (
        "adapter: the vectors of a PEFT adapter come before all text, and the template has {soft} slots. "
        "Take them out of template.text."
    )
    output = LoraConfig(task_type="CAUSAL_LM", target_modules=["lm_head"])
    get_peft_model(plain_model(tiny_folder), output).save_pretrained(tmp_path / "output", save_embedding_layers=False)
    assert refusal(lambda: imported(pretrained, tmp_path / "output")) == (
        f"adapter: changes 'lm_head', which is no linear layer within backbone '{pretrained.name}'. "
        "Name the backbone it was made for in the task file; embeddings and output layer are not supported."
    )


def test_adapters_of_another_backbone(pretrained, written):
    hint = "Name the backbone it was made for in the task file."

    def changed(folder: Path, change) -> Path:
        path = folder / "adapter_model.safetensors"
        save_file(change(load_file(path)), path)
        return folder

    def wider(tensors):
        return {name: torch.zeros(len(x), x.shape[1] + 2) for name, x in tensors.items()}

    assert refusal(lambda: imported(pretrained, changed(written("soft prompt"), wider))) == (
        f"adapter: prompt_embeddings is 4 x 34, expected 4 x 32 for backbone '{pretrained.name}'. {hint}"
    )
    assert refusal(lambda: imported(pretrained, changed(written("prefix"), wider))) == (
        f"adapter: prompt_embeddings is 4 x 66, expected 4 x 64 for backbone '{pretrained.name}'. {hint}"
    )
    assert refusal(lambda: imported(pretrained, changed(written("soft prompt"), lambda _: {"x": torch.zeros(1)}))) == (
        "adapter: holds no matrix 'prompt_embeddings' (found: x). Get the adapter again."
    )
    down = "base_model.model.model.layers.1.mlp.down_proj.lora_A.weight"
    assert refusal(lambda: imported(pretrained, changed(written("lora"), lambda t: {**t, down: wider(t)[down]}))) == (
        "adapter: model.layers.1.mlp.down_proj.lora_A.default.weight is 3 x 50, expected 3 x 48 for backbone "
        f"'{pretrained.name}'. {hint}"
    )
    assert refusal(
        lambda: imported(pretrained, changed(written("lora"), lambda t: {k: t[k] for k in t if k != down}))
    ) == (
        f"adapter: lacks 'model.layers.1.mlp.down_proj.lora_A.default.weight', unlike the same method on backbone "
        f"'{pretrained.name}'. {hint}"
    )
    deeper = {down.replace("layers.1", "layers.7"): torch.zeros(3, 48)}
    assert refusal(lambda: imported(pretrained, changed(written("lora"), lambda t: {**t, **deeper}))) == (
        "adapter: changes 'model.layers.7.mlp.down_proj', which is no linear layer within backbone "
        f"'{pretrained.name}'. {hint[:-1]}; embeddings and output layer are not supported."
    )
    assert refusal(
        lambda: imported(pretrained, changed(written("lora"), lambda t: {**t, "x.lora_C": t[down] + 1}))
    ) == ("adapter: holds 'x.lora_C', which is no weight of LoRA or IA3 on a linear layer. Use another adapter.")
    _, notes = imported(pretrained, written("soft prompt", base_model_name_or_path="org/other"))
    assert notes == [f"the adapter says it was made for 'org/other'; the task's backbone is '{pretrained.name}'."]
