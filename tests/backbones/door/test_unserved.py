"""Families refused by their configurations alone, each with its reason, before weights are looked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import transformers
from transformers.models.auto.configuration_auto import CONFIG_MAPPING, model_type_to_module_name
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL
from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES as BARE

from families import COMPARED, OWN_CODE, REFUSED, SERVED
from trimtab.backbones.door.unserved import OWN_ATTENTION, UNSERVED, own_code_of, reason_of
from trimtab.backbones.door.unserved import OWN_CODE as BY_TYPE
from trimtab.backbones.pretrained import load
from trimtab.errors import UnservedError


def ids(family):
    return family.name


@pytest.mark.parametrize("family", [*SERVED, *OWN_CODE], ids=ids)
def test_nothing_is_known_against_families_that_are_served(family):
    config = CONFIG_MAPPING[family.model_type](**family.sizes)
    assert (reason_of(config), own_code_of(config)) == ("", family.own_code)


def test_a_hybrid_without_recurrent_layers_shares_prompts():
    config = CONFIG_MAPPING["granitemoehybrid"](layer_types=["attention"] * 2, num_hidden_layers=2)
    assert own_code_of(config) == ""


@pytest.mark.parametrize("family", [one for one in REFUSED if one.refused != COMPARED], ids=ids)
def test_a_reason_follows_from_the_configuration(family):
    assert reason_of(CONFIG_MAPPING[family.model_type](**family.sizes)) == family.refused


def test_types_are_those_of_transformers():
    assert {*UNSERVED, *BY_TYPE} <= set(CONFIG_MAPPING)
    assert not {*UNSERVED} & {*BY_TYPE}


@pytest.mark.parametrize(
    "model_type", [name for name, reason in {**UNSERVED, **BY_TYPE}.items() if reason == OWN_ATTENTION]
)
def test_attention_that_cannot_be_replaced_is_code_of_its_own_or_says_so(model_type):
    code = Path(transformers.__file__).parent / "models" / model_type_to_module_name(model_type)
    own = not any("ALL_ATTENTION_FUNCTIONS" in file.read_text("utf-8") for file in code.glob("modeling_*.py"))
    kind = next(names[model_type] for names in (CAUSAL, BARE) if model_type in names)
    model = getattr(transformers, kind if isinstance(kind, str) else kind[0])
    assert own or not (model._supports_attention_backend or model._supports_sdpa)


def test_weights_are_not_read_first(tiny_folder, tmp_path):
    shutil.copytree(tiny_folder, tmp_path / "odd")
    (tmp_path / "odd" / "config.json").write_text(json.dumps({"model_type": "zamba2"}))
    (tmp_path / "odd" / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(UnservedError) as caught:
        load(tmp_path / "odd", tmp_path / "cache", name="odd", device="cpu")
    assert str(caught.value) == (
        "backbone of type 'zamba2' is not served: some of its layers are recurrent or convolutions, and keep no keys "
        "and values. docs/models.md lists the families that are served: Llama, Qwen, Gemma 3, GPT-2, BERT and T5 are "
        "some."
    )
