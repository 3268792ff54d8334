"""Rows through a backbone: what heads and label words score, prompts side by side. Knows nothing of queues or texts.

W tokens of a row that are read each for itself, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trimtab.backbones.prefix import PrefixState
from trimtab.decoding.scoring import Query, passes, read_scores
from trimtab.inference.loaded import Loaded, Member
from trimtab.inference.prompt_store import PromptStore
from trimtab.prompts import EncodedRow


class Passes:
    """Passes over a backbone, in which rows of several runs are read together.

    Args:
        prompts: what is kept of prompts.
    """

    def __init__(self, prompts: PromptStore) -> None:
        self._prompts = prompts
        self._joined: tuple[tuple[PrefixState, ...], PrefixState] | None = None

    def forget(self) -> None:
        """Keep nothing of the last pass."""
        self._joined = None

    def before(self, members: Sequence[Member]) -> tuple[PrefixState, list[int]]:
        """The prompts of a pass side by side, each once, and which of them each row goes with.

        Those of the last pass are kept as they were put together: the next one often has the same.
        """
        states = [self._prompts.state(member) for member in members]
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

    def scores(self, runs: Sequence[Loaded], rows: Sequence[EncodedRow]) -> list[np.ndarray]:
        """Label probabilities [C] of each row under its run, of tags and spans of each place [W, C], or its number [1].

        A record that is read in windows has those of all of them, in order.
        """
        owners = [i for i, row in enumerate(rows) for _ in row.windows]
        found = self._of_windows([runs[i] for i in owners], [window for row in rows for window in row.windows])
        parts: list[list[np.ndarray]] = [[] for _ in rows]
        for i, part in zip(owners, found, strict=True):
            parts[i].append(part)
        return [own[0] if len(own) == 1 else np.concatenate(own) for own in parts]

    def _of_windows(self, runs: Sequence[Loaded], rows: Sequence[EncodedRow]) -> list[np.ndarray]:
        """Likewise of each row or window by itself: the members' mean."""
        asked: dict[int, list[tuple[int, Member, Query]]] = {}
        for i, (run, row) in enumerate(zip(runs, rows, strict=True)):
            if row.read_at == ():  # a text without a token
                continue
            for member in run.members:
                condition = member.condition
                reader = run.bound.kind.reader(run.bound, row, condition)
                query = Query(row.ids, 0, reader, condition.calibration, row.answer, row.read_at)
                asked.setdefault(member.passes_with, []).append((i, member, query))
        totals: list[np.ndarray | None] = [np.zeros((0, 0)) if row.read_at == () else None for row in rows]
        for group in asked.values():
            for batch in passes([len(query.ids) + len(query.reader.nodes) for _, _, query in group]):
                state, places = self.before([group[at][1] for at in batch])
                queries = [replace(group[at][2], prompt=k) for at, k in zip(batch, places, strict=True)]
                for at, scores in read_scores(group[0][1].backbone, queries, state):
                    i = group[batch[at]][0]
                    found = queries[at].reader.averaged(scores)
                    share = found.double().cpu().numpy() / len(runs[i].members)
                    total = totals[i]
                    totals[i] = share if total is None else total + share
        return [total for total in totals if total is not None]
