"""Changed weights as a complete model folder of transformers'. Knows nothing about tasks."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import torch

from trimtab.backbones.module_tree import weight_names
from trimtab.backbones.pretrained import Pretrained
from trimtab.backbones.silence import quiet
from trimtab.errors import RunError
from trimtab.interchange.adapter import write_adapter
from trimtab.interchange.peft import bound_run, to_adapter
from trimtab.runs.run import Run
from trimtab.settings.methods import BitFitSettings, FullSettings, IA3Settings, LoraSettings


def write_merged(folder: Path, run: Run, pretrained: Pretrained) -> None:
    """Write the backbone with a run's changes in its weights, float32, and its tokenizer.

    Raises:
        RunError: the run's method does not change weights, or it is of another backbone.
    """
    settings = run.task.method
    match settings:
        case LoraSettings() | IA3Settings():
            model = _merged(run, pretrained)
        case FullSettings() | BitFitSettings():
            _, condition = bound_run(run, pretrained)
            model = copy.deepcopy(pretrained.backbone.model).float()
            places = weight_names(model)
            with torch.no_grad():
                for name, weight in (condition.weights or {}).items():
                    places[name].copy_(weight)
        case _:
            raise RunError(
                f"{run.name}: method '{settings.name}' changes no weights that could be merged.",
                "Only lora, ia3, bitfit and full do; --format peft writes prompts and prefixes.",
            )
    with quiet():
        model.save_pretrained(folder)
    pretrained.tokenizer.save_pretrained(folder)


def _merged(run: Run, pretrained: Pretrained) -> Any:
    """LoRA or IA3 merged by PEFT itself, in a copy of the model."""
    from peft import PeftModel

    adapter = to_adapter(run, pretrained)
    with tempfile.TemporaryDirectory() as folder, quiet():
        write_adapter(Path(folder), adapter)
        model = PeftModel.from_pretrained(copy.deepcopy(pretrained.backbone.model).float(), folder)
        return model.merge_and_unload()
