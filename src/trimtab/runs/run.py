"""A tuned run, and the folder it is kept in. Knows nothing about training, answering or reports."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from trimtab.data import Example
from trimtab.errors import RunError, TaskError
from trimtab.runs.folder import PROMPT_FILE, TASK_FILE, check_finished, write_whole
from trimtab.runs.tensors import read_values
from trimtab.settings.file import dump_task, read_task
from trimtab.settings.methods import (
    LoraSettings,
    MultitaskPromptSettings,
    SoftPromptSettings,
    WarpSettings,
    ZeroShotSettings,
    need_extra,
)
from trimtab.settings.task import Task

if TYPE_CHECKING:
    import torch

FORMAT = "trimtab-run-1"
# Name in `Run.facts` of the wording that hard prompt search began with: task description, template text, label words.
GIVEN = "given"
# Sets of tensors that a run may hold: the seeds trained in one pass (`train.runs`).
MOST_SETS = 64
# Of what a run remembers of its backbone, all that is no hash of a file.
NAMES_OF_BACKBONE = ("name", "origin", "licence", "content_hash")


class Weights(Protocol):
    """A backbone as a run remembers it: its name, origin and licence, and hashes of its weights and other files."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def origin(self) -> str: ...  # noqa: D102

    @property
    def licence(self) -> str: ...  # noqa: D102

    @property
    def content_hash(self) -> str: ...  # noqa: D102

    @property
    def older_hash(self) -> str: ...  # noqa: D102

    @property
    def files(self) -> Mapping[str, str]: ...  # noqa: D102


@dataclass(frozen=True, repr=False)
class Run:
    """A tuned run.

    Attributes:
        name: how messages call it: its folder.
        task: the resolved settings.
        words: label -> words, in the order of the classes.
        tensors: what the method keeps, by name, float32; one set a trained seed.
        kept: index of the set that answers, unless `task.train.ensemble` lets all answer.
        backbone: name, origin, licence and content hash of the backbone, and hashes of its config.json and tokenizer
            files by their names, which runs of Trimtab 0.1.0 do not know.
        facts: seeds, scores and steps of the training, as plain values.
        examples: what few-shot shows, or chooses from.
    """

    name: str
    task: Task
    words: dict[str, list[str]]
    tensors: tuple[dict[str, torch.Tensor], ...]
    kept: int
    backbone: dict[str, str]
    facts: dict[str, Any]
    examples: tuple[Example, ...] = ()

    def __repr__(self) -> str:
        held = "nothing trained" if not any(self.tensors) else f"{len(self.tensors)} x {self._numbers():,} numbers"
        return f"Run({self.name!r}, {self.task.method.name}, {held}, backbone {self.backbone.get('name', '')!r})"

    def _numbers(self) -> int:
        return sum(tensor.numel() for tensor in self.tensors[0].values())

    @property
    def answering(self) -> Sequence[dict[str, torch.Tensor]]:
        """The sets of tensors whose mean probability is the answer."""
        return self.tensors if self.task.train.ensemble else (self.tensors[self.kept],)

    def is_of(self, pretrained: Weights) -> bool:
        """Whether this is the backbone the run was made for."""
        return self._has_its_weights(pretrained) and not self._changed(pretrained)

    def check_backbone(self, pretrained: Weights) -> None:
        """Raise RunError unless this is the backbone the run was made for."""
        if not self._has_its_weights(pretrained):
            raise RunError(
                f"{self.name}: made for backbone '{self.backbone['name']}' ({self.backbone['origin']}, content hash "
                f"{self.backbone['content_hash'][:12]}), not for '{pretrained.name}' ({pretrained.origin}, "
                f"{pretrained.content_hash[:12]}).",
                "Use the backbone it was made for, or tune a new run.",
            )
        if changed := self._changed(pretrained):
            raise RunError(
                f"{self.name}: made for other files of backbone '{pretrained.name}' ({pretrained.origin}), whose "
                f"weights are the same: {', '.join(changed)}.",
                "Put the former ones back, or tune a new run.",
            )

    def _has_its_weights(self, pretrained: Weights) -> bool:
        return self.backbone["content_hash"] in (pretrained.content_hash, pretrained.older_hash)

    def _changed(self, pretrained: Weights) -> list[str]:
        """How config.json and the tokenizer's files differ from those the run was made for, where it knows them."""
        before = {name: value for name, value in self.backbone.items() if name not in NAMES_OF_BACKBONE}
        if not before:
            return []
        now = pretrained.files
        names = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
        return [f"{n} {'is new' if n not in before else 'is gone' if n not in now else 'is another'}" for n in names]


