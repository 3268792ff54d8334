"""Templates: text with a place for each field, soft vectors and the answer. Knows nothing about tokens or labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

from trimtab.errors import TaskError, did_you_mean

TASK, ANSWER, SOFT = "task", "answer", "soft"
# As many vectors as `method.length` allows.
LONGEST_SOFT = 100_000


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
        tail: what follows the answer, which only an encoder can read.
        tagged: the field whose tokens are read each for itself, where answers are tags or spans; "" otherwise.
    """

    head: tuple[str | Soft, ...]
    body: tuple[Slot | str | Soft, ...]
    answer_lead: str
    truncate: frozenset[str]
    tail: tuple[Slot | str | Soft, ...] = ()
    tagged: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields an example must have, in order of first use."""
        return tuple(dict.fromkeys(part.field for part in (*self.body, *self.tail) if isinstance(part, Slot)))

    @property
    def soft(self) -> int:
        """Soft vectors there are places for."""
        return sum(part.count for part in (*self.head, *self.body, *self.tail) if isinstance(part, Soft))

    @property
    def before_answer(self) -> str:
        """The constant text right before the answer; "" where a field or a soft slot stands there."""
        last = (*self.head, *self.body)[-1:]
        return last[0] if last and isinstance(last[0], str) else ""

    def text(self, fields: Mapping[str, str], answer: str = "") -> str:
        """The row as it reads, `answer` in its place; `▢` for a soft vector."""
        out = ""
        for part in (*self.head, *self.body, answer, *self.tail):
            match part:
                case Slot():
                    out += part.lead + fields[part.field]
                case Soft():
                    out += "▢" * part.count
                case _:
                    out += part
        return out


def parse_template(
    text: str, task: str, truncate: Sequence[str] = (), *, tail: bool = False, answered: bool = True, read: str = "tags"
) -> Template:
    """Parse `{field}` and `{soft:n}` slots; `{{` and `}}` are literal; nothing is evaluated.

    Args:
        text: the template, with one `{answer}` slot, at its end or anywhere.
        task: task description, put where `{task}` stands.
        truncate: fields that may be shortened.
        tail: whether text may stand behind the answer.
        answered: whether there is an answer slot; where tokens are tagged, or spans of them found, there is none.
        read: what is read at tokens where there is none, in words.

    Raises:
        TaskError: no or several answer slots, or one where there should be none, text behind the answer where there
            may be none, anything but a plain field name in braces, a truncated field that the template does not have.
    """
    parts = _parts(text, task)
    slots = [part.field for part in parts if isinstance(part, Slot)]
    fields = [field for field in slots if field != ANSWER]
    if not answered and ANSWER in slots:
        raise TaskError(
            f"template.text has an {{answer}} slot, and {read} are read at the tokens themselves: {text!r}.",
            "Take it out.",
        )
    if answered and slots.count(ANSWER) != 1:
        found = "no" if ANSWER not in slots else "more than one"
        raise TaskError(
            f"template.text has {found} {{answer}} slot: {text!r}.", "Put one {answer} where the answer belongs."
        )
    places = (i for i, part in enumerate(parts) if isinstance(part, Slot) and part.field == ANSWER)
    at = next(places, len(parts))
    behind = parts[at + 1 :]
    if not any(part.strip() if isinstance(part, str) else part for part in behind):
        behind = []
    if behind and not tail:
        raise goes_on(text)
    body = parts[:at]
    if not fields:
        raise TaskError(f"template.text has no field of the example: {text!r}.", "Add one, for example {text}.")
    for field in truncate:
        if field not in fields:
            raise TaskError(
                f"template.truncate names '{field}', which is not a field of the template.",
                did_you_mean(field, fields) or f"Its fields are {', '.join(dict.fromkeys(fields))}.",
            )
    first = next((i for i, part in enumerate(body) if isinstance(part, Slot)), at)
    head = tuple(part for part in body[:first] if not isinstance(part, Slot))
    answer = parts[at] if answered else None
    lead = answer.lead if isinstance(answer, Slot) else ""
    return Template(head, tuple(body[first:]), lead, frozenset(truncate), tuple(behind))


def goes_on(text: str, backbone: str = "A causal backbone") -> TaskError:
    """What a causal backbone or an encoder-decoder has against text behind the answer."""
    return TaskError(
        f"template.text goes on behind {{answer}}: {text!r}.",
        f"{backbone} answers at the end: move {{answer}} there.",
    )


def _parts(text: str, task: str) -> list[Slot | str | Soft]:
    """Literals and slots in turn; white space before a field belongs to the field."""
    try:
        parsed = list(Formatter().parse(text))
    except ValueError:
        raise TaskError(
            f"template.text has a brace without its partner: {text!r}.", "Write {{ or }} for a literal brace."
        ) from None
    parts: list[Slot | str | Soft] = []
    literal, soft = "", 0
    for constant, field, spec, conversion in parsed:
        literal += constant
        if field is None:
            continue
        if field == SOFT and spec and _is_length(spec) and not conversion:
            parts += [literal] if literal else []
            parts.append(Soft(soft, int(spec)))
            literal, soft = "", soft + int(spec)
            continue
        if field == SOFT and spec and spec.isdecimal() and not conversion:
            raise TaskError(
                f"template.text: '{{soft:{spec[:20]}}}' does not ask for 1 to {LONGEST_SOFT:,} vectors.",
                "Write {soft:8} for eight.",
            )
        if not field.isidentifier() or spec or conversion:
            found = field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            raise TaskError(
                f"template.text: '{{{found}}}' is not a plain field name: {text!r}.",
                "Use {name}, with letters, digits and _ only; write {{ or }} for a literal brace.",
            )
        if field == SOFT:
            raise TaskError(
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


def _is_length(spec: str) -> bool:
    """Whether it is a number of soft vectors, from 1 to `LONGEST_SOFT`."""
    return spec.isascii() and spec.isdecimal() and len(spec) < 9 and 0 < int(spec) <= LONGEST_SOFT
