"""A frozen transformers model: its sizes, embeddings and output vectors, and others in their place for a while.

That is what all backbones have in common. Knows nothing about how rows and prompts are read.

R tokens of all rows, T tokens, Q soft vectors, M scored tokens, D hidden, V vocabulary, C wanted vocabulary entries.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer

from trimtab.backbones.attention.current_pass import running
from trimtab.backbones.layers.gradient_checkpointing import Checkpointed
from trimtab.backbones.layout import Layout
from trimtab.backbones.module_tree import with_others
from trimtab.errors import BackboneError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class FrozenModel:
    """A transformers model that is only read: frozen, in evaluation mode, and with Trimtab's attention.

    Args:
        model: the model.
        attention: name of the attention function that its modules are to call.
        attend: the function itself.

    Raises:
        BackboneError: the model's attention cannot be replaced.
    """

    start: tuple[int, ...] = ()
    own_attention = False  # whether the model's layers are run as they are

    def __init__(self, model: PreTrainedModel, attention: str, attend: Callable[..., Any]) -> None:
        model.requires_grad_(False)
        model.eval()
        if not self.own_attention:
            _replace_attention(model, attention, attend)
        self.model = model
        self.config: Any = model.config.get_text_config()
        self.embedding: Any = model.get_input_embeddings()
        self.output: Any = model.get_output_embeddings()
        self.heads = int(getattr(self.config, "num_attention_heads", None) or 1)
        self.hidden_size = int(self.embedding.weight.shape[1])
        self.vocabulary_size = int((self.embedding if self.output is None else self.output).weight.shape[0])
        self.context = _context_of(self.config)
        with torch.no_grad():
            sample = self.embedding(torch.arange(min(4096, self.embedding.weight.shape[0]), device=self.device))
            self.embedding_rms = float(sample.float().square().mean().sqrt())
        self._first = _first_position(model)
        self.context -= self._first

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.embedding.weight.device  # type: ignore[no-any-return]

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights."""
        return self.embedding.weight.dtype  # type: ignore[no-any-return]

    @property
    def parameters(self) -> int:
        """How many weights it has; those that are tied count once."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def scores_words(self) -> bool:
        """Whether it has a language-model head, so that label words can be scored."""
        return self.output is not None

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """Input embeddings, scaled as the model scales them: [...] token ids -> [..., D]."""
        return self.embedding(ids)  # type: ignore[no-any-return]

    def embed_with(self, ids: Sequence[int], soft: torch.Tensor | None) -> torch.Tensor:
        """Input embeddings [T, D] in float32; a negative id -1 - j stands for the soft vector j of [Q, D]."""
        tokens = torch.tensor(list(ids), dtype=torch.long, device=self.device)
        words = self.embed(tokens.clamp(min=0)).float()
        places = (tokens < 0).nonzero()[:, 0]
        if soft is None or not len(places):
            return words
        return words.index_copy(0, places, soft.float().index_select(0, -1 - tokens[places]))

    def embed_rows(self, layout: Layout, soft: Sequence[torch.Tensor | None]) -> torch.Tensor:
        """Input embeddings [R, D] of packed rows, soft vectors in the places of negative ids."""
        if not layout.soft:
            return self.embed(layout.ids_R)
        sizes = [0 if vectors is None else len(vectors) for vectors in soft]
        firsts = torch.tensor([sum(sizes[:k]) for k in range(len(sizes))], device=self.device)
        places = (layout.ids_R < 0).nonzero()[:, 0]
        index = firsts[layout.prompt_R[places]] - 1 - layout.ids_R[places]
        table = torch.cat([vectors for vectors in soft if vectors is not None])
        words = self.embed(layout.ids_R.clamp(min=0))
        return words.index_copy(0, places, table.to(words.dtype).index_select(0, index))

    def logits(self, hidden_MD: torch.Tensor, only: torch.Tensor | None = None) -> torch.Tensor:
        """Scores of the next token, float32: [M, D] -> [M, V], or [M, C] of the vocabulary entries `only` [C]."""
        weight, bias = self.output.weight, getattr(self.output, "bias", None)
        if only is not None:  # few words: exact products, whatever the weights' number format
            hidden_MD, weight = hidden_MD.float(), weight.index_select(0, only).float()
            bias = bias.index_select(0, only).float() if bias is not None else None
        scores = F.linear(hidden_MD, weight, bias).float()
        cap = getattr(self.config, "final_logit_softcapping", None)
        return torch.tanh(scores / cap) * cap if cap else scores

    def check_length(self, tokens: int) -> None:
        """Raise BackboneError where a row of this many tokens, prompt included, does not fit into the context."""
        if tokens > self.context:
            raise BackboneError(
                f"a row of {tokens} tokens is longer than the backbone's context of {self.context}.",
                "Set template.truncate or a smaller template.max_tokens.",
            )

    def adapted(
        self, weights: Mapping[str, torch.Tensor] | None, modules: Mapping[str, nn.Module] | None = None
    ) -> Self:
        """This backbone with other weights and modules in it; it shares all else, and gradients flow to them."""
        return self._with(with_others(self.model, weights or {}, modules)) if weights or modules else self

    def _with(self, model: PreTrainedModel) -> Self:
        """The same of another tree of the model's modules."""
        view = copy.copy(self)
        view.model = model
        view.embedding, view.output = model.get_input_embeddings(), model.get_output_embeddings()
        return view

    @contextmanager
    def passing(self, now: object, model: nn.Module, *, checkpointing: bool) -> Iterator[Any]:
        """The model, whose modules run in the pass `now`; where asked for with layers that are run again backwards."""
        with running(now):
            yield self._checkpointed(now, model) if checkpointing else model

    def _checkpointed(self, now: object, model: nn.Module) -> nn.Module:
        """The model with layers that are run again in the backward pass, within the pass `now`."""
        layers = {name: m for name, m in model.named_modules() if isinstance(m, GradientCheckpointingLayer)}
        return with_others(
            model, {}, {name: Checkpointed(layer, lambda: running(now)) for name, layer in layers.items()}
        )

    def _without_output(self) -> Any:
        """The model with nothing in the place of its output vectors, so that it gives what they are multiplied with."""
        ends = [name for name, module in self.model.named_modules() if module is self.output]
        return with_others(self.model, {}, {name: nn.Identity() for name in ends})