def backbone_facts(pretrained: Weights) -> dict[str, str]:
    """What a run remembers of its backbone."""
    return {
        "name": pretrained.name,
        "origin": pretrained.origin,
        "licence": pretrained.licence,
        "content_hash": pretrained.content_hash,
        **pretrained.files,
    }


def as_given(run: Run) -> tuple[Task, dict[str, list[str]]]:
    """The task and label words of a run as they were before hard prompt search changed them."""
    if GIVEN not in run.facts:
        return run.task, run.words
    given = run.facts[GIVEN]
    template = run.task.template.model_copy(update={"text": given["text"]})
    return run.task.model_copy(update={"task": given["task"], "template": template}), given["words"]


def zero_shot(task: Task, words: dict[str, list[str]], pretrained: Weights) -> Run:
    """The same task with nothing trained: the backbone's own answer to the template, soft slots taken out."""
    template = task.template.model_copy(update={"text": re.sub(r"\{soft:\d+\}", "", task.template.text)})
    plain = task.model_copy(
        update={"train": task.train.model_copy(update={"ensemble": False}), "template": template,
                "method": ZeroShotSettings(), "labels": task.labels.model_copy(update={"among": "vocabulary"})}
    )  # fmt: skip
    return Run("zero-shot", plain, words, ({},), 0, backbone_facts(pretrained), {})


def read_prompt(folder: Path, pretrained: Weights) -> dict[str, torch.Tensor]:
    """The tensors of another run on this backbone that hold a soft prompt, in units of the embedding RMS.

    Raises:
        RunError: if there is no such run, it is of another backbone, or of a method without a soft prompt.
    """
    run = load_run(folder)
    run.check_backbone(pretrained)
    tensors = run.tensors[run.kept]
    method = run.task.method
    holds = isinstance(method, SoftPromptSettings | WarpSettings | MultitaskPromptSettings | LoraSettings)
    if not holds or not {"prompt", "shared"} & set(tensors):
        raise RunError(f"{folder}: a run of method '{method.name}' holds no soft prompt.", "Give a run of soft_prompt.")
    return tensors


def save_task(folder: Path, task: Task) -> None:
    """Write task.yaml, whole or not at all. Raises RunError where that fails."""
    write_whole(folder / TASK_FILE, dump_task(task))


def save_run(folder: Path, run: Run) -> None:
    """Write task.yaml and prompt.safetensors; each whole or not at all. Raises RunError where that fails."""
    from trimtab.runs.tensors import save_tensors

    save_task(folder, run.task)
    save_tensors(
        folder / PROMPT_FILE,
        {f"{k}.{name}": tensor for k, tensors in enumerate(run.tensors) for name, tensor in tensors.items()},
        {
            "format": FORMAT,
            "sets": len(run.tensors),
            "words": run.words,
            "kept": run.kept,
            "backbone": run.backbone,
            "facts": run.facts,
            "trained_with": _trained_with(run.task),
            "examples": [{"fields": e.fields, "answer": e.answer, "where": e.where} for e in run.examples],
        },
    )


def described(folder: Path) -> tuple[Task, dict[str, list[str]]]:
    """The task and label words of a finished run, read without its tensors.

    Raises:
        RunError: if it is not a finished run, or its files are damaged.
        MissingExtraError: if a library that its method needs is not installed.
    """
    check_finished(folder)
    values, task = read_values(folder / PROMPT_FILE), _task_of(folder)
    _check_task(folder, task, values.get("trained_with"))
    words = values.get("words")
    return task, words if isinstance(words, dict) else {}


