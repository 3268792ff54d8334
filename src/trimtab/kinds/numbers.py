"""Numbers (regression): read by a linear head from the hidden state at the answer's place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from trimtab.data.answers import read_number
from trimtab.data.counts.answers import AnswerCounts
from trimtab.data.counts.numbers import count_numbers
from trimtab.data.example import NumberExample
from trimtab.data.mapping import field_text, group_of
from trimtab.data.records import Record
from trimtab.errors import TaskError
from trimtab.kinds.baseline import Baseline, Learning
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.checks import (
    check_chat,
    check_no_dialogue,
    check_no_labels,
    check_skew,
    check_trained,
    headed_misfit,
)
from trimtab.kinds.kind import Input, Judging
from trimtab.kinds.labels import check_two_answers
from trimtab.kinds.prediction import NumberPrediction
from trimtab.kinds.usual import UsualKind
from trimtab.prompts import EncodedRow, Template, Verbalizer
from trimtab.settings.answers import NumberAnswer
from trimtab.settings.task import DataSettings, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trimtab.backbones.pretrained import Pretrained
    from trimtab.decoding.scoring import Reader
    from trimtab.evaluation.scorers.scorer import Scorer
    from trimtab.evaluation.scorers.texts import Passes
    from trimtab.methods.method import Condition
    from trimtab.reports.scored import NumberReport
    from trimtab.reports.wording import Wording
    from trimtab.training.criterion import Criterion
    from trimtab.training.kept_rows import KeptStates
    from trimtab.training.targets import NumberTarget, Target


def _mean(given: Learning) -> NDArray[np.float64]:
    from trimtab.evaluation.baselines.mean import mean_number

    return mean_number(given.train, given.judged)


def _ridge(given: Learning) -> NDArray[np.float64]:
    from trimtab.evaluation.baselines.ridge import ridge

    return ridge(given.train, given.judged, **given.how)


def _word_vector_ridge(given: Learning) -> NDArray[np.float64]:
    from trimtab.evaluation.baselines.word_vector_ridge import word_vector_ridge

    return word_vector_ridge(given.train, given.judged, vectors=given.vectors(), **given.how)


BASELINES = (
    Baseline("mean", "mean", _mean, always="the mean of the training rows", reported="mean"),
    Baseline("ridge", "TF-IDF + ridge regression", _ridge, reported="ridge regression"),
    Baseline("word_vector_ridge", "word vectors + ridge regression", _word_vector_ridge),
)


@dataclass(frozen=True)
class Numbers(UsualKind[NumberExample]):
    """Numbers (see `trimtab.kinds.kind.Kind`)."""

    settings: NumberAnswer
    plural: str = "numbers"
    headed: bool = True
    learnt_from_train: str = "mean and ridge regression"

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """From the mean to ridge regression on word vectors."""
        return BASELINES

    def read(self, record: Record, fields: Sequence[str], settings: DataSettings, *, answered: bool) -> NumberExample:
        """Fields and number."""
        texts = {field: field_text(record, field, settings) for field in fields}
        number = read_number(record, settings.label) if answered else None
        answer = None if number is None else f"{number:.15g}"
        return NumberExample(texts, answer, record.where, group_of(record, settings), number)

    def check_train(self, train: Sequence[NumberExample], settings: DataSettings) -> None:
        """Refuse rows that all have one number."""
        check_two_answers(train, settings, "number")

    def counted(self, examples: Sequence[NumberExample], count_tokens: Callable[[str], int] | None) -> AnswerCounts:
        """How the numbers are spread."""
        return count_numbers([example.number for example in examples if example.number is not None])

    def settled(self, task: Task, train: Sequence[NumberExample]) -> Task:
        """With the mean and standard deviation that numbers are standardised by."""
        import numpy as np

        numbers, own = np.array([example.number for example in train], dtype=np.float64), self.settings
        mean = float(numbers.mean()) if own.mean is None else own.mean
        sd = float(numbers.std()) or 1.0 if own.sd is None else own.sd
        return task.model_copy(update={"answer": own.model_copy(update={"mean": mean, "sd": sd})})

    def check(self, task: Task, pretrained: Pretrained | None = None) -> None:
        """Refuse what trains nothing, and smoothing over labels."""
        check_no_dialogue(task, self.plural)
        check_chat(task, pretrained)
        check_no_labels(task, self.plural)
        check_skew(task, self.plural)
        check_trained(task, self.plural)
        if task.train.label_smoothing:
            raise TaskError(
                "train.label_smoothing spreads probability over labels, and the answers of this task are numbers.",
                "Take it out.",
            )

    def verbalizer(
        self, task: Task, words: Mapping[str, Sequence[str]], template: Template, pretrained: Pretrained, training: bool
    ) -> Verbalizer:
        """One output of the head, without words."""
        return Verbalizer(("number",), (), (), ())

    def example(self, given: Input) -> NumberExample:
        """Its fields."""
        return NumberExample(dict(given.fields), None, given.where)

    def as_read(self, bound: BoundTask, example: NumberExample, row: EncodedRow) -> str:
        """Without its answer, which no text says."""
        return bound.template.text(example.fields, "") if bound.pretrained.backbone.scores_words else (
            bound.template.text(example.fields)
        )  # fmt: skip

    def targets(
        self, bound: BoundTask, rows: Sequence[EncodedRow], examples: Sequence[NumberExample], answers: int | None
    ) -> tuple[list[Target], list[str]]:
        """Each row and its standardised number."""
        from trimtab.training.targets import NumberTarget

        mean, sd = self._scale(bound)
        return [
            NumberTarget(row.ids, ((example.number or 0.0) - mean) / sd, row.answer)
            for row, example in zip(rows, examples, strict=True)
        ], []

    def criterion(
        self, bound: BoundTask, train: Sequence[Target], dev: Sequence[Target], kept: KeptStates | None
    ) -> Criterion:
        """The squared error, or Huber's loss."""
        from trimtab.training.head_criterion import HeadCriterion, NumberOutputs

        own, judged = cast("Sequence[NumberTarget]", train), cast("Sequence[NumberTarget]", dev)
        return HeadCriterion(NumberOutputs(huber=self.settings.loss == "huber"), own, judged, kept)

    def reader(self, bound: BoundTask, row: EncodedRow, condition: Condition) -> Reader:
        """The head's one output."""
        from trimtab.decoding.readers import NumberReader

        assert condition.head is not None
        return NumberReader(condition.head)

    def prediction(
        self, bound: BoundTask, example: NumberExample, row: EncodedRow, scores: np.ndarray
    ) -> NumberPrediction:
        """The number in its own unit."""
        mean, sd = self._scale(bound)
        number = mean + sd * float(scores[0])
        return NumberPrediction(f"{number:.6g}", row.cut, number)

    def _scale(self, bound: BoundTask) -> tuple[float, float]:
        """Mean and standard deviation that numbers are standardised by."""
        return self.settings.mean or 0.0, self.settings.sd or 1.0

    def record(self, bound: BoundTask, prediction: NumberPrediction) -> dict[str, object]:
        """The number, six digits."""
        return {"number": float(f"{prediction.number:.6g}")}

    def usual_ways(self, *, gpu: bool, few: bool) -> tuple[str, ...]:
        """On any machine, and what a GPU adds."""
        adds = ("word_vector_ridge", "prefix", "lora", "full") if gpu else ()
        return ("mean", "ridge", "head", "soft_prompt", *adds)

    def tried_ways(self, *, few: bool, many: bool) -> tuple[str, ...]:
        """What is fitted, then a prompt, then what changes weights."""
        return ("mean", "ridge", "head", "sentence_head", "soft_prompt", "lora")

    def misfit(self, way: str, *, trained: bool) -> str | None:
        """What trains nothing, or gives labels."""
        return headed_misfit(way, self.plural, trained=trained)

    def collected(self, predictions: Sequence[NumberPrediction], classes: Sequence[str]) -> NDArray[np.float64]:
        """The numbers [N]."""
        import numpy as np

        return np.array([prediction.number for prediction in predictions], dtype=np.float64)

    def comparable(self, answers: NDArray[np.float64]) -> NDArray[np.float64]:
        """The numbers."""
        return answers

    def scorer(
        self, examples: Sequence[NumberExample], classes: Sequence[str], task: Task, passes: Passes | None = None
    ) -> Scorer:
        """By the share of their variance that is explained, the root mean squared error beside it."""
        from trimtab.evaluation.scorers.r_squared import RSquared
        from trimtab.evaluation.scores.gold import groups_among, numbers_of

        return RSquared(numbers_of(examples), groups_among(examples))

    def wording(self, scorer: Scorer) -> Wording:
        """Numbers are near or far."""
        from trimtab.reports.wording import by_r_squared

        return by_r_squared(scorer.metric, scorer.others)

    def scored(self, judging: Judging) -> NumberReport:
        """Error and correlation; other ways with a paired permutation test of squared errors."""
        from trimtab.evaluation.chance.permutation import paired_permutation_test
        from trimtab.evaluation.scores.gold import groups_among, numbers_of
        from trimtab.evaluation.scores.numbers import score_numbers
        from trimtab.reports.scored import NumberBaseline, NumberReport

        dev, test = (score_numbers(*part) if part else None for part in (judging.dev, judging.test))
        baselines = []
        if judging.headline:
            examples, ours = judging.headline
            gold = numbers_of(examples)
            for rival in judging.rivals:
                scores = score_numbers(examples, rival.answers, worst=0)
                baselines.append(
                    NumberBaseline(
                        name=rival.name,
                        rmse=scores.rmse,
                        interval=scores.intervals["rmse"],
                        mae=scores.mae,
                        pearson=scores.pearson,
                        spearman=scores.spearman,
                        seconds=rival.seconds,
                        p_value=paired_permutation_test(
                            (ours - gold) ** 2, (rival.answers - gold) ** 2, groups_among(examples)
                        ),
                    )
                )
        return NumberReport(dev=dev, test=test, baselines=baselines)
