"""Tags: one for each token of the record (entities, slots, parts of speech), read by a head at each of them.

A record that is too long for one row is read in windows, which share some tokens. W tokens, C tags.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from trimtab.data.counts.answers import AnswerCounts
from trimtab.data.counts.lookalikes import lookalikes
from trimtab.data.counts.tags import count_tags
from trimtab.data.example import TaggedExample
from trimtab.data.mapping import field_text, group_of
from trimtab.data.records import Record, source_name
from trimtab.data.tags.tagged import check_tags, read_tags, read_tokens
from trimtab.data.tags.tags import OUTSIDE, in_bio, spans
from trimtab.data.text.tokens import joined, leads
from trimtab.errors import DataError, TaskError
from trimtab.kinds.baseline import Baseline, Learning
from trimtab.kinds.bound_task import BoundTask, windows_note
from trimtab.kinds.checks import check_read_at_tokens, headed_misfit
from trimtab.kinds.classes import as_objects
from trimtab.kinds.kind import Input, Judging
from trimtab.kinds.prediction import TagPrediction
from trimtab.kinds.usual import UsualKind
from trimtab.prompts import EncodedRow, Encoder, Template, Verbalizer, parse_template, wordless
from trimtab.prompts.template import Slot
from trimtab.settings.answers import TagsAnswer
from trimtab.settings.task import DataSettings, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trimtab.backbones.pretrained import Pretrained
    from trimtab.data.splits import Splits
    from trimtab.decoding.scoring import Reader
    from trimtab.decoding.tagging import Tokens
    from trimtab.evaluation.scorers.scorer import Scorer
    from trimtab.evaluation.scorers.texts import Passes
    from trimtab.methods.method import Condition
    from trimtab.reports.scored import TagReport
    from trimtab.reports.wording import Wording
    from trimtab.training.criterion import Criterion
    from trimtab.training.kept_rows import KeptStates
    from trimtab.training.targets import TagTarget, Target


def _plain(given: Learning) -> bool:
    """Whether the task's tags stand each for itself."""
    return Tags(cast("TagsAnswer", given.task.answer)).plain


def _commonest_tag(given: Learning) -> list[list[str]]:
    from trimtab.evaluation.baselines.commonest_tag import commonest_tag

    return commonest_tag(given.train, given.judged, _plain(given))


def _commonest_tag_of_token(given: Learning) -> list[list[str]]:
    from trimtab.evaluation.baselines.commonest_tag_of_token import commonest_tag_of_token

    return commonest_tag_of_token(given.train, given.judged, _plain(given))


def _hmm(given: Learning) -> list[list[str]]:
    from trimtab.evaluation.baselines.hmm.tagger import hmm_tags

    return hmm_tags(given.train, given.judged, _plain(given), given.task.train.seed)


BASELINES = (
    Baseline("majority", "commonest tag", _commonest_tag, always="the commonest tag", reported="commonest tag"),
    Baseline(
        "token_majority", "commonest tag of each token", _commonest_tag_of_token,
        reported="commonest tag of each token",
    ),
    Baseline("hmm", "hidden Markov model", _hmm),
)  # fmt: skip


