"""What most kinds of answer do alike, where a kind's own file says nothing else. Knows nothing about any one kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic

from trimtab.data.mapping import unlabelled
from trimtab.data.records import Record
from trimtab.errors import TrimtabError
from trimtab.kinds.bound_task import encoded
from trimtab.kinds.checks import answered_template
from trimtab.kinds.kind import E
from trimtab.settings.task import DataSettings, Task

if TYPE_CHECKING:
    from trimtab.backbones.pretrained import Pretrained
    from trimtab.data.splits import Splits
    from trimtab.decoding.answer_text import Written
    from trimtab.kinds.bound_task import BoundTask
    from trimtab.kinds.kind import Generating
    from trimtab.kinds.prediction import Prediction
    from trimtab.prompts import EncodedRow, Template, Verbalizer
    from trimtab.settings.answers import TextAnswer


class UsualKind(Generic[E]):
    """Answers that are scored and not said, of which rows are settled by nothing (see `trimtab.kinds.kind.Kind`)."""

    plural: str
    counted_by_label: bool = False
    several_right: bool = False
    headed: bool = False
    generates: bool = False
    own_options: bool = False
    judges_dev: bool = True

    @property
    def tests(self) -> str | None:
        """None: answers are no programs."""
        return None

    def template(self, task: Task) -> Template:
        """The template, with a place for the answer."""
        return answered_template(task)

    def unread(self, records: Sequence[Record], fields: Sequence[str], settings: DataSettings) -> list[str]:
        """None: what is in other columns, the task does not name."""
        return []

    def unanswered(
        self, bare: Sequence[Record], rows: int | None, fields: Sequence[str], settings: DataSettings
    ) -> TrimtabError:
        """No answers in their column."""
        return unlabelled(bare, rows, settings.label)

    def check_train(self, train: Sequence[E], settings: DataSettings) -> None:
        """Something can be learnt from any rows."""

    def lookalikes(self, train: Sequence[E]) -> list[str]:
        """None: answers have no names."""
        return []

    def merged(self, examples: list[E]) -> list[E]:
        """As they are."""
        return examples

    def words(self, task: Task, train: Sequence[E]) -> dict[str, list[str]]:
        """None."""
        return {}

    def check_rows(self, examples: Sequence[E], words: Mapping[str, Sequence[str]]) -> None:
        """They were checked as they were read."""

    def settled(self, task: Task, train: Sequence[E]) -> Task:
        """As it is."""
        return task

    def settled_length(self, task: Task, train: Sequence[E], pretrained: Pretrained) -> Task:
        """As it is."""
        return task

    def longest(self, verbalizer: Verbalizer) -> int:
        """None: nothing stands behind the row."""
        return 0

    def encode(self, bound: BoundTask, examples: Sequence[E]) -> list[EncodedRow]:
        """The template, filled in."""
        return encoded(bound, examples)

    def answer_ids(self, bound: BoundTask, example: E, row: EncodedRow) -> tuple[int, ...]:
        """None: a head reads the answer."""
        return ()

    def settles_on_all(self, task: Task) -> bool:
        """Nothing is settled."""
        return False

    def settled_on_dev(self, task: Task, dev: Sequence[E], answers: Callable[[], Sequence[Any]]) -> Task:
        """As it is."""
        return task

    def generating(self, bound: BoundTask, own: TextAnswer | None) -> Generating:
        """Raise AssertionError: a bug of ours."""
        raise self._not_said()

    def said(self, row: EncodedRow, answers: tuple[Written, ...]) -> Prediction:
        """Raise AssertionError: a bug of ours."""
        raise self._not_said()

    def _not_said(self) -> AssertionError:
        return AssertionError(f"{self.plural} are scored, not said")

    def classes(self, splits: Splits, words: Mapping[str, Sequence[str]]) -> list[str]:
        """None."""
        return []

    def missed(self, splits: Splits, words: Mapping[str, Sequence[str]]) -> list[str]:
        """None."""
        return []

    def likely(self, bound: BoundTask, example: E, row: EncodedRow) -> list[tuple[tuple[int, ...], int]]:
        """None: a head reads the answer."""
        return []
