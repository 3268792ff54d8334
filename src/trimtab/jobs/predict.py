"""`trimtab predict`: answer rows from a file or standard input, one JSON record a row, in the same order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from trimtab.backbones.open import Progress, backbone_of
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import BadRecord, Record, read_records, to_example
from trimtab.errors import TrimtabError
from trimtab.inference.bound import BoundTask
from trimtab.inference.engine import Engine, Prediction, Request
from trimtab.inference.tagging import Tagged, Tokens
from trimtab.runs.folder import TASK_FILE
from trimtab.runs.run import load_run
from trimtab.settings.answers import ChoiceAnswer, TextAnswer
from trimtab.settings.file import read_task
from trimtab.settings.task import Task

NAME = "run"


def open_engine(
    folder: Path,
    overrides: Sequence[str] = (),
    *,
    offline: bool = False,
    agree: bool = False,
    pretrained: Pretrained | None = None,
    progress: Progress | None = None,
) -> Engine:
    """An engine with one run loaded.

    Args:
        folder: the run.
        overrides: settings of how free text is found, `answer.temperature=0.8` say, in place of the run's.
        offline, agree: see `trimtab.sources.find_model`.
        pretrained: a backbone in memory, where the caller has one.
        progress: told what is being done.

    Raises:
        TrimtabError: whatever is wrong with the run, its backbone or the overrides.
    """
    tuned = load_run(folder)
    if overrides:
        tuned = replace(tuned, task=decoding_otherwise(tuned.task, folder, overrides))
    if pretrained is None:
        pretrained = backbone_of(tuned.task, Path.cwd(), offline=offline, agree=agree, progress=progress)
    engine = Engine(pretrained)
    engine.add(NAME, tuned)
    return engine


def decoding_otherwise(task: Task, folder: Path, overrides: Sequence[str]) -> Task:
    """The run's task with other settings of how free text is found; what was trained stays.

    Raises:
        TrimtabError: the run's answers are of another kind, or a setting of something else.
    """
    if not isinstance(task.answer, TextAnswer):
        raise TrimtabError(
            f"{folder}: the answers of this run are {task.answer.plural}; only how free text is found can be set here.",
            "Leave --set out.",
        )
    other = next((own for own in overrides if not own.startswith("answer.") or own.startswith("answer.kind")), None)
    if other:
        raise TrimtabError(f"'{other}' cannot be set for a run that is tuned.", "Only settings of `answer` can.")
    return read_task(folder / TASK_FILE, overrides)


def run(engine: Engine, source: str, *, batch: int = 32, base: Path | None = None) -> Iterator[dict[str, object]]:
    """Answer a stream of rows.

    Args:
        engine: from `open_engine`.
        source: a file, or `-` for standard input.
        batch: rows answered together; 1 answers each as soon as it is read.
        base: folder at which a relative path starts.

    Yields:
        For each row, in order: `{"label": ..., "probability": ..., "probabilities": {...}}`, where answers are choices
        `{"option": ..., "index": ..., ...}` likewise, where they are numbers `{"number": ...}`, where they are tags
        `{"tokens": [...], "tags": [...], "entities": [...]}`, where they are free text `{"text": ..., "ended": ...,
        "log_likelihood": ...}` and, if several, `"texts"`; with `cut_tokens` where the text was shortened to fit; or
        `{"error": ..., "where": ...}` in place of a row that cannot be answered.

    Raises:
        TrimtabError: if the source cannot be read at all.
    """
    bound = engine.runs[NAME]
    settings = bound.task.data
    records = read_records(
        source, base=base or Path.cwd(), format=settings.format if source == "-" else "auto",
        encoding=settings.encoding, tolerant=True,
    )  # fmt: skip
    while chunk := list(islice(records, batch)):
        requests: list[Request] = []
        answers: list[dict[str, object] | None] = []
        for record in chunk:
            made = _request(engine, record)
            answers.append(made if isinstance(made, dict) else None)
            if isinstance(made, Request):
                requests.append(made)
        predictions = iter(engine.answer(requests) if requests else [])
        for answer in answers:
            yield answer if answer is not None else _answer(bound, next(predictions))


def _request(engine: Engine, record: Record | BadRecord) -> Request | dict[str, object]:
    if isinstance(record, BadRecord):
        return {"error": record.error, "where": record.where}
    bound = engine.runs[NAME]
    try:
        example = to_example(
            record, bound.template.fields, bound.task.data, bound.task.answer, need_answer=False,
            read_answer=bound.task.answer.kind == "label",
        )  # fmt: skip
        if bound.choice or bound.tags:
            tokens = Tokens.of(example.tokens, example.fields.get(bound.template.tagged, "")).texts
            bound.encode([(example.fields, example.where)], [example.options], [tokens])
        else:
            bound.encoder.encode(example.fields, example.where)
    except TrimtabError as error:
        return {"error": str(error), "where": record.where}
    return Request(NAME, example.fields, record.where, example.options, example.tokens)


def _answer(bound: BoundTask, prediction: Prediction) -> dict[str, object]:
    answer: dict[str, object]
    if prediction.texts:
        each = [
            {"text": t.text, "ended": t.ended, "log_likelihood": round(t.log_likelihood, 4)} for t in prediction.texts
        ]
        answer = {**each[0], "texts": each} if len(each) > 1 else dict(each[0])
    elif prediction.tagged is not None:
        answer = _tagged(prediction.tagged, plain=bound.tags is not None and bound.tags.scheme == "plain")
    elif prediction.number is not None:
        answer = {"number": float(f"{prediction.number:.6g}")}
    else:
        kind = bound.task.answer
        found = (
            {"option": prediction.label, "index": (prediction.index or 0) + kind.first}
            if isinstance(kind, ChoiceAnswer)
            else {"label": prediction.label}
        )
        answer = {
            **found,
            "probability": round(prediction.probability, 6),
            "probabilities": {label: round(p, 6) for label, p in prediction.probabilities.items()},
        }
    if prediction.cut_tokens:
        answer["cut_tokens"] = prediction.cut_tokens
    return answer


def _tagged(found: Tagged, plain: bool) -> dict[str, object]:
    answer: dict[str, object] = {"tokens": list(found.tokens), "tags": list(found.tags)}
    if plain:
        answer["probabilities"] = [round(p, 6) for p in found.probabilities]
    else:
        answer["entities"] = [
            {"type": e.type, "start": e.start, "end": e.end, "text": e.text, "probability": round(e.probability, 6)}
            | ({"characters": list(e.characters)} if e.characters else {})
            for e in found.entities
        ]
    return answer


def texts(engine: Engine, given: Sequence[str]) -> Iterator[dict[str, object]]:
    """Answer texts given directly, for tasks with one input field. Raises TrimtabError where there are more."""
    bound = engine.runs[NAME]
    fields = bound.template.fields
    if bound.choice:
        raise TrimtabError(
            "this task chooses among the options of a row, and a text alone has none.",
            "Give a file, or JSON lines on standard input.",
        )
    if len(fields) != 1:
        raise TrimtabError(
            f"this task reads {len(fields)} fields ({', '.join(fields)}), not one text.",
            "Give a file, or JSON lines on standard input.",
        )
    for prediction in engine.answer([Request(NAME, {fields[0]: text}, f"text {i}") for i, text in enumerate(given, 1)]):
        yield _answer(bound, prediction)
