"""What needs an extra says so, alike everywhere and before a backbone is loaded; nothing else needs one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

import tiny
from trimtab.backbones import open as backbones
from trimtab.kinds.labels import Labels
from trimtab.reports.comparison import Comparison
from trimtab.runs.run import load_run

MISSING = "needs the PEFT library, which is not installed.\n         Install it with `pip install 'trimtab[peft]'`.\n"
NO_LORA = f"trimtab: method 'lora' {MISSING}"


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_folder) -> Path:
    """A folder with a task file, a LoRA run, a fully tuned one, and a LoRA adapter."""
    from trimtab.cli.main import main

    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("TRIMTAB_CACHE", str(folder / "cache"))
        task = tiny.write_task(folder, tiny_folder, method="lora", train={"steps": 2})
        main(["tune", str(task), "--out", "lora", "--no-beside"])
        main(["tune", str(task), "--out", "full", "--no-beside", "--set", "method=full"])
        main(["export", "lora", "adapter"])
    return folder


@pytest.fixture
def without_extras(trimtab, made, tmp_path, monkeypatch):
    """The command line where no extra is installed, beside what was made where they were."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    for library in ("peft", "datasets", "setfit"):
        monkeypatch.setitem(sys.modules, library, None)
    return trimtab


@pytest.fixture
def no_backbone(monkeypatch):
    """No backbone can be loaded."""

    def load(*_, **__):
        raise AssertionError("a backbone was loaded")

    monkeypatch.setattr(backbones, "backbone_of", load)


@pytest.mark.parametrize(
    "command",
    [
        "tune task.yaml --out run",
        "compare task.yaml --methods majority,lora",
        "evaluate lora",
        "evaluate full lora",
        "predict lora dev.jsonl",
        "perplexity lora dev.jsonl",
        "chat lora",
        "export lora out",
        "export lora out --format merged",
        "import adapter task.yaml --set method=soft_prompt",
    ],
)
def test_every_verb_says_that_lora_needs_peft(command, without_extras, no_backbone, tmp_path):
    before = sorted(tmp_path.iterdir())
    assert without_extras(*command.split()) == (2, "", NO_LORA)
    assert sorted(tmp_path.iterdir()) == before


def test_serving_needs_its_own(without_extras, no_backbone, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert without_extras("serve", "full") == (
        2,
        "",
        "trimtab: `trimtab serve` needs the FastAPI library, which is not installed.\n"
        "         Install it with `pip install 'trimtab[serve]'`.\n",
    )


def test_so_does_ia3(without_extras, no_backbone):
    assert without_extras("tune", "task.yaml", "--set", "method=ia3") == (2, "", f"trimtab: method 'ia3' {MISSING}")


def test_setfit_asked_for_by_name_needs_its_library(without_extras, no_backbone):
    assert without_extras("compare", "task.yaml", "--methods", "majority,setfit") == (
        2,
        "",
        "trimtab: way 'setfit' needs the SetFit library, which is not installed.\n"
        "         Install it with `pip install 'trimtab[setfit]'`.\n",
    )


def test_a_comparison_leaves_out_what_was_not_asked_for_by_name(without_extras, monkeypatch, tmp_path):
    monkeypatch.setattr(Labels, "usual_ways", lambda *_, **__: ("majority", "naive_bayes", "lora"))
    code, out, _ = without_extras("compare", "task.yaml", "--out", "out", "--reference", "majority")
    assert code == 0
    assert "naive Bayes" in out
    written = Comparison.model_validate_json((tmp_path / "out" / "compare.json").read_bytes())
    assert [(left.key, left.name, left.why) for left in written.left_out] == [
        (
            "lora",
            "LoRA",
            "method 'lora' needs the PEFT library, which is not installed. "
            "Install it with `pip install 'trimtab[peft]'`",
        )
    ]


def test_rows_of_a_task_are_shown_all_the_same(without_extras):
    assert without_extras("show", "task.yaml").code == 0


def test_a_fully_tuned_model_is_exported_whole(without_extras, tmp_path):
    code, out, err = without_extras("export", "full", "merged", "--format", "merged")
    assert (code, err) == (0, "")
    assert "model.safetensors" in out
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32)
    [tensors] = load_run(tmp_path / "full").answering
    held = dict(model.named_parameters())
    assert tensors
    for name, tensor in tensors.items():
        torch.testing.assert_close(held[name], tensor)


@pytest.mark.parametrize(
    "command",
    [
        "tune task.yaml --set data.train=hub:org/reviews --set method=soft_prompt",
        "tune task.yaml --set data.test=hub:org/reviews --set method=soft_prompt",
        "evaluate full --test hub:org/reviews",
        "predict full hub:org/reviews",
        "perplexity full hub:org/reviews --field text",
        "data hub:org/reviews --no-tokens",
    ],
)
def test_hub_names_need_datasets(command, without_extras, no_backbone):
    assert without_extras(*command.split()) == (
        2,
        "",
        "trimtab: hub:org/reviews needs the datasets library, which is not installed.\n"
        "         Install it with `pip install 'trimtab[hub]'`.\n",
    )
