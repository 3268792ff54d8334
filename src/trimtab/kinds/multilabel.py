"""Sets of labels: any number of a fixed set of labels, or none; a head says yes or no to each by itself.

N rows, C labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from trimtab.data.counts.answers import AnswerCounts
from trimtab.data.counts.lookalikes import lookalikes
from trimtab.data.counts.multilabel import count_label_sets
from trimtab.data.example import MultiLabelExample
from trimtab.data.label_sets import canonical, check_label_sets, check_separators, read_label_set, shown
from trimtab.data.mapping import field_text, group_of, unlabelled
from trimtab.data.records import Record, source_name
from trimtab.errors import DataError, TaskError, TrimtabError, did_you_mean
from trimtab.kinds.baseline import Baseline, Learning
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.checks import (
    check_all_answered,
    check_chat,
    check_no_dialogue,
    check_skew,
    check_trained,
    headed_misfit,
)
from trimtab.kinds.classes import as_objects
from trimtab.kinds.kind import Input, Judging
from trimtab.kinds.prediction import MultiLabelPrediction
from trimtab.kinds.usual import UsualKind
from trimtab.prompts import EncodedRow, Template, Verbalizer, default_words, wordless
from trimtab.settings.answers import MultiLabelAnswer
from trimtab.settings.task import DataSettings, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trimtab.backbones.pretrained import Pretrained
    from trimtab.data.splits import Splits
    from trimtab.decoding.scoring import Reader
    from trimtab.evaluation.baselines.classifier import Recipe
    from trimtab.evaluation.scorers.scorer import Scorer
    from trimtab.evaluation.scorers.texts import Passes
    from trimtab.methods.method import Condition
    from trimtab.reports.scored import MultiLabelReport
    from trimtab.reports.wording import Wording
    from trimtab.training.criterion import Criterion
    from trimtab.training.kept_rows import KeptStates
    from trimtab.training.targets import MultiLabelTarget, Target

LabelSets = list[tuple[str, ...]]
# Probability from which on a label is given where nothing says otherwise.
USUAL = 0.5


def _commonest(given: Learning) -> LabelSets:
    from trimtab.evaluation.baselines.commonest_labels import commonest_labels

    return commonest_labels(given.train, given.judged)


def _one_vs_rest(given: Learning, recipe: Recipe) -> LabelSets:
    from trimtab.evaluation.baselines.one_vs_rest import one_vs_rest

    return one_vs_rest(given.train, given.judged, given.labels, recipe, given.task.train.seed)


def _naive_bayes(given: Learning) -> LabelSets:
    from trimtab.evaluation.baselines.naive_bayes import naive_bayes_recipe

    return _one_vs_rest(given, naive_bayes_recipe(given.task.language))


def _tfidf(given: Learning) -> LabelSets:
    from trimtab.evaluation.baselines.tfidf import tfidf_recipe

    return _one_vs_rest(given, tfidf_recipe(given.task.language, given.task.train.seed))


def _ngrams(given: Learning) -> LabelSets:
    from trimtab.evaluation.baselines.ngram_logistic import ngram_recipe

    return _one_vs_rest(given, ngram_recipe(given.task.language, given.task.train.seed))


def _embeddings(given: Learning) -> LabelSets:
    from trimtab.evaluation.baselines.embedding_logistic import embedding_recipe

    return _one_vs_rest(given, embedding_recipe(given.embed()))


BASELINES = (
    Baseline("majority", "commonest labels", _commonest, always="the commonest labels", reported="commonest labels"),
    Baseline("naive_bayes", "naive Bayes", _naive_bayes, reported="naive Bayes"),
    Baseline("tfidf", "TF-IDF + logistic regression", _tfidf),
    Baseline("ngrams", "n-grams + logistic regression", _ngrams),
    Baseline("embeddings", "sentence embeddings + logistic regression", _embeddings),
)


@dataclass(frozen=True)
class MultiLabels(UsualKind[MultiLabelExample]):
    """Sets of labels (see `trimtab.kinds.kind.Kind`)."""

    settings: MultiLabelAnswer
    plural: str = "sets of labels"
    headed: bool = True
    learnt_from_train: str = "the commonest labels and naive Bayes"

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """From the commonest labels to a logistic regression a label over sentence embeddings."""
        return BASELINES

    def read(
        self, record: Record, fields: Sequence[str], settings: DataSettings, *, answered: bool
    ) -> MultiLabelExample:
        """Fields and labels."""
        texts = {field: field_text(record, field, settings) for field in fields}
        found = read_label_set(record, settings.label, self.settings) if answered else None
        where, group = record.where, group_of(record, settings)
        if found is None:
            return MultiLabelExample(texts, None, where, group)
        return MultiLabelExample(texts, canonical(found.labels), where, group, found.labels, found.separator)

    def unanswered(
        self, bare: Sequence[Record], rows: int | None, fields: Sequence[str], settings: DataSettings
    ) -> TrimtabError:
        """No labels, which is not to say that none fits."""
        found = unlabelled(bare, rows, self.settings.columns[0] if self.settings.columns else settings.label)
        if self.settings.columns or not any(record.has(settings.label) for record in bare):
            return found
        return DataError(found.message, "Label the row, write [] where no label fits, or leave it out.")

    def check_train(self, train: Sequence[MultiLabelExample], settings: DataSettings) -> None:
        """Refuse labels that are parted in two ways, and rows that all have the same."""
        check_separators(train)
        if len({example.answer for example in train}) > 1:
            return
        source, column = source_name(settings.train), f"set data.label (now '{settings.label}')"
        labels = train[0].labels or ()
        if not labels:
            raise DataError(f"{source}: no row has a label.", f"Add rows with labels, or {column}.")
        raise DataError(
            f"{source}: every row has the same labels ({shown(labels)}).", f"Add rows with others, or {column}."
        )

    def lookalikes(self, train: Sequence[MultiLabelExample]) -> list[str]:
        """Labels that look alike."""
        return lookalikes(Counter(label for example in train for label in example.labels or ()), "labels")

    def counted(self, examples: Sequence[MultiLabelExample], count_tokens: Callable[[str], int] | None) -> AnswerCounts:
        """Rows a label, labels a row."""
        return count_label_sets(examples)

    def words(self, task: Task, train: Sequence[MultiLabelExample]) -> dict[str, list[str]]:
        """The labels, as the task has them, or the columns, or those of train; each by its own name."""
        if task.labels.words is not None:
            return {label: list(own) for label, own in task.labels.words.items()}
        names = {label for example in train for label in example.labels or ()}
        return default_words(self.settings.columns or sorted(names))

    def settled(self, task: Task, train: Sequence[MultiLabelExample]) -> Task:
        """As it is, its labels checked.

        Raises:
            DataError: a training row has a label that the task does not name.
            TaskError: a threshold for none of the labels.
        """
        labels = list(self.words(task, train))
        check_label_sets(train, labels)
        for label in self.settings.thresholds if isinstance(self.settings.thresholds, dict) else ():
            if label not in labels:
                hint = did_you_mean(label, labels) or f"Labels: {', '.join(labels[:8])}."
                raise TaskError(f"answer.thresholds: no label '{label}'.", hint)
        return task

    def check(self, task: Task, pretrained: Pretrained | None = None) -> None:
        """Refuse what trains nothing, words of labels, and labels beside columns."""
        check_no_dialogue(task, self.plural)
        check_chat(task, pretrained)
        check_trained(task, self.plural)
        check_skew(task, self.plural, ["macro_f1"])
        check_all_answered(task, self.plural)
        words, columns = task.labels.words, self.settings.columns
        if words is not None and columns is not None and set(words) != set(columns):
            raise TaskError("labels and answer.columns name different labels.", "Leave one of them out.")
        if words is not None and words != default_words(list(words)):
            raise TaskError(
                f"labels have words of their own, and {self.plural} are read by a layer, which knows no words.",
                "List the names of the labels alone: labels: [one, two].",
            )

    def verbalizer(
        self, task: Task, words: Mapping[str, Sequence[str]], template: Template, pretrained: Pretrained, training: bool
    ) -> Verbalizer:
        """The labels, without words."""
        return wordless(list(words))

    def example(self, given: Input) -> MultiLabelExample:
        """Its fields."""
        return MultiLabelExample(dict(given.fields), None, given.where)

    def as_read(self, bound: BoundTask, example: MultiLabelExample, row: EncodedRow) -> str:
        """Without its labels, which no text says."""
        return bound.template.text(example.fields, "") if bound.pretrained.backbone.scores_words else (
            bound.template.text(example.fields)
        )  # fmt: skip

    def targets(
        self, bound: BoundTask, rows: Sequence[EncodedRow], examples: Sequence[MultiLabelExample], answers: int | None
    ) -> tuple[list[Target], list[str]]:
        """Each row, and of each label whether it fits."""
        from trimtab.training.targets import MultiLabelTarget

        sets = [set(example.labels or ()) for example in examples]
        return [
            MultiLabelTarget(row.ids, tuple(label in own for label in bound.labels), row.answer)
            for row, own in zip(rows, sets, strict=True)
        ], []

    def criterion(
        self, bound: BoundTask, train: Sequence[Target], dev: Sequence[Target], kept: KeptStates | None
    ) -> Criterion:
        """Binary cross entropy of each label."""
        from trimtab.training.class_weights import balanced_answers
        from trimtab.training.dev_scores import macro_f1_of_sets, micro_f1
        from trimtab.training.head_criterion import HeadCriterion, MultiLabelOutputs

        own, judged = cast("Sequence[MultiLabelTarget]", train), cast("Sequence[MultiLabelTarget]", dev)
        given = None if self.settings.thresholds is None else tuple(self._thresholds(bound.labels))
        settings = bound.task.train
        weights = balanced_answers([row.fits for row in own]) if settings.class_weights == "balanced" else None
        judge = macro_f1_of_sets if settings.choose_by == "macro_f1" else micro_f1
        return HeadCriterion(MultiLabelOutputs(given, settings.label_smoothing, weights, judge), own, judged, kept)

    def _thresholds(self, labels: Sequence[str]) -> list[float]:
        """Probability from which on each label is given."""
        own = self.settings.thresholds
        return [own.get(label, USUAL) if isinstance(own, dict) else own or USUAL for label in labels]

    def settles_on_all(self, task: Task) -> bool:
        """For the thresholds."""
        return True

    def settled_on_dev(
        self, task: Task, dev: Sequence[MultiLabelExample], answers: Callable[[], Sequence[MultiLabelPrediction]]
    ) -> Task:
        """With the thresholds that are best on dev, unless the task has its own."""
        if self.settings.thresholds is not None or not dev:
            return task
        import numpy as np

        from trimtab.evaluation.scores.thresholds import best_thresholds

        found = answers()
        labels = list(found[0].probabilities)
        probabilities_NC = np.array([list(one.probabilities.values()) for one in found])
        right_NC = np.array([[label in (example.labels or ()) for label in labels] for example in dev])
        chosen = dict(zip(labels, best_thresholds(probabilities_NC, right_NC).tolist(), strict=True))
        return task.model_copy(update={"answer": self.settings.model_copy(update={"thresholds": chosen})})

    def reader(self, bound: BoundTask, row: EncodedRow, condition: Condition) -> Reader:
        """The head."""
        from trimtab.decoding.readers import MultiLabelReader

        assert condition.head is not None
        return MultiLabelReader(condition.head)

    def prediction(
        self, bound: BoundTask, example: MultiLabelExample, row: EncodedRow, scores: np.ndarray
    ) -> MultiLabelPrediction:
        """The labels whose probability reaches their threshold, from probabilities [C]."""
        labels, found = bound.labels, scores.tolist()
        judged = zip(labels, found, self._thresholds(labels), strict=True)
        given = tuple(label for label, own, threshold in judged if own >= threshold)
        return MultiLabelPrediction(shown(given), row.cut, given, dict(zip(labels, found, strict=True)))

    def record(self, bound: BoundTask, prediction: MultiLabelPrediction) -> dict[str, object]:
        """The labels given, and the probability of every label."""
        return {
            "labels": list(prediction.labels),
            "probabilities": {label: round(p, 6) for label, p in prediction.probabilities.items()},
        }

    def usual_ways(self, *, gpu: bool, few: bool) -> tuple[str, ...]:
        """On any machine, and what a GPU adds."""
        adds = ("prefix", "p_tuning", "lora", "full") if gpu else ()
        return ("majority", "naive_bayes", "tfidf", "embeddings", "head", "soft_prompt", *adds)

    def tried_ways(self, *, few: bool, many: bool) -> tuple[str, ...]:
        """What is fitted, then a prompt, then what changes weights."""
        return ("majority", "naive_bayes", "tfidf", "head", "early_head", "sentence_head", "soft_prompt", "lora")

    def misfit(self, way: str, *, trained: bool) -> str | None:
        """What trains nothing, or gives one label."""
        return headed_misfit(way, self.plural, trained=trained)

    def classes(self, splits: Splits, words: Mapping[str, Sequence[str]]) -> list[str]:
        """The labels, and behind them those of dev and test that train lacks."""
        return [*words, *sorted(set(_unknown([*splits.dev, *splits.test], words)))]

    def missed(self, splits: Splits, words: Mapping[str, Sequence[str]]) -> list[str]:
        """Labels of dev and test that the run does not know."""
        notes = []
        for name, rows in (("dev", splits.dev), ("test", splits.test)):
            unseen = _unknown(rows, words)
            if unseen:
                named = ", ".join(sorted(unseen)[:8]) + (", ..." if len(unseen) > 8 else "")
                count, are = ("1 label is", "is") if unseen.total() == 1 else (f"{unseen.total()} labels are", "are")
                notes.append(f"{name}: {count} none of train's ({named}), and {are} missed.")
        return notes

    def collected(self, predictions: Sequence[MultiLabelPrediction], classes: Sequence[str]) -> LabelSets:
        """Each row's labels."""
        return [prediction.labels for prediction in predictions]

    def comparable(self, answers: Sequence[Sequence[str]]) -> NDArray[Any]:
        """Each row's labels, as a tuple."""
        return as_objects([tuple(labels) for labels in answers])

    def scorer(
        self, examples: Sequence[MultiLabelExample], classes: Sequence[str], task: Task, passes: Passes | None = None
    ) -> Scorer:
        """By micro F1, or macro F1 where the task chooses by it; the other and what else there is beside it."""
        from trimtab.evaluation.scorers.multilabel import multilabel_scorer

        named = [*classes, *sorted(set(_unknown(examples, classes)))]
        return multilabel_scorer(examples, named, first="macro F1" if task.train.choose_by else "micro F1")

    def wording(self, scorer: Scorer) -> Wording:
        """Labels are scored over all rows."""
        from trimtab.reports.wording import by_sums

        return by_sums("right answer", scorer.metric, scorer.others)

    def scored(self, judging: Judging) -> MultiLabelReport:
        """Micro F1 and what goes with it; other ways with a randomisation test of micro F1."""
        from trimtab.evaluation.scores.multilabel import label_sets_p_value, score_label_sets
        from trimtab.reports.scored import MultiLabelBaseline, MultiLabelReport

        labels, known = judging.classes, judging.bound.labels
        dev, test = (score_label_sets(*part, labels) if part else None for part in (judging.dev, judging.test))
        baselines = []
        if judging.headline:
            examples, ours = judging.headline
            for rival in judging.rivals:
                scores = score_label_sets(examples, rival.answers, labels, worst=0)
                baselines.append(
                    MultiLabelBaseline(
                        name=rival.name,
                        micro_f1=scores.micro_f1,
                        interval=scores.intervals["micro_f1"],
                        macro_f1=scores.macro_f1,
                        subset_accuracy=scores.subset_accuracy,
                        hamming_loss=scores.hamming_loss,
                        seconds=rival.seconds,
                        p_value=label_sets_p_value(examples, ours, rival.answers, labels),
                    )
                )
        thresholds = dict(zip(known, self._thresholds(known), strict=True))
        chosen_by = judging.bound.task.train.choose_by
        return MultiLabelReport(dev=dev, test=test, baselines=baselines, thresholds=thresholds, chosen_by=chosen_by)


def _unknown(examples: Sequence[Any], known: Mapping[str, Any] | Sequence[str]) -> Counter[str]:
    """How often there are labels that are not known."""
    return Counter(label for example in examples for label in example.labels or () if label not in known)
