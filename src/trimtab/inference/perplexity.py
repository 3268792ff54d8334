"""How likely texts are under a backbone, bare or as a run conditions it. Knows nothing about files.

M scored tokens, D hidden.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import PrefixState, Prompt
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example
from trimtab.decoding.scoring import PASS_TOKENS, PIECE
from trimtab.errors import TrimtabError
from trimtab.kinds.bind import bind
from trimtab.methods.method import Condition
from trimtab.prompts import leading_ids
from trimtab.prompts.template import Soft
from trimtab.prompts.tokens import tokenize
from trimtab.runs.run import Run

# Tokens read at a time, unless the caller says or the backbone's context is shorter.
CONTEXT = 2048
# Characters of a text that are tokenised at a time, so that it need not fit into memory.
BLOCK = 1 << 20


@dataclass(frozen=True)
class Likelihood:
    """How likely a text is.

    Attributes:
        tokens: tokens scored.
        nats: their negative log-likelihood in all.
        bytes: what they stand for, in bytes of UTF-8.
    """

    tokens: int = 0
    nats: float = 0.0
    bytes: int = 0

    def __add__(self, other: Likelihood) -> Likelihood:
        return Likelihood(self.tokens + other.tokens, self.nats + other.nats, self.bytes + other.bytes)

    @property
    def loss(self) -> float | None:
        """Mean negative log-likelihood of a token, in nats; None where none is scored."""
        return self.nats / self.tokens if self.tokens else None

    @property
    def perplexity(self) -> float | None:
        """exp(loss): among how many equally likely tokens it is as hard to choose."""
        return None if self.loss is None else math.exp(min(self.loss, 700))

    @property
    def bits_per_byte(self) -> float | None:
        """Negative log-likelihood in bits for a byte of text, which other tokenizers can be compared by."""
        return self.nats / math.log(2) / self.bytes if self.tokens and self.bytes else None


@dataclass(frozen=True)
class _Window:
    """Tokens read together, of which the last `scored` are scored; `ends`: bytes of the text it is the last of."""

    ids: tuple[int, ...]
    scored: int
    ends: int | None = None


class TextScorer:
    """A causal backbone, bare or as a run conditions it, that says how likely texts are.

    Of a run with several prompts (`train.ensemble`) the best on dev is taken.

    Raises:
        TrimtabError: the backbone is not causal, or not the one that the run was made for.
    """

    def __init__(self, pretrained: Pretrained, run: Run | None = None) -> None:
        backbone = pretrained.backbone
        if backbone.whole_rows:
            kind = backbone.config.model_type
            raise TrimtabError(
                f"perplexity is about the next token, and a backbone of type '{kind}' is {backbone.title}.",
                "Choose a causal language model.",
            )
        self.pretrained = pretrained
        self.run = run
        self._bound = None
        self._condition, self._adapted = Condition(), pretrained.backbone
        if run is not None:
            run.check_backbone(pretrained)
            self._bound = bind(run.task, run.words, pretrained, examples=run.examples)
            tensors = {name: x.to(backbone.device) for name, x in run.tensors[run.kept].items()}
            with torch.no_grad():
                self._condition = self._bound.method.condition(tensors)
            self._adapted = self._condition.on(pretrained.backbone)

    def texts(
        self, texts: Iterable[Iterable[str]], *, context: int | None = None, stride: int | None = None
    ) -> Iterator[Likelihood]:
        """Score whole texts in windows that move on by `stride` tokens, each token once, behind what fits before it.

        A run's texts stand where its rows do: behind its prompt and the template's constant text before the first
        field. The first token is scored where anything stands before it.

        Args:
            texts: each text in pieces, which may end anywhere; they are never in memory together.
            context: tokens read at a time, the prompt among them; by default the backbone's context, 2,048 at most.
            stride: tokens that each window adds, by default half of a window; fewer give each more context.

        Yields:
            One a text, in order.

        Raises:
            TrimtabError: a context or stride that does not fit; a run whose prompt goes with each row.
        """
        prompt, opening = self._before_texts()
        state = self._read(prompt)
        room, step = self._sizes(sum(state.lengths), opening, context, stride)
        tokenizer = self.pretrained.tokenizer
        windows = (window for text in texts for window in _windows(_blocks(text), tokenizer, opening, room, step))
        return self._likelihoods(windows, state)

    def answers(self, examples: Iterable[Example]) -> Iterator[Likelihood]:
        """Score the answers of rows given their inputs, under the run's template: of a text all references and their
        end tokens, of a dialogue the last turn, of a label its first word, of a choice the right option.

        Yields:
            One a row, in order.

        Raises:
            TrimtabError: there is no run, or its answers are scored by a trained layer; a row that does not fit.
        """
        if self._bound is None:
            raise TrimtabError("a bare backbone has no template that rows could be read by.", "Give a run.")
        if self._condition.head is not None:
            raise TrimtabError(
                "this run's answers are scored by a trained layer, which says no tokens.", "Score a field's text."
            )
        with torch.no_grad():
            state = self._read(self._bound.prompt(self._condition, self._adapted))
        return self._likelihoods(self._answer_windows(examples, sum(state.lengths)), state)

    def _before_texts(self) -> tuple[Prompt, tuple[int, ...]]:
        """What is read before every window, but for its last token, which the window begins with."""
        bound, condition = self._bound, self._condition
        if bound is not None and (bound.nearest or any(isinstance(part, Soft) for part in bound.template.body)):
            raise TrimtabError(
                "what this run's prompt holds depends on the row, and a plain text is none.",
                "Score rows and their answers.",
            )
        if condition.view is not None and condition.soft is not None:
            return Prompt(condition.soft), ()
        ids = bound.before(condition) if bound else leading_ids(self.pretrained.tokenizer)
        with torch.no_grad():
            embeddings = self._adapted.embed_with(ids[:-1], condition.soft)
        return Prompt(embeddings, condition.past, condition.soft), tuple(ids[-1:])

    def _read(self, prompt: Prompt) -> PrefixState:
        with torch.no_grad():
            return self._adapted.read_prefix([prompt])

    def _sizes(self, before: int, opening: tuple[int, ...], context: int | None, stride: int | None) -> tuple[int, int]:
        """Tokens of a text in a window, and how many it adds, behind `before` tokens and an opening."""
        most, taken = self.pretrained.backbone.context, before + len(opening)
        if context is not None and context > most:
            raise TrimtabError(
                f"a context of {context} tokens is asked for, and the backbone's is {most}.",
                f"Set it to {most} or less.",
            )
        room = (context or min(most, CONTEXT)) - taken
        widest = room if opening else room - 1
        if widest < 1:
            raise TrimtabError(
                f"a context of {room + taken} tokens has no room for text behind the {taken} of the prompt.",
                "Raise it.",
            )
        if stride is not None and stride > widest:
            raise TrimtabError(
                f"a stride of {stride} tokens is asked for, and a window can add {widest} at most.",
                f"Set it to {widest} or less.",
            )
        return room, stride or max(1, room // 2)

    def _answer_windows(self, examples: Iterable[Example], taken: int) -> Iterator[_Window]:
        bound = self._bound
        assert bound is not None
        room = self.pretrained.backbone.context - taken
        for example in examples:
            [row] = bound.encode([example])
            said = bound.kind.likely(bound, example, row)
            for i, (ids, _) in enumerate(said, 1):
                if len(row.ids) + len(ids) > room:
                    raise TrimtabError(
                        f"{example.where}: input and answer are {len(row.ids) + len(ids)} tokens, and {room} fit.",
                        "Shorten the answer, or lower template.max_tokens.",
                    )
                ends = sum(size for _, size in said) if i == len(said) else None
                yield _Window((*row.ids, *ids), len(ids), ends)

    def _likelihoods(self, windows: Iterable[_Window], state: PrefixState) -> Iterator[Likelihood]:
        total = Likelihood()
        for batch in _batches(windows):
            for window, nats in zip(batch, self._nats(batch, state), strict=True):
                total += Likelihood(window.scored, nats)
                if window.ends is not None:
                    yield total + Likelihood(bytes=window.ends)
                    total = Likelihood()

    def _nats(self, windows: Sequence[_Window], state: PrefixState) -> list[float]:
        """Negative log-likelihood of each window's scored tokens, all in one pass."""
        wanted: list[int] = []
        scored = [window for window in windows if window.scored]
        if not scored:
            return [0.0] * len(windows)
        adapted = self._adapted
        with torch.no_grad():
            rows = [Row(window.ids[:-1]) for window in scored]
            layout = adapted.pack(rows, max(state.lengths))
            for start, row, window in zip(layout.starts, rows, scored, strict=True):
                wanted += range(start + len(row.ids) - window.scored, start + len(row.ids))
            hidden = adapted.forward(layout, state, wanted=torch.tensor(wanted, device=adapted.device))
            targets = torch.tensor([i for window in scored for i in window.ids[-window.scored :]])
            losses_M = _losses(adapted, hidden, targets.to(adapted.device))
        parts = torch.split(losses_M.double().cpu(), [window.scored for window in scored])
        found = iter([float(part.sum()) for part in parts])
        return [next(found) if window.scored else 0.0 for window in windows]


