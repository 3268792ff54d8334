"""PEFT adapters as runs that give the same numbers. Knows nothing about files.

What Trimtab cannot carry out is refused; nothing is read almost right.

P prompt length, D hidden, N layers, J key/value heads, d head size.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from trimtab.backbones.pretrained import Pretrained
from trimtab.errors import RunError, TaskError, did_you_mean
from trimtab.interchange.adapter import AGAIN, CONFIG_FILE, Adapter
from trimtab.interchange.asked import listed, require_asked
from trimtab.interchange.peft import NETWORK, PROMPT, base_model, linear_layers, targets
from trimtab.kinds.bind import bind
from trimtab.kinds.choose import template_of
from trimtab.methods.method import Tensors
from trimtab.prompts import around_ids, leading_ids
from trimtab.runs.run import Run, backbone_facts
from trimtab.settings.file import make_task
from trimtab.settings.task import Task

# Entries of adapter_config.json that are read here or change no answers; any other that is set is refused by name.
COMMON = {
    "auto_mapping", "base_model_name_or_path", "inference_mode", "peft_type", "peft_version", "revision", "task_type",
}  # fmt: skip
VIRTUAL = {"num_attention_heads", "num_layers", "num_transformer_submodules", "num_virtual_tokens", "token_dim"}
KNOWN = {
    "PROMPT_TUNING": COMMON | VIRTUAL | {
        "prompt_tuning_init", "prompt_tuning_init_text", "tokenizer_kwargs", "tokenizer_name_or_path",
    },
    "P_TUNING": COMMON | VIRTUAL | {
        "encoder_dropout", "encoder_hidden_size", "encoder_num_layers", "encoder_reparameterization_type",
    },
    "PREFIX_TUNING": COMMON | VIRTUAL | {"encoder_hidden_size", "init_weights", "prefix_projection"},
    "LORA": COMMON | {
        "corda_config", "ensure_weight_tying", "eva_config", "exclude_modules", "fan_in_fan_out", "init_lora_weights",
        "layers_pattern", "layers_to_transform", "loftq_config", "lora_alpha", "lora_dropout", "lora_ga_config",
        "megatron_config", "megatron_core", "qalora_group_size", "r", "runtime_config", "target_modules", "use_dora",
        "use_rslora",
    },
    "IA3": COMMON | {"exclude_modules", "fan_in_fan_out", "feedforward_modules", "init_ia3_weights", "target_modules"},
}  # fmt: skip
# Starts of LoRA that leave the backbone's own weights as they are.
PLAIN_STARTS = (True, False, None, "gaussian", "orthogonal", "eva")


def from_adapter(
    adapter: Adapter, name: str, task: Task, words: Mapping[str, Sequence[str]], pretrained: Pretrained
) -> tuple[Run, list[str]]:
    """An adapter as a run of a task, which gives template, words and data.

    Args:
        adapter: what was read.
        name: how messages call it: its folder.
        task: the task; its method gives way to what the adapter is.
        words: label -> words.
        pretrained: the task's backbone.

    Returns:
        The run, and notes on what is other than it may seem.

    Raises:
        RunError: an unsupported type or setting, or weights that do not fit the backbone.
        TaskError: a template with soft slots.
    """
    kind = _supported(adapter, name, pretrained)
    if template_of(task).soft:
        raise TaskError(
            f"{name}: the vectors of a PEFT adapter come before all text, and the template has {{soft}} slots.",
            "Take them out of template.text.",
        )
    notes: list[str] = []
    method: dict[str, Any]
    match kind:
        case "LORA" | "IA3":
            method, tensors = _from_modules(adapter, kind, name, pretrained)
        case "PREFIX_TUNING":
            method, tensors = _from_prefix(adapter, name, pretrained)
        case _:
            method, tensors = _from_prompt(adapter, name, pretrained)
            if kind == "P_TUNING" and method["name"] == "soft_prompt":
                notes.append("PEFT keeps no network of P-tuning: the prompt it made is now a soft prompt.")
    values = task.model_dump(mode="json")
    train = {**values["train"], "runs": 1, "ensemble": False}
    made = make_task({**values, "method": method, "train": train}, name)
    bound = bind(made, words, pretrained)
    _check(tensors, bound.method.initial(0), name, pretrained)
    facts = {"seeds": [0], "dev_accuracy": [None], "dev_loss": [None], "best_steps": [0], "steps": 0,
             "planned_steps": 0, "stopped": False, "imported": name}  # fmt: skip
    kept = {key: x.detach().cpu() for key, x in tensors.items()}
    known = {label: list(several) for label, several in words.items()}
    theirs = adapter.config.get("base_model_name_or_path")
    if theirs and theirs not in (pretrained.name, base_model(pretrained)):
        notes.append(f"the adapter says it was made for '{theirs}'; the task's backbone is '{pretrained.name}'.")
    return Run(name, made, known, (kept,), 0, backbone_facts(pretrained), facts), notes


def _supported(adapter: Adapter, name: str, pretrained: Pretrained) -> str:
    """The adapter's type. Raises RunError for types and settings that would not answer the same."""
    config, kind = adapter.config, str(adapter.config["peft_type"])
    if kind not in KNOWN:
        raise RunError(
            f"{name}: adapters of type '{kind}' are not supported.",
            f"{did_you_mean(kind, KNOWN)} Supported: {', '.join(KNOWN)}.".strip(),
        )
    _check_model(config, kind, name, pretrained)
    for setting, value in config.items():
        if value and value != "none" and setting not in KNOWN[kind]:
            raise RunError(
                f"{name}: sets '{setting}' to {value!r}, which Trimtab cannot carry out.", "Use an adapter without it."
            )
    if config.get("init_lora_weights") not in PLAIN_STARTS:
        raise RunError(
            f"{name}: its start '{config['init_lora_weights']}' has changed the backbone's own weights.",
            "Convert it to plain LoRA with PEFT (`path_initial_model_for_weight_conversion`) first.",
        )
    return kind


