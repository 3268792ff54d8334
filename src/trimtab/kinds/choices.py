"""Choices: one of several options that stand in the record itself. Scored as text, in a tree of each row's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from trimtab.data.answers import lettered, read_choice, read_options
from trimtab.data.counts.labels import LabelCounts, count_labels
from trimtab.data.example import ChoiceExample
from trimtab.data.mapping import field_text, group_of
from trimtab.data.records import Record
from trimtab.errors import DataError, TaskError
from trimtab.kinds.baseline import Baseline, Learning
from trimtab.kinds.bound_task import BoundTask, encoded
from trimtab.kinds.checks import check_chat, check_no_dialogue, check_no_labels, check_skew
from trimtab.kinds.classes import collected_classes, scored_classes
from trimtab.kinds.kind import Input, Judging
from trimtab.kinds.labels import first_word, likely_word, probabilities
from trimtab.kinds.prediction import ChoicePrediction
from trimtab.kinds.usual import UsualKind
from trimtab.prompts import EncodedRow, Template, Verbalizer, make_options
from trimtab.settings.answers import ChoiceAnswer
from trimtab.settings.methods import FewShotSettings, HeadSettings, SearchSettings, WarpSettings, ZeroShotSettings
from trimtab.settings.task import DataSettings, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trimtab.backbones.pretrained import Pretrained
    from trimtab.data.splits import Splits
    from trimtab.decoding.scoring import Reader
    from trimtab.evaluation.baselines.class_answers import ClassAnswers
    from trimtab.evaluation.scorers.scorer import Scorer
    from trimtab.evaluation.scorers.texts import Passes
    from trimtab.methods.method import Condition
    from trimtab.reports.scored import ChoiceReport
    from trimtab.reports.wording import Wording
    from trimtab.training.criterion import Criterion
    from trimtab.training.kept_rows import KeptStates
    from trimtab.training.targets import OptionTarget, Target


# Ways that need labels that are the same for all rows.
NEED_LABELS = (
    "warp",
    "head",
    "early_head",
    "sentence_head",
    "multitask_prompt",
    "search",
    "calibrated_zero_shot",
    "calibrated_few_shot",
)


def _majority(given: Learning) -> ClassAnswers:
    from trimtab.evaluation.baselines.majority import majority

    return majority(given.train, given.judged, given.labels)


BASELINES = (
    Baseline("majority", "commonest place", _majority, always="the option at the commonest place", reported="majority"),
)  # fmt: skip


@dataclass(frozen=True)
class Choices(UsualKind[ChoiceExample]):
    """Choices among a row's own options (see `trimtab.kinds.kind.Kind`)."""

    settings: ChoiceAnswer
    plural: str = "choices"
    own_options: bool = True
    learnt_from_train: str = "majority"

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """The commonest place of the right option, among those that a row has."""
        return BASELINES

    def read(self, record: Record, fields: Sequence[str], settings: DataSettings, *, answered: bool) -> ChoiceExample:
        """Options, fields and the right option; the field of the options shows them, `A. ...` a line."""
        options = read_options(record, self.settings, settings.clean)
        texts = {
            field: lettered(options) if self._holds_options(record, field, settings)
            else field_text(record, field, settings)
            for field in fields
        }  # fmt: skip
        answer = read_choice(record, settings.label, self.settings, options) if answered else None
        return ChoiceExample(texts, answer, record.where, group_of(record, settings), options)

    def _holds_options(self, record: Record, field: str, settings: DataSettings) -> bool:
        column = settings.columns.get(field, field)
        return column == self.settings.options and record.has(column)

    def counted(self, examples: Sequence[ChoiceExample], count_tokens: Callable[[str], int] | None) -> LabelCounts:
        """Rows a place of the right option."""
        places = [f"option {int(e.stratum) + 1}" for e in examples if e.answer is not None]
        return count_labels(places, len(examples))

    def check(self, task: Task, pretrained: Pretrained | None = None) -> None:
        """Refuse what needs labels that are the same for all rows, and encoders."""
        check_no_dialogue(task, self.plural)
        check_chat(task, pretrained)
        check_no_labels(task, self.plural)
        check_skew(task, self.plural)
        method = task.method
        if isinstance(method, HeadSettings | WarpSettings | SearchSettings):
            raise TaskError(
                f"method '{method.name}' needs labels that are the same for all rows, and each row has options of its "
                "own.",
                "Choose another method, soft_prompt or lora say.",
            )
        if isinstance(method, ZeroShotSettings | FewShotSettings) and method.calibrate:
            raise TaskError(
                "method.calibrate needs labels that are the same for all rows, and each row has options of its own.",
                "Take it out.",
            )
        if pretrained and pretrained.backbone.whole_rows:
            raise TaskError(
                "options are scored as text, which needs a causal backbone; one of type "
                f"'{pretrained.backbone.config.model_type}' is an encoder.",
                "Choose another backbone.",
            )

    def verbalizer(
        self, task: Task, words: Mapping[str, Sequence[str]], template: Template, pretrained: Pretrained, training: bool
    ) -> Verbalizer:
        """An empty one: each row has options of its own."""
        return Verbalizer((), (), (), (), self.settings.length_normalise)

    def example(self, given: Input) -> ChoiceExample:
        """Its fields and options."""
        return ChoiceExample(dict(given.fields), None, given.where, options=tuple(given.options))

    def encode(self, bound: BoundTask, examples: Sequence[ChoiceExample]) -> list[EncodedRow]:
        """With the tree of each row's own options."""
        trees = [self._options(bound, example) for example in examples]
        rows = encoded(bound, examples, [tree.longest for tree in trees])
        return [replace(row, options=tree) for row, tree in zip(rows, trees, strict=True)]

    def _options(self, bound: BoundTask, example: ChoiceExample) -> Verbalizer:
        """A row's own options. Raises DataError where they will not do."""
        options, where = example.options, example.where
        if len(options) < 2:
            raise DataError(f"{where}: {len(options)} options, expected two or more.", "Give the row its options.")
        own = make_options(
            options, bound.pretrained.tokenizer, where, plain=bound.encoder.plain, lead=bound.template.answer_lead,
            before=bound.template.before_answer, length_normalise=self.settings.length_normalise,
        )  # fmt: skip
        if own.longest >= bound.encoder.budget:
            raise DataError(
                f"{where}: an option of {own.longest} tokens leaves no room for the input within "
                f"{bound.encoder.budget}.",
                "Shorten it, leave the row out, or raise template.max_tokens.",
            )
        return own

    def as_read(self, bound: BoundTask, example: ChoiceExample, row: EncodedRow) -> str:
        """With the right option."""
        return bound.template.text(example.fields, first_word(_tree(row), example.answer or ""))

    def answer_ids(self, bound: BoundTask, example: ChoiceExample, row: EncodedRow) -> tuple[int, ...]:
        """Those of the right option."""
        tree = _tree(row)
        return tree.trained_word(tree.labels.index(example.answer)).ids if example.answer in tree.labels else ()

    def targets(
        self, bound: BoundTask, rows: Sequence[EncodedRow], examples: Sequence[ChoiceExample], answers: int | None
    ) -> tuple[list[Target], list[str]]:
        """Each row, its options, and the index of the right one."""
        from trimtab.training.targets import OptionTarget

        return [
            OptionTarget(row.ids, _tree(row).labels.index(example.answer or ""), _tree(row), row.answer)
            for row, example in zip(rows, examples, strict=True)
        ], []

    def criterion(
        self, bound: BoundTask, train: Sequence[Target], dev: Sequence[Target], kept: KeptStates | None
    ) -> Criterion:
        """Cross entropy over each row's own options."""
        from trimtab.training.option_criterion import OptionCriterion

        own, judged = cast("Sequence[OptionTarget]", train), cast("Sequence[OptionTarget]", dev)
        return OptionCriterion(own, judged, bound.task.train.label_smoothing)

    def reader(self, bound: BoundTask, row: EncodedRow, condition: Condition) -> Reader:
        """The row's own options."""
        from trimtab.decoding.readers import OptionReader

        return OptionReader(_tree(row))

    def prediction(
        self, bound: BoundTask, example: ChoiceExample, row: EncodedRow, scores: np.ndarray
    ) -> ChoicePrediction:
        """The most probable option."""
        options, best = _tree(row).labels, int(scores.argmax())
        return ChoicePrediction(options[best], row.cut, dict(zip(options, scores.tolist(), strict=True)), best)

    def record(self, bound: BoundTask, prediction: ChoicePrediction) -> dict[str, object]:
        """The option, its number as the data counts, and probabilities."""
        index = prediction.index + self.settings.first
        return {"option": prediction.label, "index": index, **probabilities(prediction)}

    def usual_ways(self, *, gpu: bool, few: bool) -> tuple[str, ...]:
        """On any machine, what a GPU adds, and what few training rows add."""
        adds = ("prefix", "p_tuning", "lora", "full") if gpu else ()
        return ("majority", "zero_shot", "few_shot", "soft_prompt", *adds, *(("context_tuning",) if few else ()))

    def tried_ways(self, *, few: bool, many: bool) -> tuple[str, ...]:
        """The backbone as it is, then prompts, then what changes weights."""
        tuned = ("context_tuning", "soft_prompt") if few else ("soft_prompt", "prefix")
        return ("majority", "zero_shot", *tuned, "lora")

    def misfit(self, way: str, *, trained: bool) -> str | None:
        """What needs labels that are the same for all rows."""
        if way in NEED_LABELS:
            return "needs labels that are the same for all rows, and each row has options of its own"
        return None

    def classes(self, splits: Splits, words: Mapping[str, Sequence[str]]) -> list[str]:
        """Names of the places that options stand at, as many as the row with the most of them has."""
        parts = (splits.train, splits.dev, splits.test)
        most = max((len(example.beside) for part in parts for example in part), default=0)
        return [f"option {i}" for i in range(1, most + 1)]

    def collected(self, predictions: Sequence[ChoicePrediction], classes: Sequence[str]) -> ClassAnswers:
        """Probabilities of the options by their places, and the likeliest place."""
        return collected_classes(predictions, classes)

    def comparable(self, answers: ClassAnswers) -> NDArray[np.int64]:
        """Places of options."""
        return answers.answers_N

    def scorer(
        self, examples: Sequence[ChoiceExample], classes: Sequence[str], task: Task, passes: Passes | None = None
    ) -> Scorer:
        """By accuracy."""
        from trimtab.evaluation.scorers.accuracy import Accuracy
        from trimtab.evaluation.scores.gold import answer_ids, groups_among

        return Accuracy(
            answer_ids(examples, classes), [example.options for example in examples], 0, groups_among(examples)
        )

    def wording(self, scorer: Scorer) -> Wording:
        """Options are right or wrong."""
        from trimtab.reports.wording import by_accuracy

        return by_accuracy("right option", scorer.metric, " in %", " in %")

    def scored(self, judging: Judging) -> ChoiceReport:
        """Accuracy and what goes with it, by the places of options; other ways with McNemar's exact test."""
        from trimtab.reports.scored import ChoiceReport

        dev, test, baselines = scored_classes(judging)
        return ChoiceReport(dev=dev, test=test, baselines=baselines)

    def likely(self, bound: BoundTask, example: ChoiceExample, row: EncodedRow) -> list[tuple[tuple[int, ...], int]]:
        """The right option."""
        return [likely_word(bound, _tree(row), example.answer or "")]


def _tree(row: EncodedRow) -> Verbalizer:
    assert row.options is not None
    return row.options
