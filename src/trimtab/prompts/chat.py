"""Dialogues as the backbone's own chat template writes them, as text and as token ids. Knows nothing about models.

A chat template is a program that writes a whole dialogue; which of its text is whose is found by letting it write marks
in place of the messages. What is put in their place cannot end a turn or begin one: control tokens that stand in a
message are broken up, but for those that the assistant may say (`<think>`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jinja2 import TemplateError

from trimtab.data import MESSAGES, Message, messages_of
from trimtab.errors import BackboneError, DataError, TaskError
from trimtab.prompts.around import leading_ids
from trimtab.prompts.control import broken_up, finder, special_tokens
from trimtab.prompts.encoding import EncodedRow
from trimtab.prompts.template import Template
from trimtab.prompts.tokens import tokenize

# How a dialogue is written for a backbone that has no chat template of its own.
PLAIN = (
    "{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] + '\n\n' }}"
    "{% elif message['role'] == 'user' %}{{ 'User: ' + message['content'] + '\nAssistant:' }}"
    "{% else %}{% generation %}{{ ' ' + message['content'] + eos_token }}{% endgeneration %}{{ '\n' }}"
    "{% endif %}{% endfor %}"
)
# The template of a task whose rows are dialogues, written out.
DIALOGUE = f"{{{MESSAGES}}}{{answer}}"
# Private characters around a message's number, which no template looks at.
_MARK = re.compile("\ue000(\\d+)\ue001")
# What opens a thought, a thought without content at the end of a text, any opening, and a thought that is left open.
_THOUGHT = "<think>"
_NO_THOUGHT = re.compile(r"<think>\s*</think>\s*$")
_TAG = re.compile(r"<(\w+)>")
_OPENED = re.compile(r"<think>\s*$")


def is_dialogue(text: str) -> bool:
    """Whether a template's text stands for whole dialogues: `{messages}` and nothing else."""
    return text.strip() in (f"{{{MESSAGES}}}", DIALOGUE)


@dataclass(frozen=True)
class Piece:
    """Part of a dialogue as text.

    Attributes:
        text: the text.
        said: whether it is what the assistant says and is trained on, the end of its turn included.
    """

    text: str
    said: bool


@dataclass(frozen=True)
class Chat:
    """How a tokenizer's chat template writes dialogues.

    Attributes:
        tokenizer: a transformers tokenizer.
        template: what takes the place of its chat template; None for its own.
        system: whether it writes a system message; else that is put before the user's first turn.
        opening: special tokens that open every text, as text; they are left out, as the prompt comes behind them.
        leading: the same as ids; empty where the template does not write them.
        lead: what the assistant's turn has between the place where it begins to speak and the message.
        trail: what it has between the message and its end.
        end: the token that ends its turn, as text.
        end_id: the same as id.
        control: finds control tokens in a message.
        marks: finds those among them that the assistant may not say either.
        opened: whether the template opens a thought where it asks for an answer.
    """

    tokenizer: Any
    template: str | None
    system: bool
    opening: str
    leading: tuple[int, ...]
    lead: str
    trail: str
    end: str
    end_id: int
    control: re.Pattern[str]
    marks: re.Pattern[str]
    opened: bool = False

    def pieces(self, messages: Sequence[Message]) -> list[Piece]:
        """A dialogue in pieces; one that ends with the user goes on to where the assistant begins to speak.

        Args:
            messages: a system message or none, then user and assistant in turn (see `check_messages`).
        """
        messages = messages if self.system else _without_system(messages)
        between, order = _written(self, messages, messages[-1].role == "user")
        between[0] = between[0].removeprefix(self.opening)
        pieces: list[Piece] = []
        text = ""
        for i, message in enumerate(messages[at] for at in order):
            before = between[i]
            if message.role != "assistant":
                text += before + self.plain(message.content)
                continue
            lead = self.lead if before.endswith(self.lead) else ""
            before, own = before.removesuffix(lead), self._said(message.content, lead)
            if message.content.startswith(_THOUGHT):
                before = _NO_THOUGHT.sub("", before)
            stop = between[i + 1].find(self.end) + len(self.end)
            pieces += [Piece(text + before, False), Piece(own + between[i + 1][:stop], message.trained)]
            between[i + 1], text = between[i + 1][stop:], ""
        return [*pieces, Piece(text + between[-1], False)]

    def _said(self, content: str, lead: str) -> str:
        """What the assistant says, behind its lead, or in place of the thought without content that is one."""
        lead = _NO_THOUGHT.sub("", lead) if content.startswith(_THOUGHT) else lead
        return lead + broken_up(content, self.marks)

    def around(self, template: Template, description: str) -> Template:
        """A template whose text is the user's turn, a description, if any, the system message."""
        system = [Message("system", description)] if description else []
        mark = "\ue001\ue000"  # the other way round, so that it is no message's
        written = "".join(piece.text for piece in self.pieces([*system, Message("user", mark)]))
        before, _, behind = written.partition(mark)
        head, body = list(template.head), list(template.body)
        if head and isinstance(head[0], str):
            head[0] = before + head[0]
        elif before:
            head.insert(0, before)
        if body and isinstance(body[-1], str):
            body[-1] += behind
        else:
            body.append(behind)
        return replace(template, head=tuple(head), body=tuple(body), answer_lead=self.lead)

    def answer_ids(self, text: str) -> list[int]:
        """Token ids of the assistant's turn, its end included, as it stands behind the place where it begins."""
        said = self._said(text, self.lead)
        if self.opened and said.startswith(_THOUGHT):
            said = said.removeprefix(_THOUGHT).lstrip()
        return [*tokenize(self.tokenizer, said + self.trail), self.end_id]

    def plain(self, text: str) -> str:
        """A message with a space within each control token, so that it is text like any other."""
        return broken_up(text, self.control)


