"""Example -> token ids: [task description, input text, answer slot]. Knows nothing about labels or models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from trimtab.errors import TrimtabError, did_you_mean

TASK, ANSWER, SOFT = "task", "answer", "soft"


@dataclass(frozen=True)
class Slot:
    """A place that an example fills, with the white space before it, which tokenisers merge into words."""

    field: str
    lead: str


@dataclass(frozen=True)
class Soft:
    """A place for trained vectors: `count` of them, from number `start` on."""

    start: int
    count: int

    @property
    def ids(self) -> list[int]:
        """The negative token ids that stand for them (see `trimtab.backbones.layout.Row`)."""
        return [-1 - j for j in range(self.start, self.start + self.count)]


@dataclass(frozen=True)
class Template:
    """A parsed template.

    Attributes:
        head: constant text and soft slots before the first field, the same for all rows.
        body: what follows the head, fields, constant text and soft slots in turn, up to the answer.
        answer_lead: white space between the last text and the answer; belongs to the answer.
        truncate: fields that may be shortened.
    """

    head: tuple[str | Soft, ...]
    body: tuple[Slot | str | Soft, ...]
    answer_lead: str
    truncate: frozenset[str]

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields an example must have, in order of first use."""
        return tuple(dict.fromkeys(part.field for part in self.body if isinstance(part, Slot)))

    @property
    def soft(self) -> int:
        """Soft vectors there are places for."""
        return sum(part.count for part in (*self.head, *self.body) if isinstance(part, Soft))

    def text(self, fields: Mapping[str, str]) -> str:
        """The row as it reads, without the answer; `▢` for a soft vector."""
        out = ""
        for part in (*self.head, *self.body):
            match part:
                case Slot():
                    out += part.lead + fields[part.field]
                case Soft():
                    out += "▢" * part.count
                case _:
                    out += part
        return out


def parse_template(text: str, task: str, truncate: Sequence[str] = ()) -> Template:
    """Parse `{field}` and `{soft:n}` slots; `{{` and `}}` are literal; nothing is evaluated.

    Args:
        text: the template, with one `{answer}` slot at its end.
        task: task description, put where `{task}` stands.
        truncate: fields that may be shortened.

    Raises:
        TrimtabError: no or several answer slots, text behind the answer, anything but a plain field name in braces, a
            truncated field that the template does not have.
    """
    parts = _parts(text, task)
    slots = [part.field for part in parts if isinstance(part, Slot)]
    fields = [field for field in slots if field != ANSWER]
    if slots.count(ANSWER) != 1:
        found = "no" if ANSWER not in slots else "more than one"
        raise TrimtabError(
            f"template.text has {found} {{answer}} slot: {text!r}.", "Put one {answer} where the answer belongs."
        )
    at = next(i for i, part in enumerate(parts) if isinstance(part, Slot) and part.field == ANSWER)
    if any(part.strip() if isinstance(part, str) else part for part in parts[at + 1 :]):
        raise TrimtabError(
            f"template.text goes on behind {{answer}}: {text!r}.",
            "A causal backbone answers at the end: move {answer} there.",
        )
    body = parts[:at]
    if not fields:
        raise TrimtabError(f"template.text has no field of the example: {text!r}.", "Add one, for example {text}.")
    for field in truncate:
        if field not in fields:
            raise TrimtabError(
                f"template.truncate names '{field}', which is not a field of the template.",
                did_you_mean(field, fields) or f"Its fields are {', '.join(dict.fromkeys(fields))}.",
            )
    first = next(i for i, part in enumerate(body) if isinstance(part, Slot))
    head = tuple(part for part in body[:first] if not isinstance(part, Slot))
    answer = parts[at]
    assert isinstance(answer, Slot)
    return Template(head, tuple(body[first:]), answer.lead, frozenset(truncate))


def _parts(text: str, task: str) -> list[Slot | str | Soft]:
    """Literals and slots in turn; white space before a field belongs to the field."""
    try:
        parsed = list(Formatter().parse(text))
    except ValueError:
        raise TrimtabError(
            f"template.text has a brace without its partner: {text!r}.", "Write {{ or }} for a literal brace."
        ) from None
    parts: list[Slot | str | Soft] = []
    literal, soft = "", 0
    for constant, field, spec, conversion in parsed:
        literal += constant
        if field is None:
            continue
        if field == SOFT and spec and spec.isdecimal() and int(spec) and not conversion:
            parts += [literal] if literal else []
            parts.append(Soft(soft, int(spec)))
            literal, soft = "", soft + int(spec)
            continue
        if not field.isidentifier() or spec or conversion:
            found = field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            raise TrimtabError(
                f"template.text: '{{{found}}}' is not a plain field name: {text!r}.",
                "Use {name}, with letters, digits and _ only; write {{ or }} for a literal brace.",
            )
        if field == SOFT:
            raise TrimtabError(
                f"template.text: '{{soft}}' does not say how many vectors: {text!r}.", "Write {soft:8} for eight."
            )
        if field == TASK:
            literal += task
            continue
        stripped = literal.rstrip(" \t\n")
        lead = literal[len(stripped) :]
        if not parts:
            stripped = stripped.lstrip()
            lead = lead if stripped else ""
        if stripped:
            parts.append(stripped)
        parts.append(Slot(field, lead))
        literal = ""
    if literal:
        parts.append(literal)
    return parts


