"""A task for rows alone: columns, kind of answer, language, backbone and template, told from what the rows hold.

What cannot be told is asked, or refused with the option that says it. Nothing here imports torch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from trimtab.data.column import MANY_CLASSES, Column
from trimtab.data.memory import RowsInMemory
from trimtab.data.messages import MESSAGES
from trimtab.data.records import InMemory, Record, read_all
from trimtab.data.values import listed
from trimtab.errors import TaskError, did_you_mean
from trimtab.evaluation.text.words import are_chinese
from trimtab.kinds.inferred.spans import SpanColumns, span_columns
from trimtab.settings.answers import ANSWERS
from trimtab.settings.file import make_task
from trimtab.settings.task import Task

# Rows that are looked at.
LOOKED_AT = 5_000
# Names that columns of answers have, the surest first; of texts that are said; and of what is no text to read.
ANSWER_NAMES = (
    "label", "labels", "class", "category", "intent", "sentiment", "polarity", "topic", "target", "ner_tags", "tags",
    "tag", "stance", "emotion", "genre", "score", "rating", "stars", "summary", "highlights", "translation", "response",
    "output", "completion", "answer", "answers", "gold", "y",
    "标签", "类别", "分类", "情感", "意图", "评分", "摘要", "译文", "答案",
)  # fmt: skip
SAID_NAMES = {"summary", "highlights", "translation", "response", "output", "completion", "摘要", "译文"}
OPTION_NAMES = {"options", "choices", "endings", "candidates"}
NUMBERED_OPTION = re.compile(r"^(choice|option|ending|answer|candidate|sol)[_ ]?([0-9]|[a-h])$", re.IGNORECASE)
DIALOGUES = ("messages", "conversations")
# Most fields that are taken unasked.
MANY_FIELDS = 4
# A whole number of so many values or fewer is taken for a class.
MANY_WHOLE = 20
# Letters of an answer that is a text of its own, on average.
LONG_ANSWER = 15
# Rows from which on a part of train is set aside as test, and how large a part.
ENOUGH_TO_TEST, TESTED = 50, 0.2
GENERIC = {"label", "labels", "class", "target", "y", "gold", "answer", "answers", "output", "tag", "标签", "答案"}

# (what is asked, what may be answered) -> the answer
Ask = Callable[[str, Sequence[str]], str]


@dataclass(frozen=True)
class Inferred:
    """A task for rows.

    Attributes:
        settings: what a task file holds, where it is not the default.
        told: what was told from what, a sentence each.
    """

    settings: dict[str, Any]
    told: tuple[str, ...]

    @property
    def task(self) -> Task:
        """The task."""
        return make_task(self.settings)


@dataclass
class _Inference:
    records: Sequence[Record]
    ask: Ask | None
    told: list[str] = field(default_factory=list)

    @cached_property
    def columns(self) -> dict[str, Column]:
        names = dict.fromkeys(name for record in self.records for name in record.values)
        values = {
            name: [r.values[name] for r in self.records if r.values.get(name) not in (None, "")] for name in names
        }
        return {name: Column(name, own) for name, own in values.items() if own}

    def named(self, name: str, option: str) -> Column:
        """A column by its name. Raises TaskError where there is none."""
        if name not in self.columns:
            known = ", ".join(self.columns)
            raise TaskError(
                f"{option}: no column '{name}'; the columns are {known}.", did_you_mean(name, self.columns) or ""
            )
        return self.columns[name]

    def asked(self, question: str, choices: Sequence[str], option: str) -> str:
        """The answer to a question, or TaskError with the option that gives it."""
        if self.ask is not None and choices:
            return self.ask(question, choices)
        listed_ = ", ".join(choices or self.columns)
        raise TaskError(f"{question} It may be {listed_}.", f"Say it with {option}.")

    def answer_column(self, given: str | None) -> Column:
        if given is not None:
            return self.named(given, "--label")
        lower = {name.lower(): name for name in self.columns}
        known = [self.columns[lower[name]] for name in ANSWER_NAMES if name in lower]
        known = [one for one in known if one.lists or len(one.distinct) > 1]
        if known:
            found = self._by_words(known[0])
            self.told.append(f"the answer is in the column '{found.name}', by its name")
            return found
        likely = [one for one in self.columns.values() if one.classes and not one.beside]
        if not likely:
            likely = [one for one in self.columns.values() if one.numbers and not one.beside]
        if len(likely) == 1:
            several = "few different values" if likely[0].classes else "numbers"
            self.told.append(f"the answer is in the column '{likely[0].name}', the one of {several}")
            return likely[0]
        names = [one.name for one in likely or self.columns.values()]
        return self.columns[self.asked("Which column holds the answer cannot be told.", names, "--label COLUMN")]

    def _by_words(self, column: Column) -> Column:
        """The column that has the same classes in words, where there is one."""
        for ending in ("_text", "_name"):
            other = self.columns.get(column.name + ending)
            if column.whole_numbers and other is not None and len(other.distinct) == len(column.distinct):
                return other
        return column

    def fields(self, given: Sequence[str], answer: Column, kind: str, besides: Sequence[str]) -> list[Column]:
        if given:
            return [self.named(name, "--text") for name in given]
        twin = answer.name.removesuffix("_text").removesuffix("_name")
        taken = {answer.name, twin, *besides}
        found = [one for one in self.columns.values() if one.read and one.name not in taken]
        found = [one for one in found if not one.codes] or found
        long = [one for one in found if kind == "choice" or not one.classes] or found
        if not long:
            others = [name for name in self.columns if name not in taken]
            return [self.columns[self.asked("No column holds a text to read.", others, "--text COLUMN")]]
        if len(long) > MANY_FIELDS:
            names = [one.name for one in long]
            question = f"Which of {len(long)} columns of text are to be read cannot be told."
            return [self.columns[self.asked(question, names, "--text COLUMN (several times for several columns)")]]
        named = " and ".join(f"'{one.name}'" for one in long)
        self.told.append(f"what is read is in {named}, the column{'s' if len(long) > 1 else ''} of text")
        return long


def infer(
    source: str | RowsInMemory,
    *,
    base: Path,
    label: str | None = None,
    text: Sequence[str] = (),
    answer: str | None = None,
    ask: Ask | None = None,
) -> Inferred:
    """The task that rows are of.

    Args:
        source: a file or another source of rows, or rows in memory (see `trimtab.jobs.tune.run`).
        base: folder at which a relative path starts.
        label: column of the answer; told from names and values by default.
        text: columns of what is read; by default every column of text.
        answer: kind of answer, a key of `ANSWERS`.
        ask: asked where something cannot be told.

    Raises:
        TrimtabError: the source cannot be read; no such column or kind; what cannot be told, with nobody to ask.
    """
    given = source if isinstance(source, str) else InMemory("rows", source)
    now = _Inference(read_all(given, base=base)[:LOOKED_AT], ask)
    if answer is not None and answer not in ANSWERS:
        raise TaskError(f"--answer: no kind of answer '{answer}'.", did_you_mean(answer, ANSWERS) or ", ".join(ANSWERS))
    made: dict[str, Any] = {"name": _name(source)}
    if label is None and not text and answer in (None, "text") and any(name in now.columns for name in DIALOGUES):
        now.told.append("each row is a dialogue")
        made |= {"answer": "text", "template": {"text": f"{{{MESSAGES}}}"}}
        chinese = are_chinese([str(value) for name in DIALOGUES for value in _values(now, name)[:200]], "auto")
        return _finished(now, made, {}, chinese, source, base)
    if answer in (None, "span"):
        named = [now.named(name, "--text").name for name in text]
        spans = span_columns(now.records, now.columns, label, named, sure=answer is not None)
        if spans is not None:
            now.told.append(f"answers stand in the text of '{spans.context}'")
            return _of_spans(now, made, spans, source, base)
    column = now.answer_column(label)
    kind, settings, besides = _kind(now, column, answer)
    usual = "labels" if kind == "multilabel" else "label"
    data: dict[str, Any] = {} if column.name == usual else {"label": column.name}
    if kind == "tags":
        chinese = are_chinese([str(value) for value in _values(now, besides[0])[:200]], "auto")
        made |= {"task": "标出实体。" if chinese else "Mark the entities."}
        return _finished(now, made | {"answer": settings}, data, chinese, source, base)
    fields = now.fields(text, column, kind, besides)
    chinese = are_chinese([value for one in fields for value in one.texts[:200]], "auto")
    names = {_slot(one.name): one.name for one in fields}
    if any(slot != name for slot, name in names.items()):
        data["columns"] = {slot: name for slot, name in names.items() if slot != name}
    made |= {"task": _description(column, kind, chinese)}
    made |= {"template": {"text": _template(list(names), column, kind, chinese)}}
    if "text" not in names:
        made["template"]["truncate"] = [max(names, key=lambda slot: now.columns[names[slot]].letters)]
    if kind != "label":
        made["answer"] = settings
    return _finished(now, made, data, chinese, source, base)


def _of_spans(
    now: _Inference, made: dict[str, Any], spans: SpanColumns, source: str | RowsInMemory, base: Path
) -> Inferred:
    """Of answers that stand in a context, which comes last, behind what is asked."""
    names = {_slot(name): name for name in (*spans.asked, spans.context)}
    chinese = are_chinese([value for name in names.values() for value in now.columns[name].texts[:200]], "auto")
    renamed = {slot: name for slot, name in names.items() if slot != name}
    data: dict[str, Any] = ({} if spans.usual else {"label": spans.answer}) | ({"columns": renamed} if renamed else {})
    context = _slot(spans.context)
    made |= {
        "task": "回答问题。" if chinese else "Answer the question.",
        "template": {"text": "\n".join(_lines(list(names), chinese))},
        "answer": "span" if context == "context" else {"kind": "span", "context": context},
    }
    return _finished(now, made, data, chinese, source, base)


def _kind(now: _Inference, column: Column, given: str | None) -> tuple[str, Any, list[str]]:
    """The kind of answer, its settings as a task file has them, and the columns that these name."""
    others = [one for one in now.columns.values() if one.name != column.name and one.lists]
    if given in (None, "tags") and column.lists and not (given is None and column.name in OPTION_NAMES):
        tokens = next((one for one in others if _lengths(one) == _lengths(column)), None)
        if tokens is not None:
            now.told.append(f"each token in '{tokens.name}' has a tag")
            return "tags", {"kind": "tags", "tokens": tokens.name}, [tokens.name]
        if given == "tags" or not all(isinstance(item, str) for value in column.values for item in listed(value) or ()):
            raise TaskError(
                f"the column '{column.name}' holds lists, and no other column has as many items in each row.",
                "Name the column of the answer with --label.",
            )
        now.told.append("each row has any number of labels")
        return "multilabel", "multilabel", []
    options = next((one for one in others if one.name.lower() in OPTION_NAMES), None)
    numbered = [name for name in now.columns if NUMBERED_OPTION.match(name) and name != column.name]
    named = [options.name] if options is not None else numbered if len(numbered) > 1 else []
    if given in (None, "choice") and named:
        by = "index" if column.whole_numbers else "letter" if column.letters == 1 else "text"
        settings: dict[str, Any] = {"kind": "choice", "options": named if options is None else named[0], "by": by}
        if by == "index" and "0" not in column.distinct:
            settings["first"] = 1
        now.told.append(f"each row has options of its own, in {', '.join(named)}")
        return "choice", settings, named
    if given is not None:
        return given, given, []
    if column.numbers and not (column.whole_numbers and len(column.distinct) <= MANY_WHOLE):
        now.told.append("answers are numbers")
        return "number", "number", []
    rare = 2 * len(column.distinct) > len(column.texts)
    said = column.letters > LONG_ANSWER or column.name.lower() in SAID_NAMES
    if rare and said:
        now.told.append("answers are texts, as they hardly repeat")
        return "text", "text", []
    if rare and len(column.texts) > MANY_CLASSES:
        many = f"{len(column.distinct):,} different answers in {len(column.texts):,} rows"
        what = f"The column '{column.name}' holds {many}."
        found = now.asked(what, ["label", "text"], "--answer label, --answer text or another --label")
        return found, found, []
    now.told.append(f"answers are labels, {len(column.distinct):,} of them")
    return "label", "label", []


def _finished(
    now: _Inference, made: dict[str, Any], data: dict[str, Any], chinese: bool, source: str | RowsInMemory, base: Path
) -> Inferred:  # fmt: skip
    """With where the rows are, the backbone, and the method."""
    if isinstance(source, str):
        data = {"train": source, **_beside(source, base, now), **data}
    if "test" not in data and len(now.records) >= ENOUGH_TO_TEST:
        data["test_fraction"] = TESTED
        now.told.append("a fifth of the rows are set aside as test")
    if chinese:
        made |= {"language": "zh", "backbone": "gemma3-270m"}
        now.told.append(
            "the texts are Chinese, so that the backbone is gemma3-270m, which reads it; it has terms of use"
        )
    made["data"] = data
    made["method"] = "auto"
    order = ("name", "task", "language", "backbone", "data", "template", "answer", "method")
    return Inferred({key: made[key] for key in order if key in made}, tuple(now.told))


def _beside(source: str, base: Path, now: _Inference) -> dict[str, str]:
    """Files of the other splits, which lie beside a file that is called after train."""
    path = base / source
    found: dict[str, str] = {}
    if "train" not in path.name.lower() or not path.is_file():
        return found
    for split, names in (("dev", ("dev", "valid", "validation", "val")), ("test", ("test",))):
        for name in names:
            other = path.with_name(re.sub("train", name, path.name, flags=re.IGNORECASE))
            if other.is_file():
                found[split] = str(Path(source).with_name(other.name))
                break
    if found:
        now.told.append(f"{' and '.join(found)} {'lie' if len(found) > 1 else 'lies'} beside it")
    return found


def _description(column: Column, kind: str, chinese: bool) -> str:
    """A task description, which a prompt starts from."""
    name = re.sub(r"[_\W]+", " ", column.name).strip()
    generic = column.name.lower() in GENERIC or column.name.lower() not in ANSWER_NAMES
    if chinese:
        match kind:
            case "text":
                return "请写出答案。" if generic else f"请写出{name}。"
            case "choice":
                return "哪一个选项是对的？"
            case "multilabel":
                return "这段文字有哪些标签？"
            case _:
                return "这段文字属于哪一类？" if generic else f"这段文字的{name}是什么？"
    match kind:
        case "text":
            return f"Write the {name}." if column.name.lower() not in GENERIC else "Write the answer."
        case "choice":
            return "Which option is right?"
        case "multilabel":
            return "Which labels fit this text?" if generic else f"What are the {name} of this text?"
        case "number":
            return "Which number fits this text?" if generic else f"What is the {name} of this text?"
        case _:
            words = [value.replace("_", " ") for value in column.distinct]
            if generic and len(words) <= 8 and not column.numbers:
                return f"Which is it: {', '.join(words[:-1])} or {words[-1]}?"
            return "Which label fits this text?" if generic else f"What is the {name} of this text?"


def _template(fields: Sequence[str], column: Column, kind: str, chinese: bool) -> str:
    """A line a field, and one for the answer."""
    answer = (
        ("答案" if chinese else "Answer") if column.name.lower() in GENERIC or kind == "choice" else _title(column.name)
    )
    return "\n".join([*_lines(fields, chinese), f"{answer}{'：' if chinese else ':'}{{answer}}"])


def _lines(fields: Sequence[str], chinese: bool) -> list[str]:
    """A line a field."""
    return [f"{_title(field)}{'：' if chinese else ': '}{{{field}}}" for field in fields]


def _title(name: str) -> str:
    text = re.sub(r"[_\s]+", " ", name).strip()
    return (text[:1].upper() + text[1:]).replace("{", "{{").replace("}", "}}")


def _slot(name: str) -> str:
    """A name that a slot of a template can have."""
    slot = re.sub(r"\W+", "_", name).strip("_") or "text"
    slot = f"_{slot}" if slot[0].isdigit() else slot
    return f"{slot}_" if slot in ("task", "answer", "soft", MESSAGES) else slot


def _name(source: str | RowsInMemory) -> str:
    """A name for the task: the file's, or its folder's where that says more."""
    if not isinstance(source, str):
        return "task"
    path = Path(source.removeprefix("hub:"))
    stem = path.name.split(".")[0]
    if stem.lower() in ("train", "data", "training", "dataset") and path.parent.name not in ("", "..", "data"):
        stem = path.parent.name
    return re.sub(r"[^\w-]+", "-", stem).strip("-") or "task"


def _lengths(column: Column) -> list[int]:
    return [len(listed(value) or ()) for value in column.values]


def _values(now: _Inference, name: str) -> Sequence[object]:
    return now.columns[name].values if name in now.columns else ()