def _check_model(config: Mapping[str, Any], kind: str, name: str, pretrained: Pretrained) -> None:
    """Refuse adapters made for another kind of model than the backbone is."""
    backbone, task_type = pretrained.backbone, config.get("task_type")
    types = ["SEQ_2_SEQ_LM", "FEATURE_EXTRACTION"] if backbone.encoder_decoder else ["FEATURE_EXTRACTION"]
    types = types if backbone.bidirectional else ["CAUSAL_LM"]
    if task_type is not None and task_type not in types:
        expected = " or ".join(f"'{known}'" for known in types)
        raise RunError(
            f"{name}: made for task type '{task_type}', expected {expected} for {backbone.title}.",
            "Use another adapter, or the backbone it was made for.",
        )
    if config.get("num_transformer_submodules") not in (None, 1) and not backbone.encoder_decoder:
        raise RunError(
            f"{name}: made for an encoder-decoder model; backbone '{pretrained.name}' is {backbone.title}.",
            "Name the backbone it was made for in the task file.",
        )
    if kind == "PREFIX_TUNING" and backbone.encoder_decoder:
        raise RunError(
            f"{name}: PEFT's prefixes of an encoder-decoder stand in its decoder only and move its positions, which "
            "Trimtab cannot carry out.",
            "Use an adapter with a soft prompt or LoRA.",
        )


def _prompt_of(adapter: Adapter, name: str) -> torch.Tensor:
    prompt = adapter.tensors.get(PROMPT)
    if prompt is None or prompt.dim() != 2:
        found = ", ".join(sorted(adapter.tensors)[:3]) or "nothing"
        raise RunError(f"{name}: holds no matrix '{PROMPT}' (found: {found}).", AGAIN)
    if others := sorted(key for key in adapter.tensors if key != PROMPT and not key.startswith(NETWORK)):
        raise RunError(f"{name}: holds {listed(others)} beside '{PROMPT}', which nothing asks for.", AGAIN)
    asked, parts = (_count(adapter, entry, name) for entry in ("num_virtual_tokens", "num_transformer_submodules"))
    if asked and len(prompt) not in (asked, asked * (parts or 1)):
        raise RunError(f"{name}: '{PROMPT}' holds {len(prompt)} vectors, and {CONFIG_FILE} asks for {asked}.", AGAIN)
    return prompt


def _count(adapter: Adapter, entry: str, name: str) -> int | None:
    """A whole number out of an adapter's configuration, where it says one."""
    value = adapter.config.get(entry)
    if value is None or type(value) is int:
        return value
    raise RunError(f"{name}: {CONFIG_FILE} sets '{entry}' to {value!r}, expected a whole number.", AGAIN)


def _does_not_fit(name: str, what: str, found: Sequence[int], expected: Sequence[int], to: Pretrained) -> RunError:
    sizes = [" x ".join(map(str, shape)) for shape in (found, expected)]
    return RunError(
        f"{name}: {what} is {sizes[0]}, expected {sizes[1]} for backbone '{to.name}'.",
        "Name the backbone it was made for in the task file.",
    )


