"""Hard prompts: task descriptions and templates proposed from a small grammar. Knows nothing about models or data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TAIL = re.compile(r"[^{}]*\{answer\}\s*$")
_DESCRIPTION = re.compile(r"\{task\}\s*")
_QUESTIONS = {
    "en": (
        "Is this text {choice}?",
        "Classify the text as {choice}.",
        "Say whether the text is {choice}. Answer with one word.",
        "The following text is {choice}.",
    ),
    "zh": (
        "这段文本是{choice}？",
        "请判断下面的文本是{choice}。",
        "请选择这段文本的类别：{choice}。只回答一个词。",
        "下面的文本是{choice}。",
    ),
}
_AROUND = {
    "en": ("Question: {given}", "{given} Answer {choice}.", "Read the text and answer. {given}"),
    "zh": ("问题：{given}", "{given}请回答{choice}。", "请阅读文本并回答。{given}"),
}
_TAILS = {
    "en": ("\nAnswer:{answer}", "\nLabel:{answer}", "\nThis text is{answer}"),
    "zh": ("\n答案：{answer}", "\n类别：{answer}", "\n这段文本是{answer}"),
}


@dataclass(frozen=True)
class Wording:
    """A task description and the template it stands in, as in a task file."""

    task: str
    text: str


def wordings(given: Wording, names: Sequence[str], *, chinese: bool) -> list[Wording]:
    """Ways to put a task: the given one first, each once.

    Questions, instructions and statements made from the label names and around the given description, each before the
    template's fields, and the template as it is without any; each with the template's own words before the answer and
    with others.

    Args:
        given: the task's own.
        names: the labels as one would say them, in order.
        chinese: propose in Chinese; else in English.
    """
    language = "zh" if chinese else "en"
    listed = ("、" if chinese else ", ").join(names[:-1]) + ("还是" if chinese else " or ") + names[-1]
    forms = [*_QUESTIONS[language], *(_AROUND[language] if given.task else ())]
    descriptions = [given.task, *(form.format(choice=listed, given=given.task) for form in forms)]
    described = given.text if _DESCRIPTION.search(given.text) else "{task}\n" + given.text
    bare = _DESCRIPTION.sub("", given.text)
    worded = [(given.task, bare), *((description, described) for description in descriptions if description)]
    out = [given, *(Wording(task, text) for task, text in worded)]
    for tail in _TAILS[language]:
        out += [Wording(task, _TAIL.sub(tail, text)) for task, text in worded]
    return list(dict.fromkeys(out))
