"""A run that is uploaded: checked, kept and answered for, or refused as a whole. Knows nothing about HTTP."""

from __future__ import annotations

from dataclasses import replace

from trimtab.errors import RunError
from trimtab.runs.folder import PROMPT_FILE, TASK_FILE
from trimtab.runs.run import load_run
from trimtab.serving.served import FixedTaskError, ServedTask, Serving
from trimtab.serving.store import Store


def take(serving: Serving, store: Store | None, name: str, task: bytes, prompt: bytes) -> ServedTask:
    """Answer for an uploaded run, in place of the uploaded one of that name where there is one.

    Args:
        serving: what is answered for.
        store: where it is kept; None where the server keeps none.
        name: what it will be asked for by.
        task: its task.yaml.
        prompt: its prompt.safetensors.

    Raises:
        FixedTaskError: the server keeps no uploads, or the name belongs to something else.
        RunError: it is no whole run, is not of a backbone that is served, or cannot be written.
    """
    if store is None:
        raise FixedTaskError("this server keeps no uploads.", "Start it with --store FOLDER.")
    staged = store.stage({TASK_FILE: task, PROMPT_FILE: prompt})
    try:
        try:
            run = replace(load_run(staged), name=name)
        except RunError as error:  # whose hints are for files of one's own
            said = error.message.replace(f"{staged}/", "").replace(str(staged), name)
            raise RunError(said, "Upload both files of a run as they are.") from None
        return serving.add(name, run, "uploaded", lambda: store.register(name, staged))
    except BaseException:
        if store.runs.get(name) != staged:
            store.drop(staged)
        raise


def give_up(serving: Serving, store: Store | None, name: str) -> None:
    """Answer for an uploaded run no more, and keep it no more.

    Raises:
        UnknownTaskError: there is none of that name.
        FixedTaskError: it was not uploaded.
        RunError: that cannot be written.
    """

    def forget() -> None:
        if store is not None:
            store.forget(name)

    serving.remove(name, "uploaded", forget)


def take_up_again(serving: Serving, store: Store) -> list[tuple[str, Exception]]:
    """Answer for the runs of a store; those that cannot be answered for stay in it, with the reason."""
    failed: list[tuple[str, Exception]] = []
    for name, folder in store.runs.items():
        try:
            serving.add(name, replace(load_run(folder), name=name), "uploaded")
        except Exception as error:
            failed.append((name, error))
    return failed