def _from_prompt(adapter: Adapter, name: str, pretrained: Pretrained) -> tuple[dict[str, Any], Tensors]:
    """A soft prompt, or P-tuning where the adapter is ours and so holds the network that made it."""
    backbone, tokenizer = pretrained.backbone, pretrained.tokenizer
    leading = around_ids(tokenizer)[0] if backbone.bidirectional else leading_ids(tokenizer)
    prompt = _prompt_of(adapter, name).to(backbone.device)
    if prompt.shape[1] != backbone.hidden_size:
        expected = (len(prompt), backbone.hidden_size)
        raise _does_not_fit(name, PROMPT, prompt.shape, expected, pretrained)
    if backbone.encoder_decoder:  # PEFT also saves vectors for the decoder, and never reads them
        prompt = prompt[: adapter.config.get("num_virtual_tokens") or len(prompt)]
    if leading and not adapter.leading:
        method = {"name": "soft_prompt", "length": len(prompt), "init": "random", "before_leading": True}
        return method, {"prompt": prompt / backbone.embedding_rms}
    first = backbone.embed_with(leading, None)
    if adapter.leading != len(leading) or not torch.allclose(prompt[: len(leading)], first, rtol=0.02, atol=1e-3):
        raise RunError(
            f"{name}: its first vectors are not the leading tokens of backbone '{pretrained.name}'.",
            "Name the backbone it was made for in the task file.",
        )
    own = prompt[len(leading) :] / backbone.embedding_rms
    network = {key.removeprefix(NETWORK): x for key, x in adapter.tensors.items() if key.startswith(NETWORK)}
    if not network:
        return {"name": "soft_prompt", "length": len(own), "init": "random"}, {"prompt": own}
    encoder = str(adapter.config.get("encoder_reparameterization_type")).lower()  # checked as settings are
    hidden = adapter.config.get("encoder_hidden_size")
    return {"name": "p_tuning", "length": len(own), "encoder": encoder, "hidden": hidden}, network


def _from_prefix(adapter: Adapter, name: str, pretrained: Pretrained) -> tuple[dict[str, Any], Tensors]:
    """A prefix out of [P, N * 2 * J * d], keys and values of the layers in turn; an encoder's rows count behind it."""
    flat, backbone = _prompt_of(adapter, name), pretrained.backbone
    with torch.no_grad():
        sample = backbone.read_prefix([backbone.embed_with([0], None)]).layers
    sizes = [x.numel() for layer in sample for x in layer]
    if not backbone.attends:
        raise RunError(
            f"{name}: a prefix of PEFT's is keys and values, and a backbone of type '{backbone.config.model_type}' is "
            f"{backbone.title}.",
            "Name the backbone it was made for in the task file.",
        )
    if flat.shape[1] != sum(sizes):
        raise _does_not_fit(name, PROMPT, flat.shape, (len(flat), sum(sizes)), pretrained)
    places = [(f"{kind}.{n}", x) for n, (k, v) in enumerate(sample) for kind, x in (("keys", k), ("values", v))]
    parts = torch.split(flat, sizes, 1)
    tensors = {key: part.reshape(-1, *x.shape[1:]) for (key, x), part in zip(places, parts, strict=True)}
    settings = {"name": "prefix", "length": len(flat), "init": "zero"}
    return settings | ({"takes_positions": True} if backbone.bidirectional else {}), tensors


def _our_name(name: str) -> str | None:
    """PEFT's name of a weight as the method has it; None where it is no weight of LoRA, DoRA or IA3."""
    found = re.fullmatch(r"(?:base_model\.model\.)?(.+\.(?:lora_[AB]|lora_magnitude_vector|ia3_l))(\.weight)?", name)
    if found is None:
        return None
    return f"{found[1]}.default" + ("" if found[1].endswith("ia3_l") else ".weight")


def _from_modules(adapter: Adapter, kind: str, name: str, pretrained: Pretrained) -> tuple[dict[str, Any], Tensors]:
    """LoRA, DoRA, rsLoRA or IA3."""
    model, config = pretrained.backbone.model, adapter.config
    tensors: Tensors = {}
    for theirs, weight in adapter.tensors.items():
        ours = _our_name(theirs)
        if ours is None:
            raise RunError(
                f"{name}: holds '{theirs}', which is no weight of LoRA or IA3 on a linear layer.",
                "Use another adapter.",
            )
        tensors[ours] = weight
    places = {re.split(r"\.(?:lora_|ia3_l)", key)[0] for key in tensors}
    elsewhere = sorted(places - linear_layers(model))
    if elsewhere or not places:
        what = f"changes '{elsewhere[0]}', which is" if elsewhere else "changes"
        raise RunError(
            f"{name}: {what} no linear layer within backbone '{pretrained.name}'.",
            "Name the backbone it was made for in the task file; embeddings and output layer are not supported.",
        )
    require_asked(adapter, kind, name, tensors, pretrained)
    if kind == "IA3":
        return {"name": "ia3"}, tensors
    return {
        "name": "lora", "rank": config.get("r", 8), "alpha": config.get("lora_alpha", 8),
        "dropout": config.get("lora_dropout", 0.0), "targets": targets(places, model),
        "dora": bool(config.get("use_dora")), "rslora": bool(config.get("use_rslora")),
    }, tensors  # fmt: skip


def _check(found: Tensors, expected: Tensors, name: str, pretrained: Pretrained) -> None:
    """Raise RunError unless the tensors are those of the method on this backbone."""
    for key in sorted(set(found) ^ set(expected)):
        what = "lacks" if key in expected else "has"
        raise RunError(
            f"{name}: {what} '{key}', unlike the same method on backbone '{pretrained.name}'.",
            "Name the backbone it was made for in the task file.",
        )
    for key, tensor in found.items():
        if tensor.shape != expected[key].shape:
            raise _does_not_fit(name, key, tensor.shape, expected[key].shape, pretrained)
