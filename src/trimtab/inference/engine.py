"""One backbone in memory answering for many runs, their prompts mixed in one batch. Knows nothing about files or HTTP.

N requests, C labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

import numpy as np

from trimtab.backbones.pretrained import Pretrained
from trimtab.data.example import Example
from trimtab.decoding.constraints import Constraint, make_constraint
from trimtab.errors import RunError, TaskError, did_you_mean
from trimtab.inference.loaded import Loaded, load
from trimtab.inference.passes import Passes
from trimtab.inference.pieces import Piece
from trimtab.inference.prompt_store import PromptStore
from trimtab.inference.request import Request
from trimtab.inference.scheduler import Scheduler, check_fields, events_of
from trimtab.inference.tickets import Answered, Failed, Ticket
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.prediction import LabelPrediction, Prediction
from trimtab.prompts import EncodedRow
from trimtab.runs.run import Run
from trimtab.settings.answers import TextAnswer

# Ways of finding free text that an engine remembers, with what they constrain it to.
MOST_CONSTRAINTS = 256


class Engine:
    """A backbone and the runs it answers for.

    Every prompt is read once, when its run is added; a request then pays for its own tokens only. Rows of all runs
    share passes, but for those that change the backbone itself or enter it late (LoRA, full fine-tuning, late prompts),
    which have passes of their own. Runs may be added, replaced and removed, and requests answered, by several threads
    at once: whoever is being answered goes on with the runs that there were.

    Args:
        pretrained: the backbone.
        prompt_bytes: what may be kept of prompts, in bytes; those not used for longest are read again when they are
            wanted. No limit by default.
    """

    def __init__(self, pretrained: Pretrained, *, prompt_bytes: int | None = None) -> None:
        self.pretrained = pretrained
        self.prompts = PromptStore(prompt_bytes)
        self.passes = Passes(self.prompts)
        self._runs: dict[str, Loaded] = {}
        self._pinned: set[str] = set()
        self._constraints: dict[tuple[str, tuple[int, ...]], tuple[TextAnswer, Constraint | None]] = {}

    def add(self, name: str, run: Run, *, pinned: bool = False) -> BoundTask:
        """Add a run under a name; `pinned` keeps its prompt whatever the limit.

        Raises:
            RunError: it was made for another backbone, or the name is taken.
        """
        if name in self._runs:
            raise RunError(f"a run named '{name}' is already loaded.", "Choose another name, or replace it.")
        return self.replace(name, run, pinned=pinned)

    def replace(self, name: str, run: Run, *, pinned: bool = False) -> BoundTask:
        """Put a run in the place of the one of that name, once it is ready, or add it where there is none.

        Raises:
            RunError: it was made for another backbone; the former one stays.
        """
        loaded = load(run, self.pretrained)
        for member in loaded.members:
            self.prompts.hold(member, pinned=pinned)
            self.prompts.state(member)
        before = self._runs.get(name)
        self._runs[name] = loaded
        if before is not None:
            self._release(name, before)
        if pinned:
            self._pinned.add(name)
        return loaded.bound

    def remove(self, name: str) -> None:
        """Forget a run, and free what it holds. Raises RunError where there is none of that name."""
        loaded = self.find(name)
        del self._runs[name]
        self._release(name, loaded)

    def _release(self, name: str, loaded: Loaded) -> None:
        for member in loaded.members:
            self.prompts.release(member, pinned=name in self._pinned)
        self._pinned.discard(name)
        self.passes.forget()

    @property
    def runs(self) -> dict[str, BoundTask]:
        """Loaded runs by name."""
        return {name: loaded.bound for name, loaded in self._runs.items()}

    def answer(self, requests: Sequence[Request]) -> list[Prediction]:
        """Answer requests in order, whatever runs they ask for, in shared passes.

        Raises:
            TrimtabError: an unknown run, a missing field, a row that does not fit.
        """
        runs = [self.find(request.run) for request in requests]
        examples = [run.bound.kind.example(request) for run, request in zip(runs, requests, strict=True)]
        return self._answered(runs, requests, examples, _encoded(runs, requests, examples))

    def answer_examples(self, run: str, examples: Sequence[Example]) -> list[Prediction]:
        """Answer examples under one run, in order, without looking at their answers.

        Raises:
            TrimtabError: an unknown run, a row that does not fit.
        """
        loaded = self.find(run)
        requests = [Request(run, example.fields, example.where) for example in examples]
        rows = loaded.bound.encode(examples) if examples else []
        return self._answered([loaded] * len(requests), requests, examples, rows)

    def _answered(
        self, runs: Sequence[Loaded], requests: Sequence[Request], examples: Sequence[Example],
        rows: Sequence[EncodedRow],
    ) -> list[Prediction]:  # fmt: skip
        """Answers to encoded rows, by a scheduler of their own; those of like length one after another."""
        scheduler = Scheduler(self, waiting=len(requests))
        tickets: dict[int, Ticket] = {}
        for i in sorted(range(len(requests)), key=lambda i: sum(len(window.ids) for window in rows[i].windows)):
            tickets[i] = scheduler.enter(requests[i], runs[i], examples[i], rows[i])
        while scheduler.step():
            for ticket in tickets.values():
                if isinstance(ticket.end, Failed):
                    raise ticket.end.error
        return [cast("Answered", tickets[i].end).prediction for i in range(len(requests))]

    def stream(self, request: Request) -> Iterator[str]:
        """The free text of one request in pieces, as it is said; of several answers the first.

        What may yet turn out to be the beginning of a text of `stop`, or half of a character, is held back.

        Raises:
            TrimtabError: as `answer` does; the run's answers are not free text.
        """
        if not self.find(request.run).bound.kind.generates:
            raise TaskError(f"the answers of the run '{request.run}' are not free text.", "Use `answer`.")
        for event in events_of(Scheduler(self), request):
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Piece) and event.answer == 0 and event.text:
                yield event.text

    def sought(self, settings: TextAnswer, ends: tuple[int, ...]) -> tuple[TextAnswer, Constraint | None]:
        """See `scheduler.Runs`: to make a constraint takes up to a second."""
        key = repr(settings), ends
        if key not in self._constraints:
            if len(self._constraints) >= MOST_CONSTRAINTS:
                self._constraints.clear()
            vocabulary = self.pretrained.backbone.vocabulary_size
            made = make_constraint(settings, self.pretrained.tokenizer, vocabulary, list(ends))
            self._constraints[key] = settings, made
        return self._constraints[key]

    def probabilities(self, name: str, rows: Iterable[tuple[Mapping[str, str], str]]) -> tuple[np.ndarray, int]:
        """Label probabilities [N, C] of (fields, where) rows under one run, and how many rows were cut to fit."""
        found = cast("list[LabelPrediction]", self.answer([Request(name, fields, where) for fields, where in rows]))
        return np.array([list(p.probabilities.values()) for p in found]), sum(p.cut_tokens > 0 for p in found)

    def find(self, name: str) -> Loaded:
        """A run by its name. Raises RunError where there is none."""
        if name not in self._runs:
            raise RunError(
                f"no run named '{name}' is loaded.",
                did_you_mean(name, self._runs) or f"Loaded: {', '.join(self._runs) or 'none'}.",
            )
        return self._runs[name]


def _encoded(runs: Sequence[Loaded], requests: Sequence[Request], examples: Sequence[Example]) -> list[EncodedRow]:
    """Each request's row as token ids; those of one run are encoded together."""
    places: dict[int, list[int]] = {}
    for i, (run, request) in enumerate(zip(runs, requests, strict=True)):
        check_fields(run, request)
        places.setdefault(id(run), []).append(i)
    rows: dict[int, EncodedRow] = {}
    for at in places.values():
        rows |= dict(zip(at, runs[at[0]].bound.encode([examples[i] for i in at]), strict=True))
    return [rows[i] for i in range(len(requests))]
