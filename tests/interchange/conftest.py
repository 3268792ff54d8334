"""Fixtures of the tests of interchange: tiny causal models, and adapters of theirs."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers.processors import TemplateProcessing
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

import tiny
from adapters import METHODS
from causal_adapters import ARCHITECTURES, run_of
from models import CONFIGS
from trimtab.backbones.pretrained import load
from trimtab.interchange.adapter import write_adapter
from trimtab.interchange.peft import to_adapter


@pytest.fixture(scope="session", params=ARCHITECTURES)
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


@pytest.fixture
def written(pretrained, tmp_path):
    """Write an adapter of a method, its configuration changed; return its folder."""

    def write(method: str, **config) -> Path:
        adapter = to_adapter(run_of(pretrained, METHODS[method]), pretrained)
        write_adapter(tmp_path, replace(adapter, config={**adapter.config, **config}))
        return tmp_path

    return write