def _replace_attention(model: PreTrainedModel, attention: str, attend: Callable[..., Any]) -> None:
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(attention, attend)
    if not getattr(model, "_supports_attention_backend", False) and not getattr(model, "_supports_sdpa", False):
        raise BackboneError(
            f"backbone of type '{model.config.model_type}' cannot run with a replaced attention.",
            "Choose a transformer such as Llama, Qwen, Gemma 3, GPT-2, GPT-NeoX, OPT, BERT or RoBERTa.",
        )
    model.set_attn_implementation(attention)


def _first_position(model: PreTrainedModel) -> int:
    """The position that a model's own code gives a text's first token: RoBERTa counts from behind its padding's."""
    places = [module for name, module in model.named_modules() if name.endswith("position_embeddings")]
    padding = [place.padding_idx for place in places if isinstance(place, nn.Embedding)]
    return padding[0] + 1 if padding and padding[0] is not None else 0


def _context_of(config: Any) -> int:
    """The longest row that a model has positions for, in tokens.

    Under `longrope`, positions are turned in another way as soon as one row of a batch is longer than the first
    training had; up to there all rows are turned alike.
    """
    longest = int(getattr(config, "max_position_embeddings", 0) or 2**31)
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") != "longrope":
        return longest
    own = getattr(config, "original_max_position_embeddings", None)
    return min(longest, int(rope.get("original_max_position_embeddings") or own or longest))