def make_chat(tokenizer: Any) -> Chat:
    """Find out how a tokenizer's chat template writes dialogues, or a plain one where it has none.

    Raises:
        BackboneError: a template that cannot be run, does not write every message, or does not end the assistant's turn
            with a token of its own.
    """
    own = isinstance(tokenizer.chat_template, str | dict) and bool(tokenizer.chat_template)
    control = _control_tokens(tokenizer, str(tokenizer.chat_template) if own else "")
    pattern, marks = finder(control), finder(control - _sayable(tokenizer))
    chat = Chat(tokenizer, None if own else PLAIN, True, "", (), "", "", "", 0, pattern, marks)
    system, user, assistant = Message("system", "c"), Message("user", "a"), Message("assistant", "b")
    try:
        for turns in ([user], [user, assistant, user]):
            _written(chat, [system, *turns], True)
    except BackboneError:
        chat = replace(chat, system=False)
    asked, _ = _written(chat, [user], True)
    answered, _ = _written(chat, [user, assistant, user, assistant], False)
    end = pattern.search(answered[2])
    if end is None or end[0] not in answered[4]:
        raise BackboneError(
            "the chat template of this backbone does not end the assistant's turn with a token of its own.",
            "Choose another backbone.",
        )
    lead = answered[1].removeprefix(asked[1]) if answered[1].startswith(asked[1]) else ""
    leading = leading_ids(tokenizer)
    opening = tokenizer.decode(leading) if leading else ""
    if not asked[0].startswith(opening):
        leading, opening = [], ""
    end_id = tokenizer.convert_tokens_to_ids(end[0])
    trail = answered[2][: end.start()]
    return replace(
        chat, opening=opening, leading=tuple(leading), lead=lead, trail=trail, end=end[0], end_id=end_id,
        opened=_OPENED.search(asked[1]) is not None,
    )  # fmt: skip


def _control_tokens(tokenizer: Any, template: str) -> set[str]:
    """Special tokens, and added ones that the chat template writes."""
    added = {str(token.content) for token in tokenizer.added_tokens_decoder.values()}
    return special_tokens(tokenizer) | {
        text for text in added if len(text) > 2 and text.strip() and text in template
    }  # fmt: skip


def _sayable(tokenizer: Any) -> set[str]:
    """Tokens that mark parts of what the assistant says, and no turns: pairs like `<think>` and `</think>`."""
    plain = {str(token.content) for token in tokenizer.added_tokens_decoder.values()} - special_tokens(tokenizer)
    names = (_TAG.fullmatch(text) for text in plain)
    pairs = [(f"<{found[1]}>", f"</{found[1]}>") for found in names if found]
    return {text for opening, closing in pairs if {opening, closing} <= plain for text in (opening, closing)}


