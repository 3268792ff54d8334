"""`trimtab show`: what a row becomes: its text, its tokens, where the answer is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trimtab.backbones.open import Progress, backbone_of
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example, Splits, load_splits
from trimtab.inference.answers import settled_answer, settled_length
from trimtab.inference.bound import BoundTask, bind, labels_of, template_of
from trimtab.jobs.untrained import settled_demonstrations, started_from, starting
from trimtab.jobs.usual_method import with_usual_method
from trimtab.prompts import choose_demonstrations
from trimtab.settings.methods import FewShotSettings, PrefixSettings
from trimtab.settings.task import Task


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
    base: Path,
    offline: bool = False,
    agree: bool = False,
    pretrained: Pretrained | None = None,
    progress: Progress | None = None,
) -> tuple[list[Shown], dict[str, list[list[str]]]]:
    """Show the first rows of train, and every label's words as tokens (none where answers are of another kind).

    Of several draws of demonstrations the first is shown.

    Raises:
        TrimtabError: whatever is wrong with settings, data or backbone.
    """
    splits = load_splits(task.data, template_of(task).fields, task.answer, base=base)
    task = settled_answer(task, splits.train)
    words = labels_of(task, [e.answer or "" for e in splits.train])
    if pretrained is None:
        pretrained = backbone_of(task, base, offline=offline, agree=agree, progress=progress)
    bound, _ = with_usual_method(
        task, words, splits.train, pretrained, lambda task: _bound(task, words, splits, pretrained, base)
    )
    method = bound.task.method

    def pieces(ids: object) -> list[str]:
        return [pretrained.tokenizer.decode([i]) if i >= 0 else "▢" for i in ids]  # type: ignore[attr-defined]

    shown = []
    for example in splits.train[:rows]:
        [row] = bound.encode([(example.fields, example.where)], [example.options], [example.tokens])
        label = example.answer or ""
        verbalizer = row.options or bound.verbalizer
        word = verbalizer.trained_word(verbalizer.labels.index(label)) if label in verbalizer.labels else None
        framed = pretrained.backbone.bidirectional  # then all but a prefix stands in the row
        before = [] if framed else ["▢"] * bound.method.tokens
        if isinstance(method, PrefixSettings):
            before = ["▢"] * bound.method.tokens
        windows = [
            (f"window {n}" if row.further else "row", pieces(own.ids[own.demonstrations :]))
            for n, own in enumerate(row.windows, 1)
        ]
        parts = [
            ("leading", pieces(() if framed else bound.leading)),
            (method.name.replace("_", " "), before),
            ("demonstrations", pieces([*bound.shown, *row.ids[: row.demonstrations]])),
            ("head", pieces([] if bound.nearest or framed else bound.encoder.head_ids)),
            *windows,
            ("answer", pieces(bound.answer_ids(label) if bound.writes else word.ids if word else ())),
        ]
        text = bound.as_read(example.fields, label, row)
        shown.append(Shown(example.where, label, text, [part for part in parts if part[1]], row.cut))
    if task.answer.kind != "label":
        return shown, {}
    return shown, {
        label: [pieces(w.ids) for w in bound.verbalizer.words if w.label == i] for i, label in enumerate(bound.labels)
    }


def _bound(
    task: Task, words: Mapping[str, Sequence[str]], splits: Splits, pretrained: Pretrained, base: Path
) -> BoundTask:
    """The task bound, to the first draw of demonstrations where it shows or starts from any.

    Which draw is best is not known before they are scored.
    """
    task = settled_demonstrations(settled_length(task, splits.train, pretrained), words, splits.train)
    first = started_from(task)
    shown = first or task
    examples: Sequence[Example] = ()
    if isinstance(shown.method, FewShotSettings):
        examples = choose_demonstrations(splits.train, list(words), shown.method, task.train.seed)
    bound = bind(shown, words, pretrained, base, examples)
    return bind(starting(task, bound), words, pretrained, base, start=bound.shown) if first else bound
