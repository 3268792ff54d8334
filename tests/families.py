"""Families of models as tiny configurations, and what becomes of each: read by the test that proves it and by docs/.

A configuration is the family's own class with small sizes. Knows nothing about how models are run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from trimtab.backbones.door import unserved

VOCABULARY = 97
_SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
}
_GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
_GROUPED = {"num_key_value_heads": 2}
_EXPERTS = {"moe_intermediate_size": 16, "num_experts_per_tok": 2}
_WINDOW = {"head_dim": 8, "sliding_window": 7, "layer_types": ["sliding_attention", "full_attention"]}
_LATENT = {
    "num_key_value_heads": 4, "q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8,
    "v_head_dim": 12, "n_routed_experts": 4, "n_shared_experts": 1, "n_group": 1, "topk_group": 1,
    "first_k_dense_replace": 1, **_EXPERTS,
}  # fmt: skip
_DECODER = {"is_decoder": True}
_BART = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "decoder_start_token_id": 2,
    "scale_embedding": True,
}  # fmt: skip
_T5 = {
    "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 4,
    "relative_attention_num_buckets": 8, "relative_attention_max_distance": 12, "decoder_start_token_id": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """One family.

    Attributes:
        name: as people call it.
        model_type: as transformers calls it.
        kind: `causal`, `masked`, `bare` or `encoder-decoder`.
        settings: what its configuration has beside `_SIZES`.
        refused: why it is refused before its weights are read, or `compared` where the comparison does; "" where it is
            served.
        own_code: why it is run by its own code; "" where it shares prompts.
    """

    name: str
    model_type: str
    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    refused: str = ""
    own_code: str = ""

    @property
    def sizes(self) -> dict[str, Any]:
        """All that its configuration is made of; a null leaves a size out."""
        return {name: value for name, value in (_SIZES | self.settings).items() if value is not None}


def _of(kind: str, *families: tuple[str, str] | tuple[str, str, dict[str, Any]]) -> list[Family]:
    return [Family(name, model_type, kind, *rest) for name, model_type, *rest in families]


SERVED = [
    *_of(
        "causal",
        ("Llama", "llama", {**_GROUPED, "attention_bias": True}),
        ("Mistral", "mistral", {**_GROUPED, "sliding_window": 7}),
        ("Mixtral", "mixtral", {**_GROUPED, "num_local_experts": 4}),
        ("Qwen 2", "qwen2", _GROUPED),
        ("Qwen 2 MoE", "qwen2_moe", {**_GROUPED, **_EXPERTS, "num_experts": 4, "shared_expert_intermediate_size": 16}),
        ("Qwen 3", "qwen3", {**_GROUPED, "head_dim": 16}),
        ("Qwen 3 MoE", "qwen3_moe", {**_GROUPED, **_EXPERTS, "head_dim": 8, "num_experts": 4}),
        ("Gemma", "gemma", {**_GROUPED, "head_dim": 8}),
        ("Gemma 2", "gemma2", {**_GROUPED, **_WINDOW, "attn_logit_softcapping": 1.5, "query_pre_attn_scalar": 8}),
        ("Gemma 3", "gemma3_text", {**_GROUPED, **_WINDOW, "query_pre_attn_scalar": 8}),
        ("Cohere Command R", "cohere", _GROUPED),
        ("Cohere Command R7B", "cohere2", {**_GROUPED, **_WINDOW, "head_dim": None}),
        ("Granite", "granite", {**_GROUPED, "logits_scaling": 8.0, "embedding_multiplier": 12.0}),
        ("Granite MoE", "granitemoe", {**_GROUPED, "num_local_experts": 4, "logits_scaling": 6.0}),
        ("DeepSeek V2", "deepseek_v2", _LATENT),
        ("DeepSeek V3", "deepseek_v3", _LATENT),
        ("GPT-OSS", "gpt_oss", {**_GROUPED, **_WINDOW, "num_local_experts": 4, "num_experts_per_tok": 2}),
        ("Phi", "phi"),
        ("Phi 3", "phi3", _GROUPED),
        ("Phi 3.5 MoE", "phimoe", {**_GROUPED, "num_local_experts": 4}),
        ("OLMo", "olmo", _GROUPED),
        ("OLMo 2", "olmo2", _GROUPED),
        ("OLMo 3", "olmo3", {**_GROUPED, **_WINDOW, "head_dim": None}),
        ("OLMoE", "olmoe", {**_GROUPED, "num_experts": 4, "num_experts_per_tok": 2}),
        ("SmolLM 3", "smollm3", _GROUPED),
        ("StableLM", "stablelm", _GROUPED),
        ("StarCoder 2", "starcoder2", _GROUPED),
        ("GLM", "glm", {**_GROUPED, "head_dim": 8}),
        ("GLM 4", "glm4", {**_GROUPED, "head_dim": 8}),
        ("ERNIE 4.5", "ernie4_5", {**_GROUPED, "head_dim": 8}),
        ("EXAONE 4", "exaone4", {**_GROUPED, **_WINDOW, "head_dim": None}),
        ("Seed-OSS", "seed_oss", {**_GROUPED, "head_dim": 8}),
        ("Nemotron", "nemotron", _GROUPED),
        ("Apertus", "apertus", _GROUPED),
        ("Arcee", "arcee", _GROUPED),
        ("Helium", "helium", {**_GROUPED, "head_dim": 8}),
        ("BitNet", "bitnet", _GROUPED),
        ("MiniCPM 3", "minicpm3", {k: v for k, v in _LATENT.items() if not k.startswith(("n_", "topk", "first"))}),
        ("GPT-2", "gpt2", _GPT2),
        ("GPT-BigCode", "gpt_bigcode", _GPT2),
        ("GPT-NeoX", "gpt_neox"),
        ("OPT", "opt", {"ffn_dim": 48, "word_embed_proj_dim": 32}),
        ("BioGPT", "biogpt"),
        ("CTRL", "ctrl", {"n_embd": 32, "dff": 48, "n_layer": 2, "n_head": 2, "n_positions": 64}),
        ("Persimmon", "persimmon"),
        ("BERT, as a decoder", "bert", _DECODER),
        ("RoBERTa, as a decoder", "roberta", _DECODER),
        ("XLM-RoBERTa, as a decoder", "xlm-roberta", _DECODER),
        ("ELECTRA, as a decoder", "electra", {**_DECODER, "embedding_size": 32}),
        ("ModernBERT decoder", "modernbert-decoder", {"local_attention": 7}),
    ),
    *_of(
        "masked",
        ("BERT", "bert"),
        ("RoBERTa", "roberta"),
        ("XLM-RoBERTa", "xlm-roberta"),
        ("CamemBERT", "camembert"),
        ("ALBERT", "albert", {"embedding_size": 16}),
        ("DistilBERT", "distilbert", {"dim": 32, "hidden_dim": 48, "n_layers": 2, "n_heads": 4}),
        ("ELECTRA", "electra", {"embedding_size": 32}),
        ("ERNIE", "ernie"),
        ("data2vec", "data2vec-text"),
        ("EuroBERT", "eurobert", _GROUPED),
    ),
    *_of("bare", ("BERT, without a language-model head", "bert")),
    *_of(
        "encoder-decoder",
        ("T5", "t5", _T5),
        ("T5 1.1", "t5", {**_T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}),
        ("mT5", "mt5", _T5),
        ("UMT5", "umt5", _T5),
        ("BART", "bart", _BART),
        ("mBART", "mbart", _BART),
        ("Pegasus, without scale_embedding", "pegasus", {**_BART, "scale_embedding": False}),
        ("Marian, without scale_embedding", "marian", {**_BART, "pad_token_id": 96, "scale_embedding": False}),
        ("PLBart", "plbart", _BART),
    ),
]
# Of the families that are refused, those whose tiny configuration shows it; src/ names more by their type alone.
COMPARED = "compared"
_LINEAR = {
    "layer_types": ["linear_attention", "full_attention"], "linear_num_key_heads": 2, "linear_num_value_heads": 4,
    "linear_key_head_dim": 8, "linear_value_head_dim": 8,
}  # fmt: skip
_MAMBA = {"mamba_n_heads": 4, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_n_groups": 1}
_XLM = {"emb_dim": 32, "n_layers": 2, "n_heads": 4}


def _own(kind: str, reason: str, *families: tuple[str, str] | tuple[str, str, dict[str, Any]]) -> list[Family]:
    return [Family(one.name, one.model_type, kind, one.settings, "", reason) for one in _of(kind, *families)]


OWN_CODE = [
    *_own(
        "causal", unserved.RECURRENT,
        ("Qwen 3.5", "qwen3_5_text", {**_GROUPED, **_LINEAR, "head_dim": 8}),
        ("Qwen 3 Next", "qwen3_next", {**_GROUPED, **_EXPERTS, **_LINEAR, "head_dim": 8, "num_experts": 4,
                                       "shared_expert_intermediate_size": 16}),
        ("Granite 4", "granitemoehybrid", {**_GROUPED, "num_local_experts": 4, "mamba_n_heads": 8,
                                           "layer_types": ["mamba", "attention"]}),
        ("LFM2", "lfm2", {**_GROUPED, "layer_types": ["conv", "full_attention"]}),
        ("LFM2 MoE", "lfm2_moe", {**_GROUPED, **_EXPERTS, "num_experts": 4, "layer_types": ["conv", "full_attention"]}),
        ("Jamba", "jamba", {**_GROUPED, "num_experts": 4, "attn_layer_period": 2, "attn_layer_offset": 1,
                            "mamba_d_state": 8, "mamba_dt_rank": 4, "use_mamba_kernels": False}),
        ("Falcon-H1", "falcon_h1", {**_GROUPED, **_MAMBA, "mamba_d_ssm": 32}),
        ("Nemotron-H", "nemotron_h", {**_GROUPED, "mamba_num_heads": 4, "mamba_head_dim": 8, "ssm_state_size": 8,
                                      "n_groups": 1, "head_dim": 8, "layers_block_type": ["mamba", "attention"]}),
        ("OLMo hybrid", "olmo_hybrid", {**_GROUPED, "layer_types": ["linear_attention", "full_attention"]}),
        ("Mamba", "mamba", {"state_size": 8}),
        ("Mamba 2", "mamba2", {"state_size": 8, "num_heads": 8, "head_dim": 8, "n_groups": 1}),
        ("Falcon Mamba", "falcon_mamba", {"state_size": 8}),
        ("RWKV 4", "rwkv", {"attention_hidden_size": 32, "context_length": 64}),
    ),
    *_own("causal", unserved.CHUNKS, ("Llama 4", "llama4_text", {
        **_GROUPED, "head_dim": 8, "num_local_experts": 2, "intermediate_size_mlp": 48, "attention_chunk_size": 8})),
    *_own("causal", unserved.TWICE, ("DiffLlama", "diffllama", _GROUPED)),
    *_own("causal", unserved.BIASED, ("Doge", "doge", _GROUPED)),
    *_own(
        "causal", unserved.OWN_ATTENTION,
        ("Falcon", "falcon"),
        ("BLOOM", "bloom", {"n_layer": 2, "n_head": 4}),
        ("GPT-J", "gptj", {**_GPT2, "rotary_dim": 4}),
        ("GPT-Neo", "gpt_neo", {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]],
                                "window_size": 7, "num_hidden_layers": None, "num_attention_heads": None}),
        ("CodeGen", "codegen", {**_GPT2, "rotary_dim": 4}),
        ("MPT", "mpt", {"d_model": 32, "n_heads": 4, "n_layers": 2, "expansion_ratio": 2, "max_seq_len": 64}),
        ("GPT", "openai-gpt", _GPT2),
        ("XGLM", "xglm", {"d_model": 32, "attention_heads": 4, "num_layers": 2, "ffn_dim": 48}),
    ),
    *_own(
        "masked", unserved.OWN_ATTENTION,
        ("DeBERTa", "deberta", {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}),
        ("DeBERTa 2 and 3", "deberta-v2", {"relative_attention": True, "pos_att_type": ["p2c", "c2p"],
                                           "position_buckets": 8, "share_att_key": True}),
        ("MPNet", "mpnet"),
        ("RemBERT", "rembert", {"input_embedding_size": 16, "output_embedding_size": 16}),
        ("RoFormer", "roformer", {"embedding_size": 32}),
        ("SqueezeBERT", "squeezebert", {"embedding_size": 32, "q_groups": 1, "k_groups": 1, "v_groups": 1,
                                        "post_attention_groups": 1, "intermediate_groups": 1, "output_groups": 1}),
        ("Megatron-BERT", "megatron-bert"),
        ("LUKE", "luke", {"entity_vocab_size": 10, "entity_emb_size": 8}),
        ("BigBird", "big_bird", {"attention_type": "original_full"}),
        ("Longformer", "longformer", {"attention_window": 8}),
        ("XLM", "xlm", _XLM),
        ("FlauBERT", "flaubert", _XLM),
    ),
    *_own("bare", unserved.OWN_ATTENTION, ("DeBERTa 3, without a language-model head", "deberta-v2",
                                           {"relative_attention": True, "position_buckets": 8})),
]  # fmt: skip
REFUSED = [
    Family("BART, its decoder alone", "bart", "causal", {**_BART, "is_encoder_decoder": False}, unserved.HALF),
    Family("Marian", "marian", "encoder-decoder", {**_BART, "pad_token_id": 96}, unserved.SCALED),
    Family("EmbeddingGemma", "gemma3_text", "causal", {**_GROUPED, **_WINDOW, "use_bidirectional_attention": True},
           unserved.BIDIRECTIONAL),
    Family("ESM", "esm", "masked", {}, unserved.IDS),
    Family("Phi 3.5 MoE, with a sliding window", "phimoe", "causal",
           {**_GROUPED, "num_local_experts": 4, "sliding_window": 7}, COMPARED),
]  # fmt: skip
