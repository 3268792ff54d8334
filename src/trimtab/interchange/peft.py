"""Runs as PEFT adapters that give the same numbers. Knows nothing about files or reading adapters.

What PEFT cannot express is refused; nothing is written almost right.

P prompt length, D hidden, N layers, J key/value heads, d head size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from trimtab.backbones.pretrained import Pretrained
from trimtab.errors import BackboneError, RunError
from trimtab.interchange.adapter import Adapter
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.choose import template_of
from trimtab.methods.method import Condition, Tensors
from trimtab.runs.run import Run
from trimtab.settings.methods import (
    IA3Settings,
    LoraSettings,
    MethodSettings,
    MultitaskPromptSettings,
    PrefixSettings,
    PTuningSettings,
    SoftPromptSettings,
)

PROMPT = "prompt_embeddings"
PREFIX_OF_NAMES = "base_model.model."
# Names of what an adapter holds beside what PEFT reads: P-tuning's network, which PEFT passes over.
NETWORK = "trimtab."


def only_tensors(run: Run) -> Tensors:
    """The one set of tensors that answers. Raises RunError for an ensemble, which no single adapter holds."""
    if len(run.answering) > 1:
        raise RunError(
            f"{run.name}: answers with the mean of {len(run.answering)} sets of tensors, which one file cannot hold.",
            "Set train.ensemble: false in its task.yaml to export the best of them.",
        )
    return run.answering[0]


def bound_run(run: Run, pretrained: Pretrained) -> tuple[BoundTask, Condition]:
    """A run's task bound to its backbone, and how it conditions it.

    Raises:
        RunError: the backbone is another; as `only_tensors` does.
    """
    run.check_backbone(pretrained)
    tensors = only_tensors(run)
    bound = bind(run.task, run.words, pretrained)
    with torch.no_grad():
        return bound, bound.method.condition({name: x.to(pretrained.backbone.device) for name, x in tensors.items()})


def base_model(pretrained: Pretrained) -> str:
    """A backbone's name as transformers takes it: its hub id, or the folder its weights were read from."""
    if pretrained.origin.startswith("hub:"):
        return pretrained.origin.removeprefix("hub:")
    return str(pretrained.backbone.model.name_or_path)


def to_adapter(run: Run, pretrained: Pretrained) -> Adapter:
    """A run as an adapter of PEFT's.

    The text that goes with it is the template's; see `trimtab.interchange.card`.

    Raises:
        RunError: the run's method has no counterpart in PEFT, or it is of another backbone.
        BackboneError: a prefix whose shape differs by layer.
    """
    settings = run.task.method
    if not pretrained.backbone.attends:
        raise RunError(
            f"{run.name}: PEFT knows no backbone of type '{pretrained.backbone.config.model_type}'.",
            "Serve the run as it is.",
        )
    if template_of(run.task).soft:
        raise RunError(
            f"{run.name}: its soft vectors stand within the template; those of a PEFT adapter come before all text.",
            "Tune with a template without {soft} slots to export it.",
        )
    common = {
        "task_type": _task_type(settings, pretrained),
        "base_model_name_or_path": base_model(pretrained),
        "inference_mode": True,
    }
    match settings:
        case SoftPromptSettings() | PTuningSettings() | MultitaskPromptSettings():
            bound, condition = bound_run(run, pretrained)
            adapter = _soft_adapter(bound, condition, common)
            if not isinstance(settings, PTuningSettings):
                return adapter
            return replace(adapter, tensors=adapter.tensors | _network(run))
        case PrefixSettings():
            _check_prefix(run.name, settings, pretrained)
            return _prefix_adapter(*bound_run(run, pretrained), common)
        case LoraSettings() | IA3Settings():
            _, condition = bound_run(run, pretrained)
            if condition.soft is not None:
                raise RunError(
                    f"{run.name}: LoRA together with a soft prompt, which is no one adapter of PEFT's.",
                    "Tune with method.prompt=0 to export it.",
                )
            return _module_adapter(settings, condition, pretrained, common)
    raise RunError(
        f"{run.name}: PEFT has no adapter for method '{settings.name}'.",
        "Export whole weights: --format merged." if settings.name in ("full", "bitfit") else "",
    )


def _task_type(settings: MethodSettings, pretrained: Pretrained) -> str | None:
    """What PEFT is to take the model for.

    Prompts of other than causal models go by FEATURE_EXTRACTION, which puts vectors before the row and passes all else
    on to the model, whatever it is: PEFT has no type for masked language models, and what it has for encoder-decoders
    does the same but looks for parts that transformers 5 no longer has. Without a type it wraps a model as it is.
    """
    if not pretrained.backbone.bidirectional:
        return "CAUSAL_LM"
    return None if isinstance(settings, LoraSettings | IA3Settings) else "FEATURE_EXTRACTION"


