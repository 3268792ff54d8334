"""One interface to any causal transformers model: read prompts once, run rows on them, score where asked.

Knows nothing about tasks or labels. `read_prefix` + `forward` serve prompts read before; `forward` with prompts reads
them in the same pass (training: one set of matrix products for prompts and rows). Llama-family models take the fused
layers of fused.py; all others run their own modules over the packed tokens, attention replaced.

B rows, R tokens of all rows, K prompts, S tokens of all prompts, P prompt length, M scored tokens, D hidden, J
key/value heads, d head size, V vocabulary, C wanted vocabulary entries.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer

from trimtab.backbones import attention, fused
from trimtab.backbones.checkpointing import Checkpointed
from trimtab.backbones.current import running
from trimtab.backbones.layers import Layer, layers_of
from trimtab.backbones.layout import Layout, Row, pack
from trimtab.backbones.plain import ATTENTION, Attend, Pass, attend_packed
from trimtab.backbones.prefix import Layers, PrefixState, Prompt, pack_layers
from trimtab.backbones.swap import swapped
from trimtab.errors import TrimtabError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transformers import PreTrainedModel


class CausalBackbone:
    """A frozen causal language model.

    Args:
        model: a transformers causal language model; frozen, put in evaluation mode and given Trimtab's attention.
        fuse: use the fused layers where the family is known (the plain path gives the same numbers).

    Attributes:
        title: what kind of backbone it is, in a sentence.
        bidirectional: whether a token sees what stands behind it, so that prompts are part of each row.
        encoder_decoder: whether a decoder of its own answers; label words are then a text of their own.
        start: what that decoder reads before the answer.

    Raises:
        TrimtabError: if the model's attention cannot be replaced.
    """

    title = "a causal language model"
    bidirectional = False
    encoder_decoder = False
    start: tuple[int, ...] = ()

    def __init__(self, model: PreTrainedModel, *, fuse: bool = True) -> None:
        from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

        ALL_ATTENTION_FUNCTIONS.register(ATTENTION, attend_packed)
        if not getattr(model, "_supports_attention_backend", False) and not getattr(model, "_supports_sdpa", False):
            raise TrimtabError(
                f"backbone of type '{model.config.model_type}' cannot run with a replaced attention.",
                "Choose a transformer such as Llama, Qwen, Gemma 3, GPT-2, GPT-NeoX, OPT, BERT or RoBERTa.",
            )
        model.requires_grad_(False)
        model.eval()
        model.set_attn_implementation(ATTENTION)
        self.model = model
        self.config: Any = model.config
        self.embedding: Any = model.get_input_embeddings()
        self.output: Any = model.get_output_embeddings()
        self.heads = int(self.config.num_attention_heads)
        self.hidden_size = int(self.embedding.weight.shape[1])
        self.vocabulary_size = int((self.embedding if self.output is None else self.output).weight.shape[0])
        self.context = int(getattr(self.config, "max_position_embeddings", 0) or 2**31)
        self.parameters = sum(p.numel() for p in model.parameters())
        with torch.no_grad():
            sample = self.embedding(torch.arange(min(4096, self.embedding.weight.shape[0]), device=self.device))
            self.embedding_rms = float(sample.float().square().mean().sqrt())
        self._swap: tuple[Mapping[str, torch.Tensor], Mapping[str, nn.Module]] = {}, {}
        self._layers: Sequence[Layer] | None = layers_of(model) if fuse else None

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.embedding.weight.device  # type: ignore[no-any-return]

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights."""
        return self.embedding.weight.dtype  # type: ignore[no-any-return]

    @property
    def scores_words(self) -> bool:
        """Whether it has a language-model head, so that label words can be scored."""
        return self.output is not None

    @property
    def layers(self) -> Sequence[Layer] | None:
        """The fused layers, or None where the family has none."""
        return self._layers

    @property
    def fused(self) -> bool:
        """Whether the fused layers are in use."""
        return self._layers is not None

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """Input embeddings, scaled as the model scales them: [...] token ids -> [..., D]."""
        return self.embedding(ids)  # type: ignore[no-any-return]

    @contextmanager
    def adapted(
        self, weights: Mapping[str, torch.Tensor] | None, modules: Mapping[str, nn.Module] | None = None
    ) -> Iterator[CausalBackbone]:
        """This backbone with other weights and modules in it, for the passes made within; gradients flow to them.

        The plain path is taken, which runs whatever modules there are.
        """
        if not weights and not modules:
            yield self
            return
        view = copy.copy(self)
        view._layers = None
        view._swap = weights or {}, modules or {}
        with swapped(self.model, *view._swap):
            yield view

    def embed_with(self, ids: Sequence[int], soft: torch.Tensor | None) -> torch.Tensor:
        """Input embeddings [T, D] in float32; a negative id -1 - j stands for the soft vector j of [Q, D]."""
        tokens = torch.tensor(list(ids), dtype=torch.long, device=self.device)
        words = self.embed(tokens.clamp(min=0)).float()
        places = (tokens < 0).nonzero()[:, 0]
        if soft is None or not len(places):
            return words
        return words.index_copy(0, places, soft.float().index_select(0, -1 - tokens[places]))

    def read_prefix(self, prompts: Sequence[Prompt | torch.Tensor]) -> PrefixState:
        """Read K prompts (bare embeddings [P, D] will do; lengths may differ); gradients flow through the state."""
        given = _prompts(prompts)
        past, order, lengths = self._past(given)
        soft, shifts = tuple(prompt.soft for prompt in given), tuple(prompt.shift for prompt in given)
        total = tuple(prompt.length for prompt in given)
        if not sum(lengths):
            return PrefixState(past or (), total, soft, shifts)
        capture: list[tuple[torch.Tensor, torch.Tensor]] = []
        layout = self._prompt_layout(lengths)
        x = torch.cat([prompt.embeddings.to(self.dtype) for prompt in given])
        positions = self.behind(layout, order.lengths if order else ())
        now = Pass(layout, None, total, past, capture, order)
        self._run(x, now, positions, keep=None, first_grad=len(x))
        if order is None or past is None:
            return PrefixState(tuple(capture), total, soft, shifts)
        joined = tuple((order.join(pk, k), order.join(pv, v)) for (pk, pv), (k, v) in zip(past, capture, strict=True))
        return PrefixState(joined, total, soft, shifts)

    def forward(
        self,
        rows: Layout | Sequence[Row],
        prefix: PrefixState | Sequence[Prompt | torch.Tensor] | None = None,
        *,
        wanted: torch.Tensor | None = None,
        checkpointing: bool = False,
    ) -> torch.Tensor:
        """Run rows behind their prompts.

        Args:
            rows: the rows, packed or not; `Row.prompt` says which prompt each is read with.
            prefix: prompts read before (`read_prefix`), or prompts (bare embeddings [P, D] will do) to read in this
                same pass, or None where rows stand alone.
            wanted: packed token indices whose hidden states are wanted; by default those that answers are scored at.
            checkpointing: keep only what enters each layer for the backward pass, and make the rest again there (Chen
                et al. 2016): much less memory, for another forward pass.

        Returns:
            Final hidden states [M, D] of the wanted tokens, ready for `logits`.

        Raises:
            TrimtabError: if a prompt and its row do not fit into the backbone's context.
        """
        given: list[Prompt] = []
        own: tuple[int, ...] = ()
        if isinstance(prefix, PrefixState):
            state, order = prefix.layers or None, None
            lengths, soft, shifts = prefix.lengths, prefix.soft, prefix.shifts
        else:
            given = _prompts(prefix or ())
            state, order, own = self._past(given)
            lengths, soft = tuple(prompt.length for prompt in given), tuple(prompt.soft for prompt in given)
            shifts = tuple(prompt.shift for prompt in given)
        layout = rows if isinstance(rows, Layout) else self.pack(rows, max(lengths, default=0))
        positions = self.behind(layout, shifts if self.bidirectional else lengths)
        if int(positions.max()) >= self.context:
            raise too_long(int(positions.max()) + 1, self.context)
        x = self.embed_rows(layout, soft)
        wanted = layout.answers_B if wanted is None else wanted
        prompt_layout = None
        if sum(own):
            prompt_layout = self._prompt_layout(own)
            x = torch.cat([*(prompt.embeddings.to(x.dtype) for prompt in given), x])
            positions = torch.cat([self.behind(prompt_layout, order.lengths if order else ()), positions])
        S = len(x) - len(layout)
        now = Pass(prompt_layout, layout, lengths, state, None, order, checkpointing)
        return self._run(x, now, positions, keep=wanted + S, first_grad=len(x) if layout.soft else S)

    def _past(self, prompts: Sequence[Prompt]) -> tuple[Layers | None, attention.Past | None, tuple[int, ...]]:
        """Keys and values that stand before the prompts, packed; their order; and the prompts' own lengths."""
        own = tuple(int(prompt.embeddings.shape[0]) for prompt in prompts)
        pasts = [prompt.past for prompt in prompts if prompt.past]
        if not pasts:
            return None, None, own
        packed = tuple((k.to(self.dtype), v.to(self.dtype)) for k, v in pack_layers(pasts))
        return packed, attention.Past.of([prompt.past_length for prompt in prompts], own, self.device), own

    def behind(self, layout: Layout, lengths: Sequence[int]) -> torch.Tensor:
        """Positions of packed tokens that have `lengths` positions before them, by prompt."""
        if not lengths:
            return layout.positions_R
        return layout.positions_R + torch.tensor(list(lengths), device=self.device)[layout.prompt_R]

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

    def hidden_at(self, layer: int, rows: Layout, state: PrefixState | None = None) -> torch.Tensor:
        """Hidden states [R, D] of packed rows as layer `layer` (fused, counted from 0) finds them."""
        assert self._layers is not None
        lengths = state.lengths if state else ()
        positions = self.behind(rows, lengths)
        x = self.embed(rows.ids_R)
        now = Pass(None, rows, lengths, state.layers if state and state.layers else None, None)
        return self._through(x, now, positions, self._layers[:layer], None, 0)

    def attended(
        self, x_ND: torch.Tensor, positions_N: torch.Tensor, attend: Attend, before: int | None = None
    ) -> torch.Tensor:
        """Hidden states [N, D] of tokens [N, D] whose attention is the caller's to work out, without gradients.

        They are the final ones, or those that layer `before` (fused, counted from 0) finds.

        Raises:
            TrimtabError: a token lies beyond the backbone's context.
        """
        if int(positions_N.max()) >= self.context:
            raise too_long(int(positions_N.max()) + 1, self.context)
        with torch.no_grad():
            if self._layers is None:
                assert before is None, "only fused layers run one by one"
                return self._run(
                    x_ND, Pass(None, None, (), None, None, attend=attend), positions_N, keep=None, first_grad=0
                )
            layers = self._layers[:before]
            rotary = {kind: self._rotary(x_ND, positions_N, kind) for kind in {layer.rotary for layer in layers}}
            x_ND = fused.run_with(x_ND, layers, rotary, attend)
            norm: Any = self.model.base_model.norm
            return norm(x_ND) if before is None else x_ND

    def pack(self, rows: Sequence[Row], prefix_length: int = 0) -> Layout:
        """Pack rows for `forward`; keep the layout where the same rows are run again."""
        return pack(rows, heads=self.heads, device=self.device, prefix_length=prefix_length)

    def logits(self, hidden_MD: torch.Tensor, only: torch.Tensor | None = None) -> torch.Tensor:
        """Scores of the next token, float32: [M, D] -> [M, V], or [M, C] of the vocabulary entries `only` [C]."""
        weight, bias = self.output.weight, getattr(self.output, "bias", None)
        if only is not None:  # few words: exact products, whatever the weights' number format
            hidden_MD, weight = hidden_MD.float(), weight.index_select(0, only).float()
            bias = bias.index_select(0, only).float() if bias is not None else None
        scores = F.linear(hidden_MD, weight, bias).float()
        cap = getattr(self.config, "final_logit_softcapping", None)
        return torch.tanh(scores / cap) * cap if cap else scores

    def made_again(self, run: Callable[..., torch.Tensor], *given: torch.Tensor) -> torch.Tensor:
        """`run(*given)`, whose inner values are made again in the backward pass, with this backbone as it is now."""
        made: torch.Tensor = Checkpointed(run, lambda: swapped(self.model, *self._swap))(*given)
        return made

    def _prompt_layout(self, lengths: tuple[int, ...]) -> Layout:
        rows = [Row([0] * length, prompt=index) for index, length in enumerate(lengths) if length]
        layout = self.pack(rows)
        assert layout.starts == tuple(sorted(layout.starts)), "prompts stay in order"
        return layout

    def _run(
        self, x_ND: torch.Tensor, now: Pass, positions_N: torch.Tensor, *, keep: torch.Tensor | None, first_grad: int
    ) -> torch.Tensor:
        if self._layers is None:
            with running(now), self._checkpointed(now):
                hidden = self.model.base_model(
                    inputs_embeds=x_ND[None], position_ids=positions_N[None], use_cache=False
                )
            hidden_ND: torch.Tensor = hidden.last_hidden_state[0]
            return hidden_ND if keep is None else hidden_ND.index_select(0, keep)
        x_ND = self._through(x_ND, now, positions_N, self._layers, keep, first_grad)
        norm: Any = self.model.base_model.norm
        return norm(x_ND)  # type: ignore[no-any-return]

    def _checkpointed(self, now: Any) -> AbstractContextManager[None]:
        """Where asked for, the model with layers that are run again in the backward pass, as they were run before."""
        if not now.checkpointing:
            return nullcontext()

        @contextmanager
        def again() -> Iterator[None]:
            with running(now), swapped(self.model, *self._swap):
                yield

        layers = {name: m for name, m in self.model.named_modules() if isinstance(m, GradientCheckpointingLayer)}
        return swapped(self.model, {}, {name: Checkpointed(layer, again) for name, layer in layers.items()})

    def _through(
        self,
        x_ND: torch.Tensor,
        now: Pass,
        positions_N: torch.Tensor,
        layers: Sequence[Layer],
        keep: torch.Tensor | None,
        first_grad: int,
    ) -> torch.Tensor:
        """Through these fused layers: [N, D] -> [N, D], or [len(keep), D]."""
        rotary = {kind: self._rotary(x_ND, positions_N, kind) for kind in {layer.rotary for layer in layers}}
        step = fused.Step(now.prompts, now.rows, now.lengths, rotary, keep, first_grad, now.past, now.checkpointing)
        return fused.run(x_ND, layers, step, now.state, now.capture)

    def _rotary(self, x_ND: torch.Tensor, positions_N: torch.Tensor, kind: str) -> tuple[torch.Tensor, torch.Tensor]:
        rotary: Any = self.model.base_model.rotary_emb
        cos, sin = rotary(x_ND[None], positions_N[None], kind) if kind else rotary(x_ND[None], positions_N[None])
        half = cos.shape[-1] // 2
        return cos[0, :, None, :half], sin[0, :, None, :half]


def too_long(tokens: int, context: int) -> TrimtabError:
    """What to raise where a row does not fit into the context."""
    return TrimtabError(
        f"a row of {tokens} tokens is longer than the backbone's context of {context}.",
        "Set template.truncate or a smaller template.max_tokens.",
    )


def _prompts(given: Sequence[Prompt | torch.Tensor]) -> list[Prompt]:
    return [prompt if isinstance(prompt, Prompt) else Prompt(prompt) for prompt in given]
