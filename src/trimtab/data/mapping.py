"""Records to Examples: column mapping, values as text, answers. Knows nothing about file formats or splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from trimtab.data.answers import lettered, read_choice, read_label, read_number, read_options, read_texts
from trimtab.data.clean import clean_text
from trimtab.data.dialogues import MESSAGES, as_field, read_messages, split_answer
from trimtab.data.example import Example
from trimtab.data.records import Record, read_all
from trimtab.data.tagged import read_tags, read_tokens
from trimtab.data.tokens import joined
from trimtab.data.values import as_text, no_column, whole
from trimtab.errors import TrimtabError, did_you_mean
from trimtab.settings.answers import LABEL, AnswerSettings, ChoiceAnswer, NumberAnswer, TagsAnswer, TextAnswer
from trimtab.settings.task import DataSettings

_UNLABELLED_HINT = "Label the row or leave it out; `trimtab predict` takes rows without labels."
_UNANSWERED_HINT = "Leave it out; `trimtab predict` answers dialogues that end with the user."


def to_example(
    record: Record,
    fields: Sequence[str],
    settings: DataSettings,
    answer: AnswerSettings = LABEL,
    *,
    need_answer: bool,
    read_answer: bool = True,
) -> Example:
    """Map the columns of `record` to template fields, as clean text.

    Numbers become text (`5` and `5.0` -> "5"), booleans "true" and "false". Half of a surrogate pair, which no
    encoding can write, becomes U+FFFD. An answer that is absent, null or blank is None. A field whose column holds the
    list of options becomes a text that shows them, `A. ...` a line; one whose column holds the tokens that are tagged,
    the tokens as one text. Where the one field is `messages`, the record is a dialogue: its last assistant turn is the
    answer, and what comes before it the field.

    Args:
        record, fields, settings: what is mapped, and how.
        answer: what kind of answer it has.
        need_answer: whether a row without an answer is an error.
        read_answer: whether the answer is looked at.

    Raises:
        TrimtabError: a column is missing, null or holds a list or an object; no answer where one is needed; options or
            an answer that will not do.
    """
    if tuple(fields) == (MESSAGES,):
        return _dialogue(record, settings, need_answer=need_answer, read_answer=read_answer)
    options = read_options(record, answer, settings.clean) if isinstance(answer, ChoiceAnswer) else ()
    tokens = read_tokens(record, answer, settings.clean) if isinstance(answer, TagsAnswer) else ()
    texts = {field: _text(record, field, settings, answer, options, tokens) for field in fields}
    example = Example(
        texts, None, record.where, options, tokens=() if isinstance(tokens, str) else tokens,
        group=_group(record, settings),
    )  # fmt: skip
    if read_answer:
        example = _answered(example, record, settings.label, answer, tokens)
    if example.answer is None and need_answer:
        if settings.label not in record.values:
            raise no_column(record, settings.label, "the answer", "Set data.label to one of them.")
        raise TrimtabError(f"{record.where}: no label in column '{settings.label}'.", _UNLABELLED_HINT)
    return example


def _text(
    record: Record, field: str, settings: DataSettings, answer: AnswerSettings, options: Sequence[str],
    tokens: tuple[str, ...] | str,
) -> str:  # fmt: skip
    """What the template shows of one field."""
    column = settings.columns.get(field, field)
    if isinstance(answer, TagsAnswer) and column == answer.tokens:
        return tokens if isinstance(tokens, str) else joined(tokens, answer.join)
    if column not in record.values:
        raise no_column(record, column, f"the field '{field}'", f"Set data.columns.{field} to one of them.")
    if isinstance(answer, ChoiceAnswer) and column == answer.options:
        return lettered(options)
    text = as_text(record, column)
    if text is None:
        hint = "Fill it in, leave the row out, or write an empty string."
        raise TrimtabError(f"{record.where}: column '{column}' is null, expected text or a number.", hint)
    return whole(clean_text(text, settings.clean))


def _answered(
    example: Example, record: Record, column: str, answer: AnswerSettings, tokens: tuple[str, ...] | str
) -> Example:
    """The example with what `column` says of its answer."""
    match answer:
        case TagsAnswer():
            tags = read_tags(record, column, answer, tokens)
            return replace(example, answer=" ".join(tags.bio), tags=tags.bio, mended=tags.mended) if tags else example
        case NumberAnswer():
            number = read_number(record, column)
            return example if number is None else replace(example, answer=f"{number:.15g}", number=number)
        case ChoiceAnswer():
            return replace(example, answer=read_choice(record, column, answer, example.options))
        case TextAnswer():
            tests = _tests(record, answer.tests) if answer.tests else ""
            references = read_texts(record, column, answer.stop)
            return replace(example, answer=references[0] if references else None, references=references, tests=tests)
        case _:
            return replace(example, answer=read_label(record, column))


def _dialogue(record: Record, settings: DataSettings, *, need_answer: bool, read_answer: bool) -> Example:
    """A dialogue as an example; where the answer is not looked at, a last user's turn is there to be answered."""
    before, said = split_answer(read_messages(record, settings), drop_user=read_answer)
    if said is None and need_answer:
        raise TrimtabError(f"{record.where}: no assistant turn.", _UNANSWERED_HINT)
    references = (said,) if said is not None and read_answer else ()
    return Example(
        {MESSAGES: as_field(before)}, references[0] if references else None, record.where, references=references,
        group=_group(record, settings),
    )  # fmt: skip


