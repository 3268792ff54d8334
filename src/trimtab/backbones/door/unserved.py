"""Families that are known not to be served, and why, as their configurations tell. Knows nothing about their weights.

What is not named here is compared when it is loaded (comparison.py).
"""

from __future__ import annotations

from typing import Any

from trimtab.errors import UnservedError

RECURRENT = "some of its layers are recurrent or convolutions, and keep no keys and values"
OWN_ATTENTION = "its attention is code of its own, which cannot be replaced"
SCALED = "it scales the embeddings of token ids, but not soft vectors in their place (scale_embedding)"
TWICE = "it calls the attention of a layer several times"
HALF = "it is the decoder of an encoder-decoder, which reads what an encoder made"
IDS = "its layers read token ids, where a soft vector has none"
MIXED = "its embeddings mix each token with its neighbours, and so with those of other rows"
CHUNKS = "its attention looks at fixed chunks of a text"
INDEXED = "its attention looks at keys that an index of its own picks"
BIDIRECTIONAL = "a token sees what stands behind it, though its layers are those of a causal model"
BIASED = "its attention has a bias of its own on the scores, or a mask"

_HINT = "docs/models.md lists the families that are served: Llama, Qwen, Gemma 3, GPT-2, BERT and T5 are some."

# Model type -> reason. A family that the comparison refuses stands here once its reason is known.
UNSERVED: dict[str, str] = {
    **dict.fromkeys(
        (
            "bailing_hybrid", "bamba", "falcon_h1", "falcon_mamba", "inkling2_text", "jamba",
            "kimi_linear", "lfm2", "lfm2_moe", "lfm3", "mamba", "mamba2", "minimax", "nemotron_h",
            "olmo_hybrid", "qwen3_5", "qwen3_5_moe", "qwen3_5_moe_text", "qwen3_5_text", "qwen3_next",
            "recurrent_gemma", "rwkv", "xlstm", "zamba", "zamba2",
        ),
        RECURRENT,
    ),
    **dict.fromkeys(
        (
            "big_bird", "bigbird_pegasus", "bloom", "codegen", "convbert", "cpmant", "deberta", "deberta-v2",
            "falcon", "flaubert", "fnet", "fsmt", "funnel", "gpt_neo", "gpt_neox_japanese", "gptj", "ibert",
            "led", "longformer", "longt5", "luke", "megatron-bert", "mpnet", "mpt", "mra", "mvp",
            "nllb-moe", "nystromformer", "openai-gpt", "pegasus_x", "prophetnet", "reformer", "rembert", "roformer",
            "squeezebert", "switch_transformers", "tapas", "xglm", "xlm", "xlnet", "yoso",
        ),
        OWN_ATTENTION,
    ),
    **dict.fromkeys(("diffllama", "hrm_text"), TWICE),
    **dict.fromkeys(("deepseek_v32", "glm_moe_dsa"), INDEXED),
    "esm": IDS,
    "mobilebert": MIXED,
    "doge": BIASED,
}  # fmt: skip
# As causal models these types are one half of what they were made for.
_HALVES = {"bart", "blenderbot", "blenderbot-small", "marian", "mbart", "pegasus", "plbart", "trocr", "whisper"}
_SCALED = {"blenderbot-small", "marian", "pegasus"}


def unserved(config: Any, reason: str) -> UnservedError:
    """The error that names a model's type and the reason."""
    return UnservedError(f"backbone of type '{config.model_type}' is not served: {reason}.", _HINT)


def require_served(config: Any) -> None:
    """Refuse what its configuration tells: before weights are read.

    Raises:
        UnservedError: the model's type is known not to be served, or one of its settings.
    """
    if reason := reason_of(config):
        raise unserved(config, reason)


def reason_of(config: Any) -> str:
    """Why a configuration is known not to be served, or ""."""
    if known := UNSERVED.get(config.model_type, ""):
        return known
    text = config.get_text_config()
    if config.model_type in _HALVES and not config.is_encoder_decoder:
        return HALF
    if config.model_type in _SCALED and getattr(config, "scale_embedding", False):
        return SCALED
    if getattr(text, "use_bidirectional_attention", None) in (True, "all"):
        return BIDIRECTIONAL
    kinds = getattr(text, "layer_types", None) or getattr(text, "layers_block_type", None) or ()
    if any(kind == "linear_attention" or "attention" not in kind for kind in kinds):
        return RECURRENT
    if "chunked_attention" in kinds:
        return CHUNKS
    return ""