def load_run(folder: Path | str) -> Run:
    """Read a run folder.

    Raises:
        RunError: if it is not a finished run, or its files are damaged.
        MissingExtraError: if a library that its method needs is not installed.
    """
    from trimtab.runs.tensors import check_finite, load_tensors

    folder = Path(folder)
    check_finished(folder)
    stored = load_tensors(folder / PROMPT_FILE)
    values = stored.values
    if values.get("format") != FORMAT:
        raise RunError(
            f"{folder / PROMPT_FILE}: holds {values.get('format')!r}, expected '{FORMAT}'.",
            "Update Trimtab, or tune again.",
        )
    task = _task_of(folder)
    _check_task(folder, task, values.get("trained_with"))
    check_finite(folder / PROMPT_FILE, stored.tensors, "Delete it and tune again.")
    try:
        _check_values(values)
        sets: list[dict[str, torch.Tensor]] = [{} for _ in range(values["sets"])]
        for name, tensor in stored.tensors.items():
            k, _, own = name.partition(".")
            sets[range(len(sets)).index(int(k))][own] = tensor
        examples = tuple(Example(**example) for example in values.get("examples", ()))
        kept, backbone, facts = values["kept"], values["backbone"], values["facts"]
        return Run(str(folder), task, values["words"], tuple(sets), kept, backbone, facts, examples)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"{folder / PROMPT_FILE}: damaged ({error!r}).", "Delete it and tune again.") from None


def _check_values(values: Mapping[str, Any]) -> None:
    """Raise ValueError or KeyError where what a run remembers is not of the form that `save_run` writes."""
    words, backbone, kept, sets = (values[name] for name in ("words", "backbone", "kept", "sets"))
    if not (isinstance(words, dict) and all(isinstance(own, list) for own in words.values())):
        raise ValueError("words are no lists by label")
    if not all(isinstance(word, str) for own in words.values() for word in own):
        raise ValueError("a word is no text")
    if not (
        isinstance(backbone, dict) and all(isinstance(backbone.get(n), str) for n in {*NAMES_OF_BACKBONE, *backbone})
    ):
        raise ValueError("the backbone is not named")
    if not (type(sets) is int and type(kept) is int and 0 <= kept < sets <= MOST_SETS):
        raise ValueError(f"set {kept!r} of {sets!r}")
    if not isinstance(values["facts"], dict) or not isinstance(values.get("examples", []), list):
        raise ValueError("facts or examples are of another kind")


# Settings of labels that say which answers are given, and not how they are found.
FREE = {"abstain", "answer_from"}


def _trained_with(task: Task) -> dict[str, Any]:
    """What of a task is part of what was trained: with other words around its rows, a prompt answers anything."""
    return {
        "task": task.task,
        "answer.kind": task.answer.kind,
        **{f"template.{name}": value for name, value in task.template.model_dump(mode="json").items()},
        **{f"labels.{name}": value for name, value in task.labels.model_dump(mode="json", exclude=FREE).items()},
        **{f"method.{name}": value for name, value in task.method.model_dump(mode="json").items()},
    }


def _check_task(folder: Path, task: Task, trained_with: object) -> None:
    """Raise RunError where a run's task.yaml says something else than what was trained; older runs do not tell."""
    now = _trained_with(task)
    before = trained_with if isinstance(trained_with, dict) else {}
    for name, value in before.items():
        if name in now and now[name] != value:
            raise RunError(
                f"{folder / TASK_FILE}: {name} is {now[name]!r}, and the run was trained with {value!r}.",
                "Put it back, or tune again.",
            )


def _task_of(folder: Path) -> Task:
    try:
        task = read_task(folder / TASK_FILE)
    except TaskError as error:  # what is wrong with its task file is wrong with the run
        raise RunError(error.message, error.hint) from None
    need_extra(task.method)
    return task
