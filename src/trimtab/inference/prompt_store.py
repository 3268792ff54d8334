"""What a backbone keeps of prompts that it has read: once each, within a limit of memory. Knows nothing about runs."""

from __future__ import annotations

import threading
from collections import OrderedDict

import torch

from trimtab.backbones.prefix import PrefixState
from trimtab.inference.loaded import Member


class PromptStore:
    """States of prompts, by their content; those not used for longest go first, and are read again when wanted.

    Several threads may use it.

    Args:
        limit: bytes that states may take together; None for no limit. What is used at the moment is kept in any case,
            and so is what is pinned.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._states: OrderedDict[str, PrefixState] = OrderedDict()
        self._bytes = 0
        self._users: dict[str, int] = {}  # of each content: runs that are loaded
        self._pinned: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """What the states take."""
        return self._bytes

    def state(self, member: Member) -> PrefixState:
        """What its backbone keeps of a member's prompt."""
        with self._lock:
            known = self._states.get(member.content)
            if known is not None:
                self._states.move_to_end(member.content)
                return known
        with torch.no_grad():
            made = member.backbone.read_prefix([member.prompt])
        with self._lock:
            if member.content not in self._states:
                self._states[member.content] = made
                self._bytes += size_of(made)
            self._shrink(member.content)
            return self._states[member.content]

    def hold(self, member: Member, *, pinned: bool) -> None:
        """A run that is loaded has this member."""
        with self._lock:
            for counts, more in ((self._users, 1), (self._pinned, int(pinned))):
                counts[member.content] = counts.get(member.content, 0) + more

    def release(self, member: Member, *, pinned: bool) -> None:
        """A run that had this member is gone; its state goes with the last one."""
        with self._lock:
            for counts, fewer in ((self._users, 1), (self._pinned, int(pinned))):
                counts[member.content] -= fewer
            if not self._users[member.content]:
                del self._users[member.content], self._pinned[member.content]
                self._drop(member.content)

    def _shrink(self, wanted: str) -> None:
        if self._limit is None:
            return
        for content in list(self._states):
            if self._bytes <= self._limit:
                return
            if content != wanted and not self._pinned.get(content):
                self._drop(content)

    def _drop(self, content: str) -> None:
        state = self._states.pop(content, None)
        if state is not None:
            self._bytes -= size_of(state)


def size_of(state: PrefixState) -> int:
    """Bytes that a state takes."""
    soft = [x for x in state.soft if x is not None]
    return sum(x.nbytes for layer in state.layers for x in layer) + sum(x.nbytes for x in soft)
