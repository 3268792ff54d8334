"""What an engine is asked. Knows nothing about models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trimtab.errors import TaskError
from trimtab.settings.answers import TextAnswer


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
        top_logprobs: of free text, how many of the likeliest tokens are told at the place of each one.
    """

    run: str
    fields: Mapping[str, str]
    where: str = "input"
    options: Sequence[str] = ()
    tokens: Sequence[str] = ()
    decoding: TextAnswer | None = None
    top_logprobs: int = 0

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
