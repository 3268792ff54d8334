"""One backbone in memory answering for many runs, their prompts mixed in one batch. Knows nothing about files or HTTP.

N requests, C labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from trimtab.backbones.prefix import PrefixState
from trimtab.backbones.pretrained import Pretrained
from trimtab.errors import TrimtabError, did_you_mean
from trimtab.inference.bound import BoundTask, bind
from trimtab.inference.runs import Run
from trimtab.inference.scoring import Query, label_log_probabilities


@dataclass(frozen=True)
class Request:
    """One row to answer: the run to answer with, the input fields, and a place for messages."""

    run: str
    fields: Mapping[str, str]
    where: str = "input"


@dataclass(frozen=True)
class Prediction:
    """An answer: the label, every label's probability, and how many tokens of the input were cut to fit."""

    label: str
    probabilities: dict[str, float]
    cut_tokens: int

    @property
    def probability(self) -> float:
        """Probability of the label."""
        return self.probabilities[self.label]


@dataclass(frozen=True)
class _Loaded:
    bound: BoundTask
    prompts: range  # its prompts' indices in the joined prefix state


class Engine:
    """A backbone and the runs it answers for.

    Every prompt is read once, when its run is added; a request then pays for its own tokens only.
    """

    def __init__(self, pretrained: Pretrained) -> None:
        self.pretrained = pretrained
        self._runs: dict[str, _Loaded] = {}
        self._states: list[PrefixState] = []
        self._joined: PrefixState | None = None

    def add(self, name: str, run: Run) -> BoundTask:
        """Add a run under a name. Raises TrimtabError if it was made for another backbone or the name is taken."""
        run.check_backbone(self.pretrained)
        if name in self._runs:
            raise TrimtabError(f"a run named '{name}' is already loaded.", "Choose another name.")
        task = run.task.model_copy(
            update={"method": run.task.method.model_copy(update={"length": max(1, len(run.prompts[0]))})}
        )
        bound = bind(task, run.words, self.pretrained)
        device = self.pretrained.backbone.device
        with torch.no_grad():
            state = self.pretrained.backbone.read_prefix([bound.prefix(p.to(device)) for p in run.answering])
        first = sum(len(state.lengths) for state in self._states)
        self._states.append(state)
        self._joined = None
        self._runs[name] = _Loaded(bound, range(first, first + len(state.lengths)))
        return bound

    @property
    def runs(self) -> dict[str, BoundTask]:
        """Loaded runs by name."""
        return {name: loaded.bound for name, loaded in self._runs.items()}

    def answer(self, requests: Sequence[Request]) -> list[Prediction]:
        """Answer requests in order, whatever runs they ask for, in shared passes.

        Raises:
            TrimtabError: an unknown run, a missing field, a row that does not fit.
        """
        queries: list[Query] = []
        owners: list[int] = []
        cuts = []
        for i, request in enumerate(requests):
            loaded = self._find(request.run)
            missing = [field for field in loaded.bound.template.fields if field not in request.fields]
            if missing:
                raise TrimtabError(
                    f"{request.where}: no field '{missing[0]}'.",
                    did_you_mean(missing[0], request.fields) or f"Fields found: {', '.join(request.fields) or 'none'}.",
                )
            row = loaded.bound.encoder.encode(request.fields, request.where)
            cuts.append(row.cut)
            for prompt in loaded.prompts:
                queries.append(Query(row.ids, prompt, loaded.bound.verbalizer))
                owners.append(i)
        totals: list[np.ndarray | None] = [None] * len(requests)
        for at, scores in label_log_probabilities(self.pretrained.backbone, queries, self._state()):
            share = scores.exp().double().cpu().numpy() / len(self._find(requests[owners[at]].run).prompts)
            total = totals[owners[at]]
            totals[owners[at]] = share if total is None else total + share
        out = []
        for request, total, cut in zip(requests, totals, cuts, strict=True):
            assert total is not None
            labels = self._find(request.run).bound.labels
            out.append(Prediction(labels[int(total.argmax())], dict(zip(labels, total.tolist(), strict=True)), cut))
        return out

    def probabilities(self, name: str, rows: Iterable[tuple[Mapping[str, str], str]]) -> tuple[np.ndarray, int]:
        """Label probabilities [N, C] of (fields, where) rows under one run, and how many rows were cut to fit."""
        predictions = self.answer([Request(name, fields, where) for fields, where in rows])
        return (
            np.array([list(p.probabilities.values()) for p in predictions]),
            sum(p.cut_tokens > 0 for p in predictions),
        )

    def _find(self, name: str) -> _Loaded:
        if name not in self._runs:
            raise TrimtabError(
                f"no run named '{name}' is loaded.",
                did_you_mean(name, self._runs) or f"Loaded: {', '.join(self._runs) or 'none'}.",
            )
        return self._runs[name]

    def _state(self) -> PrefixState:
        if self._joined is None:
            self._joined = PrefixState.join(self._states)
        return self._joined
