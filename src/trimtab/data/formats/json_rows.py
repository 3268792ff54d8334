"""JSON Lines, and whole JSON documents that hold rows. Knows nothing about other formats."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from trimtab.data.formats.row import Fault, Row
from trimtab.data.formats.text_lines import read_text
from trimtab.data.lines import Line
from trimtab.errors import DataError

_HINT = 'Each line must hold one whole JSON object, such as {"text": "...", "label": "..."}.'
# What published sets call the list of their rows.
_ROWS = ("data", "rows", "examples", "records", "items", "instances", "samples")
_DOCUMENT_HINT = 'Write a list of objects, [{"text": "...", "label": "..."}, ...], or one object a line (.jsonl).'


def read_json(lines: Iterable[Line], name: str) -> Iterator[Row | Fault]:
    """Read JSON Lines, or a JSON document where the text begins as one does.

    A document is a list of objects; an object that holds one (`{"data": [...]}`); SQuAD's; or columns as pandas writes
    them, `{"text": {"0": ...}, ...}`. An object of another sort is a row by itself.
    """
    rest = iter(lines)
    for line in rest:
        if line.text.strip():
            following = chain([line], rest)
            yield from _read_document(following, name) if _opens(line.text) else _read_lines(following, name)
            return


def _opens(line: str) -> bool:
    """Whether a first line opens a document: a list, or an object that goes on in the next line."""
    return line.lstrip().startswith("[") or (line.lstrip().startswith("{") and line.rstrip()[-1] in "{[,:")


def _read_lines(lines: Iterator[Line], name: str) -> Iterator[Row | Fault]:
    """JSON Lines; a single line may be a document all the same."""
    first = next(lines)
    second = next((line for line in lines if line.text.strip()), None)
    row = _parse(first, name)
    if second is None:
        values = row.values if isinstance(row, Row) else None
        rows = None if values is None else _rows_of(values)
        yield from [row] if rows is None else _numbered(rows, name)
        return
    yield row
    yield from read_jsonl(chain([second], lines), name)


def read_jsonl(lines: Iterable[Line], name: str) -> Iterator[Row | Fault]:
    """Read one JSON object a line; blank lines are passed over."""
    for line in lines:
        if line.text.strip():
            yield _parse(line, name)


def read_jsonl_or_text(lines: Iterator[Line], name: str) -> Iterator[Row | Fault]:
    """Read each line as a JSON object if it begins with `{`, else as a text; blank lines are left out.

    A line that begins so and is no JSON is a text too, unless an object or such a line came first.
    """
    texts_alone = None
    for line in lines:
        if not line.text.strip():
            continue
        found = _parse(line, name) if line.text.lstrip().startswith("{") else None
        if texts_alone is None:
            texts_alone = found is None
        if found is None or (texts_alone and isinstance(found, Fault)):
            yield from read_text(iter([line]))
        else:
            texts_alone = False
            yield found


def _parse(line: Line, name: str) -> Row | Fault:
    raw = line.text.rstrip("\r\n")
    where = f"{name}:{line.number}"
    if line.error:
        return Fault(line.number, line.error, raw)
    try:
        value = json.loads(raw)
    except json.JSONDecodeError as fault:
        message = f"{where}: not valid JSON ({fault.msg}, column {fault.colno})."
        return Fault(line.number, DataError(message, _HINT), raw)
    except (ValueError, RecursionError):
        message = f"{where}: not valid JSON (a number is too long or the nesting too deep)."
        return Fault(line.number, DataError(message, _HINT), raw)
    if not isinstance(value, dict):
        message = f"{where}: found a JSON {_kind(value)}, expected an object."
        return Fault(line.number, DataError(message, _HINT), raw)
    return Row(line.number, value)


def _kind(value: object) -> str:
    match value:
        case list():
            return "array"
        case dict():
            return "object"
        case str():
            return "string"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case _:
            return "null"


def _read_document(lines: Iterator[Line], name: str) -> Iterator[Row | Fault]:
    """A document; what only looked like the beginning of one, as JSON Lines."""
    whole = list(lines)
    text, first = "".join(line.text for line in whole), whole[0].number
    error = next((line.error for line in whole if line.error), None)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as fault:
        message = f"{name}:{first + fault.lineno - 1}: not valid JSON ({fault.msg}, column {fault.colno})."
        error = error or DataError(message, _DOCUMENT_HINT)
    except (ValueError, RecursionError):
        message = f"{name}:{first}: not valid JSON (a number is too long or the nesting too deep)."
        error = error or DataError(message, _DOCUMENT_HINT)
    if error and text.lstrip().startswith("{"):
        yield from read_jsonl(whole, name)
    elif error:
        yield Fault(first, error, text.rstrip("\r\n"))
    else:
        rows = value if isinstance(value, list) else _rows_of(value)
        yield from _numbered([value] if rows is None else rows, name)


def _numbered(rows: Iterable[object], name: str) -> Iterator[Row | Fault]:
    for place, value in enumerate(rows, 1):
        if isinstance(value, dict):
            yield Row(place, value)
        else:
            message = f"{name}:{place}: found a JSON {_kind(value)} in the list, expected an object."
            yield Fault(place, DataError(message, _DOCUMENT_HINT), json.dumps(value, ensure_ascii=False))


def _rows_of(document: Mapping[str, object]) -> list[object] | None:
    """The rows that an object holds; None where it is a row itself."""
    held = [name for name in _ROWS if name in document]
    if len(held) == 1 and not any(isinstance(value, list | dict) for key, value in document.items() if key != held[0]):
        rows = document[held[0]]
        if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
            return _questions(rows) if all("paragraphs" in row for row in rows) else rows
    columns = {name: column for name, column in document.items() if isinstance(column, dict)}
    return _by_row(columns) if document and len(columns) == len(document) else None


def _by_row(columns: Mapping[str, Mapping[str, object]]) -> list[object] | None:
    """Rows of columns whose rows have the same numbers in all (`DataFrame.to_json()`)."""
    keys = list(next(iter(columns.values())))
    if not keys or not all(key.isdecimal() for key in keys) or any(list(own) != keys for own in columns.values()):
        return None
    return [{name: column[key] for name, column in columns.items()} for key in keys]


def _questions(articles: list[dict[str, object]]) -> list[object]:
    """SQuAD's questions (Rajpurkar et al. 2016), as the hub has them: answers are a list of texts and one of starts."""
    rows: list[object] = []
    for article in articles:
        for paragraph in _dicts(article.get("paragraphs")):
            for question in _dicts(paragraph.get("qas")):
                answers = _dicts(question.get("answers"))
                own = {key: value for key, value in question.items() if key not in ("answers", "plausible_answers")}
                shared = {key: value for key, value in paragraph.items() if key != "qas"}
                listed = {key: [answer.get(key) for answer in answers] for key in ("text", "answer_start")}
                rows.append({"title": article.get("title"), **shared, **own, "answers": listed})
    return rows


def _dicts(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
