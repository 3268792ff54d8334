"""Example -> token ids: [task description, input text, answer slot]. Knows nothing about labels or models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import Any

from trimtab.errors import DataError, TaskError
from trimtab.prompts.control import breaker
from trimtab.prompts.template import Slot, Soft, Template
from trimtab.prompts.tokens import tokenize
from trimtab.prompts.verbalizer import Verbalizer
from trimtab.prompts.windows import Window, windows

# Tokens of tagged records whose ids are kept.
KEPT_TOKENS = 1 << 16
# Characters of a token that messages show.
SHOWN = 20


@dataclass(frozen=True)
class EncodedRow:
    """Token ids of one row behind the prompt.

    Attributes:
        ids: the row's own, those of demonstrations chosen for it before them.
        cut: how many tokens truncation took off.
        demonstrations: how many of the ids are demonstrations.
        answer: index of the token that the answer is scored at; None for the last.
        options: of a choice, the row's own answers.
        said: of a dialogue, places of the tokens that the assistant said in it, ends of turns included.
        dropped: how many of its turns were left out to fit.
        read_at: where tokens are tagged, index of the id that each one's tag is read at; of a window those of its own
            tokens. Where a span of tokens is the answer, of all of its tokens, and before them that of no answer. None
            where answers are of another kind.
        further: where a record's tokens do not fit in one row, the windows behind this one, the first.
        first: of a window, which of the record's tokens is its first, counted from 0.
    """

    ids: tuple[int, ...]
    cut: int
    demonstrations: int = 0
    answer: int | None = None
    options: Verbalizer | None = None
    said: tuple[int, ...] = ()
    dropped: int = 0
    read_at: tuple[int, ...] | None = None
    further: tuple[EncodedRow, ...] = ()
    first: int = 0

    @property
    def windows(self) -> tuple[EncodedRow, ...]:
        """The rows that the record is read in; where tokens are tagged, their tags in turn are the record's."""
        return self, *self.further


@dataclass(frozen=True)
class Frame:
    """What an encoder's row holds besides text and fields: there the whole text is one row, prompt and head included.

    Attributes:
        before: ids in front: the special tokens that open a text, then the soft prompt.
        answer: the mask token; none where a head answers from the whole row, or tags tokens.
        after: the special tokens that close a text.
    """

    before: tuple[int, ...]
    answer: tuple[int, ...]
    after: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.before) + len(self.answer) + len(self.after)


