"""Free text, dialogues among it: said token by token, trained on the tokens of the right answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from trimtab.data.answers import read_texts
from trimtab.data.counts.answers import AnswerCounts
from trimtab.data.counts.texts import count_texts
from trimtab.data.dialogues import as_field, read_dialogue, split_answer, unread_notes, up_to_trained
from trimtab.data.example import TextExample
from trimtab.data.mapping import counted, field_text, group_of, unlabelled
from trimtab.data.messages import MESSAGES
from trimtab.data.records import Record
from trimtab.data.values import as_text, no_column
from trimtab.errors import DataError, TaskError, TrimtabError
from trimtab.kinds.baseline import Baseline, Learning
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.checks import check_chat, check_no_labels, check_skew
from trimtab.kinds.choices import NEED_LABELS
from trimtab.kinds.classes import as_objects
from trimtab.kinds.kind import Generating, Input, Judging
from trimtab.kinds.prediction import Prediction, TextPrediction
from trimtab.kinds.usual import UsualKind
from trimtab.prompts import DialogueEncoder, EncodedRow, Template, Verbalizer, is_dialogue, make_chat, spaced, tokenize
from trimtab.prompts.demonstrations import SEPARATOR
from trimtab.settings.answers import TextAnswer
from trimtab.settings.methods import FewShotSettings, HeadSettings, SearchSettings, WarpSettings, ZeroShotSettings
from trimtab.settings.task import DataSettings, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trimtab.backbones.pretrained import Pretrained
    from trimtab.decoding.answer_text import Written
    from trimtab.decoding.scoring import Reader
    from trimtab.evaluation.scorers.scorer import Scorer
    from trimtab.evaluation.scorers.texts import Passes
    from trimtab.methods.method import Condition
    from trimtab.reports.scored import TextReport
    from trimtab.reports.wording import Wording
    from trimtab.training.criterion import Criterion
    from trimtab.training.kept_rows import KeptStates
    from trimtab.training.targets import Target, TextTarget

# The longest answer that is picked, in tokens.
MOST_TOKENS = 256


@dataclass(frozen=True)
class Said:
    """What was answered to rows: the texts, and how many of them were cut off at their greatest length."""

    texts: list[str]
    unfinished: int = 0


def _nearest_answer(given: Learning) -> Said:
    from trimtab.evaluation.baselines.nearest_answer import nearest_answer

    return Said(nearest_answer(given.train, given.judged, language=given.task.language))


BASELINES = (Baseline("nearest_answer", "nearest answer", _nearest_answer, reported="nearest answer"),)


@dataclass(frozen=True)
class Texts(UsualKind[TextExample]):
    """Free text (see `trimtab.kinds.kind.Kind`)."""

    settings: TextAnswer
    plural: str = "texts"
    several_right: bool = True
    generates: bool = True
    learnt_from_train: str = "nearest answers"
    judges_dev: bool = False

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """The answer to the nearest training row."""
        return BASELINES

    @property
    def tests(self) -> str | None:
        """The column that the task names, if it does."""
        return self.settings.tests

    def read(self, record: Record, fields: Sequence[str], settings: DataSettings, *, answered: bool) -> TextExample:
        """Fields and every right answer. Of a dialogue: its last assistant turn, and what comes before it as the field.

        If the answer is looked at, that is the last one trained on; else a last user's turn is there to be answered.
        """
        if tuple(fields) == (MESSAGES,):
            messages = read_dialogue(record, settings)
            before, said = split_answer(up_to_trained(messages, record.where) if answered else messages)
            references: tuple[str, ...] = (said,) if said is not None and answered else ()
            texts, tests = {MESSAGES: as_field(before)}, ""
        else:
            texts = {field: field_text(record, field, settings) for field in fields}
            tests = self._tests(record) if answered and self.settings.tests else ""
            references = read_texts(record, settings.label, self.settings.stop) if answered else ()
        answer = references[0] if references else None
        return TextExample(texts, answer, record.where, group_of(record, settings), references, tests)

    def _tests(self, record: Record) -> str:
        column = self.settings.tests or ""
        if not record.has(column):
            raise no_column(record, column, "the tests", "Set answer.tests to one of them.")
        return as_text(record, column) or ""

    def unread(self, records: Sequence[Record], fields: Sequence[str], settings: DataSettings) -> list[str]:
        """Of dialogues: columns, and keys of messages."""
        return unread_notes(records, settings) if tuple(fields) == (MESSAGES,) else []

    def unanswered(
        self, bare: Sequence[Record], rows: int | None, fields: Sequence[str], settings: DataSettings
    ) -> TrimtabError:
        """No answer, or no assistant turn."""
        if tuple(fields) != (MESSAGES,):
            return unlabelled(bare, rows, settings.label)
        count = "" if rows is None else f" ({counted(len(bare), rows)})"
        hint = "Leave it out; `trimtab predict` answers dialogues that end with the user."
        return DataError(f"{bare[0].where}: no assistant turn{count}.", hint)

    def merged(self, examples: list[TextExample]) -> list[TextExample]:
        """Rows with the same input as one, right with the answers of all."""
        groups: dict[tuple[str, ...], list[TextExample]] = defaultdict(list)
        for example in examples:
            groups[tuple(example.fields.values())].append(example)
        if len(groups) == len(examples):
            return examples
        return [
            replace(own[0], references=tuple(dict.fromkeys(text for e in own for text in e.references)))
            for own in groups.values()
        ]

    def counted(self, examples: Sequence[TextExample], count_tokens: Callable[[str], int] | None) -> AnswerCounts:
        """How many there are, and how long."""
        return count_texts(examples, count_tokens)

    def check(self, task: Task, pretrained: Pretrained | None = None) -> None:
        """Refuse metrics there are none of, what needs labels, and backbones that say nothing."""
        from trimtab.evaluation.metrics.choose import metric_names

        check_chat(task, pretrained)
        check_no_labels(task, self.plural)
        check_skew(task, self.plural)
        method = task.method
        if isinstance(method, HeadSettings | WarpSettings | SearchSettings):
            raise TaskError(
                f"method '{method.name}' needs labels, and the answers of this task are texts.",
                "Choose another method, soft_prompt or lora say.",
            )
        if isinstance(method, ZeroShotSettings | FewShotSettings) and method.calibrate:
            raise TaskError("method.calibrate needs labels, and the answers of this task are texts.", "Take it out.")
        if task.train.ensemble:
            raise TaskError(
                "train.ensemble takes the mean of labels' probabilities, and the answers of this task are texts.",
                "Take it out; the best run on dev answers.",
            )
        metric_names(self.settings.metrics or ())
        if pretrained is not None:
            _check_backbone(pretrained)

    def settled_length(self, task: Task, train: Sequence[TextExample], pretrained: Pretrained) -> Task:
        """With the longest answer in tokens, where that is left open."""
        if self.settings.max_tokens is not None:
            return task
        chat = task.template.chat or is_dialogue(task.template.text)
        lead = make_chat(pretrained.tokenizer).lead if chat else " "
        texts = [lead + text for example in train for text in example.references]
        longest = max(map(len, pretrained.tokenizer(texts, add_special_tokens=False)["input_ids"]), default=MOST_TOKENS)
        # Its end token, and one for white space that is written otherwise; half of the context is the input's.
        most = min(longest + 2, MOST_TOKENS, pretrained.backbone.context // 2)
        return task.model_copy(update={"answer": self.settings.model_copy(update={"max_tokens": most})})

    def verbalizer(
        self, task: Task, words: Mapping[str, Sequence[str]], template: Template, pretrained: Pretrained, training: bool
    ) -> Verbalizer:
        """An empty one."""
        return Verbalizer((), (), (), ())

    def longest(self, verbalizer: Verbalizer) -> int:
        """The longest answer there may be."""
        return self._most

    @property
    def _most(self) -> int:
        """Longest answer in tokens, its end included."""
        return self.settings.max_tokens or MOST_TOKENS

    def example(self, given: Input) -> TextExample:
        """Its fields."""
        return TextExample(dict(given.fields), None, given.where)

    def as_read(self, bound: BoundTask, example: TextExample, row: EncodedRow) -> str:
        """With its first right answer."""
        answer = example.answer or ""
        if isinstance(bound.encoder, DialogueEncoder):
            return bound.encoder.text(example.fields, answer)
        template = bound.template
        return template.text(example.fields, spaced(answer, template.answer_lead, template.before_answer))

    def answer_ids(self, bound: BoundTask, example: TextExample, row: EncodedRow) -> tuple[int, ...]:
        """Those of the first right answer, as far as it is trained."""
        return answer_ids(bound, example.answer or "")[: self._most]

    def targets(
        self, bound: BoundTask, rows: Sequence[EncodedRow], examples: Sequence[TextExample], answers: int | None
    ) -> tuple[list[Target], list[str]]:
        """Each row with each of its right answers."""
        from trimtab.training.targets import TextTarget

        most, end = self._most, ends(bound)[0]
        texts = [
            TextTarget(row.ids, answer_ids(bound, text)[:most], row.said)
            for row, example in zip(rows, examples, strict=True)
            for text in example.references[:answers]
        ]
        endless = sum(row.text[-1] != end for row in texts)
        if not endless:
            return list(texts), []
        return list(texts), [
            f"{endless} of {len(texts)} answers are longer than answer.max_tokens ({most}): what goes beyond is not "
            "trained."
        ]

    def criterion(
        self, bound: BoundTask, train: Sequence[Target], dev: Sequence[Target], kept: KeptStates | None
    ) -> Criterion:
        """Cross entropy over the vocabulary at each token of the answer."""
        from trimtab.training.token_criterion import TokenCriterion

        own, judged = cast("Sequence[TextTarget]", train), cast("Sequence[TextTarget]", dev)
        return TokenCriterion(own, judged, bound.task.train.label_smoothing)

    def reader(self, bound: BoundTask, row: EncodedRow, condition: Condition) -> Reader:
        """Texts are said."""
        raise AssertionError("texts are said, not scored")

    def prediction(self, bound: BoundTask, example: TextExample, row: EncodedRow, scores: np.ndarray) -> Prediction:
        """Texts are said."""
        raise AssertionError("texts are said, not scored")

    def generating(self, bound: BoundTask, own: TextAnswer | None) -> Generating:
        """As the task says, or as `own` does; few-shot ends answers as it shows them."""
        settings = own or self.settings
        if isinstance(bound.task.method, FewShotSettings):
            settings = settings.model_copy(update={"stop": [*settings.stop, SEPARATOR]})
        return Generating(settings, ends(bound), settings.max_tokens or self._most, bound.template.answer_lead)

    def said(self, row: EncodedRow, answers: tuple[Written, ...]) -> TextPrediction:
        """Every answer given, the first as the one."""
        return TextPrediction(answers[0].text, row.cut, answers)

    def record(self, bound: BoundTask, prediction: TextPrediction) -> dict[str, object]:
        """The text, how it ended and how likely it is; if there are several, all of them."""
        each = [
            {"text": t.text, "ended": t.ended, "log_likelihood": round(t.log_likelihood, 4)} for t in prediction.texts
        ]
        return {**each[0], "texts": each} if len(each) > 1 else dict(each[0])

    def usual_ways(self, *, gpu: bool, few: bool) -> tuple[str, ...]:
        """On any machine, and what a GPU adds."""
        adds = ("p_tuning", "lora", "full") if gpu else ()
        return ("nearest_answer", "zero_shot", "few_shot", "soft_prompt", "prefix", *adds)

    def tried_ways(self, *, few: bool, many: bool) -> tuple[str, ...]:
        """The backbone as it is, then prompts, then what changes weights."""
        return ("nearest_answer", "few_shot", "soft_prompt", "prefix", "lora")

    def misfit(self, way: str, *, trained: bool) -> str | None:
        """What needs labels."""
        return "needs labels, and the answers of this task are texts" if way in NEED_LABELS else None

    def collected(self, predictions: Sequence[TextPrediction], classes: Sequence[str]) -> Said:
        """The texts, and how many were cut off at their greatest length."""
        return Said(
            [prediction.label or "" for prediction in predictions],
            sum(prediction.texts[0].ended == "length" for prediction in predictions),
        )

    def comparable(self, answers: Said) -> NDArray[Any]:
        """The texts."""
        return as_objects(answers.texts)

    def scorer(
        self, examples: Sequence[TextExample], classes: Sequence[str], task: Task, passes: Passes | None = None
    ) -> Scorer:
        """By the first of the task's metrics, or pass@1 where answers are run, the others beside it."""
        from trimtab.evaluation.scorers.texts import text_scorer

        return text_scorer(examples, self.settings.metrics, task.language, passes)

    def wording(self, scorer: Scorer) -> Wording:
        """Another text than the one in the data may be right too."""
        from trimtab.reports.wording import by_sums

        found = by_sums("answer in the data", scorer.metric, scorer.others)
        return found.model_copy(update={"by_nobody": "in the data", "others_are_wrong": False})

    def scored(self, judging: Judging) -> TextReport:
        """The task's metrics; other ways with a randomisation test of the first."""
        from trimtab.evaluation.scores.texts import score_text_answers, texts_p_value
        from trimtab.reports.scored import TextBaseline, TextReport

        if not judging.headline:
            return TextReport()
        metrics, language = self.settings.metrics, judging.bound.task.language
        examples, ours = judging.headline
        scores = score_text_answers(
            examples, ours.texts, metrics=metrics, language=language, unfinished=ours.unfinished
        )  # fmt: skip
        scores = replace(scores, figures=[*scores.figures, *judging.figures])
        baselines = []
        for rival in judging.rivals:
            theirs = rival.answers.texts
            found = score_text_answers(examples, theirs, metrics=metrics, language=language, samples=0)
            p_value = texts_p_value(examples, ours.texts, theirs, scores.headline.name, language)
            baselines.append(
                TextBaseline(name=rival.name, figures=found.figures, seconds=rival.seconds, p_value=p_value)
            )
        test, dev = (scores, None) if judging.test else (None, scores)
        return TextReport(dev=dev, test=test, baselines=baselines)

    def likely(self, bound: BoundTask, example: TextExample, row: EncodedRow) -> list[tuple[tuple[int, ...], int]]:
        """Every right answer, whole."""
        return [(answer_ids(bound, text), len(text.encode())) for text in example.references]


