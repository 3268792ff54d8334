"""Labels: one of a fixed set, the same for all rows. Scored by their words, or by a head.

C labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from trimtab.data.answers import read_label
from trimtab.data.counts.labels import LabelCounts, count_labels
from trimtab.data.counts.lookalikes import lookalikes
from trimtab.data.example import Example
from trimtab.data.mapping import field_text, group_of
from trimtab.data.records import Record, source_name
from trimtab.errors import DataError, did_you_mean
from trimtab.kinds.baseline import Baseline, Learning
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.checks import check_chat, check_no_dialogue
from trimtab.kinds.classes import collected_classes, scored_classes
from trimtab.kinds.kind import Input, Judging
from trimtab.kinds.prediction import LabelPrediction
from trimtab.kinds.settled import settled_labels
from trimtab.kinds.usual import UsualKind
from trimtab.prompts import EncodedRow, Template, Verbalizer, default_words, make_verbalizer, wordless
from trimtab.settings.answers import LabelAnswer
from trimtab.settings.methods import FewShotSettings, SearchSettings, ZeroShotSettings
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
    from trimtab.reports.scored import LabelReport
    from trimtab.reports.wording import Wording
    from trimtab.training.criterion import Criterion
    from trimtab.training.kept_rows import KeptStates
    from trimtab.training.targets import LabelTarget, Target


def _majority(given: Learning) -> ClassAnswers:
    from trimtab.evaluation.baselines.majority import majority

    return majority(given.train, given.judged, given.labels)


def _rules(given: Learning) -> ClassAnswers:
    from trimtab.evaluation.baselines.keyword_rules import keyword_rules

    return keyword_rules(given.train, given.judged, given.labels, rules=given.task.rules, **given.how)


def _naive_bayes(given: Learning) -> ClassAnswers:
    from trimtab.evaluation.baselines.naive_bayes import naive_bayes

    return naive_bayes(given.train, given.judged, given.labels, **given.how)


def _tfidf(given: Learning) -> ClassAnswers:
    from trimtab.evaluation.baselines.tfidf import tfidf_logistic

    return tfidf_logistic(given.train, given.judged, given.labels, **given.how)


def _word_vectors(given: Learning) -> ClassAnswers:
    from trimtab.evaluation.baselines.word_vector_logistic import word_vector_logistic

    return word_vector_logistic(given.train, given.judged, given.labels, vectors=given.vectors(), **given.how)


def _ngrams(given: Learning) -> ClassAnswers:
    from trimtab.evaluation.baselines.ngram_logistic import ngram_logistic

    return ngram_logistic(given.train, given.judged, given.labels, **given.how)


def _embeddings(given: Learning) -> ClassAnswers:
    from trimtab.evaluation.baselines.embedding_logistic import embedding_logistic

    seed = given.task.train.seed
    return embedding_logistic(given.train, given.judged, given.labels, embed=given.embed(), seed=seed)


def _setfit(given: Learning) -> ClassAnswers:
    import torch

    from trimtab.evaluation.baselines.contrastive.setfit_logistic import setfit_logistic

    settings = given.task.train
    return setfit_logistic(
        given.train, given.judged, given.labels, encoder=given.encoder(), threads=torch.get_num_threads(),
        gpu=settings.device != "cpu", seed=settings.seed,
    )  # fmt: skip


BASELINES = (
    Baseline("majority", "majority", _majority, always="the commonest label", reported="majority"),
    Baseline("rules", "keyword rules", _rules),
    Baseline("naive_bayes", "naive Bayes", _naive_bayes, reported="naive Bayes"),
    Baseline("tfidf", "TF-IDF + logistic regression", _tfidf),
    Baseline("ngrams", "n-grams + logistic regression", _ngrams),
    Baseline("word_vectors", "word vectors + logistic regression", _word_vectors),
    Baseline("embeddings", "sentence embeddings + logistic regression", _embeddings),
    Baseline("setfit", "SetFit", _setfit, seeded=True, extra="setfit", title="SetFit"),
)


@dataclass(frozen=True)
class Labels(UsualKind[Example]):
    """Labels (see `trimtab.kinds.kind.Kind`)."""

    settings: LabelAnswer
    plural: str = "labels"
    counted_by_label: bool = True
    learnt_from_train: str = "majority and naive Bayes"

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """From the commonest label to logistic regression over word vectors."""
        return BASELINES

    def read(self, record: Record, fields: Sequence[str], settings: DataSettings, *, answered: bool) -> Example:
        """Fields and label."""
        texts = {field: field_text(record, field, settings) for field in fields}
        if answered and isinstance(record.get(settings.label), list):
            raise DataError(
                f"{record.where}: column '{settings.label}' holds a list, expected one label.",
                "Set answer to multilabel where any number of labels may fit a row, or name another column.",
            )
        answer = read_label(record, settings.label) if answered else None
        return Example(texts, answer, record.where, group_of(record, settings))

    def check_train(self, train: Sequence[Example], settings: DataSettings) -> None:
        """Refuse rows that all have one label."""
        check_two_answers(train, settings, "label")

    def lookalikes(self, train: Sequence[Example]) -> list[str]:
        """Labels that look alike."""
        return lookalikes(Counter(e.answer for e in train if e.answer is not None), "labels")

    def counted(self, examples: Sequence[Example], count_tokens: Callable[[str], int] | None) -> LabelCounts:
        """Rows a label."""
        return count_labels([e.answer for e in examples if e.answer is not None], len(examples))

    def words(self, task: Task, train: Sequence[Example]) -> dict[str, list[str]]:
        """As the task has them, or each label's own name; numbers in their order."""
        if task.labels.words is not None:
            return {label: list(own) for label, own in task.labels.words.items()}
        names = {example.answer or "" for example in train}
        return default_words(sorted(names, key=lambda a: (len(a), a) if a.isdigit() else (0, a)))

    def check_rows(self, examples: Sequence[Example], words: Mapping[str, Sequence[str]]) -> None:
        """Refuse the first answer that is none of the labels, naming the nearest; the message lists eight at most."""
        check_labels(examples, list(words))

    def check(self, task: Task, pretrained: Pretrained | None = None) -> None:
        """Labels go with every method."""
        check_no_dialogue(task, self.plural)
        check_chat(task, pretrained)

    def verbalizer(
        self, task: Task, words: Mapping[str, Sequence[str]], template: Template, pretrained: Pretrained, training: bool
    ) -> Verbalizer:
        """The label words; by default among branches where they are trained and their tree is large."""
        backbone = pretrained.backbone
        if not backbone.scores_words:
            return wordless(list(words))

        def made(branches: bool) -> Verbalizer:
            return make_verbalizer(
                words,
                pretrained.tokenizer,
                lead=template.answer_lead,
                before=template.before_answer,
                length_normalise=task.labels.length_normalise,
                masked=backbone.answers_at_mask,
                apart=backbone.answer_place == "apart",
                branches=branches,
            )

        if task.labels.among is not None:
            return made(task.labels.among == "branches")
        verbalizer = made(False)
        untrained = isinstance(task.method, ZeroShotSettings | FewShotSettings | SearchSettings)
        return made(True) if training and not untrained and verbalizer.large else verbalizer

    def longest(self, verbalizer: Verbalizer) -> int:
        """The longest word."""
        return verbalizer.longest

    def example(self, given: Input) -> Example:
        """Its fields."""
        return Example(dict(given.fields), None, given.where)

    def as_read(self, bound: BoundTask, example: Example, row: EncodedRow) -> str:
        """With the first word of its label, or of the first label where it has none."""
        if not bound.pretrained.backbone.scores_words:
            return bound.template.text(example.fields)
        label = example.answer or next(iter(bound.labels), "")
        return bound.template.text(example.fields, first_word(bound.verbalizer, label))

    def answer_ids(self, bound: BoundTask, example: Example, row: EncodedRow) -> tuple[int, ...]:
        """Those of the first word of its label."""
        labels = bound.labels
        return bound.verbalizer.trained_word(labels.index(example.answer)).ids if example.answer in labels else ()

    def targets(
        self, bound: BoundTask, rows: Sequence[EncodedRow], examples: Sequence[Example], answers: int | None
    ) -> tuple[list[Target], list[str]]:
        """Each row and the index of its label."""
        from trimtab.training.targets import LabelTarget

        labels = bound.labels
        both = zip(rows, examples, strict=True)
        return [LabelTarget(row.ids, labels.index(e.answer or ""), row.answer) for row, e in both], []

    def criterion(
        self, bound: BoundTask, train: Sequence[Target], dev: Sequence[Target], kept: KeptStates | None
    ) -> Criterion:
        """Cross entropy over labels: by their words, or where a head scores them by that."""
        own, judged = cast("Sequence[LabelTarget]", train), cast("Sequence[LabelTarget]", dev)
        from trimtab.evaluation.scores.classes import macro_f1
        from trimtab.training.class_weights import balanced
        from trimtab.training.dev_scores import share_right

        settings = bound.task.train
        weighs, labels = settings.class_weights == "balanced", len(bound.labels)
        weights = balanced([row.label for row in own], labels) if weighs else None
        judge = macro_f1 if settings.choose_by == "macro_f1" else share_right
        if bound.method.headed:
            from trimtab.training.head_criterion import HeadCriterion, LabelOutputs

            return HeadCriterion(LabelOutputs(settings.label_smoothing, weights, judge), own, judged, kept)
        from trimtab.training.word_criterion import WordCriterion

        return WordCriterion(bound.verbalizer, own, judged, settings.label_smoothing, weights, judge)

    def settles_on_all(self, task: Task) -> bool:
        """Where rows may be left unanswered: few rows of dev promise little."""
        return task.labels.abstain is not None

    def settled_on_dev(self, task: Task, dev: Sequence[Example], answers: Callable[[], Sequence[Any]]) -> Task:
        """The temperature of what was trained, and from which probability on an answer is given."""
        return settled_labels(task, dev, answers)

    def reader(self, bound: BoundTask, row: EncodedRow, condition: Condition) -> Reader:
        """The label words, or the head."""
        from trimtab.decoding.readers import HeadReader, WordReader

        if condition.head is not None:
            return HeadReader(condition.head)
        return WordReader(bound.verbalizer)

    def prediction(self, bound: BoundTask, example: Example, row: EncodedRow, scores: np.ndarray) -> LabelPrediction:
        """The most probable label, from probabilities [C]; none where it is too unsure to answer."""
        from trimtab.evaluation.scores.temperature import tempered

        temperature = bound.task.labels.temperature
        found = scores if temperature in (None, 1.0) else tempered(scores, temperature)
        probabilities = dict(zip(bound.labels, found.tolist(), strict=True))
        enough = bound.task.labels.answer_from is None or max(probabilities.values()) >= bound.task.labels.answer_from
        return LabelPrediction(bound.labels[int(scores.argmax())] if enough else None, row.cut, probabilities)

    def record(self, bound: BoundTask, prediction: LabelPrediction) -> dict[str, object]:
        """Label and probabilities; where it may give none, whether it does."""
        may = {} if bound.task.labels.answer_from is None else {"abstained": prediction.abstained}
        return {"label": prediction.label, **may, **probabilities(prediction)}

    def usual_ways(self, *, gpu: bool, few: bool) -> tuple[str, ...]:
        """On any machine, what a GPU adds, and what few training rows add."""
        adds = ("word_vectors", "prefix", "p_tuning", "lora", "full") if gpu else ()
        return (
            "majority", "rules", "naive_bayes", "tfidf", "embeddings", "zero_shot", "few_shot", "calibrated_few_shot",
            "head", "soft_prompt", *adds, *(("setfit", "prefix", "context_tuning") if few else ()),
        )  # fmt: skip

    def tried_ways(self, *, few: bool, many: bool) -> tuple[str, ...]:
        """What takes seconds, then prompts, of many labels first without their words, then what changes weights."""
        return (
            "majority", "naive_bayes", "tfidf", "zero_shot", "head", *(("early_head",) if few else ()), "sentence_head",
            *(("warp",) if many else ()), *(("context_tuning", "soft_prompt") if few else ("soft_prompt", "prefix")),
            "lora",
        )  # fmt: skip

    def misfit(self, way: str, *, trained: bool) -> str | None:
        """Every way gives labels."""
        return None

    def classes(self, splits: Splits, words: Mapping[str, Sequence[str]]) -> list[str]:
        """The labels."""
        return list(words)

    def collected(self, predictions: Sequence[LabelPrediction], classes: Sequence[str]) -> ClassAnswers:
        """Probabilities of every label, and the likeliest."""
        return collected_classes(predictions, classes)

    def comparable(self, answers: ClassAnswers) -> NDArray[np.int64]:
        """Indices of labels."""
        return answers.answers_N

    def scorer(
        self, examples: Sequence[Example], classes: Sequence[str], task: Task, passes: Passes | None = None
    ) -> Scorer:
        """By accuracy, macro F1 beside it; or the other way round where the task chooses by that."""
        from trimtab.evaluation.scorers.accuracy import Accuracy
        from trimtab.evaluation.scorers.macro_f1 import macro_f1_scorer
        from trimtab.evaluation.scores.gold import answer_ids, groups_among

        if task.train.choose_by == "macro_f1":
            return macro_f1_scorer(examples, classes)

        return Accuracy(
            answer_ids(examples, classes), [tuple(classes)] * len(examples), len(classes), groups_among(examples)
        )

    def wording(self, scorer: Scorer) -> Wording:
        """Labels are right or wrong."""
        from trimtab.reports.wording import by_accuracy, by_sums

        if scorer.metric.name != "accuracy":
            return by_sums("right label", scorer.metric, scorer.others)
        return by_accuracy("right label", scorer.metric, " and macro F1 in %", ", and macro F1 beside it, in %")

    def scored(self, judging: Judging) -> LabelReport:
        """Accuracy and what goes with it; other ways by accuracy, with McNemar's exact test."""
        from trimtab.reports.scored import LabelReport

        dev, test, baselines = scored_classes(judging)
        words, chosen_by = judging.bound.label_words(), judging.bound.task.train.choose_by
        return LabelReport(dev=dev, test=test, baselines=baselines, words=words, chosen_by=chosen_by)

    def likely(self, bound: BoundTask, example: Example, row: EncodedRow) -> list[tuple[tuple[int, ...], int]]:
        """The first word of its label."""
        return [likely_word(bound, bound.verbalizer, example.answer or "")]


