"""`trimtab perplexity`: how likely texts, or the answers of rows, are under a run or a bare backbone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trimtab.backbones.open import Progress, backbone_of, local_or_known, open_backbone
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example, Record, check_labels, read_records, to_example
from trimtab.data.lines import Encoding
from trimtab.data.plain_text import read_text
from trimtab.data.records import ROW_ENDINGS, Format, source_name
from trimtab.data.values import no_column
from trimtab.errors import TrimtabError
from trimtab.inference.bound import template_of
from trimtab.inference.perplexity import Likelihood, TextScorer
from trimtab.runs.folder import PROMPT_FILE, TASK_FILE
from trimtab.runs.run import Run, load_run
from trimtab.settings.task import DataSettings

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
    offline: bool = False,
    agree: bool = False,
    pretrained: Pretrained | None = None,
    progress: Progress | None = None,
) -> TextScorer:
    """A scorer with a run, where `name` is its folder, or else with a bare backbone of that name.

    Raises:
        TrimtabError: whatever is wrong with the run or its backbone.
    """
    folder = Path(name)
    run: Run | None = None
    if any((folder / file).is_file() for file in (TASK_FILE, PROMPT_FILE)):
        run = load_run(folder)
    if pretrained is None:
        here = Path.cwd()
        pretrained = (
            backbone_of(run.task, here, offline=offline, agree=agree, progress=progress)
            if run
            else open_backbone(local_or_known(name, here), offline=offline, agree=agree, progress=progress)
        )
    return TextScorer(pretrained, run)


def run(
    scorer: TextScorer,
    source: str,
    *,
    field: str | None = None,
    format: Format | Literal["text"] = "auto",
    encoding: Encoding = "utf-8",
    context: int | None = None,
    stride: int | None = None,
    base: Path | None = None,
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
    base, name, total = base or Path.cwd(), source_name(source), Likelihood()
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
        return field is None and Path(source).suffix.lower() not in ROW_ENDINGS
    return format == "text"


def _rows(
    scorer: TextScorer, records: Iterator[Record], field: str | None, context: int | None, stride: int | None,
    progress: Progress | None,
) -> Iterator[Scored]:  # fmt: skip
    """Rows by a field, or by their answers."""
    places: deque[str] = deque()

    def noted(example: Example) -> Example:
        places.append(example.where)
        return example

    if field is None and scorer.run is not None:
        task, words = scorer.run.task, list(scorer.run.words)
        fields = template_of(task).fields

        def read(record: Record) -> Example:
            example = to_example(record, fields, task.data, task.answer, need_answer=True)
            check_labels([example], words)
            return noted(example)

        found = scorer.answers(map(read, records))
    else:
        column = field or FIELD

        def text(record: Record) -> list[str]:
            if column not in record.values:
                raise no_column(record, column, "the text", "Name one of them with --field.")
            example = to_example(record, [column], DataSettings(), need_answer=False, read_answer=False)
            return [noted(example).fields[column]]

        found = scorer.texts(map(text, records), context=context, stride=stride)
    for i, likelihood in enumerate(found, 1):
        if progress:
            progress("rows", i, None)
        yield Scored(places.popleft(), likelihood)
