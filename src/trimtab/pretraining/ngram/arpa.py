"""N-gram models as ARPA files, which SRILM, KenLM and others read and write. Knows nothing about estimates.

White space within a token, which would part it, is written `\\x20`, `\\x0a` and so on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np

from trimtab.errors import DataError
from trimtab.pretraining.ngram.estimate import Level
from trimtab.pretraining.ngram.model import NgramModel
from trimtab.pretraining.ngram.sentences import find
from trimtab.runs.folder import write_whole

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
# What stands for log10 of 0.
NEVER = -99.0
_SPACE = re.compile(r"\s")
_ESCAPED = re.compile(r"\\x([0-9a-f]{2,6})")
_HINT = "Give a file in the ARPA format, as SRILM, KenLM or `trimtab pretrain` write it."
# N-grams that are written at a time.
PIECE = 1 << 16


def write_arpa(model: NgramModel, tokens: Sequence[str], path: Path) -> None:
    """Write a model; the file is there in full or not at all.

    Args:
        model: what is written.
        tokens: how each word is written, `<s>` left out; the end of a text is written `</s>`.
        path: the file.

    Raises:
        RunError: it cannot be written.
    """
    names = [_SPACE.sub(lambda found: f"\\x{ord(found[0]):02x}", token) for token in tokens]
    names[model.end] = END

    def put(file: Path) -> None:
        with file.open("w", encoding="utf-8", newline="\n") as stream:
            _put(model, [*names, BEGIN], stream)

    write_whole(path, put)


def _put(model: NgramModel, names: Sequence[str], stream: TextIO) -> None:
    size, written = model.words + 1, np.array(names, object)
    stream.write("\\data\\\n")
    for n, level in enumerate(model.levels, 1):
        stream.write(f"ngram {n}={len(level.keys_N)}\n")
    for n, level in enumerate(model.levels, 1):
        stream.write(f"\n\\{n}-grams:\n")
        for start in range(0, len(level.keys_N), PIECE):
            part = slice(start, start + PIECE)
            columns, places = [], np.asarray(level.keys_N[part])
            for below in reversed(model.levels[: n - 1]):
                columns.append(written[places % size])
                places = below.keys_N[places // size]
            grams = zip(written[places], *reversed(columns), strict=True)
            logs, backoffs = level.logs_N[part] / math.log(10), level.backoffs_N[part] / math.log(10)
            for gram, log, backoff in zip(grams, logs, backoffs, strict=True):
                own = f"{max(log, NEVER):.9g}\t{' '.join(gram)}"
                stream.write(own + (f"\t{max(backoff, NEVER):.9g}\n" if n < len(model.levels) else "\n"))
    stream.write("\n\\end\\\n")


def read_arpa(path: Path) -> tuple[NgramModel, list[str]]:
    """Read a model, and its words by id; `<s>` is the last of them.

    Raises:
        DataError: the file cannot be read, or is no ARPA file, or lacks the beginning of an n-gram.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            return _model(enumerate(stream, 1), path)
    except OSError as fault:
        raise DataError(f"{path}: cannot be read ({fault.strerror}).", "Check the file and its path.") from None
    except UnicodeDecodeError as fault:
        raise DataError(f"{path}: byte {fault.start} is not valid UTF-8.", _HINT) from None


def _model(lines: Iterator[tuple[int, str]], path: Path) -> tuple[NgramModel, list[str]]:
    counts: list[int] = []
    for number, line in lines:
        if line.startswith("ngram "):
            order, _, written = line[6:].partition("=")
            if order.strip() != str(len(counts) + 1) or not written.strip().isdecimal():
                raise DataError(f"{path}:{number}: found {line.strip()!r}, expected the next order.", _HINT)
            counts.append(int(written))
        elif line.strip() == "\\1-grams:":
            break
    if not counts:
        raise DataError(f"{path}: not an ARPA file: no `ngram 1=` in it.", _HINT)
    ids: dict[str, int] = {}
    levels: list[Level] = []
    for n, count in enumerate(counts, 1):
        if n > 1:
            next((line for _, line in lines if line.strip() == f"\\{n}-grams:"), None)
        rows = [_row(line, n, f"{path}:{number}") for number, line in islice(lines, count)]
        if len(rows) < count:
            raise DataError(f"{path}: {len(rows)} {n}-grams, expected {count}: the file is cut short.", _HINT)
        if n == 1:
            words = [row[1][0] for row in rows]
            if BEGIN not in words or END not in words or len(set(words)) < len(words):
                raise DataError(f"{path}: `<s>` or `</s>` is missing, or a word stands twice.", _HINT)
            ids = {word: i for i, word in enumerate([*(word for word in words if word != BEGIN), BEGIN])}
        levels.append(_level(rows, levels, ids, path, last=n == len(counts)))
    tokens = [_ESCAPED.sub(lambda found: chr(int(found[1], 16)), word) for word in ids]
    return NgramModel(levels, len(ids) - 1, ids[END]), tokens


def _row(line: str, n: int, where: str) -> tuple[float, list[str], float]:
    parts = line.split()
    try:
        if n < len(parts) <= n + 2:
            return float(parts[0]), parts[1 : n + 1], float(parts[n + 1]) if len(parts) == n + 2 else 0.0
    except ValueError:
        pass
    raise DataError(f"{where}: found {line.strip()!r}, expected a logarithm and {n} words.", _HINT)


def _level(
    rows: list[tuple[float, list[str], float]], below: list[Level], ids: dict[str, int], path: Path, *, last: bool
) -> Level:
    size, unknown = len(ids), ids.get(UNKNOWN, -1)
    words = np.array([[ids.get(word, unknown) for word in row[1]] for row in rows], np.int64).reshape(len(rows), -1)
    keys = words[:, 0] if len(rows) else np.zeros(0, np.int64)
    for n, level in enumerate([*below[1:], None] if below else [], 1):
        keys = keys * size + words[:, n]
        if level is not None:
            keys = find(level.keys_N, keys)
            if (keys < 0).any():
                gram = " ".join(rows[int(np.argmin(keys))][1][: n + 1])
                raise DataError(f"{path}: the n-gram '{gram}' is missing, which a longer one begins with.", _HINT)
    ranked = np.argsort(keys, kind="stable")
    logs = np.array([row[0] for row in rows])[ranked] * math.log(10)
    backoffs = np.array([0.0 if last else row[2] for row in rows])[ranked] * math.log(10)
    logs[logs <= NEVER * math.log(10)] = -math.inf
    return Level(keys[ranked], logs, backoffs)
