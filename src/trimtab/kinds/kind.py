"""What every kind of answer is. Knows nothing about any one kind.

A kind's file is read without torch, so that mistakes in a task or its rows are told at once; what needs a backbone is
imported where it is used. N rows, C labels, W tokens of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from trimtab.data.counts.answers import AnswerCounts
from trimtab.data.example import Example
from trimtab.data.records import Record
from trimtab.errors import TrimtabError
from trimtab.settings.task import DataSettings, Task

if TYPE_CHECKING:
    import numpy as np

    from trimtab.backbones.pretrained import Pretrained
    from trimtab.data.splits import Splits
    from trimtab.decoding.answer_text import Written
    from trimtab.decoding.scoring import Reader
    from trimtab.evaluation.scorers.scorer import Scorer
    from trimtab.evaluation.scorers.texts import Passes
    from trimtab.evaluation.scores.texts import Figure
    from trimtab.kinds.baseline import Baseline
    from trimtab.kinds.bound_task import BoundTask
    from trimtab.kinds.prediction import Prediction
    from trimtab.methods.method import Condition
    from trimtab.prompts import EncodedRow, Template, Verbalizer
    from trimtab.reports.scored import Scored
    from trimtab.reports.wording import Wording
    from trimtab.settings.answers import AnswerSettings, TextAnswer
    from trimtab.training.criterion import Criterion
    from trimtab.training.kept_rows import KeptStates
    from trimtab.training.targets import Target

E = TypeVar("E", bound=Example)


class Input(Protocol):
    """A row to answer: its fields, and what it brings along besides."""

    @property
    def fields(self) -> Mapping[str, str]: ...  # noqa: D102

    @property
    def where(self) -> str: ...  # noqa: D102

    @property
    def options(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def tokens(self) -> Sequence[str]: ...  # noqa: D102


@dataclass(frozen=True)
class Generating:
    """How an answer is said token by token.

    Attributes:
        settings: how tokens are found, and texts that end an answer.
        ends: tokens that end an answer, the one that is trained first.
        most: tokens an answer may have, its end included.
        lead: white space that the template puts before an answer.
    """

    settings: TextAnswer
    ends: tuple[int, ...]
    most: int
    lead: str = ""


@dataclass(frozen=True)
class Rival:
    """What another way answered to the rows that a report rests on: its name, its answers, and the seconds it took."""

    name: str
    answers: Any
    seconds: float


@dataclass(frozen=True)
class Judging:
    """What a run answered, and others on the same rows; answers are as `Kind.collected` has them.

    Attributes:
        bound: the run's task.
        classes: see `Kind.classes`.
        dev, test: rows and answers to them; None where there are no rows, or they were not answered.
        rivals: other ways, on test, or on dev where there is no test.
        figures: further figures of test (else dev), made elsewhere: pass@k of programs.
    """

    bound: BoundTask
    classes: Sequence[str]
    dev: tuple[Sequence[Any], Any] | None
    test: tuple[Sequence[Any], Any] | None
    rivals: Sequence[Rival] = ()
    figures: Sequence[Figure] = ()

    @property
    def headline(self) -> tuple[Sequence[Any], Any] | None:
        """Test, or dev where there is none."""
        return self.test or self.dev


class Kind(Protocol[E]):
    """A kind of answer, with a task's settings of it."""

    # Rows, before a backbone is at hand.

    @property
    def settings(self) -> AnswerSettings:
        """The task's settings of its answers."""
        ...

    @property
    def plural(self) -> str:
        """What several answers are called in a sentence."""
        ...

    @property
    def counted_by_label(self) -> bool:
        """Whether rows can be counted a label."""
        ...

    @property
    def several_right(self) -> bool:
        """Whether rows of the same input may have different answers that are all right."""
        ...

    def template(self, task: Task) -> Template:
        """The parsed template, which tells the fields to read. Raises TrimtabError where it does not serve."""
        ...

    def read(self, record: Record, fields: Sequence[str], settings: DataSettings, *, answered: bool) -> E:
        """A record as an example (see `trimtab.data.mapping.RowReader`)."""
        ...

    def unread(self, records: Sequence[Record], fields: Sequence[str], settings: DataSettings) -> list[str]:
        """What of records is not read though their form gives it a place."""
        ...

    def unanswered(
        self, bare: Sequence[Record], rows: int | None, fields: Sequence[str], settings: DataSettings
    ) -> TrimtabError:
        """What is said where records have no answer (see `RowReader`)."""
        ...

    def check_train(self, train: Sequence[E], settings: DataSettings) -> None:
        """Raise TrimtabError where nothing can be learnt from the rows."""
        ...

    def lookalikes(self, train: Sequence[E]) -> list[str]:
        """A warning where names of answers look like one name written in two ways."""
        ...

    def merged(self, examples: list[E]) -> list[E]:
        """Rows to choose or report on, those that are one question put together."""
        ...

    def counted(self, examples: Sequence[E], count_tokens: Callable[[str], int] | None) -> AnswerCounts:
        """The answers of a split, as `trimtab data` reports them; `count_tokens` tells the tokens of a text."""
        ...

    def words(self, task: Task, train: Sequence[E]) -> dict[str, list[str]]:
        """Label -> its words, in the order of the classes; none where answers are no labels."""
        ...

    def check_rows(self, examples: Sequence[E], words: Mapping[str, Sequence[str]]) -> None:
        """Raise TrimtabError where an answer is none that can be given."""
        ...

    def settled(self, task: Task, train: Sequence[E]) -> Task:
        """The task with what its answers are told by picked from the training rows; what it says itself stands."""
        ...

    # Bound to a backbone.

    def check(self, task: Task, pretrained: Pretrained | None = None) -> None:
        """Refuse what does not go with such answers; with a backbone, also what does not go with that.

        Raises:
            TrimtabError: at the first of it.
        """
        ...

    @property
    def headed(self) -> bool:
        """Whether a trained head reads the answers, whatever the backbone."""
        ...

    @property
    def generates(self) -> bool:
        """Whether answers are said token by token."""
        ...

    @property
    def own_options(self) -> bool:
        """Whether each row brings the options along that it is answered with."""
        ...

    @property
    def tests(self) -> str | None:
        """Column with the tests that answers must pass as programs; None where they are none."""
        ...

    @property
    def learnt_from_train(self) -> str:
        """What a report leaves out where the training rows are not at hand, in words."""
        ...

    def settled_length(self, task: Task, train: Sequence[E], pretrained: Pretrained) -> Task:
        """The task with how long answers may be picked from the training rows, where that is left open."""
        ...

    def verbalizer(
        self, task: Task, words: Mapping[str, Sequence[str]], template: Template, pretrained: Pretrained, training: bool
    ) -> Verbalizer:
        """The labels and their words as token ids; what a head has an output for, without words.

        Raises:
            TrimtabError: what `make_verbalizer` has against the words.
        """
        ...

    def longest(self, verbalizer: Verbalizer) -> int:
        """Tokens that are kept free for an answer behind a row."""
        ...

    def example(self, given: Input) -> E:
        """A row to answer as an example."""
        ...

    def encode(self, bound: BoundTask, examples: Sequence[E]) -> list[EncodedRow]:
        """Rows as the token ids that are read behind the prompt.

        Raises:
            TrimtabError: a row that does not fit, or that lacks what it should bring along.
        """
        ...

    def as_read(self, bound: BoundTask, example: E, row: EncodedRow) -> str:
        """The row as it reads under the template, its answer in the answer's place."""
        ...

    def answer_ids(self, bound: BoundTask, example: E, row: EncodedRow) -> tuple[int, ...]:
        """Token ids of the right answer behind a row; none where a head reads it."""
        ...

    # Trained.

    def targets(
        self, bound: BoundTask, rows: Sequence[EncodedRow], examples: Sequence[E], answers: int | None
    ) -> tuple[list[Target], list[str]]:
        """What is trained or judged, of rows with several right answers the first `answers`; and notes on it."""
        ...

    def criterion(
        self, bound: BoundTask, train: Sequence[Target], dev: Sequence[Target], kept: KeptStates | None
    ) -> Criterion:
        """What rows are trained and judged by; `kept` are their hidden states where a head alone is trained."""
        ...

    def settled_on_dev(self, task: Task, dev: Sequence[E], answers: Callable[[], Sequence[Any]]) -> Task:
        """The task of a run that is trained, with what its answers to dev settle; `answers` gives them, if asked."""
        ...

    # Answered.

    def reader(self, bound: BoundTask, row: EncodedRow, condition: Condition) -> Reader:
        """What is read of a row, where answers are scored and not said."""
        ...

    def prediction(self, bound: BoundTask, example: E, row: EncodedRow, scores: np.ndarray) -> Prediction:
        """The answer, from what was read: probabilities [C], a number [1], or those of places [W, C]."""
        ...

    def generating(self, bound: BoundTask, own: TextAnswer | None) -> Generating:
        """How answers are said, where they are: as the task says, or as `own` does."""
        ...

    def said(self, row: EncodedRow, answers: tuple[Written, ...]) -> Prediction:
        """The answer, from what was said."""
        ...

    def record(self, bound: BoundTask, prediction: Any) -> dict[str, object]:
        """A prediction as plain values, as `trimtab predict` writes it."""
        ...

    # Judged and compared.

    @property
    def judges_dev(self) -> bool:
        """Whether a report scores dev beside test: answers that are said take long."""
        ...

    def settles_on_all(self, task: Task) -> bool:
        """Whether what is settled on dev wants all of it, and not the rows alone that were scored while training."""
        ...

    def classes(self, splits: Splits, words: Mapping[str, Sequence[str]]) -> list[str]:
        """Names of what answers are counted by: labels, or the places that options stand at; else none."""
        ...

    def missed(self, splits: Splits, words: Mapping[str, Sequence[str]]) -> list[str]:
        """Notes on answers of dev and test that can never be given, as train lacks them."""
        ...

    def collected(self, predictions: Sequence[Any], classes: Sequence[str]) -> Any:
        """A run's answers to rows as one value, which `scored` takes."""
        ...

    def comparable(self, answers: Any) -> Any:
        """Collected answers as scorers take them [N]: classes, sets of labels, numbers, tags, places, or texts."""
        ...

    def scorer(self, examples: Sequence[E], classes: Sequence[str], task: Task, passes: Passes | None = None) -> Scorer:
        """What ways to answer these rows are compared by; `passes` runs answers that are programs."""
        ...

    def wording(self, scorer: Scorer) -> Wording:
        """How a comparison speaks of answers and their metric."""
        ...

    def scored(self, judging: Judging) -> Scored:
        """The scored part of a run's report."""
        ...

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """Ways without a language model, in the order of a comparison's table."""
        ...

    def usual_ways(self, *, gpu: bool, few: bool) -> tuple[str, ...]:
        """Keys of the ways that are compared by default, where there is a GPU, or few training rows."""
        ...

    def tried_ways(self, *, few: bool, many: bool) -> tuple[str, ...]:
        """Keys of the ways that `method: auto` tries, cheap ones first: of few training rows, or many labels."""
        ...

    def misfit(self, way: str, *, trained: bool) -> str | None:
        """Why a way, of its key, does not give such answers, as a clause; None where it does."""
        ...

    def likely(self, bound: BoundTask, example: E, row: EncodedRow) -> list[tuple[tuple[int, ...], int]]:
        """Token ids, and bytes, of each right answer whose likelihood behind a row can be asked for."""
        ...