def _written(chat: Chat, messages: Sequence[Message], ask: bool) -> tuple[list[str], list[int]]:
    """What the template writes before, between and behind the messages' contents; with `ask` as for an answer.

    Returns:
        The texts, one more than messages, and which message stands behind each but the last: they are in order, but
        that some templates write the system message into the user's last turn.

    Raises:
        BackboneError: the template cannot be run on them, or does not write each once, the turns in order.
    """
    marked = [{"role": m.role, "content": f"\ue000{i}\ue001"} for i, m in enumerate(messages)]
    fault = "does not write every message of a dialogue once, in order"
    try:
        text = chat.tokenizer.apply_chat_template(
            marked, chat_template=chat.template, tokenize=False, add_generation_prompt=ask
        )
        parts = _MARK.split(text)
        order = [int(i) for i in parts[1::2]]
        turns = [i for i in order if messages[i].role != "system"]
        if sorted(order) == list(range(len(messages))) and turns == sorted(turns):
            return parts[::2], order
    except (TemplateError, ValueError, TypeError, KeyError) as error:
        fault = f"cannot be run ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
    raise BackboneError(f"the chat template of this backbone {fault}.", "Choose another backbone.")


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """The system message put before the user's first turn."""
    if messages[0].role != "system":
        return list(messages)
    system, first, *rest = messages
    return [Message("user", f"{system.content}\n\n{first.content}"), *rest]


class DialogueEncoder:
    """Chat template + tokenizer: dialogues to token ids. Nothing is shared by all rows but the prompt itself.

    Args:
        chat: how dialogues are written.
        description: the system message of dialogues that have none; or "".
        budget: longest row in tokens behind the prompt, answer included.
        answer_tokens: longest answer in tokens, kept free at the end.

    Raises:
        TaskError: the answer leaves no room for a dialogue.
    """

    def __init__(self, chat: Chat, description: str, *, budget: int, answer_tokens: int) -> None:
        self.chat = chat
        self.plain = chat.plain
        self.head_ids: list[int] = []
        self.budget = budget - answer_tokens
        if self.budget < 1:
            raise TaskError(
                f"an answer of {answer_tokens} tokens leaves none of {budget} for the dialogue.",
                "Lower answer.max_tokens, or raise template.max_tokens.",
            )
        self.system = [Message("system", description)] if description.strip() else []

    def messages(self, fields: Mapping[str, str], where: str = "input") -> list[Message]:
        """The dialogue as it is read whole, the task description first where it has no system message of its own."""
        messages = messages_of(fields[MESSAGES], where)
        return messages if messages[0].role == "system" else [*self.system, *messages]

    def text(self, fields: Mapping[str, str], answer: str) -> str:
        """The dialogue as it reads whole, an answer behind it."""
        return "".join(piece.text for piece in self.chat.pieces(self.messages(fields))) + self.chat.lead + answer

    def encode(self, fields: Mapping[str, str], where: str = "input", taken: int = 0) -> EncodedRow:
        """Token ids of a dialogue up to where the assistant answers; where too long, without its earliest turns.

        Turns are left out whole, a user's with its answer; the system message and the last turn stay.

        Args:
            fields, where: the row.
            taken: tokens of the budget that are not left for this row.

        Raises:
            DataError: a dialogue that cannot be read, or whose last turn does not fit.
        """
        messages = self.messages(fields, where)
        first = 1 if messages[0].role == "system" else 0
        system, turns = messages[:first], messages[first:]
        room = self.budget - taken
        known: dict[str, list[int]] = {}
        whole = None
        for start in range(0, len(turns), 2):
            ids, said = self._tokens([*system, *turns[start:]], known)
            whole = whole or len(ids)
            if len(ids) <= room:
                return EncodedRow(ids, whole - len(ids), said=said, dropped=start)
        raise DataError(
            f"{where}: the last turn alone takes {len(ids)} tokens, and {room} fit.",
            "Shorten it or the system message, leave the row out, or raise template.max_tokens.",
        )

    def _tokens(
        self, messages: Sequence[Message], known: dict[str, list[int]]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Token ids, and the places of those that the assistant said."""
        ids: list[int] = []
        said: list[int] = []
        for piece in self.chat.pieces(messages):
            own = known.setdefault(piece.text, [])
            if not own:
                own += tokenize(self.chat.tokenizer, piece.text)
            said += range(len(ids), len(ids) + len(own)) if piece.said else ()
            ids += own
        return tuple(ids), tuple(said)