def check_labels(examples: Sequence[Example], known: Sequence[str]) -> None:
    """Check that every answer is one of the labels `known`.

    Raises:
        DataError: at the first that is not, naming the nearest known label. The message lists eight labels at most.
    """
    allowed = set(known)
    for example in examples:
        if example.answer is None or example.answer in allowed:
            continue
        listed = ", ".join(known) if len(known) <= 8 else f"{', '.join(known[:8])}, ... ({len(known)} in all)"
        hint = did_you_mean(example.answer, known) or "Correct the row, or add the label to `labels`."
        raise DataError(f"{example.where}: label '{example.answer}' is not one of {listed}.", hint)


def check_two_answers(train: Sequence[Example], settings: DataSettings, kind: str) -> None:
    """Raise DataError where all rows have the same answer; `kind` is what answers are called."""
    answers = {example.answer for example in train}
    if len(answers) == 1:
        message = (
            f"{source_name(settings.train)}: every row has the {kind} '{answers.pop()}', expected two {kind}s or more."
        )
        raise DataError(message, f"Add rows with other {kind}s, or set data.label (now '{settings.label}').")


def first_word(verbalizer: Verbalizer, label: str) -> str:
    """The first word of a label as it stands in a row; "" for none of the labels."""
    return next((word.text for word in verbalizer.words if verbalizer.labels[word.label] == label), "")


def likely_word(bound: BoundTask, verbalizer: Verbalizer, label: str) -> tuple[tuple[int, ...], int]:
    """Token ids and bytes of the first word of a label."""
    from trimtab.prompts import tokenize

    word = verbalizer.trained_word(verbalizer.labels.index(label))
    return tuple(tokenize(bound.pretrained.tokenizer, word.text)), len(word.text.strip().encode())


def probabilities(prediction: LabelPrediction) -> dict[str, object]:
    """The probabilities of a prediction as plain values."""
    return {
        "probability": round(prediction.probability, 6),
        "probabilities": {label: round(p, 6) for label, p in prediction.probabilities.items()},
    }
