"""The backbones of a server and the tasks it answers for, which come and go meanwhile. Knows nothing about HTTP."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from trimtab.backbones.pretrained import Pretrained
from trimtab.errors import RunError, TrimtabError, did_you_mean
from trimtab.inference.engine import Engine
from trimtab.inference.scheduler import Scheduler
from trimtab.inference.tickets import Ticket
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.kind import Input
from trimtab.prompts import DIALOGUE, is_dialogue
from trimtab.runs.run import Run, zero_shot
from trimtab.serving.limits import Limits
from trimtab.serving.worker import Worker
from trimtab.settings.file import make_task

# How a task came here: named at the start, found in the watched folder, or uploaded; `backbone` is one without a run.
Origin = Literal["named", "watched", "uploaded", "backbone"]
NAME = re.compile(r"\w[\w.-]{0,99}")
# Tokens of an answer of a bare backbone, where its context has twice as many.
LONGEST_BARE = 1024


class UnknownTaskError(TrimtabError):
    """No task of that name is served."""


class FixedTaskError(TrimtabError):
    """A task that cannot be changed over the network, or not by this way."""


@dataclass(frozen=True)
class ServedTask:
    """A task that is answered for.

    Attributes:
        name: what it is asked for by.
        key: what the engine knows it by.
        bound: the task on its backbone.
        host: the backbone.
        origin: how it came here.
        since: when, in seconds since 1970.
    """

    name: str
    key: str
    bound: BoundTask
    host: Host
    origin: Origin
    since: int

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it reads."""
        return tuple(self.bound.template.fields)

    @property
    def dialogue(self) -> bool:
        """Whether it reads whole dialogues."""
        return is_dialogue(self.bound.task.template.text)

    @property
    def only_field(self) -> str | None:
        """The field that a text alone stands for; None where that is not enough."""
        return self.fields[0] if len(self.fields) == 1 and not self.bound.kind.own_options else None

    @property
    def card(self) -> dict[str, object]:
        """What is told of it."""
        task = self.bound.task
        return {
            "id": self.name,
            "object": "task",
            "created": self.since,
            "kind": task.answer.kind,
            "fields": list(self.fields),
            "tagged": self.bound.template.tagged,
            "options": self.bound.kind.own_options,
            "dialogue": self.dialogue,
            "generates": self.bound.kind.generates,
            "labels": list(self.bound.labels),
            "description": task.task,
            "language": task.language,
            "method": task.method.name,
            "backbone": self.host.name,
            "origin": self.origin,
        }


@dataclass(frozen=True, eq=False)
class Host:
    """A backbone, with what answers on it.

    Attributes:
        name: what it is asked for by.
        engine: holds its runs.
        worker: answers requests.
        talking, completing: the backbone without a run, reading dialogues and texts; None where it says nothing.
    """

    name: str
    engine: Engine
    worker: Worker
    talking: ServedTask | None = field(default=None, repr=False)
    completing: ServedTask | None = field(default=None, repr=False)


