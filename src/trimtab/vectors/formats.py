"""Files of word vectors as GloVe and word2vec write them, text and binary, to arrays. Knows nothing about other files.

Shapes: V words, D numbers of a word vector.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from trimtab.errors import DataError
from trimtab.evaluation.baselines.word_vectors import KeyedVectors

# A first line that is longer is none of such a file.
_LONGEST_LINE = 1 << 20
_LONGEST_WORD = 1 << 12
# Bytes of a binary file that are read at a time.
_AT_ONCE = 1 << 22
_NONE = "Name a file that `trimtab vectors train` wrote, or one of GloVe or word2vec (text or binary)."


def read(stream: BinaryIO, name: str) -> KeyedVectors:
    """Return the vectors of a file; of a word that stands twice the first.

    A line with V and D opens a file of word2vec; GloVe's has none.

    Raises:
        DataError: it holds no vectors, or a number that is none, or ends too early.
    """
    first = stream.readline(_LONGEST_LINE)
    if not first:
        raise DataError(f"{name}: the file is empty.", _NONE)
    parts = first.split()
    if len(parts) == 2 and all(part.isdigit() for part in parts):
        count, size = map(int, parts)
        if not 0 < size <= _LONGEST_LINE:
            raise DataError(f"{name}:1: vectors of {size} numbers.", _NONE)
        head = stream.read(_LONGEST_WORD + 4 * size)
        if _is_text(head, size):
            rest = _again(head, stream)
            return _collected(_text(rest, name, size, 2), size, name, count)
        return _collected(_binary(head, stream, name, count, size), size, name, count)
    size = len(parts) - 1
    if size < 1 or _numbers(parts[1:]) is None:
        raise DataError(f"{name}:1: no word with numbers behind it: not a file of word vectors.", _NONE)
    return _collected(_text(chain([first], stream), name, size, 1), size, name, None)


def _is_text(head: bytes, size: int) -> bool:
    """Whether what follows word2vec's first line is text: its first number is written out."""
    parts = head.split(maxsplit=2)
    return len(parts) > 1 and _numbers(parts[1 : 1 + min(size, 1)]) is not None and b"\0" not in head[:64]


def _again(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    """The lines of what was read already, and of the rest."""
    *lines, last = head.split(b"\n")
    yield from lines
    yield last + stream.readline()
    yield from stream


def _numbers(parts: list[bytes]) -> NDArray[np.float32] | None:
    """Numbers as they are written out; None where one of them is none."""
    try:
        with np.errstate(over="ignore"):  # what is too large is not finite then, and told
            return np.array([float(part) for part in parts], dtype=np.float64).astype(np.float32)
    except ValueError:
        return None


def _text(lines: Iterator[bytes], name: str, size: int, first: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for place, line in enumerate(lines, start=first):
        if not line.strip():
            continue
        word, *parts = line.rstrip().rsplit(maxsplit=size)  # GloVe's longest files have words with spaces
        numbers = _numbers(parts)
        if len(parts) != size or numbers is None:
            raise DataError(
                f"{name}:{place}: no word with {size} numbers behind it.", "The file may be cut short, or another kind."
            )
        yield _checked(word, numbers, f"{name}:{place}")


def _binary(
    head: bytes, stream: BinaryIO, name: str, count: int, size: int
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    held, at = head, 0
    for row in range(1, count + 1):
        if len(held) - at < 1 + _LONGEST_WORD + 4 * size:
            held, at = held[at:] + stream.read(_AT_ONCE), 0
        at += held[at : at + 1] == b"\n"
        end = held.find(b" ", at, at + _LONGEST_WORD)
        if end < 0 and len(held) - at >= _LONGEST_WORD:
            raise DataError(f"{name}: word {row:,} of {count:,} has no end: not a file of word vectors.", _NONE)
        if end < 0 or len(held) < end + 1 + 4 * size:
            raise DataError(f"{name}: ends at word {row:,} of {count:,}.", "The file is cut short: fetch it again.")
        numbers = np.frombuffer(held, dtype="<f4", count=size, offset=end + 1).astype(np.float32)
        yield _checked(held[at:end], numbers, f"{name}: word {row:,}")
        at = end + 1 + 4 * size


def _checked(word: bytes, numbers: NDArray[np.float32], where: str) -> tuple[str, NDArray[np.float32]]:
    text = word.decode("utf-8", errors="replace")
    if not np.isfinite(numbers).all():
        raise DataError(
            f"{where}: the vector of '{text}' holds a number that is not finite.", "Leave that word out of the file."
        )
    return text, numbers


def _collected(
    rows: Iterator[tuple[str, NDArray[np.float32]]], size: int, name: str, count: int | None
) -> KeyedVectors:
    known: dict[str, int] = {}
    flat = bytearray()
    read = 0
    for word, numbers in rows:
        read += 1
        if word not in known:
            known[word] = len(known)
            flat += numbers.tobytes()
    if count is not None and read != count:
        raise DataError(f"{name}: {read:,} words, and its first line says {count:,}.", "Fetch the file again.")
    if not known:
        raise DataError(f"{name}: no words.", _NONE)
    return KeyedVectors(known, np.frombuffer(flat, dtype=np.float32).reshape(-1, size))
