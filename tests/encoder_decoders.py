"""Tiny seeded encoder-decoders, tokenizers for them, and each row alone through plain transformers code."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import nn
from transformers import (
    AutoModelForSeq2SeqLM,
    BartConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5Tokenizer,
)

import tiny
from models import attending, embedded

VOCABULARY = 97
_T5 = {
    "vocab_size": VOCABULARY,
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 48,
    "num_layers": 2,
    "num_decoder_layers": 3,
    "num_heads": 4,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 12,
    "decoder_start_token_id": 0,
}
CONFIGS = {
    "t5": T5Config(**_T5),
    "t5 v1.1": T5Config(**_T5, feed_forward_proj="gated-gelu", tie_word_embeddings=False),
    "bart": BartConfig(
        vocab_size=VOCABULARY, d_model=32, encoder_layers=2, decoder_layers=3, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, max_position_embeddings=64,
        scale_embedding=True, pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2,
        forced_eos_token_id=None,
    ),
}  # fmt: skip
STARTS = {"t5": (0,), "t5 v1.1": (0,), "bart": (2, 0)}
ENCODER_DECODERS = list(CONFIGS)


def tiny_model(name: str, seed: int = 0, **changes: Any) -> PreTrainedModel:
    """A model of 2 encoder and 3 decoder layers with weights large enough that mistakes show."""
    torch.manual_seed(seed)
    config = copy.deepcopy(CONFIGS[name])
    config.update(changes)
    model = AutoModelForSeq2SeqLM.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * (0.2 if parameter.dim() > 1 else 0.1))
        if name == "t5 v1.1":  # whose output vectors are its own
            model.lm_head.weight = nn.Parameter(torch.randn_like(model.lm_head.weight) * 0.3)
        if name == "bart":
            model.final_logits_bias.normal_(std=0.5)
    return model.eval()


@contextmanager
def seeing(model: PreTrainedModel, past: Sequence[tuple[torch.Tensor, torch.Tensor]] | None):
    """The model with keys and values [P, H, d] before those of every self-attention, the encoder's first."""
    if past is None:
        yield
        return
    own = [m for name, m in model.named_modules() if name.endswith(("SelfAttention", "self_attn"))]
    decoding = set(model.get_decoder().modules())

    def attend(module, query, key, value, mask, scaling=None, position_bias=None, **_):
        scores = query @ key.transpose(2, 3) * scaling + (0 if position_bias is None else position_bias)
        if module in own:
            if module in decoding:
                scores = scores + torch.full(scores.shape[-2:], -torch.inf).triu(1)
            before_k, before_v = (x.transpose(0, 1)[None] for x in past[own.index(module)])
            scores = torch.cat([query @ before_k.transpose(2, 3) * scaling, scores], -1)
            value = torch.cat([before_v.expand(len(value), -1, -1, -1), value], 2)
        return (torch.softmax(scores, -1) @ value).transpose(1, 2), None

    with attending(model, attend):
        yield


def plain(
    model: PreTrainedModel, ids: Sequence[int], decoder: Sequence[int], soft: torch.Tensor | None = None,
    past: Any = None,
) -> torch.Tensor:  # fmt: skip
    """One row alone through the untouched model: scores [V] behind the decoder's last token."""
    own = embedded(model, ids, soft)
    with seeing(model, past):
        return model(inputs_embeds=own[None], decoder_input_ids=torch.tensor([list(decoder)])).logits[0, -1]


WORDS = sorted(
    {word for row in tiny.rows(200) for word in row["text"].split()}
    | {"negative", "positive", "text", "answer", "review", "it", "was", "is", "the", "film", "good", "so", ":", "?"}
)


def save_encoder_decoder(folder: Path, name: str = "t5", seed: int = 0) -> Path:
    """Save a seeded model of two layers each and a tokenizer of its kind, as a folder that `backbone:` may name."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = bart_tokenizer() if name == "bart" else t5_tokenizer()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    config = copy.deepcopy(CONFIGS[name])
    layers = {"decoder_layers": 2, "init_std": 0.3} if name == "bart" else {"num_decoder_layers": 2}
    config.update({"vocab_size": len(tokenizer), "max_position_embeddings": 256, **layers})
    model = AutoModelForSeq2SeqLM.from_config(config)
    if name == "t5 v1.1":
        model.lm_head.weight = nn.Parameter(torch.randn_like(model.lm_head.weight) * 0.3)
    model.save_pretrained(folder)
    return folder


def t5_tokenizer(**options: Any) -> PreTrainedTokenizerFast:
    """Words of the tests' texts as one token, others letter by letter, as T5's own tokenizer class reads them."""
    letters = "abcdefghijklmnopqrstuvwxyz.,!"
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    vocabulary += [(f"▁{word}", -3.0) for word in WORDS] + [(letter, -6.0) for letter in letters]
    vocabulary += [("<extra_id_1>", 0.0), ("<extra_id_0>", 0.0)]
    return T5Tokenizer(vocab=vocabulary, extra_ids=2, **options)


def bart_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE that puts a text between <s> and </s>."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )  # fmt: skip
    texts = [f"negative {row['text']} ? positive {' '.join(WORDS)}" for row in tiny.rows(200)]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>",
        mask_token="<mask>",
    )  # fmt: skip
