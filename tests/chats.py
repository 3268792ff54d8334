"""Tokenizers with chat templates of several families, a tiny backbone with one, and dialogues to tune on."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

import tiny

# Each as its family writes it; SAID and DONE stand for marks around what the assistant says.
TEMPLATES = {
    "chatml": (
        "{% for m in messages %}{% if loop.first and m['role'] != 'system' %}<|im_start|>system\nBe good<|im_end|>\n"
        "{% endif %}{{ '<|im_start|>' + m['role'] + '\n' }}{% if m['role'] == 'assistant' %}"
        "SAID{{ m['content'] }}<|im_end|>DONE{% else %}{{ m['content'] }}<|im_end|>{% endif %}{{ '\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
    # No system message, a token that opens the text, its own name for the assistant.
    "gemma": (
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
        "{% endif %}{% for m in messages %}{% if m['role'] == 'assistant' %}{{ '<start_of_turn>model\n' }}"
        "SAID{{ m['content'] | trim }}<end_of_turn>DONE{{ '\n' }}{% else %}"
        "{{ '<start_of_turn>user\n' + m['content'] | trim + '<end_of_turn>\n' }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
    ),
    # Nothing written where the assistant begins; white space around what it says; the end token ends a turn.
    "llama2": (
        "{% if messages[0]['role'] == 'system' %}"
        "{% set first = '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' %}"
        "{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}"
        "{% for m in rest %}{% if m['role'] == 'user' %}"
        "{{ bos_token + '[INST] ' + (first if loop.index0 == 0 else '') + m['content'] + ' [/INST]' }}"
        "{% else %}SAID{{ ' ' + m['content'] + ' ' + eos_token }}DONE{% endif %}{% endfor %}"
    ),
    # The system message in the user's last turn.
    "mistral": (
        "{% set turns = messages | rejectattr('role', 'equalto', 'system') | list %}"
        "{% set users = turns | selectattr('role', 'equalto', 'user') | list %}{% for m in turns %}"
        "{% if m['role'] == 'user' %}{{ '[INST] ' }}{% if m == users[-1] and turns | length < messages | length %}"
        "{{ messages[0]['content'] + '\n\n' }}{% endif %}{{ m['content'] + ' [/INST]' }}"
        "{% else %}SAID{{ ' ' + m['content'] + eos_token }}DONE{% endif %}{% endfor %}"
    ),
    # A thought without content before an answer that has none, as some write it where they are not to think.
    "thinking": (
        "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}{% if m['role'] == 'assistant' %}SAID"
        "{% if '<think>' not in m['content'] %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{{ m['content'] }}<|im_end|>"
        "DONE{% else %}{{ m['content'] }}<|im_end|>{% endif %}{{ '\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
}
THOUGHTS = ["<think>", "</think>"]
CONTROL = ["<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>", "<s>"]


def template(family: str, *, marks: bool = True) -> str:
    """The chat template of a family, with the marks that most published ones lack, or without."""
    said, done = ("{% generation %}", "{% endgeneration %}") if marks else ("", "")
    return TEMPLATES[family].replace("SAID", said).replace("DONE", done)


def save_tokenizer(folder: Path, family: str = "chatml") -> Any:
    """A tiny byte-level tokenizer with the chat template of a family ("" for none)."""
    tiny.save_tokenizer(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(CONTROL, special_tokens=True)
    tokenizer.add_tokens(THOUGHTS)
    tokenizer.bos_token = "<s>"
    if family:
        tokenizer.chat_template = template(family)
    tokenizer.save_pretrained(folder)
    return tokenizer


def save_backbone(folder: Path, family: str = "chatml", seed: int = 0, context: int = tiny.CONTEXT) -> Path:
    """Save a seeded Llama of two layers and its tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = save_tokenizer(folder, family)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=context, initializer_range=0.3, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def dialogue(draw: random.Random, exchanges: int, system: str = "") -> list[dict[str, str]]:
    """Messages in which the assistant says what it is to be said of a film."""
    out = [{"role": "system", "content": system}] if system else []
    for _ in range(exchanges):
        kind = draw.choice(["positive", "negative"])
        out.append({"role": "user", "content": f"a {draw.choice(tiny.ENGLISH[kind])} film"})
        out.append({"role": "assistant", "content": f"so it is {'good' if kind == 'positive' else 'bad'}"})
    return out


def rows(n: int, seed: int = 0, exchanges: int = 3) -> list[dict[str, object]]:
    """`n` records of one to `exchanges` exchanges."""
    draw = random.Random(seed)
    return [{"messages": dialogue(draw, 1 + i % exchanges)} for i in range(n)]