def _losses(backbone: Backbone, hidden_MD: torch.Tensor, targets_M: torch.Tensor) -> torch.Tensor:
    """Cross entropy of each token [M]; scores over the vocabulary exist for a piece of the tokens at a time."""
    step = max(1, PIECE // backbone.vocabulary_size)
    pieces = zip(torch.split(hidden_MD, step), torch.split(targets_M, step), strict=True)
    return torch.cat([F.cross_entropy(backbone.logits(hidden), own, reduction="none") for hidden, own in pieces])


def _batches(windows: Iterable[_Window]) -> Iterator[list[_Window]]:
    """Windows in order, as many together as go through the backbone in one pass."""
    batch: list[_Window] = []
    tokens = 0
    for window in windows:
        if batch and tokens + len(window.ids) > PASS_TOKENS:
            yield batch
            batch, tokens = [], 0
        batch.append(window)
        tokens += len(window.ids)
    if batch:
        yield batch


def _windows(
    blocks: Iterable[str], tokenizer: Any, opening: tuple[int, ...], room: int, stride: int
) -> Iterator[_Window]:
    """A text in windows of `room` tokens, `opening` before each; what is left of it at last ends it."""
    ids: list[int] = []
    size, known = 0, 0 if opening else 1  # of `ids`, how many are scored before or never
    for i, block in enumerate(blocks):
        size += len(block.encode("utf-8", "replace"))
        # The tokenizer's own white space before a text (Llama 2) is put there once.
        new = tokenizer(block, add_special_tokens=False)["input_ids"] if i == 0 else tokenize(tokenizer, block)
        if i == 0 and known and new:
            size -= _first_bytes(block, new[0], tokenizer)
        ids += new
        begin = 0
        while len(ids) - begin > room:
            yield _Window((*opening, *ids[begin : begin + room]), room - known)
            begin, known = begin + stride, room - stride
        ids = ids[begin:]
    left = max(0, len(ids) - known)
    yield _Window((*opening, *ids) if left else (), left, size)


def _first_bytes(text: str, token: int, tokenizer: Any) -> int:
    """Bytes that a text's first token stands for; of a token that is less than a character, one."""
    said = str(tokenizer.decode([token]))
    return len(said.encode()) if text.startswith(said) else 1


def _blocks(pieces: Iterable[str]) -> Iterator[str]:
    """A text in blocks, cut where no tokenizer we know has a token across: at the end of a line that text follows on.

    Where there is no such place in a million characters it is before a space, or anywhere.
    """
    held = ""
    for piece in pieces:
        held += piece
        while len(held) > 2 * BLOCK:
            lines = [found.end() for found in re.finditer(r"\n(?=\S)", held[: BLOCK + 1])]
            cut = max(lines, default=0) or max(held.rfind(" ", 1, BLOCK), 0) or BLOCK
            yield held[:cut]
            held = held[cut:]
    if held:
        yield held
