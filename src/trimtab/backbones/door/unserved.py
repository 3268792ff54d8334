"""Families that are not served, or by their own code only, and why, as their configurations tell. Knows no weights.

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

# Model type -> why it cannot share prompts: it is run by its own code (own_code/).
OWN_CODE: dict[str, str] = {
    **dict.fromkeys(
        (
            "falcon_h1", "falcon_mamba", "granitemoehybrid", "jamba", "lfm2", "lfm2_moe", "mamba", "mamba2",
            "nemotron_h", "olmo_hybrid", "qwen3_5", "qwen3_5_moe", "qwen3_5_moe_text", "qwen3_5_text", "qwen3_next",
            "rwkv",
        ),
        RECURRENT,
    ),
    **dict.fromkeys(
        (
            "big_bird", "bloom", "codegen", "deberta", "deberta-v2", "falcon", "flaubert", "gpt_neo",
            "gpt_neox_japanese", "gptj", "longformer", "luke", "megatron-bert", "mpnet", "mpt", "mra", "openai-gpt",
            "rembert", "roformer", "squeezebert", "tapas", "xglm", "xlm",
        ),
        OWN_ATTENTION,
    ),
    "diffllama": TWICE,
    "doge": BIASED,
}  # fmt: skip
# Model type -> reason. A family that the comparison refuses stands here once its reason is known.
UNSERVED: dict[str, str] = {
    **dict.fromkeys(
        (
            "bailing_hybrid", "bamba", "inkling2_text", "kimi_linear", "lfm3", "minimax", "recurrent_gemma", "xlstm",
            "zamba", "zamba2",
        ),
        RECURRENT,
    ),
    **dict.fromkeys(
        (
            "bigbird_pegasus", "convbert", "cpmant", "fnet", "fsmt", "funnel", "ibert", "led", "longt5", "mvp",
            "nllb-moe", "nystromformer", "pegasus_x", "prophetnet", "reformer", "switch_transformers", "xlnet", "yoso",
        ),
        OWN_ATTENTION,
    ),
    "hrm_text": TWICE,
    **dict.fromkeys(("deepseek_v32", "glm_moe_dsa"), INDEXED),
    "esm": IDS,
    "mobilebert": MIXED,
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
    return ""


def own_code_of(config: Any) -> str:
    """Why a model that is served has to be run by its own code, or "" where it shares prompts."""
    if known := OWN_CODE.get(config.model_type, ""):
        return "" if known == RECURRENT and _all_attention(config) else known
    kinds = _layers(config)
    if any("attention" not in kind or kind == "linear_attention" for kind in kinds):
        return RECURRENT
    return CHUNKS if "chunked_attention" in kinds else ""


def _all_attention(config: Any) -> bool:
    """Whether a model of a family with recurrent layers has none."""
    kinds = _layers(config)
    return bool(kinds) and all(kind in ("attention", "full_attention") for kind in kinds)


def _layers(config: Any) -> list[str]:
    """What each layer is, where a configuration tells."""
    text = config.get_text_config()
    return list(getattr(text, "layer_types", None) or getattr(text, "layers_block_type", None) or ())
