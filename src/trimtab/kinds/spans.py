"""Spans: a stretch of the record's context that answers a question, or none, read by a head at each of its tokens.

A context that is too long for one row is read in windows, and the answer is the best of all of them. W tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from trimtab.data.counts.answers import AnswerCounts
from trimtab.data.counts.spans import count_spans
from trimtab.data.example import SpanExample
from trimtab.data.mapping import field_text, group_of, unlabelled
from trimtab.data.records import Record, source_name
from trimtab.data.spans.answers import SpanAnswers, column_of, read_spans
from trimtab.data.spans.checks import check_spans, longest_answer, merged, place_notes
from trimtab.data.spans.context import Place, cut_context, leads, tokens_of
from trimtab.errors import DataError, TaskError, TrimtabError
from trimtab.kinds.baseline import Baseline, Learning
from trimtab.kinds.bound_task import BoundTask, windows_note
from trimtab.kinds.checks import check_read_at_tokens, headed_misfit
from trimtab.kinds.classes import as_objects
from trimtab.kinds.kind import Input, Judging
from trimtab.kinds.prediction import SpanPrediction
from trimtab.kinds.usual import UsualKind
from trimtab.prompts import EncodedRow, Encoder, Template, Verbalizer, parse_template, wordless
from trimtab.prompts.template import Slot
from trimtab.settings.answers import SpanAnswer
from trimtab.settings.task import DataSettings, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trimtab.backbones.pretrained import Pretrained
    from trimtab.data.splits import Splits
    from trimtab.decoding.scoring import Reader
    from trimtab.evaluation.baselines.spans.first_words import Answer
    from trimtab.evaluation.scorers.scorer import Scorer
    from trimtab.evaluation.scorers.texts import Passes
    from trimtab.methods.method import Condition
    from trimtab.reports.scored import SpanReport
    from trimtab.reports.wording import Wording
    from trimtab.training.criterion import Criterion
    from trimtab.training.kept_rows import KeptStates
    from trimtab.training.targets import SpanTarget, Target

# What the head has an output for.
ENDS = ("start", "end")
QUESTION = "question"
# Where nothing says from which share on an answer is given, and most tokens of one.
USUAL, USUAL_LONGEST = 0.5, 30


def _first_words(given: Learning) -> list[Answer]:
    from trimtab.evaluation.baselines.spans.first_words import first_words

    return first_words(given.train, given.judged)


def _nearest_sentence(given: Learning) -> list[Answer]:
    from trimtab.evaluation.baselines.spans.nearest_sentence import nearest_sentence

    return nearest_sentence(given.judged)


def _nearby_words(given: Learning) -> list[Answer]:
    from trimtab.evaluation.baselines.spans.nearby_words import nearby_words

    return nearby_words(given.train, given.judged)


BASELINES = (
    Baseline("majority", "first words", _first_words, always="the first words, or no answer", reported="first words"),
    Baseline("sentence", "nearest sentence", _nearest_sentence, reported="nearest sentence"),
    Baseline("nearby_words", "words nearby", _nearby_words, reported="words nearby"),
)


@dataclass(frozen=True)
class Spans(UsualKind[SpanExample]):
    """Stretches of a context (see `trimtab.kinds.kind.Kind`)."""

    settings: SpanAnswer
    plural: str = "spans"
    several_right: bool = True
    headed: bool = True
    learnt_from_train: str = "first words and words nearby"

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """The first words, the sentence most like the question, and what stands near its words."""
        return BASELINES

    def template(self, task: Task) -> Template:
        """The template, without a place for the answer; it knows the field of the context, which is never shortened."""
        text = task.template.text
        template = parse_template(text, task.task, task.template.truncate or (), answered=False, read=self.plural)
        slots = [part.field for part in template.body if isinstance(part, Slot)]
        context = self._context(slots)
        if context is None or slots.count(context) != 1:
            found, name = "no" if context is None else "more than one", context or self.settings.context
            raise TaskError(
                f"template.text has {found} field of the context ('{name}'): {text!r}.",
                f"Put one {{{name}}} behind the question, or set answer.context to its field.",
            )
        return replace(template, tagged=context, truncate=template.truncate - {context})

    def _context(self, fields: Sequence[str]) -> str | None:
        """The field of the context among those of the template; None where that cannot be told."""
        others = [field for field in dict.fromkeys(fields) if field != QUESTION]
        usual = SpanAnswer.model_fields["context"].default
        if self.settings.context in fields or self.settings.context != usual:
            return self.settings.context if self.settings.context in fields else None
        return others[0] if len(others) == 1 else None

    def read(self, record: Record, fields: Sequence[str], settings: DataSettings, *, answered: bool) -> SpanExample:
        """Fields and answers; the context is not cleaned, as answers say where in it they stand."""
        context = self._context(fields)
        as_given = settings.model_copy(update={"clean": []})
        texts = {field: field_text(record, field, as_given if field == context else settings) for field in fields}
        example = SpanExample(texts, None, record.where, group_of(record, settings), texts.get(context or "", ""))
        found = self._found(record, example.context, settings) if answered else None
        if found is None:
            return example
        references = tuple(dict.fromkeys(text.strip() for text in found.texts))
        return replace(example, answer=next(iter(references), ""), references=references, spans=found.places)

    def _found(self, record: Record, context: str, settings: DataSettings) -> SpanAnswers | None:
        return read_spans(record, settings.label, self.settings.start, context)

    def unread(self, records: Sequence[Record], fields: Sequence[str], settings: DataSettings) -> list[str]:
        """Answers that do not stand where they are said to, or nowhere in the context."""
        as_given = settings.model_copy(update={"clean": []})
        contexts = [field_text(record, self._context(fields) or "", as_given) for record in records]
        pairs = zip(records, contexts, strict=True)
        return place_notes([(record.where, self._found(record, context, settings)) for record, context in pairs])

    def unanswered(
        self, bare: Sequence[Record], rows: int | None, fields: Sequence[str], settings: DataSettings
    ) -> TrimtabError:
        """No answers, which is not to say that there is none."""
        column = column_of(bare[0], settings.label)
        found = unlabelled(bare, rows, column)
        if not any(record.has(column) for record in bare):
            return found
        return DataError(found.message, "Write the answer, [] where the context has none, or leave the row out.")

    def check_train(self, train: Sequence[SpanExample], settings: DataSettings) -> None:
        """Refuse rows that have no answer, or of which most answers do not stand in the context."""
        check_spans(train, source_name(settings.train), settings.label)

    def merged(self, examples: list[SpanExample]) -> list[SpanExample]:
        """Rows with the same input as one, right with the answers of all."""
        return merged(examples)

    def counted(self, examples: Sequence[SpanExample], count_tokens: Callable[[str], int] | None) -> AnswerCounts:
        """Rows with an answer and without, and how long answers and contexts are."""
        return count_spans(examples, count_tokens)

    def settled(self, task: Task, train: Sequence[SpanExample]) -> Task:
        """With the longest answer there is; and where every row of train has one, so that one is always given."""
        picked: dict[str, object] = {}
        if self.settings.longest is None:
            picked["longest"] = longest_answer(train) or USUAL_LONGEST
        if self.settings.threshold is None and all(example.references for example in train):
            picked["threshold"] = 0.0
        return task.model_copy(update={"answer": self.settings.model_copy(update=picked)}) if picked else task

    def check(self, task: Task, pretrained: Pretrained | None = None) -> None:
        """Refuse chat templates, what trains nothing, encoder-decoders, and questions that no token can see."""
        check_read_at_tokens(task, self.plural, pretrained)
        if pretrained and not pretrained.backbone.whole_rows:
            self._check_order(task)

    def _check_order(self, task: Task) -> None:
        """Refuse a field that stands behind the context alone, where a token sees only what stands before it."""
        template = self.template(task)
        slots = [part.field for part in template.body if isinstance(part, Slot)]
        at = slots.index(template.tagged)
        hidden = [field for field in slots[at + 1 :] if field not in slots[:at]]
        if hidden:
            raise TaskError(
                f"template.text puts '{hidden[0]}' behind '{template.tagged}', whose tokens do not see it in a causal "
                "backbone.",
                f"Put {{{hidden[0]}}} before {{{template.tagged}}}, or choose an encoder, minilm-l6 say.",
            )

    def verbalizer(
        self, task: Task, words: Mapping[str, Sequence[str]], template: Template, pretrained: Pretrained, training: bool
    ) -> Verbalizer:
        """Beginning and end, without words."""
        return wordless(ENDS)

    def longest(self, verbalizer: Verbalizer) -> int:
        """One token, at which a causal backbone says that there is no answer."""
        return 1

    def example(self, given: Input) -> SpanExample:
        """Its fields."""
        fields = dict(given.fields)
        return SpanExample(fields, None, given.where, context=fields.get(self._context(list(fields)) or "", ""))

    def encode(self, bound: BoundTask, examples: Sequence[SpanExample]) -> list[EncodedRow]:
        """Each token of the context by itself; one that does not fit in one row is several windows."""
        assert isinstance(bound.encoder, Encoder)
        rows = []
        for example in examples:
            context = example.fields.get(bound.template.tagged, "")
            places = cut_context(context)
            tokens = [context[start:end] for start, end in places]
            rows.append(bound.encoder.encode_spans(example.fields, tokens, leads(context, places), example.where))
        return rows

    def as_read(self, bound: BoundTask, example: SpanExample, row: EncodedRow) -> str:
        """With its answer below."""
        return f"{bound.template.text(example.fields)}\n{example.answer or ''}".rstrip("\n")

    def targets(
        self, bound: BoundTask, rows: Sequence[EncodedRow], examples: Sequence[SpanExample], answers: int | None
    ) -> tuple[list[Target], list[str]]:
        """Each row whose answer stands in its context, or each window on a long one, with the first that does."""
        notes = windows_note(rows)
        longest, long = self.settings.longest or USUAL_LONGEST, 0
        out: list[SpanTarget] = []
        for row, example in zip(rows, examples, strict=True):
            places = cut_context(example.context)
            whole = tokens_of(example.spans[0], places) if example.spans else None
            if whole is None and example.references:
                continue
            long += whole is not None and whole[1] - whole[0] > longest
            out += _windows(row, example, places, whole)
        if long:
            notes.append(
                f"{long} answers have more tokens than answer.longest ({longest}), and can never be given whole."
            )
        if rows and not out and answers is None:
            where = examples[0].where
            raise DataError(f"{where}: no training row has an answer in its context.", "Raise data.limit, or add rows.")
        return list(out), notes

    def criterion(
        self, bound: BoundTask, train: Sequence[Target], dev: Sequence[Target], kept: KeptStates | None
    ) -> Criterion:
        """Cross entropy of beginning and end over the places of a row."""
        from trimtab.evaluation.text.words import are_chinese
        from trimtab.training.head_criterion import HeadCriterion, SpanOutputs

        own, judged = cast("Sequence[SpanTarget]", train), cast("Sequence[SpanTarget]", dev)
        longest = self.settings.longest or USUAL_LONGEST
        chinese = are_chinese([text for row in judged for text in row.references], bound.task.language)
        outputs = SpanOutputs(longest, self.settings.threshold, chinese, bound.task.train.label_smoothing)
        return HeadCriterion(outputs, own, judged, kept)

    def settles_on_all(self, task: Task) -> bool:
        """For the threshold."""
        return True

    def settled_on_dev(
        self, task: Task, dev: Sequence[SpanExample], answers: Callable[[], Sequence[SpanPrediction]]
    ) -> Task:
        """With the threshold that is best on dev, unless the task has its own or train has only rows with answers."""
        if self.settings.threshold is not None or not dev:
            return task
        import numpy as np

        from trimtab.evaluation.scores.spans import span_results
        from trimtab.evaluation.scores.thresholds import best_answer_threshold

        found = [prediction.best for prediction in answers()]
        f1 = span_results(dev, [best.place or () for best in found], task.language)[0].per_row
        assert f1 is not None
        without_N = np.array([not example.references for example in dev])
        chosen = best_answer_threshold(np.array([best.share for best in found]), f1, without_N)
        return task.model_copy(update={"answer": self.settings.model_copy(update={"threshold": chosen})})

    @property
    def _threshold(self) -> float:
        """Share from which on an answer is given."""
        return USUAL if self.settings.threshold is None else self.settings.threshold

    def reader(self, bound: BoundTask, row: EncodedRow, condition: Condition) -> Reader:
        """The head, at each token and where it says that there is no answer."""
        from trimtab.decoding.readers import SpanReader

        assert condition.head is not None
        return SpanReader(condition.head)

    def prediction(self, bound: BoundTask, example: SpanExample, row: EncodedRow, scores: np.ndarray) -> SpanPrediction:
        """The best stretch of any window, where it reaches the threshold."""
        from trimtab.decoding.spans import SpanWindow, best_span

        context = example.fields.get(bound.template.tagged, "")
        places, windows, at = cut_context(context), [], 0
        for window in row.windows:
            size = len(window.read_at or ())
            windows.append(SpanWindow(scores[at : at + size], places[window.first : window.first + size - 1]))
            at += size
        best = best_span(windows, self.settings.longest or USUAL_LONGEST)
        given = best.given(self._threshold)
        return SpanPrediction(context[slice(*given)] if given else "", row.cut, best, given)

    def record(self, bound: BoundTask, prediction: SpanPrediction) -> dict[str, object]:
        """The answer, where it stands and its probability; where there may be none, its share (see `BestSpan`)."""
        best, given = prediction.best, prediction.given
        start, end = given or (None, None)
        answer: dict[str, object] = {
            "text": prediction.label,
            "start": start,
            "end": end,
            "probability": round(best.probability if given else best.none, 6),
        }
        return answer | ({"share": round(best.share, 6)} if self._threshold else {})

    def usual_ways(self, *, gpu: bool, few: bool) -> tuple[str, ...]:
        """On any machine, and what a GPU adds."""
        adds = ("prefix", "p_tuning", "full") if gpu else ()
        return ("majority", "sentence", "nearby_words", "head", "soft_prompt", "lora", *adds)

    def tried_ways(self, *, few: bool, many: bool) -> tuple[str, ...]:
        """What needs no training, what is fitted, then a prompt, then what changes weights."""
        return ("majority", "sentence", "nearby_words", "head", "soft_prompt", "lora")

    def misfit(self, way: str, *, trained: bool) -> str | None:
        """What trains nothing, or gives labels."""
        return headed_misfit(way, self.plural, trained=trained)

    def missed(self, splits: Splits, words: Mapping[str, Sequence[str]]) -> list[str]:
        """Rows of dev and test without an answer, where one is always given."""
        notes = []
        parts = (("dev", splits.dev), ("test", splits.test))
        for name, rows in cast("Sequence[tuple[str, Sequence[SpanExample]]]", parts) if not self._threshold else ():
            without = sum(not example.references for example in rows)
            if without:
                notes.append(f"{name}: {without} of {len(rows)} rows have no answer, and are given one all the same.")
        return notes

    def collected(self, predictions: Sequence[SpanPrediction], classes: Sequence[str]) -> list[Answer]:
        """Where each row's answer stands."""
        return [prediction.given or () for prediction in predictions]

    def comparable(self, answers: Sequence[Sequence[int]]) -> NDArray[Any]:
        """The same, as tuples."""
        return as_objects([tuple(answer) for answer in answers])

    def scorer(
        self, examples: Sequence[SpanExample], classes: Sequence[str], task: Task, passes: Passes | None = None
    ) -> Scorer:
        """By F1; exact match beside it, and the two parts where some rows have no answer."""
        from trimtab.evaluation.scorers.spans import span_scorer

        return span_scorer(examples, task.language)

    def wording(self, scorer: Scorer) -> Wording:
        """Spans are scored over all rows."""
        from trimtab.reports.wording import by_sums

        return by_sums("right answer", scorer.metric, scorer.others)

    def scored(self, judging: Judging) -> SpanReport:
        """F1 and what goes with it; other ways with a randomisation test of F1."""
        from trimtab.evaluation.scores.spans import score_spans, spans_p_value
        from trimtab.reports.scored import SpanBaseline, SpanReport

        language = judging.bound.task.language
        dev, test = (score_spans(*part, language=language) if part else None for part in (judging.dev, judging.test))
        baselines = []
        if judging.headline:
            examples, ours = judging.headline
            for rival in judging.rivals:
                scores = score_spans(examples, rival.answers, language=language, worst=0)
                baselines.append(
                    SpanBaseline(
                        name=rival.name,
                        f1=scores.f1,
                        interval=scores.intervals["f1"],
                        exact=scores.exact,
                        seconds=rival.seconds,
                        p_value=spans_p_value(examples, ours, rival.answers, language),
                    )
                )
        return SpanReport(dev=dev, test=test, baselines=baselines, threshold=self._threshold)


def _windows(
    row: EncodedRow, example: SpanExample, places: Sequence[Place], whole: tuple[int, int] | None
) -> Iterator[SpanTarget]:
    """Each window on a row; one that does not hold the whole answer says that there is none."""
    from trimtab.training.targets import SpanTarget

    for window in row.windows:
        read_at = window.read_at or ()
        inside = whole is not None and window.first <= whole[0] and whole[1] < window.first + len(read_at)
        start, end = (whole[0] - window.first + 1, whole[1] - window.first) if whole and inside else (0, 0)
        own = places[window.first : window.first + len(read_at) - 1]
        yield SpanTarget(
            window.ids, read_at, start, end, own, example.context, example.references, goes_on=window is not row
        )
