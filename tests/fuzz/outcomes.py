"""What may come of any input: a value, or an error of Trimtab's that is one paragraph. And inputs that are damaged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from trimtab.errors import TrimtabError

LONGEST_MESSAGE = 5000
T = TypeVar("T")


def few(examples: int) -> Any:
    """Settings of a fuzz test: so many examples, the same on every machine and at every call."""
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=checks,
    )


def value_or_message(call: Callable[[], T]) -> T | None:
    """What a call gives; None where it ends with an error for a user to mend. Any other exception is passed on."""
    try:
        return call()
    except TrimtabError as error:
        message = str(error)
        assert message.strip()
        assert "\n" not in message
        assert len(message) < LONGEST_MESSAGE
        message.encode("utf-8")  # it can be printed
        return None


# Numbers that Python, JSON, YAML or float32 have trouble with.
NUMBERS = st.sampled_from(
    [0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**30, 10**400, 0.5, -0.0, 1e-40, 1e308, float("inf"), float("nan")]
)
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from([
        "", " ", "\0", "\x1b[31m", "[bold]", "[/]", "{text}", "{", "}", "{soft:9}", "\ud800", "\u202e", "a\nb",
        "9" * 5000,
        "-", "--", "[" * 1000, "1e999", "nan", "null", "~", "&a", "*a", "!!int x", "..", "../../x", "A", "1",
    ]),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


def deep(depth: int) -> Any:
    """A list in a list in a list, so many."""
    made: Any = 1
    for _ in range(depth):
        made = [made]
    return made


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes, up to three places of them changed, left out, doubled, or all behind them cut off."""
    made = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(made) - 1)))
        length = draw(st.integers(1, 8))
        match draw(st.sampled_from(["change", "leave out", "double", "cut", "insert"])):
            case "change":
                made[at : at + length] = draw(st.binary(min_size=length, max_size=length))
            case "leave out":
                del made[at : at + length]
            case "double":
                made[at:at] = made[at : at + length]
            case "cut":
                del made[at:]
            case "insert":
                odd = st.sampled_from([b"[" * 2000, b"9" * 5000, b"\xff"])
                made[at:at] = draw(st.binary(min_size=1, max_size=8) | odd)
    return bytes(made)
