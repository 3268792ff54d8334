"""`trimtab perplexity`: how likely texts, or the answers of rows, are under a run or a bare backbone.

    sources looked at -> scorer -> likelihoods

What needs torch is imported with the scorer, so that a missing file, a wrong column or a wrong answer is told before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from trimtab.data import Example, Record, read_records, to_example
from trimtab.data.files import Format, find_file, holds_rows, matching
from trimtab.data.mapping import field_text
from trimtab.data.plain_text import read_text
from trimtab.data.records import source_name
from trimtab.data.values import no_column
from trimtab.errors import TrimtabError
from trimtab.kinds.choose import kind_of
from trimtab.runs.folder import PROMPT_FILE, TASK_FILE
from trimtab.runs.run import Run, described, load_run
from trimtab.settings.task import DataSettings, Precision, Task
from trimtab.sources.places import local_or_known

if TYPE_CHECKING:
    from trimtab.backbones.open import Progress
    from trimtab.backbones.pretrained import Pretrained
    from trimtab.inference.perplexity import Likelihood, TextScorer

FIELD = "text"


@dataclass(frozen=True)
class Scored:
    """A text, or the answers of a row, and how likely they are; `where` they come from."""

    where: str
    likelihood: Likelihood

    def to_dict(self) -> dict[str, object]:
        """As `--per-row` and `--json` print it: figures are null where nothing was scored."""
        own = self.likelihood
        figures = {"loss": own.loss, "perplexity": own.perplexity, "bits_per_byte": own.bits_per_byte}
        rounded = {name: None if x is None else float(f"{x:.6g}") for name, x in figures.items()}
        return {"where": self.where, "tokens": own.tokens, "bytes": own.bytes, **rounded}


def open_scorer(
    name: str,
    *,
    precision: Precision = "float32",
    offline: bool = False,
    agree: bool = False,
    pretrained: Pretrained | None = None,
    progress: Progress | None = None,
) -> TextScorer:
    """A scorer with a run, where `name` is its folder, or else with a bare backbone of that name.

    By default it computes in float32, whatever the run was trained in: in bfloat16 two or three digits are right.

    Raises:
        TrimtabError: whatever is wrong with the run or its backbone.
    """
    from trimtab.backbones.open import backbone_of, open_backbone
    from trimtab.inference.perplexity import TextScorer

    run: Run | None = load_run(Path(name)) if _is_run(name) else None
    if pretrained is None:
        here = Path.cwd()
        pretrained = (
            backbone_of(run.task, here, precision=precision, offline=offline, agree=agree, progress=progress)
            if run
            else open_backbone(
                local_or_known(name, here), precision=precision, offline=offline, agree=agree, progress=progress
            )
        )
    return TextScorer(pretrained, run)


def look_at(
    name: str,
    sources: Sequence[str],
    *,
    field: str | None = None,
    format: Format | Literal["text"] = "auto",
    encoding: str = "utf-8",
    base: Path | None = None,
) -> None:
    """See whether sources can be scored by what `open_scorer` opens under this name, before it is opened.

    Files of rows are read through; of a text only that it is there. Standard input, and what is no plain file, can be
    read only once and is left alone.

    Args:
        name: see `open_scorer`.
        sources: see `run`, likewise the others.

    Raises:
        TrimtabError: as `run`, for what does not depend on a backbone.
    """
    base = base or Path.cwd()
    task, words = described(Path(name)) if _is_run(name) else (None, {})
    for source in sources:
        if _is_text(source, field, format):
            read_text(source, base=base, encoding=encoding)
            continue
        rows = read_records(source, base=base, format=format, encoding=encoding)  # type: ignore[arg-type]  # no text
        files = () if source == "-" or source.startswith("hub:") else matching(source, base)
        if not files or not all(find_file(one, base).is_file() for one in files):
            continue
        read = _text_reader(field or FIELD) if field or task is None else _answer_reader(task, words)
        for row in rows:
            assert isinstance(row, Record)
            read(row)


def run(
    scorer: TextScorer,
    source: str,
    *,
    field: str | None = None,
    format: Format | Literal["text"] = "auto",
    encoding: str = "utf-8",
    context: int | None = None,
    stride: int | None = None,
    base: Path | str | None = None,
    on_row: Callable[[Scored], None] | None = None,
    progress: Progress | None = None,
) -> Scored:
    """Score a source: a plain text as a whole, or rows one by one.

    Args:
        scorer: from `open_scorer`.
        source: a file, or `-` for standard input.
        field: column whose texts are scored. Without it a run's rows are scored by their answers, given their inputs,
            and a bare backbone's by the column `text`.
        format: `text` for a plain text; `auto` goes by the file name's ending, and takes what it does not know for one.
        encoding: text encoding.
        context, stride: see `TextScorer.texts`.
        base: folder at which a relative path starts.
        on_row: told of each row, or of the text, as it is scored.
        progress: told how far it is.

    Returns:
        All of it together.

    Raises:
        TrimtabError: a source that cannot be read, the first row that cannot be scored, or nothing to score at all.
    """
    from trimtab.inference.perplexity import Likelihood

    base, name, total = Path(base or Path.cwd()), source_name(source), Likelihood()
    found: Iterator[Scored]
    if _is_text(source, field, format):
        told = (lambda done, size: progress(name, done, size)) if progress else None
        pieces = read_text(source, base=base, encoding=encoding, on_bytes=told)
        found = (Scored(name, own) for own in scorer.texts([pieces], context=context, stride=stride))
    else:
        rows = read_records(source, base=base, format=format, encoding=encoding)  # type: ignore[arg-type]  # no text
        found = _rows(scorer, (row for row in rows if isinstance(row, Record)), field, context, stride, progress)
    for scored in found:
        total += scored.likelihood
        if on_row:
            on_row(scored)
    if not total.tokens:
        raise TrimtabError(f"{name}: nothing to score.", "It is empty, or a single token with nothing before it.")
    return Scored(name, total)


def _is_text(source: str, field: str | None, format: str) -> bool:
    """Whether a source is a plain text and no rows."""
    if format == "auto":
        return field is None and not holds_rows(source)
    return format == "text"


def _is_run(name: str) -> bool:
    """Whether this is a run's folder, and no backbone."""
    return any((Path(name) / file).is_file() for file in (TASK_FILE, PROMPT_FILE))


