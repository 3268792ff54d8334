"""Encoder-decoders (T5, BART) behind the interface of backbone.py: the encoder reads rows, the decoder answers them.

A row is the encoder's text, soft vectors in the places of negative ids as in encoder.py, and the answer tree behind it
is the decoder's: its root is what the decoder reads first, and each path to a leaf is decoded as a row of its own over
the encoder's output. Rows of like length are padded into one batch and run through transformers' own modules, their
attention replaced: what pads is masked, a past is shared by the rows of a batch, and the paths of a row share its keys
and values. Knows nothing about tasks or labels.

B rows, R tokens of all rows, n rows of a batch, T tokens of its longest, p paths of a tree, N nodes of a tree, L
decoder tokens, P past tokens, H heads, d head size, M scored tokens, D hidden, V vocabulary, C wanted entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Self

import torch
from torch import nn
from transformers import Cache, PreTrainedModel

from trimtab.backbones.attention.current_pass import running
from trimtab.backbones.attention.padded import (
    PADDED_ATTENTION,
    AskedPaddedPass,
    AttendPadded,
    PaddedPass,
    Seen,
    attend_padded,
)
from trimtab.backbones.backbone import AnswerPlace, Decoding
from trimtab.backbones.frozen_model import FrozenModel, with_attention
from trimtab.backbones.kv_cache.answers import CachedAnswers
from trimtab.backbones.layout import Block, Layout, Row, pack
from trimtab.backbones.prefix import KVCache, PrefixState, Prompt, as_prompts, packed_pasts
from trimtab.errors import BackboneError


class EncoderDecoderBackbone(FrozenModel):
    """A frozen encoder-decoder with a language-model head.

    Hidden states are those that its output vectors are multiplied with, and the decoder's only: that of a row's last
    text token is the one behind `start`, which the answer's first token is scored from.

    A past has keys and values for every self-attention, the encoder's layers first, then the decoder's. It takes up no
    positions: rows and answers keep those that the model knows, and no relative bias falls on it.

    Args:
        model: a transformers sequence-to-sequence language model; frozen, put in evaluation mode and given Trimtab's
            attention.
        start: what the decoder reads before the answer (see `decoder_start`).
        context: longest row in tokens; by default what the model has positions for.

    Raises:
        BackboneError: if the model's attention cannot be replaced.
    """

    title = "an encoder-decoder"
    answer_place = AnswerPlace.APART
    whole_rows = bidirectional = True
    encoder_decoder = True
    answers_at_mask = False
    generates = True
    reads_tokens = False
    past_may_take_positions = False
    fused_layers = 0

    def __init__(self, model: PreTrainedModel, start: Sequence[int], context: int | None = None) -> None:
        model.eval()
        self.start = tuple(start)
        row = [i % model.config.vocab_size for i in (3, 5, 4)]
        self._scale = _scale_of(model, row, self.start)
        self.embed_scale = float(getattr(model.get_encoder(), "embed_scale", 1.0))  # Marian's, Pegasus'
        super().__init__(with_attention(model, PADDED_ATTENTION, attend_padded))
        self._positions = self.context
        self.context = context or self.context
        self._places: dict[nn.Module, int] = {}
        with torch.no_grad():
            encoder, decoder = self._read(self.embed(torch.tensor(row, device=self.device)))
            places = {module: place for place, (module, *_) in enumerate([*encoder, *decoder])}
            self._place_names = {name: places[m] for name, m in model.named_modules() if m in places}
            self._places = places
            self._encoder_layers = len(encoder)
        if not encoder or not decoder:
            raise BackboneError(
                f"backbone of type '{self.config.model_type}' is not an encoder-decoder that Trimtab can run.",
                "Choose one such as T5 or BART.",
            )

    def _with(self, model: PreTrainedModel) -> Self:
        """The same of another tree of the model's modules, each at the place of the one it stands for."""
        view = super()._with(model)
        view._places = {model.get_submodule(name): place for name, place in self._place_names.items()}
        return view

    def prompt(
        self, ids: Sequence[int], soft: torch.Tensor | None = None, past: KVCache | None = None, *, shift: int = 0,
        slots: bool = False,
    ) -> Prompt:  # fmt: skip
        """See Backbone: rows hold all but the past."""
        return Prompt(self.embed_with([], None), past, soft, shift)

    def answer_row(self, ids: Sequence[int], answer: Sequence[int], prompt: int = 0) -> Row:
        """See Backbone: the answer is the one path of a tree."""
        said = answer[:-1]
        return Row((*ids, *said), prompt, tuple(range(-1, len(said) - 1)))

    def pack(self, rows: Sequence[Row], prefix_length: int = 0) -> Layout:
        """See Backbone; where no prompt has a past, rows of different ones share batches."""
        if prefix_length:
            return pack(rows, heads=self.heads, device=self.device, prefix_length=prefix_length, causal=False)
        layout = pack([replace(row, prompt=0) for row in rows], heads=self.heads, device=self.device, causal=False)
        prompt_B = torch.tensor([row.prompt for row in rows], device=self.device)
        return replace(layout, rows=tuple(rows), prompt_R=prompt_B[layout.row_R])

    def read_prefix(self, prompts: Sequence[Prompt | torch.Tensor]) -> PrefixState:
        """See Backbone. What a prompt has as embeddings [P, D] becomes a past.

        That is for a past to start from: the keys and values that the encoder computes for this text, and the decoder
        where it is made to say it.
        """
        given = [self._as_past(prompt) if len(prompt.embeddings) else prompt for prompt in as_prompts(prompts)]
        soft, shifts = tuple(prompt.soft for prompt in given), tuple(prompt.shift for prompt in given)
        return PrefixState(
            packed_pasts(given, self.dtype) or (), tuple(prompt.length for prompt in given), soft, shifts
        )

    def _as_past(self, prompt: Prompt) -> Prompt:
        assert prompt.past is None, "a prompt of an encoder-decoder stands within its rows"
        seen = [layer for part in self._read(prompt.embeddings.to(self.dtype)) for layer in part]
        past = tuple((key[0].transpose(0, 1), value[0].transpose(0, 1)) for _, key, value in seen)
        return Prompt(prompt.embeddings[:0], past, prompt.soft)

    def _read(self, x_PD: torch.Tensor) -> tuple[list[Seen], list[Seen]]:
        """What each self-attention of the encoder, and of the decoder, sees of one text that both read."""
        encoder, decoder = (PaddedPass(decoding, None, None, {}, []) for decoding in (False, True))
        with running(encoder):
            encoded = self.model.get_encoder()(inputs_embeds=x_PD[None]).last_hidden_state
        with running(decoder):
            self.model.get_decoder()(inputs_embeds=x_PD[None], encoder_hidden_states=encoded, use_cache=False)
        assert encoder.seen is not None
        assert decoder.seen is not None
        return encoder.seen, decoder.seen

    def forward(
        self,
        rows: Layout | Sequence[Row],
        prefix: PrefixState | Sequence[Prompt | torch.Tensor] | None = None,
        *,
        wanted: torch.Tensor | None = None,
        checkpointing: bool = False,
    ) -> torch.Tensor:
        """See Backbone. Wanted tokens are each row's last of text, or nodes of its answer tree."""
        state = prefix if isinstance(prefix, PrefixState) else self.read_prefix(prefix or ())
        layout = rows if isinstance(rows, Layout) else self.pack(rows, max(state.lengths, default=0))
        firsts, made, done = [0] * len(layout.rows), [], 0
        for members, past, encoded_nTD, outside_nT in self._encoded(layout, state, checkpointing):
            for own in _alike([layout.rows[i].parents for i in members]):
                index = torch.tensor(own, device=self.device)
                outside = None if outside_nT is None else outside_nT[index]
                now = PaddedPass(True, outside, past, self._places)
                hidden = self._decode([layout.rows[members[i]] for i in own], encoded_nTD[index], now, checkpointing)
                for i in own:
                    firsts[members[i]] = done
                    done += hidden.shape[1]
                made.append(hidden.flatten(0, 1))
        return torch.cat(made).index_select(0, _made_at(layout, firsts, wanted))

    def prefill(self, rows: Sequence[Row], prefix: PrefixState | None) -> Decoding:
        """See Backbone: the encoder reads rows, the decoder what answers begin with."""
        start_NL = torch.tensor([self.start] * len(rows), device=self.device)
        before = prefix and replace(prefix, layers=prefix.layers[self._encoder_layers :])  # the decoder's own
        return CachedAnswers(self._decoded, rows, start_NL, self._encoded_rows(rows, prefix), before)

    def _encoded_rows(self, rows: Sequence[Row], prefix: PrefixState | None) -> torch.Tensor:
        """What the encoder makes of rows [N, T, D], without gradients; behind a shorter row stands no matter what."""
        state = prefix or self.read_prefix(())
        layout = self.pack(rows, max(state.lengths, default=0))
        with torch.no_grad():
            made = list(self._encoded(layout, state, False))
            longest = max(row.text_length for row in rows)
            out_NTD = made[0][2].new_zeros(len(rows), longest, self.hidden_size)
            for members, _, encoded_nTD, _ in made:
                out_NTD[members, : encoded_nTD.shape[1]] = encoded_nTD
        return out_NTD

    def _decoded(
        self, ids_NL: torch.Tensor, encoded_NTD: torch.Tensor, kept: Cache, attend: AttendPadded
    ) -> torch.Tensor:
        """Hidden states [N, D] of the last of some more tokens that the decoder reads, without gradients.

        Args:
            ids_NL: the tokens.
            encoded_NTD: what the encoder made of each row; once `kept` has its keys and values, its size is no matter.
            kept: keys and values of what was read before; those of these tokens are put behind them.
            attend: works the attention out.

        Raises:
            BackboneError: if an answer leaves the decoder's positions.
        """
        self._check_answer(int(kept.get_seq_length()) + ids_NL.shape[1])
        with torch.no_grad(), running(AskedPaddedPass(True, attend)):
            out = self.model.get_decoder()(
                input_ids=ids_NL, encoder_hidden_states=encoded_NTD, past_key_values=kept, use_cache=True
            )
        return out.last_hidden_state[:, -1] * self._scale  # type: ignore[no-any-return]

    def _encoded(
        self, layout: Layout, state: PrefixState, checkpointing: bool
    ) -> Iterator[tuple[list[int], KVCache | None, torch.Tensor, torch.Tensor | None]]:
        """Block by block: indices of its n rows, their past, what the encoder makes of them (see `_encode`)."""
        self.check_length(max(row.text_length for row in layout.rows))
        x_RD = self.embed_rows(layout, state.soft)
        order = sorted(range(len(layout.rows)), key=layout.starts.__getitem__)
        for block in layout.blocks:
            members, order = order[: block.rows], order[block.rows :]
            past = _past_of(state, {layout.rows[i].prompt for i in members})
            yield members, past, *self._encode(x_RD, block, past, checkpointing)

    def _encode(
        self, x_RD: torch.Tensor, block: Block, past: KVCache | None, checkpointing: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """A block's rows through the encoder: [n, T, D], and which slots hold no token [n, T]."""
        x = x_RD[block.start : block.stop]
        x = x if block.gather_nT is None else x.index_select(0, block.gather_nT)
        outside_nT = None if block.tree_nTT is None else ~block.tree_nTT[:, 0]
        now = PaddedPass(False, outside_nT, past, self._places)
        with self.passing(now, self.model.get_encoder(), checkpointing=checkpointing) as encoder:
            out = encoder(inputs_embeds=x.view(block.rows, block.length, -1))
        return out.last_hidden_state, outside_nT

    def _decode(
        self, rows: Sequence[Row], encoded_nTD: torch.Tensor, now: PaddedPass, checkpointing: bool
    ) -> torch.Tensor:
        """Hidden states [n, 1 + N, D] of root and nodes of rows that share the shape of their trees."""
        paths = _paths(rows[0].parents)
        longest = max(map(len, paths))
        ids = [
            [*self.start, *(row.ids[row.text_length + node] for node in path), *[self.start[0]] * (longest - len(path))]
            for row in rows
            for path in paths
        ]
        self._check_answer(len(ids[0]))
        with self.passing(now, self.model.get_decoder(), checkpointing=checkpointing) as decoder:
            out = decoder(
                input_ids=torch.tensor(ids, device=self.device), encoder_hidden_states=encoded_nTD, use_cache=False
            )
        hidden: torch.Tensor = out.last_hidden_state.view(len(rows), len(paths) * len(ids[0]), -1)
        root = len(self.start) - 1
        places = {node: p * len(ids[0]) + root + 1 + depth for p, path in enumerate(paths)
                  for depth, node in enumerate(path)}  # fmt: skip
        picked = [root, *(places[node] for node in range(len(rows[0].parents)))]
        return hidden.index_select(1, torch.tensor(picked, device=self.device)) * self._scale

    def _check_answer(self, length: int) -> None:
        if length > self._positions:
            raise BackboneError(
                f"an answer of {length} tokens, its beginning included, is longer than the {self._positions} that the "
                "backbone's decoder has positions for.",
                "Set a smaller answer.max_tokens.",
            )

    def logits(self, hidden_MD: torch.Tensor, only: torch.Tensor | None = None) -> torch.Tensor:
        """Scores of the next token, float32: [M, D] -> [M, V], or [M, C] of the vocabulary entries `only` [C]."""
        scores = super().logits(hidden_MD, only)
        bias: torch.Tensor | None = getattr(self.model, "final_logits_bias", None)
        if bias is None:
            return scores
        return scores + (bias[0] if only is None else bias[0].index_select(0, only)).float()


def decoder_start(model: PreTrainedModel, tokenizer: Any) -> tuple[int, ...]:
    """What the decoder reads before an answer: that which stands before the first word of a target text in training.

    transformers trains on a target's tokens, special ones included, shifted to the right by the model's own rule. T5's
    decoder so begins with the padding token; BART's with </s> and then the <s> that its tokenizer puts before a text.

    Raises:
        BackboneError: if the model does not say what its decoder starts from.
    """
    whole = list(tokenizer(text_target="a")["input_ids"])
    bare = list(tokenizer(text_target="a", add_special_tokens=False)["input_ids"])
    before = next((i for i in range(len(whole)) if whole[i : i + len(bare)] == bare), 0)
    try:
        shift: Any = model.prepare_decoder_input_ids_from_labels
        shifted = shift(labels=torch.tensor([whole]))[0].tolist()
    except (AttributeError, TypeError, ValueError):
        raise BackboneError(
            f"backbone of type '{model.config.model_type}' does not say what its decoder starts from.",
            "Set decoder_start_token_id in its config.json.",
        ) from None
    return tuple(shifted[: before + 1])


def _scale_of(model: PreTrainedModel, row: Sequence[int], start: Sequence[int]) -> float:
    """What a model scales hidden states with before it scores them, as found by reading a row.

    The original T5 scales by D**-0.5, its later versions and BART do not.
    """
    kept: list[torch.Tensor] = []
    output: Any = model.get_output_embeddings()
    hooks = [
        model.get_decoder().register_forward_hook(lambda *given: kept.append(given[-1].last_hidden_state)),
        output.register_forward_pre_hook(lambda _, given: kept.append(given[0])),
    ]
    device = model.get_input_embeddings().weight.device
    with torch.no_grad():
        rows, starts = (torch.tensor([ids], device=device) for ids in (row, start))
        model(input_ids=rows, decoder_input_ids=starts, use_cache=False)
    for hook in hooks:
        hook.remove()
    decoded, scored = (hidden.double() for hidden in kept)
    return float((decoded * scored).sum() / decoded.square().sum())


def _past_of(state: PrefixState, prompts: set[int]) -> KVCache | None:
    """The past of a batch's prompt; None where it has none."""
    if not any(state.lengths):
        return None
    [prompt] = prompts
    first, length = sum(state.lengths[:prompt]), state.lengths[prompt]
    return tuple((k[first : first + length], v[first : first + length]) for k, v in state.layers) if length else None


def _alike(trees: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """Indices of rows whose trees have the same shape."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, parents in enumerate(trees):
        groups.setdefault(parents, []).append(i)
    return list(groups.values())


@lru_cache(maxsize=1024)
def _paths(parents: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """The nodes from the root to each leaf of a tree; one empty path where it is the root alone."""
    out = []
    for leaf in sorted(set(range(len(parents))) - set(parents)):
        path = [leaf]
        while parents[path[0]] >= 0:
            path.insert(0, parents[path[0]])
        out.append(tuple(path))
    return tuple(out) or ((),)


def _made_at(layout: Layout, firsts: Sequence[int], wanted: torch.Tensor | None) -> torch.Tensor:
    """Where the hidden states of wanted packed tokens are; `firsts` says it of each row's last text token."""
    roots = [start + row.text_length - 1 for start, row in zip(layout.starts, layout.rows, strict=True)]
    given, of_row = (torch.tensor(list(x), device=layout.ids_R.device) for x in (roots, firsts))
    wanted = layout.answers_B if wanted is None else wanted
    row_M = layout.row_R[wanted]
    behind_M = wanted - given[row_M]
    assert bool((behind_M >= 0).all()), "an encoder-decoder answers with its decoder's hidden states only"
    return of_row[row_M] + behind_M
