"""`trimtab export` and `trimtab import`: runs in other programs' formats, and PEFT's adapters as runs.

What needs torch is imported once the task, its rows and the folders have been looked at.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from trimtab.data import load_splits
from trimtab.errors import TrimtabError
from trimtab.interchange.adapter import read_adapter, write_adapter
from trimtab.kinds.choose import kind_of
from trimtab.runs.run import Run, load_run, save_run
from trimtab.runs.tensors import as_os_error
from trimtab.settings.methods import METHODS, need_extra
from trimtab.settings.task import Task
from trimtab.sources.places import absolute, local_or_known

if TYPE_CHECKING:
    from trimtab.backbones.open import Progress
    from trimtab.backbones.pretrained import Pretrained

Format = Literal["peft", "merged", "text"]
WORDS_FILE, CARD_FILE = "nearest-tokens.json", "README.md"


def export(
    folder: Path | str,
    out: Path | str,
    *,
    format: Format = "peft",
    offline: bool = False,
    agree: bool = False,
    pretrained: Pretrained | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Write a run for other programs.

    Args:
        folder: the run folder.
        out: folder to write; must not exist or be empty. It is complete or absent afterwards.
        format: `peft`, an adapter and a README; `merged`, a whole model in float32 and a README; `text`, the nearest
            tokens to a soft prompt as JSON.
        offline, agree: see `trimtab.sources.find_model`.
        pretrained: a backbone in memory, where the caller has one; loaded in float32 otherwise.
        progress: told what is being done.

    Returns:
        Names of the files written.

    Raises:
        TrimtabError: whatever is wrong with the run, its backbone or the folder; the format cannot express the method.
    """
    folder, out = Path(folder), Path(out)
    run = load_run(folder)
    if format != "text":
        _refuse_heads(run.task)
    _check_empty(out)
    if pretrained is None:
        from trimtab.backbones.open import backbone_of

        exact = run.task.model_copy(update={"train": run.task.train.model_copy(update={"precision": "float32"})})
        pretrained = backbone_of(exact, Path.cwd(), offline=offline, agree=agree, progress=progress)
    if format != "text":
        _need_causal(run.task, pretrained)
    with _whole(out) as work:
        _write(work, run, pretrained, format)
        return sorted(path.name for path in work.iterdir())


def _write(work: Path, run: Run, pretrained: Pretrained, format: Format) -> None:
    from trimtab.interchange.card import card
    from trimtab.interchange.merged import write_merged
    from trimtab.interchange.nearest import describe
    from trimtab.interchange.peft import to_adapter
    from trimtab.kinds.bind import bind

    if format == "text":
        content = json.dumps(describe(run, pretrained), ensure_ascii=False, indent=1) + "\n"
        (work / WORDS_FILE).write_text(content, encoding="utf-8")
        return
    _need_words(pretrained)
    leading = 0
    if format == "peft":
        adapter = to_adapter(run, pretrained)
        write_adapter(work, adapter)
        leading = adapter.leading
    else:
        write_merged(work, run, pretrained)
    bound = bind(run.task, run.words, pretrained)
    text = card(run, bound, merged=format == "merged", leading=leading)
    (work / CARD_FILE).write_text(text, encoding="utf-8")