class Serving:
    """All that a server answers for.

    Args:
        limits: how much it takes on.
        prompt_bytes: see `Engine`; for each backbone.
        on_end: called with the name of the backbone and each request that has come to its end, in a thread of ours.
    """

    def __init__(
        self, limits: Limits, *, prompt_bytes: int | None = None, on_end: Callable[[str, Ticket], None] | None = None
    ) -> None:
        self.limits = limits
        self._prompt_bytes, self._on_end = prompt_bytes, on_end
        self._hosts: dict[str, Host] = {}
        self._tasks: dict[str, ServedTask] = {}
        self._changing = threading.RLock()

    @property
    def hosts(self) -> list[Host]:
        """The backbones."""
        return list(self._hosts.values())

    @property
    def tasks(self) -> Mapping[str, ServedTask]:
        """The tasks by name."""
        return self._tasks

    def listen(self, on_end: Callable[[str, Ticket], None]) -> None:
        """Call `on_end` from now on."""
        self._on_end = on_end

    def host(self, pretrained: Pretrained) -> Host:
        """Put a backbone up, and begin to answer on it."""
        engine = Engine(pretrained, prompt_bytes=self._prompt_bytes)
        name = free_name(name_of(Path(pretrained.name)), [*self._hosts, *self._tasks])

        def ended(ticket: Ticket) -> None:
            if self._on_end:
                self._on_end(name, ticket)

        worker = Worker(Scheduler(engine, waiting=self.limits.waiting), ended)
        host = Host(name, engine, worker)
        if pretrained.backbone.generates and pretrained.tokenizer.eos_token_id is not None:
            most = min(LONGEST_BARE, pretrained.backbone.context // 2)
            made = [
                self._bare(host, kind, text, most) for kind, text in (("talk", DIALOGUE), ("text", "{text}{answer}"))
            ]
            host = Host(name, engine, worker, *made)
        self._hosts[name] = host
        worker.start()
        return host

    def _bare(self, host: Host, kind: str, text: str, most: int) -> ServedTask:
        task = make_task({"template": {"text": text}, "answer": {"kind": "text", "max_tokens": most}}, host.name)
        bound = host.engine.add(f"bare:{kind}", zero_shot(task, {}, host.engine.pretrained), pinned=True)
        return ServedTask(host.name, f"bare:{kind}", bound, host, "backbone", int(time.time()))

    def host_of(self, run: Run) -> Host:
        """The backbone that a run was made for. Raises RunError where it is not here."""
        found = [host for host in self.hosts if run.is_of(host.engine.pretrained)]
        if found:
            return found[0]
        if len(self._hosts) == 1:
            run.check_backbone(self.hosts[0].engine.pretrained)
        raise RunError(
            f"{run.name}: made for backbone '{run.backbone['name']}' ({run.backbone['origin']}), which is not served.",
            f"Served: {', '.join(self._hosts)}. Name a run of it when the server is started.",
        )

    def add(self, name: str, run: Run, origin: Origin, settle: Callable[[], None] = lambda: None) -> ServedTask:
        """Answer for a run under a name from now on, in place of the one of that name and origin where there is one.

        Args:
            name: letters, digits, dots, underscores and hyphens.
            run: what to answer with.
            origin: how it came here.
            settle: called when it is known to be fit, before it is asked for the first time; where it raises, the
                former one stays.

        Raises:
            RunError: its backbone is not here, or its tensors do not fit.
            FixedTaskError: the name is that of a backbone, or of a task of another origin.
        """
        if not NAME.fullmatch(name):
            raise RunError(
                f"'{name}' is no name for a task.", "Take up to 100 letters, digits, dots, underscores and hyphens."
            )
        with self._changing:
            self._check_name(name, origin)
            host, key = self.host_of(run), f"task:{name}"
            check_fits(run, host.engine)
            before = self._tasks.get(name)
            trial = f"trial:{name}"
            try:
                host.engine.add(trial, run)  # its prompt is read once for both
                settle()
                bound = host.engine.replace(key, run)
            finally:
                if trial in host.engine.runs:
                    host.engine.remove(trial)
            self._tasks = {**self._tasks, name: ServedTask(name, key, bound, host, origin, int(time.time()))}
            if before is not None and before.host is not host:
                before.host.engine.remove(key)
            return self._tasks[name]

    def _check_name(self, name: str, origin: Origin) -> None:
        if name in self._hosts:
            raise FixedTaskError(f"'{name}' is the name of a backbone here.", "Choose another name.")
        before = self._tasks.get(name)
        if before is not None and before.origin != origin:
            raise FixedTaskError(
                f"there is a task '{name}' already, {_ORIGINS[before.origin]}.", "Choose another name."
            )

    def remove(self, name: str, origin: Origin, settle: Callable[[], None] = lambda: None) -> None:
        """Answer for a task no more; whoever is being answered is answered.

        Raises:
            UnknownTaskError: there is none of that name.
            FixedTaskError: it came here by another way.
        """
        with self._changing:
            task = self.task(name)
            if task.origin != origin:
                raise FixedTaskError(
                    f"the task '{name}' is {_ORIGINS[task.origin]}; only an uploaded one is removed over the network.",
                    "Take it away there.",
                )
            settle()
            self._tasks = {other: own for other, own in self._tasks.items() if other != name}
            task.host.engine.remove(task.key)

    def task(self, name: str) -> ServedTask:
        """The task of a name. Raises UnknownTaskError where there is none."""
        if name not in self._tasks:
            raise self._unknown("task", name, self._tasks)
        return self._tasks[name]

    def talking(self, name: str) -> ServedTask:
        """The task of a name, or the backbone of that name as it answers dialogues. Raises UnknownTaskError."""
        return self._model(name, lambda host: host.talking)

    def completing(self, name: str) -> ServedTask:
        """Likewise, the backbone as it goes on with a text."""
        return self._model(name, lambda host: host.completing)

    def _model(self, name: str, bare: Callable[[Host], ServedTask | None]) -> ServedTask:
        if name in self._tasks:
            return self._tasks[name]
        if name not in self._hosts:
            raise self._unknown("model", name, [*self._tasks, *self._hosts])
        found = bare(self._hosts[name])
        if found is None:
            raise TrimtabError(f"the backbone '{name}' says no text.", "Ask one of its tasks.")
        return found

    def _unknown(self, what: str, name: str, known: object) -> UnknownTaskError:
        names = [str(one) for one in known] if isinstance(known, Mapping | list) else []
        listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        return UnknownTaskError(
            f"no {what} '{name}' is served.", did_you_mean(name, names) or f"Served: {listed or 'none'}."
        )

    def stop(self) -> None:
        """Answer no more."""
        for host in self.hosts:
            host.worker.stop()


_ORIGINS = {
    "named": "named where the server was started",
    "watched": "in the folder that the server watches",
    "uploaded": "uploaded",
    "backbone": "a backbone",
}


@dataclass(frozen=True)
class _Sample:
    """A row of nothing much."""

    fields: Mapping[str, str]
    where: str = "a sample row"
    options: tuple[str, ...] = ("a", "b")
    tokens: tuple[str, ...] = ()


def check_fits(run: Run, engine: Engine) -> None:
    """Check that the tensors of a run are what its task makes of this backbone.

    Raises:
        RunError: one is missing or too many, of another type or shape; or no row can be read under it.
    """
    from trimtab.kinds.bind import bind

    task = run.task
    if getattr(task.method, "init", None) == "run":  # the run that it began from is no business of ours
        task = task.model_copy(update={"method": task.method.model_copy(update={"init": "random"})})
    bound = bind(task, run.words, engine.pretrained, examples=run.examples)
    expected = {name: tuple(x.shape) for name, x in bound.method.initial(0).items()}
    for tensors in run.tensors:
        found = {name: tuple(x.shape) for name, x in tensors.items()}
        if found != expected:
            wrong = next(name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name))
            raise RunError(
                f"{run.name}: tensor '{wrong}' is {_shape(found.get(wrong))}, expected {_shape(expected.get(wrong))} "
                f"on backbone '{engine.pretrained.name}'.",
                "Give the files of a run as `trimtab tune` wrote them.",
            )
        for name, x in tensors.items():
            if str(x.dtype) != "torch.float32":
                raise RunError(
                    f"{run.name}: tensor '{name}' is of type {str(x.dtype).removeprefix('torch.')}, expected float32.",
                    "Give the files of a run as `trimtab tune` wrote them.",
                )
    given: Input = _Sample(dict.fromkeys(bound.template.fields, "a"))
    bound.asked(given)


def _shape(shape: tuple[int, ...] | None) -> str:
    return "not there" if shape is None else f"of shape {list(shape)}"


def name_of(folder: Path) -> str:
    """A name for what lies in a folder, or is called by a path."""
    name = re.sub(r"[^\w.-]", "-", folder.name or str(folder)).lstrip(".-")[:100]
    return name or "task"


def free_name(name: str, taken: list[str]) -> str:
    """A name that nothing has yet: `name`, `name-2`, ..."""
    return next(own for own in _numbered(name) if own not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1
