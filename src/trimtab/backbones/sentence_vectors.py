"""Vectors of whole texts from an encoder, as sentence-transformers gives them. Knows nothing about what they are for.

N texts, D hidden.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import Prompt
from trimtab.backbones.pretrained import Pretrained
from trimtab.errors import BackboneError

# Where sentence-transformers keeps which hidden states a text's vector is made of, and how long texts may be.
POOLING, LENGTH = Path("1_Pooling") / "config.json", Path("sentence_bert_config.json")
# Texts that are read in one pass, of like length.
BATCH = 64


def sentence_vectors(
    pretrained: Pretrained,
    texts: Sequence[str],
    folder: Path | None = None,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> NDArray[np.float32]:
    """Vectors [N, D] of texts, each of length one: the mean of the last hidden states (Reimers & Gurevych 2019).

    Args:
        pretrained: an encoder without a language-model head.
        texts: the texts; what is too long for the encoder is cut off.
        folder: where its files lie; a sentence-transformers folder says there if the first token's hidden state is
            meant in place of the mean, and how many tokens of a text are read.
        progress: told how many texts have been read.

    Raises:
        BackboneError: the backbone is not such an encoder, or its folder asks for another pooling.
    """
    backbone = pretrained.backbone
    if not backbone.whole_rows or backbone.encoder_decoder or backbone.scores_words:
        raise BackboneError(
            f"{pretrained.name}: a backbone of type '{backbone.config.model_type}' gives no vectors of sentences.",
            "Choose a sentence encoder, minilm-l6 say.",
        )
    at_first = folder is not None and _at_first(folder)
    most = min(backbone.context, _settings(folder, LENGTH).get("max_seq_length") or backbone.context)
    ids = pretrained.tokenizer(list(texts), truncation=True, max_length=most)["input_ids"] if texts else []
    vectors_ND = np.zeros((len(texts), backbone.hidden_size), dtype=np.float32)
    order = sorted(range(len(texts)), key=lambda i: len(ids[i]))
    prompt = Prompt(backbone.embed_with([], None))
    for start in range(0, len(order), BATCH):
        members = order[start : start + BATCH]
        rows = [Row(ids[i], read_at=(0,) if at_first else None) for i in members]
        layout = backbone.pack(rows)
        wanted = layout.read_at_W if at_first else layout.answers_B
        with torch.no_grad():
            found_BD = backbone.forward(layout, [prompt], wanted=wanted).float()
        vectors_ND[members] = torch.nn.functional.normalize(found_BD, dim=1).cpu().numpy()
        if progress:
            progress("reading texts", min(start + BATCH, len(order)), len(order))
    return vectors_ND


def _at_first(folder: Path) -> bool:
    """Whether the vector of a text is its first token's. Raises BackboneError where it is neither that nor the mean."""
    asked = [name for name, value in _settings(folder, POOLING).items() if name.startswith("pooling_mode") and value]
    if asked in ([], ["pooling_mode_mean_tokens"]):
        return False
    if asked == ["pooling_mode_cls_token"]:
        return True
    raise BackboneError(
        f"{folder / POOLING}: asks for {', '.join(asked)}; known are the mean of all tokens and the first token.",
        "Choose another encoder, minilm-l6 say.",
    )


def _settings(folder: Path | None, name: Path) -> dict[str, Any]:
    """What a JSON file of a folder says; nothing where there is none."""
    if folder is None or not (folder / name).is_file():
        return {}
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise BackboneError(f"{folder / name}: not a JSON object.", "Fetch the model again.")
    return content
