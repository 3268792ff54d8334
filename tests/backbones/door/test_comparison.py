"""Every family of the table in docs/models.md, tiny and seeded, as transformers runs it and as a backbone does."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    Gemma3Config,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

import models
from families import COMPARED, OWN_CODE, REFUSED, SERVED
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.door.comparison import require_equal
from trimtab.backbones.encoder import EncoderBackbone
from trimtab.backbones.encoder_decoder import EncoderDecoderBackbone
from trimtab.backbones.own_code.causal import OwnCodeCausal
from trimtab.backbones.own_code.encoder import OwnCodeEncoder
from trimtab.backbones.silence import quiet
from trimtab.errors import UnservedError

HINT = "docs/models.md lists the families that are served: Llama, Qwen, Gemma 3, GPT-2, BERT and T5 are some."
KINDS = {
    "causal": (AutoModelForCausalLM, CausalBackbone),
    "masked": (AutoModelForMaskedLM, EncoderBackbone),
    "bare": (AutoModel, EncoderBackbone),
    "encoder-decoder": (AutoModelForSeq2SeqLM, lambda model: EncoderDecoderBackbone(model, (2,))),
}


def backbone_of(family, dtype=torch.float32):
    """A model with weights large enough that mistakes show, as a backbone."""
    kind, adopt = KINDS[family.kind]
    if family.own_code:
        adopt = OwnCodeCausal if family.kind == "causal" else OwnCodeEncoder
    torch.manual_seed(0)
    with quiet():
        config = CONFIG_MAPPING[family.model_type](**family.sizes)
        model = kind.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.nan_to_num_()  # what a family leaves as it found it
            parameter.add_(torch.randn_like(parameter) * (0.2 if parameter.dim() > 1 else 0.1))
        return adopt(model.eval().to(dtype))


@pytest.mark.parametrize("family", [*SERVED, *OWN_CODE], ids=lambda family: family.name)
def test_a_family_is_exact(family):
    require_equal(backbone_of(family))


@pytest.mark.parametrize("family", [one for one in REFUSED if one.refused == COMPARED], ids=lambda family: family.name)
def test_a_family_is_refused_by_comparing(family):
    with pytest.raises(UnservedError, match=f"^backbone of type '{family.model_type}' is not served: "):
        require_equal(backbone_of(family))


@pytest.mark.parametrize("name", ["Llama", "Gemma 2", "Granite", "T5", "BERT"])
def test_rounding_is_no_mistake(name):
    [family] = [one for one in SERVED if one.name == name]
    require_equal(backbone_of(family, torch.bfloat16))


class Half(nn.Linear):
    """Output vectors whose scores are half of the products."""

    def forward(self, x):
        return super().forward(x) / 2


@pytest.mark.parametrize(
    ("dtype", "how"),
    [
        (torch.float32, r"by 1\.1 of their size, where rounding makes 0\.001"),
        (torch.bfloat16, r"by 1 of .* makes 0\.\d+"),
    ],
)
def test_wrong_arithmetic_is(dtype, how):
    model = models.tiny_model("gpt_neox").to(dtype)
    half = Half(32, models.VOCABULARY, bias=False).to(dtype)
    half.weight = model.get_output_embeddings().weight
    model.set_output_embeddings(half)
    what = "in a training pass its scores are not those that transformers makes"
    with pytest.raises(UnservedError, match=rf"^backbone of type 'gpt_neox' is not served: {what} \({how} at most\)\."):
        require_equal(CausalBackbone(model))


def test_windows_that_are_long_are_made_short_for_it():
    """A window of hundreds of tokens is too long to be left by a row of a few; afterwards it is what it was."""
    config = copy.deepcopy(models.CONFIGS["mistral"])
    config.sliding_window = 200
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    for fuse in (True, False):
        backbone = CausalBackbone(model, fuse=fuse)
        require_equal(backbone)
        assert model.config.sliding_window == 200
    whole = CausalBackbone(model)
    assert [layer.window for layer in whole.fused.layers] == [200] * 3
    config.sliding_window = 100  # what transformers masks by, where our layers were read with another
    with pytest.raises(UnservedError, match="in a training pass its scores are not"):
        narrowed_wrongly(whole)


def narrowed_wrongly(backbone):
    from dataclasses import replace

    layers = [replace(layer, window=None) for layer in backbone.fused.layers]
    backbone.fused = replace(backbone.fused, layers=layers)
    require_equal(backbone)


@pytest.mark.parametrize("fuse", [True, False])
def test_the_text_model_within_a_model_of_text_and_images(fuse):
    with quiet():
        config = Gemma3Config(
            text_config={
                "vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
                "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 64,
                "sliding_window": 7, "layer_types": ["sliding_attention", "full_attention"],
            },
            vision_config={
                "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                "image_size": 28, "patch_size": 14,
            },
            image_token_index=90, boi_token_index=91, eoi_token_index=92, mm_tokens_per_image=1,
        )  # fmt: skip
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    backbone = CausalBackbone(model, fuse=fuse)
    assert (backbone.fused_layers, backbone.context) == (2 if fuse else 0, 64)
    require_equal(backbone)


def test_layers_without_attention_are_told():
    backbone = CausalBackbone(models.tiny_model("gpt2"))
    backbone.config.n_layer = 4
    with pytest.raises(UnservedError) as caught:
        require_equal(backbone)
    assert str(caught.value) == (
        "backbone of type 'gpt2' is not served: 1 of its 4 layers do without the attention that is shared. " + HINT
    )
