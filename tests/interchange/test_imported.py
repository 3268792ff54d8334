"""Adapters as runs: PEFT's give the same answers here, ours come back, and what cannot be carried out is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from peft import (
    IA3Config,
    LoHaConfig,
    LoraConfig,
    PrefixTuningConfig,
    get_peft_model,
)
from safetensors.torch import load_file, save_file

import adapters
from adapters import METHODS, our_scores
from causal_adapters import TASK, TEXTS, WORDS, answers, ids_of, plain_model, refusal, run_of, their_logits
from closeness import assert_near
from trimtab.interchange.adapter import read_adapter, write_adapter
from trimtab.interchange.imported import from_adapter
from trimtab.interchange.peft import to_adapter
from trimtab.settings.file import make_task

PEFT = adapters.PEFT | {
    "projected prefix": (
        PrefixTuningConfig,
        {"num_virtual_tokens": 4, "prefix_projection": True, "encoder_hidden_size": 6},
    ),
}


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
    model = plain_model(folder)
    if model.config.model_type == "gpt2" and kind in (LoraConfig, IA3Config):
        settings = {**settings, "fan_in_fan_out": True}  # PEFT would set it, and warn
    model = get_peft_model(model, kind(task_type="CAUSAL_LM", **settings)).eval()
    model.save_pretrained(tmp_path)
    task = make_task({**TASK, "backbone": str(folder)})
    run, notes = from_adapter(read_adapter(tmp_path), "adapter", task, WORDS, backbone)
    words = [backbone.tokenizer(f" {label}", add_special_tokens=False)["input_ids"][0] for label in WORDS]
    expected = [torch.softmax(their_logits(model, ids_of(backbone, text))[words], 0).numpy() for text in TEXTS]
    assert_near(answers(backbone, run), np.stack(expected))
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
        assert_near(our_scores(pretrained, run, text), theirs)
    assert all(target.startswith("model.layers.") for target in run.task.method.targets)


def imported(pretrained, folder: Path, **task):
    return from_adapter(read_adapter(folder), "adapter", make_task({**TASK, **task}), WORDS, pretrained)


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
    with pytest.warns(UserWarning, match="a tied layer is part of the adapter"):
        model = get_peft_model(plain_model(tiny_folder), output)
    model.save_pretrained(tmp_path / "output", save_embedding_layers=False)
    assert refusal(lambda: imported(pretrained, tmp_path / "output")) == (
        f"adapter: changes 'lm_head', which is no linear layer within backbone '{pretrained.name}'. "
        "Name the backbone it was made for in the task file; embeddings and output layer are not supported."
    )


def changed(folder: Path, change) -> Path:
    """An adapter's folder, its tensors changed."""
    path = folder / "adapter_model.safetensors"
    save_file(change(load_file(path)), path)
    return folder


def peft_adapter(config, tiny_folder: Path, out: Path) -> Path:
    get_peft_model(plain_model(tiny_folder), config).save_pretrained(out)
    return out


@pytest.mark.parametrize(
    ("kind", "settings", "lacking"),
    [
        (LoraConfig, {"r": 2}, "'model.layers.1.self_attn.q_proj.lora_A.default.weight', "
         "'model.layers.1.self_attn.q_proj.lora_B.default.weight', "
         "'model.layers.1.self_attn.v_proj.lora_A.default.weight' and 1 more"),
        (LoraConfig, {"target_modules": r".*\.q_proj", "r": 2, "layers_to_transform": None},
         "'model.layers.1.self_attn.q_proj.lora_A.default.weight', "
         "'model.layers.1.self_attn.q_proj.lora_B.default.weight'"),
        (IA3Config, {}, "'model.layers.1.mlp.down_proj.ia3_l.default', "
         "'model.layers.1.self_attn.k_proj.ia3_l.default', 'model.layers.1.self_attn.v_proj.ia3_l.default'"),
    ],
)  # fmt: skip
def test_a_file_without_its_last_layer(kind, settings, lacking, pretrained, tiny_folder, tmp_path):
    folder = peft_adapter(kind(task_type="CAUSAL_LM", **settings), tiny_folder, tmp_path)
    cut = changed(folder, lambda tensors: {name: x for name, x in tensors.items() if "layers.1." not in name})
    assert refusal(lambda: imported(pretrained, cut)) == (
        f"adapter: lacks {lacking}, which its adapter_config.json asks for. Get the adapter again."
    )


