"""`trimtab show`: what a row becomes: its text, its tokens, where the answer is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.settings.methods import PrefixSettings
from trimtab.settings.task import Precision, Task
from trimtab.tasks.rows import read_rows

if TYPE_CHECKING:
    from trimtab.backbones.open import Progress
    from trimtab.backbones.pretrained import Pretrained
    from trimtab.data import Example
    from trimtab.kinds.bound_task import BoundTask


@dataclass(frozen=True)
class Shown:
    """One training row as the backbone reads it.

    Attributes:
        where: place of origin.
        answer: its label.
        text: the row as it reads, answer included.
        parts: (what, tokens) in the order read: leading tokens, soft prompt, demonstrations, head, row
            (or each window on it), answer.
        cut: tokens taken off to fit.
    """

    where: str
    answer: str
    text: str
    parts: list[tuple[str, list[str]]]
    cut: int

    @property
    def tokens(self) -> int:
        """Tokens in all."""
        return sum(len(tokens) for _, tokens in self.parts)


def run(
    task: Task,
    rows: int,
    *,
    base: Path | str,
    precision: Precision | None = None,
    offline: bool = False,
    agree: bool = False,
    pretrained: Pretrained | None = None,
    on_note: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> tuple[list[Shown], dict[str, list[list[str]]]]:
    """Show the first rows of train, and every label's words as tokens (none where answers are of another kind).

    Of several draws of demonstrations the first is shown: which is best is not known before they are scored.

    Args:
        task: the settings.
        rows: how many.
        base: folder at which the task's relative paths start.
        precision: what the backbone is opened in; by default what the task says.
        offline, agree: see `trimtab.sources.find_model`.
        pretrained: a backbone in memory, where the caller has one.
        on_note: told what was done to the rows and what of them is not read, a sentence each.
        progress: told what is being done.

    Raises:
        TrimtabError: whatever is wrong with settings, data or backbone.
    """
    base = Path(base)
    read = read_rows(task, base)  # before torch is loaded, so that mistakes are told at once
    if on_note:
        for note in read.splits.note:
            on_note(note)

    from trimtab.backbones.open import backbone_of
    from trimtab.tasks.resolve import resolve

    if pretrained is None:
        pretrained = backbone_of(read.task, base, precision=precision, offline=offline, agree=agree, progress=progress)
    bound = resolve(read, pretrained, training=False).bound
    shown = [_shown(bound, example) for example in read.splits.train[:rows]]
    words = {
        label: [_pieces(bound, word.ids) for word in bound.verbalizer.words if word.label == i]
        for i, label in enumerate(bound.labels)
        if label in read.words and not bound.kind.headed
    }
    return shown, words


def _shown(bound: BoundTask, example: Example) -> Shown:
    [row] = bound.encode([example])
    method = bound.task.method
    framed = bound.pretrained.backbone.whole_rows  # then all but a prefix stands in the row
    before = ["▢"] * (0 if framed and not isinstance(method, PrefixSettings) else bound.method.tokens)
    windows = [
        (f"window {n}" if row.further else "row", _pieces(bound, own.ids[own.demonstrations :]))
        for n, own in enumerate(row.windows, 1)
    ]
    parts = [
        ("leading", _pieces(bound, () if framed else bound.leading)),
        (method.name.replace("_", " "), before),
        ("demonstrations", _pieces(bound, [*bound.shown, *row.ids[: row.demonstrations]])),
        ("head", _pieces(bound, [] if bound.nearest or framed else bound.encoder.head_ids)),
        *windows,
        ("answer", _pieces(bound, bound.kind.answer_ids(bound, example, row))),
    ]
    text = bound.kind.as_read(bound, example, row)
    return Shown(example.where, example.answer or "", text, [part for part in parts if part[1]], row.cut)


def _pieces(bound: BoundTask, ids: Iterable[int]) -> list[str]:
    """Each token as text; a soft vector as a box."""
    return [bound.pretrained.tokenizer.decode([i]) if i >= 0 else "▢" for i in ids]