def _rows(
    scorer: TextScorer, records: Iterator[Record], field: str | None, context: int | None, stride: int | None,
    progress: Progress | None,
) -> Iterator[Scored]:  # fmt: skip
    """Rows by a field, or by their answers."""
    places: deque[str] = deque()

    def noted() -> Iterator[Record]:
        for record in records:
            places.append(record.where)
            yield record

    if field is None and scorer.run is not None:
        found = scorer.answers(map(_answer_reader(scorer.run.task, scorer.run.words), noted()))
    else:
        texts = map(_text_reader(field or FIELD), noted())
        found = scorer.texts(([text] for text in texts), context=context, stride=stride)
    for i, likelihood in enumerate(found, 1):
        if progress:
            progress("rows", i, None)
        yield Scored(places.popleft(), likelihood)


def _answer_reader(task: Task, words: Mapping[str, Sequence[str]]) -> Callable[[Record], Example]:
    """What reads rows with their answers: raises TrimtabError where there is none, or one that a run cannot give."""
    kind = kind_of(task.answer)
    fields = kind.template(task).fields

    def read(record: Record) -> Example:
        example = to_example(record, fields, task.data, kind, need_answer=True)
        kind.check_rows([example], words)
        return example

    return read


def _text_reader(column: str) -> Callable[[Record], str]:
    """What reads the texts of rows: raises TrimtabError where the column is not there, or holds none."""

    def read(record: Record) -> str:
        if not record.has(column):
            raise no_column(record, column, "the text", "Name one of them with --field.")
        return field_text(record, column, DataSettings())

    return read
