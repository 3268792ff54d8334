"""One backbone in memory answering for many runs, their prompts mixed in one batch. Knows nothing about files or HTTP.

N requests, W tokens of a request, C labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import PrefixState
from trimtab.backbones.pretrained import Pretrained
from trimtab.data.example import Example
from trimtab.decoding.constraints import Constraint, make_constraint
from trimtab.decoding.generation import Ask, Done, Token, write
from trimtab.decoding.scoring import Query, passes, read_scores
from trimtab.errors import RunError, TaskError, did_you_mean
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.kinds.prediction import LabelPrediction, Prediction
from trimtab.methods.method import Condition, Tensors
from trimtab.prompts import EncodedRow
from trimtab.runs.run import Run
from trimtab.settings.answers import TextAnswer

# Ways of finding free text that an engine remembers, with what they constrain it to.
MOST_CONSTRAINTS = 256


@dataclass(frozen=True)
class Request:
    """One row to answer.

    Attributes:
        run: the run to answer with.
        fields: the input.
        where: a place for messages.
        options: of a choice, what is chosen among.
        tokens: what is tagged; where there are none, the text in the tagged field is cut into tokens.
        decoding: how free text is found, in place of what the run's task says.
    """

    run: str
    fields: Mapping[str, str]
    where: str = "input"
    options: Sequence[str] = ()
    tokens: Sequence[str] = ()
    decoding: TextAnswer | None = None

    def __post_init__(self) -> None:
        """Raise TaskError where it names no run, or where what is to be read is no text."""
        if not isinstance(self.run, str):
            raise self._refusal("the run", self.run, "its name", "Give the name it was added by.")
        if not isinstance(self.fields, Mapping):
            raise self._refusal("the input", self.fields, "texts by field", "Give a dictionary.")
        for name, value in self.fields.items():
            if not isinstance(value, str):
                raise self._refusal(f"field '{name}'", value, "text", "Leave the row out, or give it as a text.")
        for name, texts in (("options", self.options), ("tokens", self.tokens)):
            if isinstance(texts, str) or not isinstance(texts, Sequence):
                raise self._refusal(f"'{name}'", texts, "a list of texts", "Give a list.")
            for text in texts:
                if not isinstance(text, str):
                    raise self._refusal(f"one of '{name}'", text, "text", "Leave it out, or give it as a text.")

    def _refusal(self, what: str, found: object, expected: str, hint: str) -> TaskError:
        said = repr(found) if found is None or isinstance(found, str | int | float) else type(found).__name__
        return TaskError(f"{self.where}: {what} is {said}, expected {expected}.", hint)


@dataclass(frozen=True)
class _Member:
    """One set of a run's tensors, ready to answer.

    Attributes:
        condition: how it conditions the backbone.
        backbone: the backbone so conditioned: the engine's own, or one that shares with it all that is not changed.
        state: what it has before rows.
        shared: whether its rows share passes with those of others: it does not change the backbone.
    """

    condition: Condition
    backbone: Backbone
    state: PrefixState
    shared: bool


@dataclass(frozen=True)
class _Loaded:
    bound: BoundTask
    members: tuple[_Member, ...]


class Engine:
    """A backbone and the runs it answers for.

    Every prompt is read once, when its run is added; a request then pays for its own tokens only. Rows of all runs
    share passes, but for those that change the backbone itself or enter it late (LoRA, full fine-tuning, late prompts),
    which have passes of their own. Runs may be added, replaced and removed, and requests answered, by several threads
    at once: whoever is being answered goes on with the runs that there were.
    """

    def __init__(self, pretrained: Pretrained) -> None:
        self.pretrained = pretrained
        self._runs: dict[str, _Loaded] = {}
        self._joined: tuple[tuple[PrefixState, ...], PrefixState] | None = None
        self._constraints: dict[tuple[str, tuple[int, ...]], tuple[TextAnswer, Constraint | None]] = {}

    def add(self, name: str, run: Run) -> BoundTask:
        """Add a run under a name. Raises RunError if it was made for another backbone or the name is taken."""
        if name in self._runs:
            raise RunError(f"a run named '{name}' is already loaded.", "Choose another name, or replace it.")
        return self.replace(name, run)

    def replace(self, name: str, run: Run) -> BoundTask:
        """Put a run in the place of the one of that name, once it is ready, or add it where there is none.

        Raises:
            RunError: it was made for another backbone; the former one stays.
        """
        run.check_backbone(self.pretrained)
        bound = bind(run.task, run.words, self.pretrained, examples=run.examples)
        self._runs[name] = _Loaded(bound, tuple(self._member(bound, tensors) for tensors in run.answering))
        return bound

    def remove(self, name: str) -> None:
        """Forget a run, and free what it holds. Raises RunError where there is none of that name."""
        self._find(name)
        del self._runs[name]
        self._joined = None

    def _member(self, bound: BoundTask, tensors: Tensors) -> _Member:
        backbone = self.pretrained.backbone
        with torch.no_grad():
            condition = bound.method.condition({name: x.to(backbone.device) for name, x in tensors.items()})
            own = condition.on(backbone)
            return _Member(condition, own, own.read_prefix([bound.prompt(condition, own)]), not condition.apart)

    @property
    def runs(self) -> dict[str, BoundTask]:
        """Loaded runs by name."""
        return {name: loaded.bound for name, loaded in self._runs.items()}

    def answer(self, requests: Sequence[Request]) -> list[Prediction]:
        """Answer requests in order, whatever runs they ask for, in shared passes.

        Raises:
            TrimtabError: an unknown run, a missing field, a row that does not fit.
        """
        runs = [self._find(request.run) for request in requests]
        examples = [run.bound.kind.example(request) for run, request in zip(runs, requests, strict=True)]
        return self._answered(runs, requests, examples, _encoded(runs, requests, examples))

    def answer_examples(self, run: str, examples: Sequence[Example]) -> list[Prediction]:
        """Answer examples under one run, in order, without looking at their answers.

        Raises:
            TrimtabError: an unknown run, a row that does not fit.
        """
        loaded = self._find(run)
        requests = [Request(run, example.fields, example.where) for example in examples]
        rows = loaded.bound.encode(examples) if examples else []
        return self._answered([loaded] * len(requests), requests, examples, rows)

    def _answered(
        self, runs: Sequence[_Loaded], requests: Sequence[Request], examples: Sequence[Example],
        rows: Sequence[EncodedRow],
    ) -> list[Prediction]:  # fmt: skip
        """Answers to encoded rows: those that are said, then those that are scored."""
        said = [i for i, run in enumerate(runs) if run.bound.kind.generates]
        out: dict[int, Prediction] = {}
        for event in self._write([runs[i] for i in said], [requests[i] for i in said], [rows[i] for i in said]):
            if isinstance(event, Done):
                i = said[event.row]
                out[i] = runs[i].bound.kind.said(rows[i], event.answers)
        scored = [i for i in range(len(requests)) if i not in out]
        totals = self._totals([runs[i] for i in scored], [rows[i] for i in scored])
        for i, total in zip(scored, totals, strict=True):
            bound = runs[i].bound
            out[i] = bound.kind.prediction(bound, examples[i], rows[i], total)
        return [out[i] for i in range(len(requests))]

    def stream(self, request: Request) -> Iterator[str]:
        """The free text of one request in pieces, as it is said; of several answers the first.

        What may yet turn out to be the beginning of a text of `stop`, or half of a character, is held back.

        Raises:
            TrimtabError: as `answer` does; the run's answers are not free text.
        """
        run = self._find(request.run)
        bound = run.bound
        if not bound.kind.generates:
            raise TaskError(f"the answers of the run '{request.run}' are not free text.", "Use `answer`.")
        stops = bound.kind.generating(bound, request.decoding).settings.stop
        held = max((len(stop) - 1 for stop in stops), default=0)
        said = ""
        for event in self._write([run], [request], _encoded([run], [request], [bound.kind.example(request)])):
            if isinstance(event, Token) and event.answer == 0:
                text = self.pretrained.tokenizer.decode(list(event.ids), skip_special_tokens=True).lstrip()
                whole = text[: max(0, len(text) - held)].rstrip("\ufffd").rstrip()
                if len(whole) > len(said):
                    yield whole[len(said) :]
                    said = whole
            elif isinstance(event, Done):
                yield event.answers[0].text[len(said) :]

    def _write(
        self, runs: Sequence[_Loaded], requests: Sequence[Request], rows: Sequence[EncodedRow]
    ) -> Iterator[Token | Done]:
        """Answers in free text, and their tokens as they are said; those of runs that share passes in one batch."""
        groups: dict[tuple[int, tuple[int, ...]], list[int]] = {}
        asks: list[Ask] = []
        members: list[_Member] = []
        for i, (run, request, row) in enumerate(zip(runs, requests, rows, strict=True)):
            bound, [member] = run.bound, run.members
            how = bound.kind.generating(bound, request.decoding)
            settings, constraint = self._sought(how.settings, how.ends)
            asks.append(Ask(Row(row.ids), settings, how.most, constraint, how.lead))
            members.append(member)
            groups.setdefault((0 if member.shared else id(member), how.ends), []).append(i)
        for (_, ends), own in groups.items():
            sizes = [(len(asks[i].row.ids) + asks[i].most) * asks[i].settings.answers * asks[i].settings.beams
                     for i in own]  # fmt: skip
            for batch in passes(sizes, padded=True):
                state, places = self._before([members[own[at]].state for at in batch])
                placed = [asks[own[at]] for at in batch]
                placed = [replace(ask, row=replace(ask.row, prompt=k)) for ask, k in zip(placed, places, strict=True)]
                for event in write(members[own[0]].backbone, placed, state, self.pretrained.tokenizer, ends):
                    yield replace(event, row=own[batch[event.row]])

    def _before(self, states: Sequence[PrefixState]) -> tuple[PrefixState, list[int]]:
        """The prompts of a pass side by side, each once, and which of them each row goes with.

        Those of the last pass are kept as they were put together: the next one often has the same.
        """
        order = {id(state): state for state in states}
        place = {key: k for k, key in enumerate(order)}
        used = tuple(order.values())
        if len(used) == 1:  # as it is
            return used[0], [0] * len(states)
        joined = self._joined
        if (
            joined is None
            or len(joined[0]) != len(used)
            or any(before is not now for before, now in zip(joined[0], used, strict=True))
        ):
            joined = self._joined = used, PrefixState.join(used)
        return joined[1], [place[id(state)] for state in states]

    def _sought(self, settings: TextAnswer, ends: tuple[int, ...]) -> tuple[TextAnswer, Constraint | None]:
        """The same settings and constraint for all rows that ask alike: to make a constraint takes up to a second."""
        key = settings.model_dump_json(), ends
        if key not in self._constraints:
            if len(self._constraints) >= MOST_CONSTRAINTS:
                self._constraints.clear()
            vocabulary = self.pretrained.backbone.vocabulary_size
            made = make_constraint(settings, self.pretrained.tokenizer, vocabulary, list(ends))
            self._constraints[key] = settings, made
        return self._constraints[key]

    def _totals(self, runs: Sequence[_Loaded], rows: Sequence[EncodedRow]) -> list[np.ndarray]:
        """Label probabilities [C] of each row under its run, of tags and spans of each place [W, C], or its number [1].

        A record that is read in windows has those of all of them, in order.
        """
        owners = [i for i, row in enumerate(rows) for _ in row.windows]
        found = self._window_totals([runs[i] for i in owners], [window for row in rows for window in row.windows])
        parts: list[list[np.ndarray]] = [[] for _ in rows]
        for i, part in zip(owners, found, strict=True):
            parts[i].append(part)
        return [own[0] if len(own) == 1 else np.concatenate(own) for own in parts]

    def _window_totals(self, runs: Sequence[_Loaded], rows: Sequence[EncodedRow]) -> list[np.ndarray]:
        """Likewise of each row or window by itself: the members' mean."""
        asked: dict[int, list[tuple[int, _Member, Query]]] = {}
        for i, (run, row) in enumerate(zip(runs, rows, strict=True)):
            if row.read_at == ():  # a text without a token
                continue
            for member in run.members:
                condition = member.condition
                reader = run.bound.kind.reader(run.bound, row, condition)
                query = Query(row.ids, 0, reader, condition.calibration, row.answer, row.read_at)
                asked.setdefault(0 if member.shared else id(member), []).append((i, member, query))
        totals: list[np.ndarray | None] = [np.zeros((0, 0)) if row.read_at == () else None for row in rows]
        for group in asked.values():
            for batch in passes([len(query.ids) + len(query.reader.nodes) for _, _, query in group]):
                state, places = self._before([group[at][1].state for at in batch])
                queries = [replace(group[at][2], prompt=k) for at, k in zip(batch, places, strict=True)]
                for at, scores in read_scores(group[0][1].backbone, queries, state):
                    i = group[batch[at]][0]
                    found = queries[at].reader.averaged(scores)
                    share = found.double().cpu().numpy() / len(runs[i].members)
                    total = totals[i]
                    totals[i] = share if total is None else total + share
        return [total for total in totals if total is not None]

    def probabilities(self, name: str, rows: Iterable[tuple[Mapping[str, str], str]]) -> tuple[np.ndarray, int]:
        """Label probabilities [N, C] of (fields, where) rows under one run, and how many rows were cut to fit."""
        found = cast("list[LabelPrediction]", self.answer([Request(name, fields, where) for fields, where in rows]))
        return np.array([list(p.probabilities.values()) for p in found]), sum(p.cut_tokens > 0 for p in found)

    def _find(self, name: str) -> _Loaded:
        if name not in self._runs:
            raise RunError(
                f"no run named '{name}' is loaded.",
                did_you_mean(name, self._runs) or f"Loaded: {', '.join(self._runs) or 'none'}.",
            )
        return self._runs[name]


def _encoded(runs: Sequence[_Loaded], requests: Sequence[Request], examples: Sequence[Example]) -> list[EncodedRow]:
    """Each request's row as token ids; those of one run are encoded together."""
    places: dict[int, list[int]] = {}
    for i, (run, request) in enumerate(zip(runs, requests, strict=True)):
        bound = run.bound
        given = {*request.fields, bound.template.tagged} if request.tokens else request.fields
        missing = [field for field in bound.template.fields if field not in given]
        if missing:
            raise TaskError(
                f"{request.where}: no field '{missing[0]}'.",
                did_you_mean(missing[0], request.fields) or f"Fields found: {', '.join(request.fields) or 'none'}.",
            )
        places.setdefault(id(run), []).append(i)
    rows: dict[int, EncodedRow] = {}
    for at in places.values():
        rows |= dict(zip(at, runs[at[0]].bound.encode([examples[i] for i in at]), strict=True))
    return [rows[i] for i in range(len(requests))]