def ends(bound: BoundTask) -> tuple[int, ...]:
    """Tokens that end an answer, the one that is trained first."""
    config = getattr(bound.pretrained.backbone.model, "generation_config", None)
    others = getattr(config, "eos_token_id", None)
    listed = others if isinstance(others, list) else [others]
    own = [*([bound.chat.end_id] if bound.chat else []), bound.pretrained.tokenizer.eos_token_id, *listed]
    return tuple(dict.fromkeys(int(i) for i in own if i is not None))


def answer_ids(bound: BoundTask, text: str) -> tuple[int, ...]:
    """Token ids of an answer as it stands behind a row, with its end."""
    tokenizer = bound.pretrained.tokenizer
    text = text if bound.chat else bound.encoder.plain(text)
    if bound.chat:
        return tuple(bound.chat.answer_ids(text))
    if bound.pretrained.backbone.answer_place == "apart":
        return (*tokenizer(text_target=text, add_special_tokens=False)["input_ids"], ends(bound)[0])
    text = spaced(text, bound.template.answer_lead, bound.template.before_answer)
    return (*tokenize(tokenizer, text), ends(bound)[0])


def _check_backbone(pretrained: Pretrained) -> None:
    """Refuse a backbone that says no text."""
    backbone = pretrained.backbone
    if not backbone.generates:
        raise TaskError(
            f"free text is said token by token, and a backbone of type '{backbone.config.model_type}' is "
            f"{backbone.title}.",
            "Choose a causal backbone or an encoder-decoder.",
        )
    if pretrained.tokenizer.eos_token_id is None:
        raise TaskError("free text needs an end token, and this backbone has none.", "Choose another backbone.")
