"""Tiny seeded encoders, a word-level tokenizer for them, and each row alone through plain transformers code."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    BertConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
)

import tiny
from models import attending, embedded

VOCABULARY = 97
_SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}
CONFIGS = {
    "bert": BertConfig(**_SHAPE),
    "roberta": RobertaConfig(**_SHAPE, pad_token_id=1),
    "bare": BertConfig(**_SHAPE),
}
ENCODERS = list(CONFIGS)


def tiny_encoder(name: str, **changes: Any) -> PreTrainedModel:
    """A masked language model, or a bare encoder, of 3 layers with weights large enough that mistakes show."""
    torch.manual_seed(0)
    config = copy.deepcopy(CONFIGS[name])
    config.update(changes)
    kind = AutoModel if name == "bare" else AutoModelForMaskedLM
    model = kind.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for parameter in model.parameters():
            large = parameter.dim() > 1
            parameter.add_(torch.randn_like(parameter) * (0.2 if large else 0.1))
    return model.eval()


@contextmanager
def seeing(model: PreTrainedModel, past: Sequence[tuple[torch.Tensor, torch.Tensor]] | None):
    """The model with keys and values [L, J, d] a layer before those of its row."""
    if past is None:
        yield
        return

    def attend(module, query, key, value, mask, scaling=None, **_):
        before_k, before_v = (x.transpose(0, 1)[None] for x in past[module.layer_idx])
        scores = query @ torch.cat([before_k, key], 2).transpose(2, 3) * query.shape[-1] ** -0.5
        out = torch.softmax(scores, -1) @ torch.cat([before_v, value], 2)
        return out.transpose(1, 2), None

    with attending(model, attend):
        yield


def plain(
    model: PreTrainedModel, ids: Sequence[int], soft: torch.Tensor | None = None, past: Any = None
) -> torch.Tensor:
    """One row alone through the untouched model: scores [T, V], or the last hidden states [T, D] of a bare one."""
    own = embedded(model, ids, soft)
    with seeing(model, past):
        return model(inputs_embeds=own[None])[0][0]


WORDS = sorted(
    {word for row in tiny.rows(200) for word in row["text"].split()}
    | {"negative", "positive", "text", "answer", "review", "it", "was", "is", "the", "film", "good", ":", ".", "?"}
)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def save_encoder(folder: Path, name: str = "bert", seed: int = 0) -> Path:
    """Save a seeded encoder of two layers and a word-level tokenizer, as a folder that `backbone:` may name."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {word: i for i, word in enumerate([*SPECIAL, *WORDS, "##s"])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]",
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(seed)
    config = copy.deepcopy(CONFIGS[name])
    config.update({"vocab_size": len(vocabulary), "num_hidden_layers": 2, "initializer_range": 0.3, "pad_token_id": 0})
    kind = AutoModel if name == "bare" else AutoModelForMaskedLM
    kind.from_config(config).save_pretrained(folder)
    return folder
