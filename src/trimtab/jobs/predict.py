"""`trimtab predict`: answer rows from a file or standard input, one JSON record a row, in the same order.

    task -> source -> rows -> engine -> answers

An engine, and torch with it, is loaded where the first row of a file can be answered, so that what is wrong with
settings, the source or its columns is told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.data import BadRecord, Example, Record, read_records, to_example
from trimtab.data.memory import RowsInMemory
from trimtab.data.records import InMemory
from trimtab.errors import TaskError, TrimtabError
from trimtab.kinds.bound_task import BoundTask, record
from trimtab.kinds.choose import kind_of
from trimtab.runs.folder import TASK_FILE
from trimtab.runs.run import described, load_run
from trimtab.settings.file import read_task
from trimtab.settings.task import Precision, Task

if TYPE_CHECKING:
    from trimtab.backbones.open import Progress
    from trimtab.backbones.pretrained import Pretrained
    from trimtab.inference.engine import Engine

NAME = "run"


def open_engine(
    folder: Path | str,
    overrides: Sequence[str] = (),
    *,
    precision: Precision | None = None,
    offline: bool = False,
    agree: bool = False,
    pretrained: Pretrained | None = None,
    progress: Progress | None = None,
) -> Engine:
    """An engine with one run loaded.

    Args:
        folder: the run.
        overrides: settings of how free text is found, `answer.temperature=0.8` say, in place of the run's.
        precision: what to compute in; by default what the run was trained in.
        offline, agree: see `trimtab.sources.find_model`.
        pretrained: a backbone in memory, where the caller has one.
        progress: told what is being done.

    Raises:
        TrimtabError: whatever is wrong with the run, its backbone or the overrides.
    """
    from trimtab.backbones.open import backbone_of
    from trimtab.inference.engine import Engine

    folder = Path(folder)
    tuned = load_run(folder)
    if overrides:
        tuned = replace(tuned, task=decoding_otherwise(tuned.task, folder, overrides))
    if pretrained is None:
        pretrained = backbone_of(
            tuned.task, Path.cwd(), precision=precision, offline=offline, agree=agree, progress=progress
        )
    engine = Engine(pretrained)
    engine.add(NAME, tuned)
    return engine


def task_of(folder: Path, overrides: Sequence[str] = ()) -> Task:
    """The task of a run, read without its tensors, with other settings of how free text is found.

    Raises:
        TrimtabError: it is not a finished run, or its files are damaged; whatever is wrong with the overrides.
    """
    task, _ = described(folder)
    return decoding_otherwise(task, folder, overrides) if overrides else task


def decoding_otherwise(task: Task, folder: Path, overrides: Sequence[str]) -> Task:
    """The run's task with other settings of how free text is found; what was trained stays.

    Raises:
        TrimtabError: the run's answers are of another kind, or a setting of something else.
    """
    if not kind_of(task.answer).generates:
        raise TaskError(
            f"{folder}: the answers of this run are {task.answer.plural}; only how free text is found can be set here.",
            "Leave --set out.",
        )
    other = next((own for own in overrides if not own.startswith("answer.") or own.startswith("answer.kind")), None)
    if other:
        raise TaskError(f"'{other}' cannot be set for a run that is tuned.", "Only settings of `answer` can.")
    return read_task(folder / TASK_FILE, overrides)


def run(
    engine: Engine, source: str | Path | RowsInMemory, *, batch: int = 32, base: Path | str | None = None
) -> Iterator[dict[str, object]]:
    """Answer a stream of rows.

    Args:
        engine: from `open_engine`.
        source: a file, or `-` for standard input; or rows in memory (see `trimtab.jobs.tune.run`).
        batch: rows answered together; 1 answers each as soon as it is read.
        base: folder at which a relative path starts.

    Yields:
        For each row, in order: `{"label": ..., "probability": ..., "probabilities": {...}}`, where answers are sets of
        labels `{"labels": [...], "probabilities": {...}}`, where they are choices
        `{"option": ..., "index": ..., ...}` likewise, where they are numbers `{"number": ...}`, where they are tags
        `{"tokens": [...], "tags": [...], "entities": [...]}`, where they are spans `{"text": ..., "start": ...,
        "end": ..., "probability": ...}`, where they are free text `{"text": ..., "ended": ...,
        "log_likelihood": ...}` and, if several, `"texts"`; with `cut_tokens` where the text was shortened to fit; or
        `{"error": ..., "where": ...}` in place of a row that cannot be answered. `row` holds the columns that no field
        is read from, where there are some.

    Raises:
        TrimtabError: if the source cannot be read at all.
    """
    given = str(source) if isinstance(source, Path) else source
    place = None if base is None else Path(base)
    return answers(engine.runs[NAME].task, given, lambda: engine, batch=batch, base=place)


def answers(
    task: Task, source: str | RowsInMemory, opened: Callable[[], Engine], *, batch: int = 32, base: Path | None = None
) -> Iterator[dict[str, object]]:
    """Answer a stream of rows as `run` does, with an engine that is opened when it is needed.

    Args:
        task: that of the run, from `task_of`.
        source: a file, or `-` for standard input; or rows in memory.
        opened: called once: where the first row of a file can be answered, or before standard input is read, so that
            its first row need not wait.
        batch, base: see `run`.

    Raises:
        TrimtabError: at the call, if there is no such source; later, if it cannot be read, and what `opened` raises.
    """
    read = _read_columns(task)
    pairs = answered_rows(task, source, opened, batch=batch, base=base)
    return (answer | _others(row, read) for row, answer in pairs)


def all_answers(
    task: Task, opened: Callable[[], Engine], given: Sequence[str], source: str | None, *, batch: int = 32
) -> Iterator[tuple[Mapping[str, object], dict[str, object]]]:
    """Rows and their answers: texts given directly, then those of a source, by default of standard input alone.

    Args:
        task: that of the run, from `task_of`.
        opened: see `answers`; called for both.
        given: texts, for a task with one input field.
        source: a file, `-`, or None.
        batch: see `run`.

    Raises:
        TrimtabError: as `texts` and `answers` do.
    """
    if given:
        field = only_field(task)
        for text, answer in zip(given, texts(opened(), given), strict=True):
            yield {field: text}, answer
    if source is not None or not given:
        read = _read_columns(task)
        for row, answer in answered_rows(task, source or "-", opened, batch=batch):
            yield row, answer | _others(row, read)


def _read_columns(task: Task) -> set[str]:
    """The columns that fields are read from."""
    return {task.data.columns.get(field, field) for field in kind_of(task.answer).template(task).fields}


def _others(row: Mapping[str, object], read: Collection[str]) -> dict[str, object]:
    """The columns of a row that are not read, as they are written beside its answer."""
    others = {column: value for column, value in row.items() if column not in read}
    return {"row": others} if others else {}


def answered_rows(
    task: Task, source: str | RowsInMemory, opened: Callable[[], Engine], *, batch: int = 32, base: Path | None = None
) -> Iterator[tuple[Mapping[str, object], dict[str, object]]]:
    """Every row as it was read (nothing where it could not be) and its answer; the rest is as for `answers`."""
    settings = task.data
    given = source if isinstance(source, str) else InMemory("rows", source)
    records = read_records(
        given, base=base or Path.cwd(), format=settings.format if given == "-" else "auto",
        encoding=settings.encoding, tolerant=True,
    )  # fmt: skip
    return _answers(task, records, opened, batch, at_once=given == "-")


def _answers(
    task: Task, records: Iterator[Record | BadRecord], opened: Callable[[], Engine], batch: int, *, at_once: bool
) -> Iterator[tuple[Mapping[str, object], dict[str, object]]]:
    kind = kind_of(task.answer)
    fields = kind.template(task).fields

    def example(found: Record | BadRecord) -> Example | dict[str, object]:
        """A record to answer, or what is wrong with it."""
        if isinstance(found, BadRecord):
            return {"error": found.error, "where": found.where}
        try:
            return to_example(found, fields, task.data, kind, need_answer=False, read_answer=False)
        except TrimtabError as error:
            return {"error": str(error), "where": found.where}

    engine = opened() if at_once else None
    while chunk := list(islice(records, batch)):
        made = [example(one) for one in chunk]
        if engine is None and any(isinstance(one, Example) for one in made):
            engine = opened()
        said = _answered(engine, made) if engine else (one for one in made if isinstance(one, dict))
        for one, answer in zip(chunk, said, strict=True):
            yield one.values if isinstance(one, Record) else {}, answer


def _answered(engine: Engine, made: Sequence[Example | dict[str, object]]) -> Iterator[dict[str, object]]:
    """What is said of rows answered together, those among them that cannot be read as they are."""
    bound = engine.runs[NAME]
    fitting = [_fitting(bound, one) if isinstance(one, Example) else one for one in made]
    predictions = iter(engine.answer_examples(NAME, [one for one in fitting if isinstance(one, Example)]))
    for one in fitting:
        yield one if isinstance(one, dict) else record(bound, next(predictions))


def _fitting(bound: BoundTask, example: Example) -> Example | dict[str, object]:
    """A row to answer, or why it cannot be: one that does not fit behind the prompt, say."""
    try:
        bound.encode([example])
    except TrimtabError as error:
        return {"error": str(error), "where": example.where}
    return example


def texts(engine: Engine, given: Sequence[str]) -> Iterator[dict[str, object]]:
    """Answer texts given directly, for tasks with one input field. Raises TaskError as `only_field` does."""
    from trimtab.inference.request import Request

    bound = engine.runs[NAME]
    field = only_field(bound.task)
    for prediction in engine.answer([Request(NAME, {field: text}, f"text {i}") for i, text in enumerate(given, 1)]):
        yield record(bound, prediction)


def only_field(task: Task) -> str:
    """The one input field of a task. Raises TaskError where there are more, or a text alone is no row."""
    kind = kind_of(task.answer)
    fields = kind.template(task).fields
    if kind.own_options:
        raise TaskError(
            "this task chooses among the options of a row, and a text alone has none.",
            "Give a file, or JSON lines on standard input.",
        )
    if len(fields) != 1:
        raise TaskError(
            f"this task reads {len(fields)} fields ({', '.join(fields)}), not one text.",
            "Give a file, or JSON lines on standard input.",
        )
    return fields[0]
