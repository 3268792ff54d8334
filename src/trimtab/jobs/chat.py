"""`trimtab chat`: talk to runs, or to a bare backbone: who is there, what was said. Knows nothing about terminals."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from trimtab.backbones.open import Progress, backbone_of
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Message, as_field
from trimtab.data.dialogues import as_objects
from trimtab.errors import TrimtabError, did_you_mean
from trimtab.inference.engine import Engine
from trimtab.inference.request import Request
from trimtab.jobs.predict import decoding_otherwise
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.choose import kind_of, template_of
from trimtab.kinds.texts import MOST_TOKENS
from trimtab.prompts import DIALOGUE, is_dialogue
from trimtab.runs.run import load_run, zero_shot
from trimtab.settings.file import make_task
from trimtab.settings.task import Precision, Task

try:
    import fcntl
except ImportError:  # Windows: two that write into one file at a moment may mix their lines
    fcntl = None  # type: ignore[assignment]

# Name of the backbone without a run.
BARE = "backbone"
ALL = "all"


@dataclass
class Speaker:
    """A run, or the bare backbone, and what was said to it and by it.

    Attributes:
        bound: its task.
        dialogue: whether it reads what was said before; else each message alone.
        messages: what was said, the user and the assistant in turn.
        left_out: how many of the first messages it no longer reads, as its context is full.
    """

    bound: BoundTask
    dialogue: bool
    messages: list[Message] = field(default_factory=list)
    left_out: int = 0

    def records(self) -> list[dict[str, object]]:
        """What was said, as records to tune on; each message and its answer apart, where they were read so."""
        step = len(self.messages) if self.dialogue else 2
        starts = range(0, len(self.messages), max(step, 1))
        return [{"messages": as_objects(self.messages[at : at + step])} for at in starts]


class Talk:
    """Runs that are talked to.

    Args:
        engine: knows them, each under its name.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.speakers = {
            name: Speaker(bound, is_dialogue(bound.task.template.text)) for name, bound in engine.runs.items()
        }
        self.chosen = list(self.speakers)

    def use(self, name: str) -> None:
        """Talk to one run from now on, or to `all`. Raises TrimtabError where there is none of the name."""
        if name != ALL and name not in self.speakers:
            hint = did_you_mean(name, [*self.speakers, ALL]) or f"There are {', '.join([*self.speakers, ALL])}."
            raise TrimtabError(f"no run named '{name}' is here.", hint)
        self.chosen = list(self.speakers) if name == ALL else [name]

    def reset(self) -> None:
        """Forget what was said to and by the runs that are talked to."""
        for name in self.chosen:
            self.speakers[name].messages, self.speakers[name].left_out = [], 0

    def ask(self, name: str, text: str) -> tuple[int, Generator[str, None, None]]:
        """Say something to a run.

        What it says is remembered, as far as it was read from the generator; with no answer, neither is the message.

        Returns:
            How many more of the first messages are no longer read than before, and the answer in pieces.

        Raises:
            TrimtabError: the message does not fit into the context.
        """
        speaker = self.speakers[name]
        asked = [*speaker.messages, Message("user", text)]
        [own] = speaker.bound.template.fields
        fields = {own: as_field(asked) if speaker.dialogue else text}
        row = speaker.bound.asked(Request(name, fields, "message"))
        more = max(0, row.dropped - speaker.left_out)
        speaker.left_out += more
        decoding = speaker.bound.kind.generating(speaker.bound, None).settings
        decoding = decoding.model_copy(update={"seed": decoding.seed + len(asked) // 2})
        return more, self._said(speaker, asked, Request(name, fields, "message", decoding=decoding))

    def _said(self, speaker: Speaker, asked: list[Message], request: Request) -> Generator[str, None, None]:
        said = ""
        try:
            for piece in self._engine.stream(request):
                said += piece
                yield piece
        finally:
            if said.strip():
                speaker.messages = [*asked, Message("assistant", said.strip())]

    def save(self, path: Path) -> int:
        """Append what was said to a file of JSON Lines, a dialogue a line, whole or not at all; returns how many.

        Raises:
            TrimtabError: nothing was said, or the file cannot be written.
        """
        records = [
            {**record, "run": name} for name in self.chosen for record in self.speakers[name].records()
        ]  # fmt: skip
        if not records:
            raise TrimtabError("nothing was said yet.", "Talk first.")
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        try:
            _append(path.expanduser(), lines.encode("utf-8", "replace"))
        except OSError as error:
            raise TrimtabError(f"{path}: cannot be written ({error.strerror}).", "Choose another file.") from None
        return len(records)


def _append(path: Path, content: bytes) -> None:
    """Put `content` behind a file, on a line of its own; where that fails, the file is as it was."""
    with path.open("a+b", buffering=0) as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            content = content if file.read(1) == b"\n" else b"\n" + content
        try:
            if file.write(content) < len(content):
                raise OSError(0, "no space left")
            os.fsync(file)
        except OSError:
            file.truncate(size)
            raise


def open_talk(
    runs: Sequence[Path],
    backbone: str | None = None,
    decoding: Mapping[str, object] | None = None,
    *,
    precision: Precision | None = None,
    offline: bool = False,
    agree: bool = False,
    pretrained: Pretrained | None = None,
    progress: Progress | None = None,
) -> Talk:
    """Load what is to be talked to.

    Args:
        runs: run folders, all on one backbone; each is named after its folder.
        backbone: name of a backbone to talk to as it is, beside them or alone.
        decoding: settings of `answer` that say how text is found, `temperature` say, in place of the runs' own.
        precision: what to compute in; by default what the first run was trained in.
        offline, agree: see `trimtab.sources.find_model`.
        pretrained: the backbone in memory, where the caller has it.
        progress: told what is being done.

    Raises:
        TrimtabError: nothing to talk to, a run that does not answer in text or reads several fields, or whatever is
            wrong with runs, backbone or settings.
    """
    loaded = [load_run(folder) for folder in runs]
    if not loaded and backbone is None:
        raise TrimtabError("there is nothing to talk to.", "Name a run, or a backbone with --backbone.")
    decoding = decoding or {}
    tuned = [replace(run, task=_talking(run.task, folder, decoding)) for run, folder in zip(loaded, runs, strict=True)]
    if pretrained is None:  # opened as the first run's task says
        opened = tuned[0].task if tuned else Task()
        opened = opened.model_copy(update={"backbone": backbone}) if backbone is not None else opened
        pretrained = backbone_of(
            opened, Path.cwd(), precision=precision, offline=offline, agree=agree, progress=progress
        )
    engine = Engine(pretrained)
    for run, folder in zip(tuned, runs, strict=True):
        engine.add(_free_name(folder.resolve().name, engine), run)
    if backbone is not None:
        most = min(MOST_TOKENS, pretrained.backbone.context // 2)
        answer = {"kind": "text", "max_tokens": most, **decoding}
        task = make_task({"template": {"text": DIALOGUE}, "answer": answer}, "chat")
        engine.add(_free_name(BARE, engine), zero_shot(task, {}, pretrained))
    return Talk(engine)


def _talking(task: Task, folder: Path, decoding: Mapping[str, object]) -> Task:
    """The task of a run that can be talked to, with other settings of how its text is found."""
    fields = template_of(task).fields
    if not kind_of(task.answer).generates or len(fields) != 1:
        found = f"answers with {task.answer.plural}" if len(fields) == 1 else f"reads {len(fields)} fields"
        raise TrimtabError(
            f"{folder}: this run {found}; only one that reads one text and answers in text can be talked to.",
            "Use `trimtab predict`.",
        )
    overrides = [f"answer.{name}={value}" for name, value in decoding.items()]
    return decoding_otherwise(task, folder, overrides) if overrides else task


def _free_name(name: str, engine: Engine) -> str:
    """A name that no run has yet: `name`, `name-2`, ..."""
    taken = {*engine.runs, ALL}
    return next(free for n in count(1) if (free := name if n == 1 else f"{name}-{n}") not in taken)
