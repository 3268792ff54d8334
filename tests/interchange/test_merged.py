"""Merged weights give the same logits in transformers; what changes no weights is refused."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from adapters import METHODS, our_scores
from causal_adapters import ARCHITECTURES, TEXTS, ids_of, plain_model, refusal, run_of, their_logits
from closeness import assert_near
from trimtab.interchange.merged import write_merged


@pytest.mark.parametrize(
    ("folder", "name"),
    [*product(ARCHITECTURES, ["lora", "dora", "ia3", "full"]), ("gpt2", "bitfit")],  # only the GPT-2 has biases
    indirect=["folder"],
)
def test_merged_weights_give_the_same_logits(name, folder, backbone, tmp_path):
    before = {key: value.clone() for key, value in backbone.backbone.model.state_dict().items()}
    run = run_of(backbone, METHODS.get(name, {"name": name}))
    write_merged(tmp_path, run, backbone)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".safetensors", ".jinja"}
    model = plain_model(tmp_path)
    for text in TEXTS:
        theirs = their_logits(model, ids_of(backbone, text))
        assert_near(our_scores(backbone, run, text), theirs)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    assert tokenizer(TEXTS[1])["input_ids"] == backbone.tokenizer(TEXTS[1])["input_ids"]
    after = backbone.backbone.model.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("method", ["soft_prompt", "prefix", "head", "zero_shot"])
def test_methods_that_change_no_weights(method, pretrained, tmp_path):
    run = run_of(pretrained, method)
    assert refusal(lambda: write_merged(tmp_path, run, pretrained)) == (
        f"runs/a: method '{method}' changes no weights that could be merged. "
        "Only lora, ia3, bitfit and full do; --format peft writes prompts and prefixes."
    )
    assert list(tmp_path.iterdir()) == []