@dataclass(frozen=True)
class EncodedRow:
    """Token ids of one row behind the prompt.

    Attributes:
        ids: the row's own, those of demonstrations chosen for it before them.
        cut: how many tokens truncation took off.
        demonstrations: how many of the ids are demonstrations.
    """

    ids: tuple[int, ...]
    cut: int
    demonstrations: int = 0


class Encoder:
    """Template + tokenizer: examples to token ids.

    Constant text and fields are tokenised apart, so that the head is the same for every row and truncation never
    touches constant text.

    Args:
        template: the parsed template.
        tokenizer: a transformers tokenizer.
        budget: longest row in tokens behind the head and the soft prompt, answer included.
        answer_tokens: longest answer in tokens, kept free at the end.
    """

    def __init__(self, template: Template, tokenizer: Any, *, budget: int, answer_tokens: int = 1) -> None:
        self.template = template
        self.tokenizer = tokenizer
        self.head_ids = head_ids(template, tokenizer)
        self.budget = budget - len(self.head_ids) - answer_tokens
        self._constant = {part: self._ids(part) for part in template.body if not isinstance(part, Slot)}
        constant = sum(len(self._constant[part]) for part in template.body if not isinstance(part, Slot))
        if self.budget - constant < 1:
            raise TrimtabError(
                f"the template's own text takes {constant + len(self.head_ids)} tokens and leaves none of {budget} for "
                "the input.",
                "Shorten the task description, or raise template.max_tokens.",
            )

    def _ids(self, part: str | Soft) -> list[int]:
        return part.ids if isinstance(part, Soft) else tokenize(self.tokenizer, part)

    def encode(self, fields: Mapping[str, str], where: str = "input", taken: int = 0) -> EncodedRow:
        """Token ids behind the head, shortened at the end of `truncate` fields where too long.

        Args:
            fields, where: the row.
            taken: tokens of the budget that are not left for this row.

        Raises:
            TrimtabError: if the row does not fit and no field may be shortened enough.
        """
        parts: list[list[int]] = []
        shorten: list[int] = []
        for part in self.template.body:
            if not isinstance(part, Slot):
                parts.append(self._constant[part])
            else:
                if part.field in self.template.truncate:
                    shorten.append(len(parts))
                parts.append(tokenize(self.tokenizer, part.lead + fields[part.field]))
        room = self.budget - taken
        excess = max(0, sum(map(len, parts)) - room)
        if excess:
            self._shorten(parts, shorten, excess, room, where)
        return EncodedRow(tuple(i for part in parts for i in part) or (self._blank(),), excess)

    def _shorten(self, parts: list[list[int]], shorten: list[int], excess: int, room: int, where: str) -> None:
        """Take `excess` tokens off the longest of the fields that may be shortened, evening them out."""
        if sum(len(parts[i]) for i in shorten) <= excess:
            raise TrimtabError(
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


def head_ids(template: Template, tokenizer: Any) -> list[int]:
    """Token ids of the template's head, negative where it has soft slots."""
    return [i for part in template.head for i in (part.ids if isinstance(part, Soft) else tokenize(tokenizer, part))]


def tokenize(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a piece of text, without special tokens and without the dummy space some tokenizers put first."""
    if not text:
        return []
    text = text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be tokenised
    marked = tokenizer("a", add_special_tokens=False)["input_ids"]
    if tokenizer.convert_ids_to_tokens(marked)[0].startswith("▁"):
        plain = tokenizer("\n" + text, add_special_tokens=False)["input_ids"]
        newline = tokenizer("\n", add_special_tokens=False)["input_ids"]
        if plain[: len(newline)] == newline:
            return list(plain[len(newline) :])
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def leading_ids(tokenizer: Any) -> list[int]:
    """Special tokens that the tokenizer puts before a text (Gemma's <bos>), which come before the soft prompt."""
    with_special = tokenizer("a")["input_ids"]
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    return list(with_special[: len(with_special) - len(bare)]) if with_special[-len(bare) :] == bare else []
