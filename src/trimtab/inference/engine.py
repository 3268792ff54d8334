"""One backbone in memory answering for many runs, their prompts mixed in one batch. Knows nothing about files or HTTP.

N requests, W tokens of a request, C labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch

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
        state: what it has before rows, where it changes the backbone; else None, and `prompt` is its index among all.
    """

    condition: Condition
    state: PrefixState | None
    prompt: int


@dataclass(frozen=True)
class _Loaded:
    bound: BoundTask
    members: list[_Member]


class Engine:
    """A backbone and the runs it answers for.

    Every prompt is read once, when its run is added; a request then pays for its own tokens only. Rows of all runs
    share passes, but for those that change the backbone itself or enter it late (LoRA, full fine-tuning, late prompts),
    which take turns.
    """

    def __init__(self, pretrained: Pretrained) -> None:
        self.pretrained = pretrained
        self._runs: dict[str, _Loaded] = {}
        self._states: list[PrefixState] = []
        self._joined: PrefixState | None = None
        self._constraints: dict[tuple[str, tuple[int, ...]], tuple[TextAnswer, Constraint | None]] = {}

    def add(self, name: str, run: Run) -> BoundTask:
        """Add a run under a name. Raises RunError if it was made for another backbone or the name is taken."""
        run.check_backbone(self.pretrained)
        if name in self._runs:
            raise RunError(f"a run named '{name}' is already loaded.", "Choose another name.")
        bound = bind(run.task, run.words, self.pretrained, examples=run.examples)
        self._runs[name] = _Loaded(bound, [self._member(bound, tensors) for tensors in run.answering])
        return bound

    def _member(self, bound: BoundTask, tensors: Tensors) -> _Member:
        backbone = self.pretrained.backbone
        with torch.no_grad():
            condition = bound.method.condition({name: x.to(backbone.device) for name, x in tensors.items()})
            with condition.on(backbone) as adapted:
                state = adapted.read_prefix([bound.prompt(condition)])
        if condition.apart:
            return _Member(condition, state, 0)
        self._states.append(state)
        self._joined = None
        return _Member(condition, None, len(self._states) - 1)

    @property
    def runs(self) -> dict[str, BoundTask]:
        """Loaded runs by name."""
        return {name: loaded.bound for name, loaded in self._runs.items()}

    def answer(self, requests: Sequence[Request]) -> list[Prediction]:
        """Answer requests in order, whatever runs they ask for, in shared passes.

        Raises:
            TrimtabError: an unknown run, a missing field, a row that does not fit.
        """
        examples = [self._find(request.run).bound.kind.example(request) for request in requests]
        return self._answered(requests, examples, self._encode(requests, examples))

    def answer_examples(self, run: str, examples: Sequence[Example]) -> list[Prediction]:
        """Answer examples under one run, in order, without looking at their answers.

        Raises:
            TrimtabError: an unknown run, a row that does not fit.
        """
        requests = [Request(run, example.fields, example.where) for example in examples]
        return self._answered(requests, examples, self._find(run).bound.encode(examples) if examples else [])

    def _answered(
        self, requests: Sequence[Request], examples: Sequence[Example], rows: Sequence[EncodedRow]
    ) -> list[Prediction]:
        """Answers to encoded rows: those that are said, then those that are scored."""
        said = [i for i, request in enumerate(requests) if self._find(request.run).bound.kind.generates]
        out: dict[int, Prediction] = {}
        for event in self._write([requests[i] for i in said], [rows[i] for i in said]):
            if isinstance(event, Done):
                i = said[event.row]
                out[i] = self._find(requests[i].run).bound.kind.said(rows[i], event.answers)
        scored = [i for i in range(len(requests)) if i not in out]
        totals = self._totals([requests[i].run for i in scored], [rows[i] for i in scored])
        for i, total in zip(scored, totals, strict=True):
            bound = self._find(requests[i].run).bound
            out[i] = bound.kind.prediction(bound, examples[i], rows[i], total)
        return [out[i] for i in range(len(requests))]

    def stream(self, request: Request) -> Iterator[str]:
        """The free text of one request in pieces, as it is said; of several answers the first.

        What may yet turn out to be the beginning of a text of `stop`, or half of a character, is held back.

        Raises:
            TrimtabError: as `answer` does; the run's answers are not free text.
        """
        bound = self._find(request.run).bound
        if not bound.kind.generates:
            raise TaskError(f"the answers of the run '{request.run}' are not free text.", "Use `answer`.")
        stops = bound.kind.generating(bound, request.decoding).settings.stop
        held = max((len(stop) - 1 for stop in stops), default=0)
        said = ""
        for event in self._write([request], self._encode([request], [bound.kind.example(request)])):
            if isinstance(event, Token) and event.answer == 0:
                text = self.pretrained.tokenizer.decode(list(event.ids), skip_special_tokens=True).lstrip()
                whole = text[: max(0, len(text) - held)].rstrip("\ufffd").rstrip()
                if len(whole) > len(said):
                    yield whole[len(said) :]
                    said = whole
            elif isinstance(event, Done):
                yield event.answers[0].text[len(said) :]

    def _write(self, requests: Sequence[Request], rows: Sequence[EncodedRow]) -> Iterator[Token | Done]:
        """Answers in free text, and their tokens as they are said; those of runs that share passes in one batch."""
        groups: dict[tuple[int, tuple[int, ...]], tuple[_Member, list[int]]] = {}
        asks: list[Ask] = []
        for i, (request, row) in enumerate(zip(requests, rows, strict=True)):
            bound, [member] = self._find(request.run).bound, self._find(request.run).members
            how = bound.kind.generating(bound, request.decoding)
            settings, constraint = self._sought(how.settings, how.ends)
            asks.append(Ask(Row(row.ids, member.prompt), settings, how.most, constraint, how.lead))
            key = (0 if member.state is None else id(member), how.ends)
            groups.setdefault(key, (member, []))[1].append(i)
        tokenizer = self.pretrained.tokenizer
        for (_, ends), (member, own) in groups.items():
            mine = [asks[i] for i in own]
            sizes = [(len(ask.row.ids) + ask.most) * ask.settings.answers * ask.settings.beams for ask in mine]
            with member.condition.on(self.pretrained.backbone) as adapted:
                for members in passes(sizes, padded=True):
                    batch = [mine[at] for at in members]
                    state = self._state() if member.state is None else member.state
                    for event in write(adapted, batch, state, tokenizer, ends):
                        yield replace(event, row=own[members[event.row]])

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

    def _encode(self, requests: Sequence[Request], examples: Sequence[Example]) -> list[EncodedRow]:
        """Each request's row as token ids; those of one run are encoded together."""
        places: dict[str, list[int]] = {}
        for i, request in enumerate(requests):
            bound = self._find(request.run).bound
            given = {*request.fields, bound.template.tagged} if request.tokens else request.fields
            missing = [field for field in bound.template.fields if field not in given]
            if missing:
                raise TaskError(
                    f"{request.where}: no field '{missing[0]}'.",
                    did_you_mean(missing[0], request.fields) or f"Fields found: {', '.join(request.fields) or 'none'}.",
                )
            places.setdefault(request.run, []).append(i)
        rows: dict[int, EncodedRow] = {}
        for run, at in places.items():
            rows |= dict(zip(at, self._find(run).bound.encode([examples[i] for i in at]), strict=True))
        return [rows[i] for i in range(len(requests))]

    def _totals(self, runs: Sequence[str], rows: Sequence[EncodedRow]) -> list[np.ndarray]:
        """Label probabilities [C] of each row under its run, of tags and spans of each place [W, C], or its number [1].

        A record that is read in windows has those of all of them, in order.
        """
        owners = [i for i, row in enumerate(rows) for _ in row.windows]
        found = self._window_totals([runs[i] for i in owners], [window for row in rows for window in row.windows])
        parts: list[list[np.ndarray]] = [[] for _ in rows]
        for i, part in zip(owners, found, strict=True):
            parts[i].append(part)
        return [own[0] if len(own) == 1 else np.concatenate(own) for own in parts]

    def _window_totals(self, runs: Sequence[str], rows: Sequence[EncodedRow]) -> list[np.ndarray]:
        """Likewise of each row or window by itself: the members' mean."""
        backbone = self.pretrained.backbone
        shared: list[tuple[int, Query]] = []
        apart: dict[int, tuple[_Member, list[tuple[int, Query]]]] = {}
        for i, (run, row) in enumerate(zip(runs, rows, strict=True)):
            loaded = self._find(run)
            for member in loaded.members:
                bound, condition = loaded.bound, member.condition
                reader = bound.kind.reader(bound, row, condition)
                query = Query(row.ids, member.prompt, reader, condition.calibration, row.answer, row.read_at)
                if row.read_at == ():  # a text without a token
                    continue
                queries = shared if member.state is None else apart.setdefault(id(member), (member, []))[1]
                queries.append((i, query))
        totals: list[np.ndarray | None] = [np.zeros((0, 0)) if row.read_at == () else None for row in rows]

        def add(queries: list[tuple[int, Query]], answers: Iterable[tuple[int, torch.Tensor]]) -> None:
            for at, scores in answers:
                i = queries[at][0]
                found = queries[at][1].reader.averaged(scores)
                share = found.double().cpu().numpy() / len(self._find(runs[i]).members)
                total = totals[i]
                totals[i] = share if total is None else total + share

        add(shared, read_scores(backbone, [query for _, query in shared], self._state()))
        for member, queries in apart.values():
            with member.condition.on(backbone) as adapted:
                add(queries, read_scores(adapted, [query for _, query in queries], member.state))
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

    def _state(self) -> PrefixState | None:
        if self._joined is None and self._states:
            self._joined = PrefixState.join(self._states)
        return self._joined