def _check_prefix(name: str, settings: PrefixSettings, pretrained: Pretrained) -> None:
    """Refuse prefixes that PEFT would run differently."""
    backbone = pretrained.backbone
    if backbone.encoder_decoder:
        raise RunError(
            f"{name}: its prefix stands in the encoder and the decoder of a backbone of type "
            f"'{backbone.config.model_type}'; PEFT puts one in the decoder only, and at other positions.",
            "Tune with soft_prompt or lora to export it.",
        )
    if backbone.bidirectional and not settings.takes_positions:
        raise RunError(
            f"{name}: its prefix takes up no positions, and PEFT counts those of an encoder's rows from behind it.",
            "Tune with method.takes_positions=true to export it.",
        )


def _network(run: Run) -> Tensors:
    """P-tuning's network and what it reads, so that an adapter read back is the run that it was."""
    return {NETWORK + name: x for name, x in only_tensors(run).items()}


def _soft_adapter(bound: BoundTask, condition: Condition, common: Mapping[str, Any]) -> Adapter:
    """PROMPT_TUNING or P_TUNING. PEFT's prompt comes before everything, so tokens before ours become part of it."""
    backbone, settings = bound.pretrained.backbone, bound.task.method
    assert condition.soft is not None
    leading = () if isinstance(settings, SoftPromptSettings) and settings.before_leading else bound.leading
    first = [*leading, *(-1 - j for j in range(len(condition.soft)))]
    with torch.no_grad():
        prompt = backbone.embed_with(first, condition.soft)
    config = {**common, **_sizes(bound, len(prompt), backbone.hidden_size, backbone.heads)}
    if isinstance(settings, PTuningSettings):
        config |= {"peft_type": "P_TUNING", "encoder_reparameterization_type": settings.encoder.upper()}
        config["encoder_hidden_size"] = settings.hidden
    else:
        config |= {"peft_type": "PROMPT_TUNING", "prompt_tuning_init": "RANDOM"}
    return Adapter(config, {PROMPT: prompt}, len(leading))


def _prefix_adapter(bound: BoundTask, condition: Condition, common: Mapping[str, Any]) -> Adapter:
    """PREFIX_TUNING: keys and values of the layers in turn, [P, N * 2 * J * d]."""
    layers = condition.past or ()
    shapes = {tuple(x.shape) for layer in layers for x in layer}
    if len(shapes) != 1:
        raise BackboneError("PEFT's prefixes have keys and values of one shape in all layers; this backbone's differ.")
    ((length, heads, size),) = shapes
    flat = torch.stack([x for layer in layers for x in layer], 1).reshape(length, -1)
    sizes = _sizes(bound, length, heads * size, heads)
    config = {**common, "peft_type": "PREFIX_TUNING", **sizes, "prefix_projection": False}
    return Adapter(config, {PROMPT: flat})


def _sizes(bound: BoundTask, length: int, width: int, heads: int) -> dict[str, int]:
    layers = int(bound.pretrained.backbone.config.num_hidden_layers)
    return {"num_virtual_tokens": length, "token_dim": width, "num_attention_heads": heads, "num_layers": layers,
            "num_transformer_submodules": 1}  # fmt: skip


def _module_adapter(
    settings: LoraSettings | IA3Settings, condition: Condition, pretrained: Pretrained, common: Mapping[str, Any]
) -> Adapter:
    """LORA or IA3."""
    modules, weights = condition.modules or {}, condition.weights or {}
    config = {
        **common,
        "peft_type": settings.name.upper(),
        "target_modules": targets(modules, pretrained.backbone.model),
        "fan_in_fan_out": any(type(module).__name__ == "Conv1D" for module in pretrained.backbone.model.modules()),
    }
    if isinstance(settings, IA3Settings):
        inner = [name for name, module in modules.items() if module.is_feedforward]
        config["feedforward_modules"] = targets(inner, pretrained.backbone.model)
    else:
        alpha = int(settings.alpha) if settings.alpha.is_integer() else settings.alpha
        config |= {"r": settings.rank, "lora_alpha": alpha, "lora_dropout": settings.dropout, "bias": "none",
                   "use_dora": settings.dora, "use_rslora": settings.rslora}  # fmt: skip
    return Adapter(config, {_their_name(name): weight for name, weight in weights.items()})


def _their_name(name: str) -> str:
    """A weight's name in an adapter file: without the adapter's own name, which PEFT calls `default`."""
    stem, _, rest = name.rpartition(".default")
    return PREFIX_OF_NAMES + stem + ("" if stem.endswith("lora_magnitude_vector") else rest)


def targets(places: Iterable[str], model: nn.Module) -> list[str]:
    """Linear layers by the last part of their names, where that means no others; else by their full names."""
    wanted = set(places)
    short = {place.rpartition(".")[2] for place in wanted}
    meant = {name for name in linear_layers(model) if name.rpartition(".")[2] in short}
    return sorted(short if meant == wanted else wanted)


def linear_layers(model: nn.Module) -> set[str]:
    """Names of the linear layers within the backbone; its output layer is none of them."""
    output = model.get_output_embeddings()  # type: ignore[operator]
    return {
        name
        for name, module in model.named_modules()
        if (isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D") and module is not output
    }
