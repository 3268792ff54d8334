"""Runs as PEFT adapters give the same logits there; what PEFT cannot express is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from peft import PeftModel

from adapters import METHODS, our_scores
from causal_adapters import TASK, TEXTS, ids_of, plain_model, refusal, run_of, their_logits
from closeness import assert_near
from trimtab.interchange.adapter import write_adapter
from trimtab.interchange.peft import to_adapter
from trimtab.settings.file import make_task


@pytest.mark.parametrize("name", METHODS)
def test_a_run_gives_the_same_logits_in_peft(name, folder, backbone, tmp_path):
    run = run_of(backbone, METHODS[name])
    adapter = to_adapter(run, backbone)
    write_adapter(tmp_path, adapter)
    model = PeftModel.from_pretrained(plain_model(folder), tmp_path).eval()
    for text in TEXTS:
        ids = ids_of(backbone, text, leading=adapter.leading == 0)
        assert_near(our_scores(backbone, run, text), their_logits(model, ids))


def test_lora_with_a_prompt_is_no_one_adapter(pretrained):
    run = run_of(pretrained, {"name": "lora", "prompt": 3})
    assert refusal(lambda: to_adapter(run, pretrained)) == (
        f"{run.name}: LoRA together with a soft prompt, which is no one adapter of PEFT's. "
        "Tune with method.prompt=0 to export it."
    )


def test_what_cannot_be_exported(pretrained):
    soft = run_of(pretrained, {"name": "soft_prompt", "length": 4})
    for name, hint in (
        ("full", "Export whole weights: --format merged."),
        ("head", ""),
        ("warp", ""),
        ("late_prompt", ""),
    ):
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