def test_a_file_with_more_than_is_asked_for(pretrained, tiny_folder, tmp_path):
    folder = peft_adapter(LoraConfig(task_type="CAUSAL_LM", r=2, layers_to_transform=[0]), tiny_folder, tmp_path)
    more = changed(folder, lambda tensors: tensors | {n.replace("rs.0", "rs.1"): x + 0 for n, x in tensors.items()})
    assert refusal(lambda: imported(pretrained, more)) == (
        "adapter: holds 'model.layers.1.self_attn.q_proj.lora_A.default.weight', "
        "'model.layers.1.self_attn.q_proj.lora_B.default.weight', "
        "'model.layers.1.self_attn.v_proj.lora_A.default.weight' and 1 more, "
        "which its adapter_config.json does not ask for. Get the adapter again."
    )


def test_layers_that_the_backbone_has_not(pretrained, tiny_folder, tmp_path, written):
    assert refusal(lambda: imported(pretrained, written("lora", target_modules=["q_proj", "w1"]))).startswith(
        "adapter: holds 'model.layers.0.mlp.down_proj.lora_A.default.weight', "
    )
    for targets in (["w1"], "*q_proj", "w[1"):  # a text is a pattern, which may be none
        nowhere = written("lora", target_modules=targets)
        assert refusal(lambda nowhere=nowhere: imported(pretrained, nowhere)).startswith(
            f"adapter: adapter_config.json asks for what backbone '{pretrained.name}' has not: "
        )


def test_ia3_on_other_layers_is_refused_by_name(pretrained, tiny_folder, tmp_path):
    hint = "Use LoRA on these layers, or an adapter without it."
    usual = "of every layer alone"
    some = IA3Config(task_type="CAUSAL_LM", target_modules=["k_proj", "v_proj"], feedforward_modules=[])
    assert refusal(lambda: imported(pretrained, peft_adapter(some, tiny_folder, tmp_path / "some"))) == (
        "adapter: sets 'target_modules' to k_proj, v_proj; IA3 is carried out on down_proj, k_proj, v_proj "
        f"{usual}. {hint}"
    )
    inner = IA3Config(
        task_type="CAUSAL_LM", target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["k_proj"]
    )
    assert refusal(lambda: imported(pretrained, peft_adapter(inner, tiny_folder, tmp_path / "inner"))) == (
        f"adapter: sets 'feedforward_modules' to k_proj; IA3 is carried out on down_proj {usual}. {hint}"
    )


def test_prompts_are_held_against_their_configuration(pretrained, written):
    again = "Get the adapter again."
    for method in ("soft prompt", "prefix"):
        assert (
            refusal(
                lambda method=method: imported(
                    pretrained, changed(written(method), lambda t: {n: x[:-1] for n, x in t.items()})
                )
            )
            == f"adapter: 'prompt_embeddings' holds 3 vectors, and adapter_config.json asks for 4. {again}"
        )
        assert (
            refusal(
                lambda method=method: imported(
                    pretrained, changed(written(method), lambda t: {**t, "x": torch.zeros(1)})
                )
            )
            == f"adapter: holds 'x' beside 'prompt_embeddings', which nothing asks for. {again}"
        )


def test_numbers_of_tokens_are_whole(pretrained, written):
    assert refusal(lambda: imported(pretrained, written("soft prompt", num_virtual_tokens={"a": 4}))) == (
        "adapter: adapter_config.json sets 'num_virtual_tokens' to {'a': 4}, expected a whole number. "
        "Get the adapter again."
    )


def test_adapters_of_another_backbone(pretrained, written):
    hint = "Name the backbone it was made for in the task file."

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
        "adapter: model.layers.1.mlp.down_proj.lora_A.default.weight is 3 x 50, and its adapter_config.json asks for "
        f"3 x 48 on backbone '{pretrained.name}'. Get the adapter again, or name the backbone it was made for in the "
        "task file."
    )
    assert refusal(
        lambda: imported(pretrained, changed(written("lora"), lambda t: {k: t[k] for k in t if k != down}))
    ) == (
        "adapter: lacks 'model.layers.1.mlp.down_proj.lora_A.default.weight', which its adapter_config.json asks for. "
        "Get the adapter again."
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
