"""Texts to vectors: hidden states of a backbone, alone or behind a run's prompt. Knows nothing about files.

N texts, T tokens of a text, D hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import Prompt
from trimtab.backbones.pretrained import Pretrained
from trimtab.backbones.views.early import EarlyBackbone
from trimtab.decoding.scoring import passes
from trimtab.errors import BackboneError, RunError
from trimtab.inference.loaded import Loaded, load
from trimtab.inference.request import Request
from trimtab.inference.scheduler import check_fields
from trimtab.prompts import tokenize
from trimtab.runs.run import Run

Pooling = Literal["mean", "last", "first"]
# Texts that are tokenised, and brought into order by length, at a time.
_AT_ONCE = 1024


class Embedder:
    """Makes vectors of texts.

    Args:
        pretrained: the backbone.
        run: a tuned one, whose template and prompt each text is read with; None to read texts as they are, by an
            encoder with the special tokens that its tokenizer puts around them, as sentence-transformers does.
        pooling: the mean over a text's tokens, or its last or first one's hidden state.
        layer: read behind so many layers, from 1; by default behind all, and the norm that follows.
        normalise: make each vector of length one.
        most: tokens of a text that are read; by default as many as fit.

    Raises:
        RunError: the run was made for another backbone, or answers as the mean of several prompts.
        BackboneError: the backbone has no such layer, or cannot be read token by token.
    """

    def __init__(
        self,
        pretrained: Pretrained,
        run: Run | None = None,
        *,
        pooling: Pooling = "mean",
        layer: int | None = None,
        normalise: bool = False,
        most: int | None = None,
    ) -> None:
        self._pretrained, self._pooling, self._normalise = pretrained, pooling, normalise
        self._loaded: Loaded | None = load(run, pretrained) if run else None
        if self._loaded and len(self._loaded.members) > 1:
            raise RunError(
                f"the run answers as the mean of {len(self._loaded.members)} prompts, and has no one hidden state.",
                "Name a run of one prompt.",
            )
        backbone = self._loaded.members[0].backbone if self._loaded else pretrained.backbone
        if not backbone.reads_tokens:
            raise BackboneError(
                f"hidden states of a backbone of type '{backbone.config.model_type}', {backbone.title}, are not read.",
                "Choose a causal backbone or an encoder.",
            )
        self._backbone = backbone if layer is None else EarlyBackbone(backbone, layer, mean=False)
        with torch.no_grad():
            if self._loaded:
                before = self._loaded.members[0].prompt
            else:
                before = Prompt(backbone.embed_with([], None))
            self._state = self._backbone.read_prefix([before])
        room = backbone.context - self._state.lengths[0]
        self._most = room if most is None else min(most, room)

    @property
    def size(self) -> int:
        """D."""
        return self._backbone.hidden_size

    def __call__(self, texts: Iterable[str | Mapping[str, str]]) -> Iterator[NDArray[np.float32]]:
        """The vector [D] of each text, in order; zeros of one without a token.

        Args:
            texts: the texts; of a run whose template has several fields, texts by field.

        Raises:
            TrimtabError: a field that the run's template has is missing; a row does not fit.
        """
        left = iter(texts)
        while some := list(islice(left, _AT_ONCE)):
            yield from self._vectors(some)

    def _vectors(self, texts: Sequence[str | Mapping[str, str]]) -> NDArray[np.float32]:
        rows = [self._row(text)[: self._most] for text in texts]
        found_ND = np.zeros((len(texts), self.size), dtype=np.float32)
        read = [i for i, ids in enumerate(rows) if ids]
        for members in passes([len(rows[i]) for i in read]):
            own = [read[at] for at in members]
            found_ND[own] = self._pooled([rows[i] for i in own]).cpu().numpy()
        return found_ND

    def _row(self, text: str | Mapping[str, str]) -> tuple[int, ...]:
        """Token ids of a text, as the run renders it or as it is."""
        if self._loaded is None:
            whole = text if isinstance(text, str) else "\n".join(text.values())
            if self._backbone.whole_rows:
                return tuple(self._pretrained.tokenizer(whole, truncation=True, max_length=self._most)["input_ids"])
            return tuple(tokenize(self._pretrained.tokenizer, whole))
        bound = self._loaded.bound
        request = Request("run", {bound.template.fields[0]: text} if isinstance(text, str) else text)
        check_fields(self._loaded, request)
        return bound.asked(request).ids

    def _pooled(self, rows: Sequence[tuple[int, ...]]) -> torch.Tensor:
        """Vectors [n, D] of rows of one pass."""
        places = [tuple(self._places(len(ids))) for ids in rows]
        layout = self._backbone.pack([Row(ids, read_at=at) for ids, at in zip(rows, places, strict=True)])
        with torch.no_grad():
            hidden_WD = self._backbone.forward(layout, self._state, wanted=layout.read_at_W).float()
        found_nD = torch.stack([own.mean(0) for own in torch.split(hidden_WD, [len(at) for at in places])])
        return torch.nn.functional.normalize(found_nD, dim=1) if self._normalise else found_nD

    def _places(self, tokens: int) -> Iterable[int]:
        """Which of a text's tokens its vector is the mean of."""
        match self._pooling:
            case "mean":
                return range(tokens)
            case "last":
                return (tokens - 1,)
            case "first":
                return (0,)