def import_(
    adapter: Path | str,
    task: Task,
    out: Path | str,
    *,
    base: Path | str,
    offline: bool = False,
    agree: bool = False,
    pretrained: Pretrained | None = None,
    progress: Progress | None = None,
) -> tuple[Run, list[str]]:
    """Make a run folder of a PEFT adapter.

    Args:
        adapter: the adapter's folder.
        task: backbone, template, labels and data; its method gives way to what the adapter is.
        out: run folder to write; must not exist or be empty.
        base: folder at which the task's relative paths start.
        offline, agree: see `trimtab.sources.find_model`.
        pretrained: a backbone in memory, where the caller has one.
        progress: told what is being done.

    Returns:
        The run, and notes on what is other than it may seem.

    Raises:
        TrimtabError: whatever is wrong with the adapter, the settings, the backbone or the folder.
    """
    adapter, out, base = Path(adapter), Path(out), Path(base)
    _refuse_heads(task)
    _check_empty(out)
    words = _words(task, base)
    read = read_adapter(adapter)
    if (method := METHODS.get(str(read.config["peft_type"]).lower())) is not None:
        need_extra(method)

    from trimtab.backbones.open import backbone_of
    from trimtab.interchange.imported import from_adapter

    if pretrained is None:
        pretrained = backbone_of(task, base, offline=offline, agree=agree, progress=progress)
    _need_words(pretrained)
    run, notes = from_adapter(read, str(adapter), _anywhere(task, words, base), words, pretrained)
    with _whole(out) as work:
        save_run(work, run)
    return replace(run, name=str(out)), notes


def _words(task: Task, base: Path) -> dict[str, list[str]]:
    """Label -> words; the data is read only where the task does not give them."""
    kind = kind_of(task.answer)
    fields = kind.template(task).fields
    if not kind.counted_by_label or task.labels.words is not None:
        return kind.words(task, ())
    return kind.words(task, load_splits(task.data, fields, kind, base=base).train)


def _anywhere(task: Task, words: Mapping[str, list[str]], base: Path) -> Task:
    """The task as it can be run from any folder."""
    places = {part: absolute(getattr(task.data, part), base) for part in ("train", "dev", "test")}
    return task.model_copy(
        update={"backbone": local_or_known(task.backbone, base), "data": task.data.model_copy(update=places),
                "labels": task.labels.model_copy(update={"words": dict(words) or None})}
    )  # fmt: skip


def _refuse_heads(task: Task) -> None:
    if kind_of(task.answer).headed:
        raise TrimtabError(
            f"the answers of this task are {task.answer.plural}, said by a linear layer of the run's own, which "
            "neither PEFT nor a model class of transformers has a place for.",
            "Answer with the run itself: trimtab predict.",
        )


def _need_words(pretrained: Pretrained) -> None:
    if not pretrained.backbone.scores_words:
        raise TrimtabError(
            f"{pretrained.name}: an encoder without a language-model head, whose labels are scored by a linear layer "
            "on the mean hidden state; neither PEFT nor a model class of transformers has a place for it.",
            "Answer with the run itself: trimtab predict.",
        )


def _need_causal(task: Task, pretrained: Pretrained) -> None:
    if kind_of(task.answer).generates and pretrained.backbone.answer_place == "apart":
        raise TrimtabError(
            f"{pretrained.name}: {pretrained.backbone.title}, on which runs that answer in free text are not exported.",
            "Answer with the run itself: trimtab predict.",
        )


def _check_empty(out: Path) -> None:
    if out.is_file():
        raise TrimtabError(f"{out}: a file, not a folder.", "Choose another folder.")
    if out.is_dir() and any(out.iterdir()):
        raise TrimtabError(f"{out}: the folder is not empty.", "Choose another folder.")


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A folder to write into that becomes `out` at the end, as readable as the umask has it, or is gone on failure."""
    from safetensors import SafetensorError

    work = out.with_name(f".{out.name}-{uuid.uuid4().hex[:8]}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work.mkdir()
    except OSError as error:
        raise TrimtabError(f"{out}: cannot be written ({error.strerror}).", "Choose another folder.") from None
    try:
        yield work
        for file in work.iterdir():  # safetensors would keep others from reading
            file.chmod(work.stat().st_mode & 0o666)
        work.replace(out)
    except (OSError, SafetensorError) as error:
        found = error if isinstance(error, OSError) else as_os_error(error)
        raise TrimtabError(
            f"{out}: cannot be written ({found.strerror or found}).", "Free some space, or choose another folder."
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