@dataclass(frozen=True)
class Tags(UsualKind[TaggedExample]):
    """Tags (see `trimtab.kinds.kind.Kind`)."""

    settings: TagsAnswer
    plural: str = "tags"
    headed: bool = True
    learnt_from_train: str = "the commonest tags"

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """The commonest tag, that of each token, and the likeliest sequence."""
        return BASELINES

    @property
    def plain(self) -> bool:
        """Whether tags stand each for itself; else they mark entities."""
        return self.settings.scheme == "plain"

    def template(self, task: Task) -> Template:
        """A template without an answer slot, that knows the field whose tokens are tagged, which is never shortened."""
        template = parse_template(task.template.text, task.task, task.template.truncate or (), answered=False)
        column = self.settings.tokens
        tagged = [field for field in template.fields if task.data.columns.get(field, field) == column]
        slots = [part.field for part in template.body if isinstance(part, Slot)]
        if not tagged or slots.count(tagged[0]) != 1:
            found = "no" if not tagged else "more than one"
            raise TaskError(
                f"template.text has {found} field of the tokens ('{column}'): {task.template.text!r}.",
                f"Put one {{{column}}} where they belong, or set answer.tokens to their column.",
            )
        return replace(template, tagged=tagged[0], truncate=template.truncate - {tagged[0]})

    def read(self, record: Record, fields: Sequence[str], settings: DataSettings, *, answered: bool) -> TaggedExample:
        """Tokens, fields and tags; the field of the tokens shows them as one text."""
        tokens = read_tokens(record, self.settings, settings.clean)
        shown = tokens if isinstance(tokens, str) else joined(tokens, self.settings.join)
        texts = {
            field: shown if settings.columns.get(field, field) == self.settings.tokens
            else field_text(record, field, settings)
            for field in fields
        }  # fmt: skip
        own = () if isinstance(tokens, str) else tokens
        example = TaggedExample(texts, None, record.where, group_of(record, settings), own)
        tags = read_tags(record, settings.label, self.settings, tokens) if answered else None
        if tags is None:
            return example
        return replace(example, answer=" ".join(tags.bio), tags=tags.bio, mended=tags.mended)

    def check_train(self, train: Sequence[TaggedExample], settings: DataSettings) -> None:
        """Refuse rows whose tokens all have one tag."""
        tags = {tag for example in train for tag in example.tags or ()}
        if len(tags) > 1:
            return
        if tags == {OUTSIDE} and not self.plain:
            message = f"{source_name(settings.train)}: no row has an entity; every tag is 'O'."
            raise DataError(message, f"Add rows with entities, or set data.label (now '{settings.label}').")
        message = f"{source_name(settings.train)}: every token has the tag '{tags.pop()}', expected two tags or more."
        raise DataError(message, f"Add rows with other tags, or set data.label (now '{settings.label}').")

    def lookalikes(self, train: Sequence[TaggedExample]) -> list[str]:
        """Types that look alike, or plain tags."""
        counts = Counter(span.type for example in train for span in spans(example.tags or (), self.plain))
        return lookalikes(counts, "tags" if self.plain else "types of entity")

    def counted(self, examples: Sequence[TaggedExample], count_tokens: Callable[[str], int] | None) -> AnswerCounts:
        """Tokens, and entities a type."""
        return count_tags(examples, self.plain)

    def settled(self, task: Task, train: Sequence[TaggedExample]) -> Task:
        """With the tags there are. Raises DataError where the task names them and a training row has another."""
        found = {tag for example in train for tag in example.tags or ()}
        given = self.settings.tags or ()
        tags = list(given) if self.plain else in_bio(given)
        tags = tags or sorted(found, key=_in_order)
        check_tags(train, tags)
        return task.model_copy(update={"answer": self.settings.model_copy(update={"tags": tags})})

    def check(self, task: Task, pretrained: Pretrained | None = None) -> None:
        """Refuse chat templates, what trains nothing, and encoder-decoders."""
        check_read_at_tokens(task, self.plural, pretrained)

    def verbalizer(
        self, task: Task, words: Mapping[str, Sequence[str]], template: Template, pretrained: Pretrained, training: bool
    ) -> Verbalizer:
        """The tags, without words."""
        return wordless(self.settings.tags or ())

    def example(self, given: Input) -> TaggedExample:
        """Its fields, and its tokens as given, or where there are none those of the text."""
        return TaggedExample(dict(given.fields), None, given.where, tokens=tuple(given.tokens))

    def encode(self, bound: BoundTask, examples: Sequence[TaggedExample]) -> list[EncodedRow]:
        """Each token by itself; a record whose tokens do not fit in one row is several windows."""
        assert isinstance(bound.encoder, Encoder)
        rows = []
        for example in examples:
            tokens = self._tokens(bound, example).texts
            before = leads(tokens, self.settings.join)
            rows.append(bound.encoder.encode_tagged(example.fields, tokens, before, example.where))
        return rows

    def _tokens(self, bound: BoundTask, example: TaggedExample) -> Tokens:
        from trimtab.decoding.tagging import Tokens

        return Tokens.of(example.tokens, example.fields.get(bound.template.tagged, ""))

    def as_read(self, bound: BoundTask, example: TaggedExample, row: EncodedRow) -> str:
        """With all its tags below."""
        return f"{bound.template.text(example.fields)}\n{example.answer or next(iter(bound.labels), '')}"

    def targets(
        self, bound: BoundTask, rows: Sequence[EncodedRow], examples: Sequence[TaggedExample], answers: int | None
    ) -> tuple[list[Target], list[str]]:
        """Each row, or each window on a long one, with the tags of its own tokens."""
        notes = windows_note(rows)
        return [own for row, example in zip(rows, examples, strict=True) for own in _windows(row, example)], notes

    def criterion(
        self, bound: BoundTask, train: Sequence[Target], dev: Sequence[Target], kept: KeptStates | None
    ) -> Criterion:
        """Cross entropy over tags."""
        from trimtab.training.head_criterion import HeadCriterion, TagOutputs

        own, judged = cast("Sequence[TagTarget]", train), cast("Sequence[TagTarget]", dev)
        outputs = TagOutputs(bound.labels, self.plain, bound.task.train.label_smoothing)
        return HeadCriterion(outputs, own, judged, kept)

    def reader(self, bound: BoundTask, row: EncodedRow, condition: Condition) -> Reader:
        """The head, at each token."""
        from trimtab.decoding.readers import TokenReader

        assert condition.head is not None
        return TokenReader(condition.head)

    def prediction(
        self, bound: BoundTask, example: TaggedExample, row: EncodedRow, scores: np.ndarray
    ) -> TagPrediction:
        """The most probable tags, in valid BIO, and the entities they mark."""
        from trimtab.decoding.tagging import tag

        found = tag(self._tokens(bound, example), scores, bound.labels, self.plain, self.settings.join)
        return TagPrediction(" ".join(found.tags), row.cut, found)

    def record(self, bound: BoundTask, prediction: TagPrediction) -> dict[str, object]:
        """Tokens, tags, and entities with their places; of plain tags the probability of each."""
        found = prediction.tagged
        answer: dict[str, object] = {"tokens": list(found.tokens), "tags": list(found.tags)}
        if self.plain:
            return answer | {"probabilities": [round(p, 6) for p in found.probabilities]}
        entities = [
            {"type": e.type, "start": e.start, "end": e.end, "text": e.text, "probability": round(e.probability, 6)}
            | ({"characters": list(e.characters)} if e.characters else {})
            for e in found.entities
        ]
        return answer | {"entities": entities}

    def usual_ways(self, *, gpu: bool, few: bool) -> tuple[str, ...]:
        """On any machine, and what a GPU adds."""
        adds = ("prefix", "p_tuning", "lora", "full") if gpu else ()
        return ("majority", "token_majority", "hmm", "head", "soft_prompt", *adds)

    def tried_ways(self, *, few: bool, many: bool) -> tuple[str, ...]:
        """What is fitted, then a prompt, then what changes weights."""
        return ("majority", "token_majority", "hmm", "head", "soft_prompt", "lora")

    def misfit(self, way: str, *, trained: bool) -> str | None:
        """What trains nothing, or gives labels."""
        return headed_misfit(way, self.plural, trained=trained)

    def missed(self, splits: Splits, words: Mapping[str, Sequence[str]]) -> list[str]:
        """Tags of dev and test that the run does not know."""
        known, notes = set(self.settings.tags or ()), []
        parts = (("dev", splits.dev), ("test", splits.test))
        for name, rows in cast("Sequence[tuple[str, Sequence[TaggedExample]]]", parts):
            unseen = Counter(tag for example in rows for tag in example.tags or () if tag not in known)
            if unseen:
                named = ", ".join(sorted(unseen)[:8]) + (", ..." if len(unseen) > 8 else "")
                notes.append(f"{name}: {unseen.total()} tokens have tags that train lacks ({named}), and are missed.")
        return notes

    def collected(self, predictions: Sequence[TagPrediction], classes: Sequence[str]) -> list[tuple[str, ...]]:
        """Each row's tags."""
        return [prediction.tagged.tags for prediction in predictions]

    def comparable(self, answers: Sequence[Sequence[str]]) -> NDArray[Any]:
        """Each row's tags, as a tuple."""
        return as_objects([tuple(tags) for tags in answers])

    def scorer(
        self, examples: Sequence[TaggedExample], classes: Sequence[str], task: Task, passes: Passes | None = None
    ) -> Scorer:
        """By F1 of the entities, or of plain tags the share of tokens that is right."""
        from trimtab.evaluation.scorers.tags import tag_scorer

        return tag_scorer(examples, plain=self.plain, join=self.settings.join)

    def wording(self, scorer: Scorer) -> Wording:
        """Tags are scored over all rows."""
        from trimtab.reports.wording import by_sums

        return by_sums("right answer", scorer.metric, scorer.others)

    def scored(self, judging: Judging) -> TagReport:
        """F1 and what goes with it; other ways with a randomisation test of F1."""
        from trimtab.evaluation.scores.tags import score_tags, tags_p_value
        from trimtab.reports.scored import TagBaseline, TagReport

        plain, join = self.plain, self.settings.join
        dev, test = (
            score_tags(*part, plain=plain, join=join) if part else None for part in (judging.dev, judging.test)
        )
        baselines = []
        if judging.headline:
            examples, ours = judging.headline
            for rival in judging.rivals:
                scores = score_tags(examples, rival.answers, plain=plain, join=join, worst=0)
                baselines.append(
                    TagBaseline(
                        name=rival.name,
                        f1=scores.f1,
                        interval=scores.intervals["f1"],
                        precision=scores.precision,
                        recall=scores.recall,
                        macro_f1=scores.macro_f1,
                        token_accuracy=scores.token_accuracy,
                        seconds=rival.seconds,
                        p_value=tags_p_value(examples, ours, rival.answers, plain),
                    )
                )
        return TagReport(dev=dev, test=test, baselines=baselines)


def _windows(row: EncodedRow, example: TaggedExample) -> Iterator[TagTarget]:
    from trimtab.training.targets import TagTarget

    tags = iter(example.tags or ())
    for window in row.windows:
        read_at = window.read_at or ()
        yield TagTarget(window.ids, read_at, tuple(islice(tags, len(read_at))), goes_on=window is not row)


def _in_order(tag: str) -> tuple[bool, str, str]:
    """`O` first, then entities by type, their beginnings before the rest."""
    prefix, _, kind = tag.partition("-")
    return tag != OUTSIDE, kind or prefix, prefix