class Encoder:
    """Template + tokenizer: examples to token ids.

    Constant text and fields are tokenised apart, so that the head is the same for every row and truncation never
    touches constant text.

    Args:
        template: the parsed template.
        tokenizer: a transformers tokenizer.
        budget: longest row in tokens behind the head and the soft prompt, answer included.
        answer_tokens: longest answer in tokens, kept free at the end.
        frame: what stands around and within the row of an encoder, whose head is then part of each row.
        plain: what is done to texts of the data so that they hold no control tokens; by default special tokens are
            broken up.
    """

    def __init__(
        self, template: Template, tokenizer: Any, *, budget: int, answer_tokens: int = 1, frame: Frame | None = None,
        plain: Callable[[str], str] | None = None,
    ) -> None:  # fmt: skip
        self.plain = plain or breaker(tokenizer)
        self.template = template
        self.tokenizer = tokenizer
        self.frame = frame
        self.head_ids = head_ids(template, tokenizer)
        self.budget = budget - len(self.head_ids) - answer_tokens
        self._inner = (*template.body, *template.tail)
        self._token_ids = lru_cache(KEPT_TOKENS)(self._ids_of_token)
        self._constant = {part: self._ids(part) for part in self._inner if not isinstance(part, Slot)}
        constant = sum(len(self._constant[part]) for part in self._inner if not isinstance(part, Slot))
        if self.budget - constant < 1:
            raise TaskError(
                f"the template's own text takes {constant + len(self.head_ids)} tokens and leaves none of {budget} for "
                "the input.",
                "Shorten the task description, or raise template.max_tokens.",
            )

    def _ids(self, part: str | Soft) -> list[int]:
        return part.ids if isinstance(part, Soft) else tokenize(self.tokenizer, part)

    def _ids_of_token(self, text: str) -> Sequence[int]:
        """Ids of a token of the record, tokenised by itself; one at least, so that there is a place for its tag."""
        unknown = self.tokenizer.unk_token_id
        return tuple(tokenize(self.tokenizer, self.plain(text))) or (self._blank() if unknown is None else unknown,)

    def encode(self, fields: Mapping[str, str], where: str = "input", taken: int = 0) -> EncodedRow:
        """Token ids behind the head (in a frame: of all), shortened at the end of `truncate` fields where too long.

        Args:
            fields, where: the row.
            taken: tokens of the budget that are not left for this row.

        Raises:
            DataError: if the row does not fit and no field may be shortened enough.
        """
        parts, shorten = self._parts(fields)
        room = self.budget - taken
        excess = max(0, sum(map(len, parts)) - room)
        if excess:
            self._shorten(parts, shorten, excess, room, where)
        return self._row(parts, excess)

    def encode_tagged(
        self, fields: Mapping[str, str], tokens: Sequence[str], leads: Sequence[str], where: str = "input"
    ) -> EncodedRow:
        """Token ids of a row whose tokens are tagged, each tokenised by itself; in windows where they do not fit.

        A window reads as a record of its tokens alone would: with the template's text and the other fields, of which
        those in `truncate` are shortened only until half of the room is the tokens'. Where ids see the whole row, a
        token gets its tag from the window in which it stands further from the edges, else from that in which it has
        most before it (see `trimtab.prompts.windows`).

        Args:
            fields, where: the row; its tagged field is not read.
            tokens, leads: the tokens, and the white space before each one that does not come first.

        Raises:
            DataError: if a token alone does not fit.
        """
        rows = []
        for window, places, row in self._windows(fields, tokens, leads, where):
            read, own = window
            rows.append(replace(row, read_at=tuple(places[own.start - read.start : own.stop - read.start])))
        return replace(rows[0], further=tuple(rows[1:]))

    def encode_spans(
        self, fields: Mapping[str, str], tokens: Sequence[str], leads: Sequence[str], where: str = "input"
    ) -> EncodedRow:
        """Token ids of a row whose answer is a span of its tokens, or none; in windows where they do not fit.

        Windows are those of `encode_tagged`, but all the tokens that stand in one are read in it, as an answer must lie
        within a window. That there is none is read where an encoder's row begins (its [CLS]); in a causal backbone at a
        new line behind the row, for which a token of the budget is to be left.

        Args:
            fields, tokens, leads, where: as for `encode_tagged`.

        Raises:
            DataError: if a token alone does not fit.
        """
        rows = []
        for window, places, row in self._windows(fields, tokens, leads, where):
            ids = row.ids if self.frame else (*row.ids, self._blank())
            none = self._opening() if self.frame else len(row.ids)
            rows.append(replace(row, ids=ids, read_at=(none, *places), first=window.read.start))
        return replace(rows[0], further=tuple(rows[1:]))

    def _opening(self) -> int:
        """Index of the special token that opens a framed row; 0 where there is none."""
        assert self.frame is not None
        return next((at for at, own in enumerate(self.frame.before) if own >= 0), 0)

    def _windows(
        self, fields: Mapping[str, str], tokens: Sequence[str], leads: Sequence[str], where: str
    ) -> Iterator[tuple[Window, list[int], EncodedRow]]:
        """The windows that a record is read in: which tokens, the place of each one that stands there, and the row."""
        parts, shorten = self._parts({**fields, self.template.tagged: ""})
        slots = ((i, part) for i, part in enumerate(self._inner) if isinstance(part, Slot))
        at, slot = next((i, part) for i, part in slots if part.field == self.template.tagged)
        parts[at] = []
        first = [self._token_ids(slot.lead + token) for token in tokens]
        within = [self._token_ids(lead + token) for lead, token in zip(leads, tokens, strict=True)]
        sizes = list(map(len, [*first[:1], *within[1:]]))
        cut = self._make_room(parts, shorten, sizes, where)
        room = self.budget - sum(map(len, parts))
        if sum(sizes) > room:  # then any token may come first in a window
            sizes = [max(len(a), len(b)) for a, b in zip(first, within, strict=True)]
            _check_sizes(sizes, tokens, room, where)
        for window in windows(sizes, room, both_sides=self.frame is not None):
            read = window.read
            ids = [*first[read.start : read.start + 1], *within[read.start + 1 : read.stop]]
            parts[at] = [i for token in ids for i in token]
            before = sum(map(len, parts[:at])) + (len(self.frame.before) + len(self.head_ids) if self.frame else 0)
            yield window, self._places(ids, before), self._row(parts, cut)

    def _parts(self, fields: Mapping[str, str]) -> tuple[list[list[int]], list[int]]:
        """Ids of what stands behind the head, part by part, and which parts may be shortened."""
        parts: list[list[int]] = []
        shorten: list[int] = []
        for part in self._inner:
            if not isinstance(part, Slot):
                parts.append(self._constant[part])
                continue
            if part.field in self.template.truncate:
                shorten.append(len(parts))
            parts.append(tokenize(self.tokenizer, part.lead + self.plain(fields[part.field])))
        return parts, shorten

    def _make_room(self, parts: list[list[int]], shorten: list[int], sizes: Sequence[int], where: str) -> int:
        """Shorten what may be until half of the room, or if it is longer the longest token, is the tokens'.

        Returns:
            How many ids were taken off.
        """
        wanted = max([min(sum(sizes), self.budget // 2), *sizes])
        excess = sum(map(len, parts)) + wanted - self.budget
        excess = max(0, sum(map(len, parts)) - self.budget, min(excess, sum(len(parts[i]) for i in shorten) - 1))
        if excess:
            self._shorten(parts, shorten, excess, self.budget, where)
        return excess

    def _places(self, tokens: Sequence[Sequence[int]], before: int) -> list[int]:
        """The place of each token's tag, `before` ids standing before them.

        In a frame, where every id sees the whole row, that is a token's first id (Devlin et al. 2019, section 5.3);
        else its last, which alone has seen all of it.
        """
        starts = list(accumulate(map(len, tokens), initial=before))
        return starts[:-1] if self.frame is not None else [start - 1 for start in starts[1:]]

    def _row(self, parts: Sequence[list[int]], cut: int) -> EncodedRow:
        """The row that the parts make; in a frame the whole row of an encoder."""
        if self.frame is None:
            return EncodedRow(tuple(i for part in parts for i in part) or (self._blank(),), cut)
        frame, body, tail = self.frame, parts[: len(self.template.body)], parts[len(self.template.body) :]
        before = [*frame.before, *self.head_ids, *(i for part in body for i in part)]
        ids = (*before, *frame.answer, *(i for part in tail for i in part), *frame.after)
        return EncodedRow(ids or (self._blank(),), cut, answer=len(before) if frame.answer else None)

    def _shorten(self, parts: list[list[int]], shorten: list[int], excess: int, room: int, where: str) -> None:
        """Take `excess` tokens off the longest of the fields that may be shortened, evening them out."""
        if sum(len(parts[i]) for i in shorten) <= excess:
            raise DataError(
                f"{where}: the row is {excess} tokens longer than the {room} that fit.",
                "Add the long fields to template.truncate, or raise template.max_tokens.",
            )
        keep = {i: len(parts[i]) for i in shorten}
        while excess > 0:
            longest = max(keep, key=lambda i: keep[i])
            others = [size for i, size in keep.items() if i != longest]
            step = max(1, min(excess, keep[longest] - max(others, default=0)))
            keep[longest] -= step
            excess -= step
        for i, size in keep.items():
            parts[i] = parts[i][:size]

    def _blank(self) -> int:
        """A row whose fields are all empty still needs one token to answer from."""
        return tokenize(self.tokenizer, "\n")[-1]


def _check_sizes(sizes: Sequence[int], tokens: Sequence[str], room: int, where: str) -> None:
    """Refuse a token of the record that a window has no room for."""
    long = next((i for i, size in enumerate(sizes) if size > room), None)
    if long is not None:
        size, token = sizes[long], tokens[long]
        named = token[:SHOWN] + ("..." if len(token) > SHOWN else "")
        raise DataError(
            f"{where}: token {long + 1}, '{named}', takes {size} tokens of the backbone, and {room} fit.",
            "Split it or leave it out, shorten other fields, or raise template.max_tokens.",
        )


def head_ids(template: Template, tokenizer: Any) -> list[int]:
    """Token ids of the template's head, negative where it has soft slots."""
    return [i for part in template.head for i in (part.ids if isinstance(part, Soft) else tokenize(tokenizer, part))]