def _group(record: Record, settings: DataSettings) -> str:
    """What the record shares with others; "" where its column is not there, as in rows to be answered."""
    if settings.group is None or settings.group not in record.values:
        return ""
    return as_text(record, settings.group) or ""


def _tests(record: Record, column: str) -> str:
    if column not in record.values:
        raise no_column(record, column, "the tests", "Set answer.tests to one of them.")
    return as_text(record, column) or ""


def read_examples(
    source: str,
    fields: Sequence[str],
    settings: DataSettings,
    answer: AnswerSettings = LABEL,
    *,
    base: Path,
    need_answer: bool = True,
) -> list[Example]:
    """Read a whole split.

    Raises:
        TrimtabError: `source` cannot be read, has no rows, lacks a column, or has rows without a label where
            `need_answer` (the message counts them and names the first).
    """
    _check_mapping(settings.columns, fields)
    records = read_all(source, base=base, format=settings.format, encoding=settings.encoding)
    examples = [to_example(record, fields, settings, answer, need_answer=False) for record in records]
    bare = [record for record, example in zip(records, examples, strict=True) if example.answer is None]
    if need_answer and bare:
        if tuple(fields) == (MESSAGES,):
            message = f"{bare[0].where}: no assistant turn ({_counted(len(bare), len(records))})."
            raise TrimtabError(message, _UNANSWERED_HINT)
        raise _unlabelled(bare, len(records), settings.label)
    return examples


def check_labels(examples: Sequence[Example], known: Sequence[str]) -> None:
    """Check that every answer is one of the labels `known`; answers of other kinds are checked as they are read.

    Raises:
        TrimtabError: at the first that is not, naming the nearest known label. The message lists eight labels at most.
    """
    allowed = set(known)
    for example in examples:
        if example.answer is None or example.answer in allowed or example.kept_open:
            continue
        listed = ", ".join(known) if len(known) <= 8 else f"{', '.join(known[:8])}, ... ({len(known)} in all)"
        hint = did_you_mean(example.answer, known) or "Correct the row, or add the label to `labels`."
        raise TrimtabError(f"{example.where}: label '{example.answer}' is not one of {listed}.", hint)


def _unlabelled(bare: Sequence[Record], rows: int, label: str) -> TrimtabError:
    if len(bare) == rows and all(label not in record.values for record in bare):
        return no_column(bare[0], label, "the answer", "Set data.label to one of them.")
    count = _counted(len(bare), rows)
    return TrimtabError(f"{bare[0].where}: no label in column '{label}' ({count}).", _UNLABELLED_HINT)


def _counted(bare: int, rows: int) -> str:
    return f"{bare} of {rows} rows {'has' if bare == 1 else 'have'} none"


def _check_mapping(columns: Mapping[str, str], fields: Sequence[str]) -> None:
    for field in columns:
        if field not in fields:
            message = f"data.columns: no field '{field}' in the template; its fields are {', '.join(fields) or 'none'}."
            raise TrimtabError(message, did_you_mean(field, fields) or "Take the entry out.")
