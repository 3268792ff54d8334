"""A split as token ids in a memory-mapped file, written once. Knows nothing about how texts are read or modelled.

T tokens of the split, the ends of documents included.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from trimtab.errors import RunError
from trimtab.pretraining.corpora import Document, Split
from trimtab.pretraining.tokenizers import UNKNOWN, encode, end_id
from trimtab.runs.folder import PART, make_folder, write_json

IDS_FILE, COUNTS_FILE = "ids.bin", "counts.json"
# Documents that are encoded together.
TOGETHER = 1000


@dataclass(frozen=True)
class EncodedSplit:
    """A split as token ids, documents one after another, each with the end of text behind it.

    Attributes:
        ids_T: token ids, mapped from disk (uint16 where the vocabulary allows, else uint32).
        end: the id of the end of text.
        documents: how many documents there are.
        bytes: bytes of UTF-8 of all documents, each with one for its end, as a line has.
        unknown: how many tokens are `<unk>`.
    """

    ids_T: NDArray[np.unsignedinteger[Any]]
    end: int
    documents: int
    bytes: int
    unknown: int


def encoded(split: Split, tokenizer: Tokenizer, kept: Path) -> EncodedSplit:
    """The ids of a split: out of `kept` where the same texts were encoded with the same tokenizer, else written there.

    Args:
        split: the documents.
        tokenizer: what makes tokens of them.
        kept: folder of what was encoded before; what is there is whole, or called otherwise.

    Raises:
        DataError: as reading the split does.
        RunError: the folder cannot be written.
    """
    folder = kept / _key(split, tokenizer)
    fresh = any(file.startswith("hub:") for file in split.files())  # what the hub has may change
    if fresh or not (folder / COUNTS_FILE).is_file():
        _write(split, tokenizer, folder)
    return _read(folder, tokenizer)


def _key(split: Split, tokenizer: Tokenizer) -> str:
    """What decides the ids, hashed: the bytes of the files, how they are read, and the tokenizer."""
    digest = hashlib.sha256()
    how = split.data.model_dump(mode="json", exclude={"train", "dev", "test"})
    digest.update(json.dumps([split.part, how, tokenizer.to_str()]).encode())
    for file in split.files():
        digest.update(file.encode(errors="surrogatepass") + b"\0")
        path = split.base / Path(file).expanduser()
        if path.is_file():
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:32]


def _write(split: Split, tokenizer: Tokenizer, folder: Path) -> None:
    work = folder.with_name(folder.name + PART)
    shutil.rmtree(work, ignore_errors=True)  # of a process that was killed
    make_folder(work)
    end, unknown = end_id(tokenizer), tokenizer.token_to_id(UNKNOWN)
    dtype = _dtype(tokenizer)
    documents = size = unknowns = tokens = 0
    try:
        with (work / IDS_FILE).open("wb") as stream:
            for group in _grouped(split):
                texts = [document.text for document in group]
                rows = encode(tokenizer, texts)
                ids = np.fromiter((one for row in rows for one in (*row, end)), dtype)
                stream.write(ids.tobytes())
                documents, tokens = documents + len(texts), tokens + len(ids)
                size += sum(len(text.encode("utf-8", "replace")) + 1 for text in texts)
                unknowns += 0 if unknown is None else int((ids == unknown).sum())
        counts = {"documents": documents, "bytes": size, "unknown": unknowns, "tokens": tokens}
        write_json(work / COUNTS_FILE, counts)
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)
    except OSError as fault:
        hint = "Free some space, or set TRIMTAB_CACHE to another folder."
        raise RunError(f"{folder}: cannot be written ({fault.strerror or fault}).", hint) from fault
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _read(folder: Path, tokenizer: Tokenizer) -> EncodedSplit:
    try:
        counts = json.loads((folder / COUNTS_FILE).read_text(encoding="utf-8"))
        ids = np.memmap(folder / IDS_FILE, _dtype(tokenizer), "r", shape=(counts["tokens"],))
    except (OSError, ValueError, KeyError) as fault:
        raise RunError(f"{folder}: damaged ({fault}).", "Delete it and start again.") from None
    return EncodedSplit(ids, end_id(tokenizer), counts["documents"], counts["bytes"], counts["unknown"])


def _dtype(tokenizer: Tokenizer) -> type[np.uint16] | type[np.uint32]:
    return np.uint16 if tokenizer.get_vocab_size() <= 1 << 16 else np.uint32


def _grouped(documents: Iterable[Document]) -> Iterator[list[Document]]:
    held: list[Document] = []
    for document in documents:
        held.append(document)
        if len(held) == TOGETHER:
            yield held
            held = []
    if held:
        yield held
