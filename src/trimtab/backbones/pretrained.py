"""Load pretrained weights as a backbone: folders and GGUF files.

Knows nothing about where they came from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trimtab.backbones.conversion import converted
from trimtab.backbones.identity import content_hash, described_by, older_hash
from trimtab.backbones.silence import quiet
from trimtab.errors import BackboneError
from trimtab.settings.task import Precision

if TYPE_CHECKING:
    import torch

    from trimtab.backbones.backbone import Backbone

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, repr=False)
class Pretrained:
    """A backbone in memory with its tokenizer and identity.

    Attributes:
        backbone: the frozen model.
        tokenizer: its transformers tokenizer.
        name: as the user named it.
        origin: where it came from, e.g. `hub:org/name`.
        licence: its licence, "" where unknown.
        content_hash: SHA-256 over the weights; a run refuses a backbone with another.
        older_hash: what runs of Trimtab 0.1.0 know the weights by.
        files: SHA-256 of config.json and the tokenizer's files, by name; a run refuses a backbone with others.
    """

    backbone: Backbone
    tokenizer: Any
    name: str
    origin: str
    licence: str
    content_hash: str
    older_hash: str
    files: Mapping[str, str]

    def __repr__(self) -> str:
        kind = self.backbone.config.model_type
        return f"Pretrained({self.name!r}, {kind}, from {self.origin}, content hash {self.content_hash[:12]})"


def pick_device(device: str) -> torch.device:
    """Resolve `auto`; raise BackboneError where the device is not there."""
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        picked = torch.device(device)
        torch.empty(1, device=picked)
    except (RuntimeError, AssertionError) as error:
        reason = _first_line(error)
        raise BackboneError(f"device '{device}' is not available: {reason}.", "Set train.device=cpu or auto.") from None
    return picked


def pick_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """Resolve `auto`: bfloat16 where matrix products in it are fast (AMX, AVX512-BF16, CUDA from Ampere on)."""
    import torch

    if precision != "auto":
        return torch.bfloat16 if precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float32
    fast = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if device.type == "cpu" and fast else torch.float32


def load(
    path: Path,
    cache: Path,
    *,
    name: str,
    origin: str = "local",
    licence: str = "",
    precision: Precision = "auto",
    device: str = "auto",
    progress: Progress | None = None,
) -> Pretrained:
    """Load a model folder or a GGUF file.

    Args:
        path: a folder in transformers layout, or one `.gguf` file (converted to safetensors once, kept in `cache`).
        cache: folder for conversions and hashes.
        name, origin, licence: carried into the result.
        precision, device: as in the task file.
        progress: told what is being done.

    Raises:
        UnservedError: its type is not served: told before weights are read where the configuration says so, else by
            comparing it, once, with what transformers makes of it.
        BackboneError: if the folder holds no language model or encoder, is damaged, or memory is short.
    """
    from transformers import AutoConfig, AutoTokenizer

    from trimtab.backbones.door import comparison, verdicts
    from trimtab.backbones.door.unserved import require_served
    from trimtab.backbones.memory import keep_freed_memory

    keep_freed_memory()
    target = pick_device(device)
    digest, older, files = content_hash(path, cache, progress), older_hash(path, cache, progress), described_by(path)
    folder = model_folder(path, cache, progress)
    if progress:
        progress("loading the backbone", 0, None)
    try:
        with quiet():
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            require_served(config)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            kind, adopt = _kind(config, tokenizer)
            model = kind.from_pretrained(
                folder, dtype=pick_precision(precision, target), local_files_only=True, attn_implementation="eager"
            )
    except BackboneError:
        raise
    except Exception as error:  # transformers, tokenizers, safetensors, pickle: they share no base class
        raise BackboneError(f"{path}: no language model could be loaded: {_first_line(error)}") from error
    check_finite(model, path)
    backbone = adopt(model.to(target))
    key = verdicts.verdict_key(digest, files, backbone.dtype, target.type)
    if not verdicts.known_to_be_served(key, cache):
        if progress:
            progress("comparing the backbone with what transformers makes of it (once)", 0, None)
        comparison.require_equal(backbone)
        verdicts.remember_served(key, cache)
    return Pretrained(backbone, tokenizer, name, origin, licence, digest, older, files)


def check_finite(model: Any, path: Path) -> None:
    """Raise BackboneError where a weight is no number: one reaches every answer.

    A sum tells, at a fraction of the cost of a look at each number; one that overflows is looked into.
    """
    for name, weight in model.state_dict().items():
        if weight.is_floating_point() and not bool(weight.sum().isfinite()) and not bool(weight.isfinite().all()):
            wrong = int((~weight.isfinite()).sum())
            raise BackboneError(
                f"{path}: {wrong:,} of the {weight.numel():,} weights of '{name}' are no finite numbers.",
                "Get the model again; `trimtab models NAME --verify` finds what was damaged on the way.",
            )


def _kind(config: Any, tokenizer: Any) -> tuple[Any, Callable[[Any], Backbone]]:
    """How transformers loads a model of this config, and the backbone it becomes.

    Encoder-decoders say so. Of the others the class that saved them says what they are: of the families that have
    masked language models, those saved with that head are read with it, those saved with a causal one as causal models,
    all others without a head.
    """
    from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    from trimtab.backbones.causal import CausalBackbone
    from trimtab.backbones.door.unserved import own_code_of
    from trimtab.backbones.encoder import EncoderBackbone
    from trimtab.backbones.encoder_decoder import EncoderDecoderBackbone, decoder_start
    from trimtab.backbones.own_code.causal import OwnCodeCausal
    from trimtab.backbones.own_code.encoder import OwnCodeEncoder

    saved = (config.architectures or [""])[0]
    if config.is_encoder_decoder:
        context = _context(config, tokenizer)
        return AutoModelForSeq2SeqLM, lambda m: EncoderDecoderBackbone(m, decoder_start(m, tokenizer), context)
    causal, encoder = (OwnCodeCausal, OwnCodeEncoder) if own_code_of(config) else (CausalBackbone, EncoderBackbone)
    if config.model_type not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        known = config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
        return (AutoModelForCausalLM, causal) if known or not own_code_of(config) else (AutoModel, encoder)
    if getattr(config, "is_decoder", False) or saved.endswith(("ForCausalLM", "LMHeadModel")):
        return AutoModelForCausalLM, causal
    if saved.endswith(("ForMaskedLM", "ForPreTraining")):
        return AutoModelForMaskedLM, encoder
    return AutoModel, encoder


def _context(config: Any, tokenizer: Any) -> int:
    """Longest row in tokens: what a model has positions for, or was trained on, or else its tokenizer's word."""
    known = getattr(config, "max_position_embeddings", 0) or getattr(config, "n_positions", 0)
    if not known and config.is_encoder_decoder:
        known = tokenizer.model_max_length
    return min(int(known or 2**31), 2**31)


def read_tokenizer(path: Path, cache: Path, progress: Progress | None = None) -> tuple[Any, int]:
    """A model's tokenizer and its context in tokens, without its weights. Raises BackboneError where there is none."""
    from transformers import AutoConfig, AutoTokenizer

    folder = model_folder(path, cache, progress)
    try:
        with quiet():
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # as in `load`
        raise BackboneError(f"{path}: no tokenizer could be loaded: {_first_line(error)}") from error
    return tokenizer, _context(config, tokenizer)


def model_folder(path: Path, cache: Path, progress: Progress | None = None) -> Path:
    """The folder transformers can load: the path itself, or a GGUF file's conversion."""
    if path.suffix != ".gguf":
        return path
    return converted(path, cache, content_hash(path, cache, progress), progress)


def _first_line(error: BaseException) -> str:
    """The first line of a message, with the next where it says what follows."""
    lines = [line.strip() for line in str(error).splitlines()] or [type(error).__name__]
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])
