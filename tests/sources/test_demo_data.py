"""Demo data is split once: alike by label, no text on two sides, the same on every machine."""

from __future__ import annotations

import dataclasses
import json
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from package_index import add_wheel, sha256
from trimtab.errors import TrimtabError
from trimtab.sources import catalogue, find_data, is_known_data
from trimtab.sources.catalogue import DemoData, PackagedFile, Piece
from trimtab.sources.demo_data import split_rows

CSV = "text,label,source\n" + "".join(
    f'"film {n}, a ""{word}"" one",{label},{source}\n'
    for source in ("rotten_tomatoes", "imdb")
    for label, word in ((0, "bad"), (1, "good"))
    for n in range(50)
)


def read(path: Path) -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(list(row) == ["text", "label"] for row in rows)
    return [(row["text"], row["label"]) for row in rows]


def publish(folder: Path, package: str, members: dict[str, bytes]) -> tuple[PackagedFile, ...]:
    add_wheel(folder, package, "1.0", members)
    return tuple(
        PackagedFile(name, (Piece(package, "1.0", name, len(content), sha256(content)),), sha256(content))
        for name, content in members.items()
    )


@pytest.fixture
def films(index: Path, monkeypatch: pytest.MonkeyPatch) -> DemoData:
    files = publish(index, "films", {"combined_movie_reviews.csv": CSV.encode()})
    data = DemoData("movie-reviews", "MIT", files)
    monkeypatch.setattr(catalogue, "DATA", (data,))
    return data


def test_short_english_sentences_in_three_files(cache: Path, films: DemoData) -> None:
    parts = {split: read(find_data(f"movie-reviews:{split}")) for split in ("train", "dev", "test")}
    assert {split: Counter(label for _, label in rows) for split, rows in parts.items()} == {
        "train": {"negative": 40, "positive": 40},
        "dev": {"negative": 5, "positive": 5},
        "test": {"negative": 5, "positive": 5},
    }
    everything = [row for rows in parts.values() for row in rows]
    assert sorted(everything) == sorted(
        (f'film {n}, a "{word}" one', label)
        for n in range(50)
        for word, label in (("bad", "negative"), ("good", "positive"))
    )
    assert [path.name for path in sorted((cache / "data/movie-reviews").iterdir())] == [
        "dev.jsonl", "test.jsonl", "train.jsonl", "trimtab.json"
    ]  # fmt: skip


def test_made_once(cache: Path, films: DemoData, index: Path) -> None:
    path = find_data("movie-reviews")
    assert path == cache / "data/movie-reviews/train.jsonl"
    next(index.iterdir()).unlink()
    assert find_data("movie-reviews:train", offline=True) == path
    path.write_text("")  # half-written
    with pytest.raises(TrimtabError) as caught:
        find_data("movie-reviews:dev", offline=True)
    assert str(caught.value) == (
        f"movie-reviews is not in the cache ({cache}), or only in part, and the network is switched off. "
        "Use it once with the network on, or copy the cache from another machine."
    )
    with pytest.raises(TrimtabError) as caught:
        find_data("movie-reviews:dev")
    assert str(caught.value) == (
        "movie-reviews could not be fetched: films 1.0: not on the package index that pip asks, which has no wheel of "
        "it. Check the index in pip's configuration (`pip config list`)."
    )


def test_wrong_checksum_leaves_nothing(
    cache: Path, films: DemoData, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = films.files[0]
    wrong = dataclasses.replace(file, pieces=(dataclasses.replace(file.pieces[0], sha256="0" * 64),), sha256="0" * 64)
    monkeypatch.setattr(catalogue, "DATA", (dataclasses.replace(films, files=(wrong,)),))
    with pytest.raises(TrimtabError, match=r"^films 1\.0: the SHA-256 of combined_movie_reviews\.csv is "):
        find_data("movie-reviews")
    assert list((cache / "data/movie-reviews").iterdir()) == []


def test_chinese_reviews_without_repetitions(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = [f"不好{n}" for n in range(20)]
    good = [f"很好{n}\u2028非常好" for n in range(30)]
    files = publish(
        index,
        "reviews",
        {"neg.txt": "\n".join([*bad, *bad, "", "一般"]).encode(), "pos.txt": "\n".join([*good, " 一般 ", ""]).encode()},
    )
    monkeypatch.setattr(catalogue, "DATA", (DemoData("chinese-reviews", "MIT", files),))
    lines = {split: find_data(f"chinese-reviews:{split}") for split in ("train", "dev", "test")}
    rows = [json.loads(line) for path in lines.values() for line in path.read_text("utf-8").split("\n") if line]
    assert Counter(row["label"] for row in rows) == {"negative": 20, "positive": 30}
    assert {row["text"] for row in rows} == {*bad, *good}


def test_names() -> None:
    assert [is_known_data(name) for name in ("movie-reviews", "chinese-reviews:dev", "movie", "a.jsonl")] == [
        True, True, False, False
    ]  # fmt: skip
    with pytest.raises(TrimtabError) as caught:
        find_data("movie-review:dev")
    assert str(caught.value) == (
        "data 'movie-review:dev' is not one of movie-reviews, chinese-reviews. Did you mean 'movie-reviews'?"
    )
    with pytest.raises(TrimtabError) as caught:
        find_data("movie-reviews:tets")
    assert str(caught.value) == "'movie-reviews:tets': 'tets' is not one of train, dev, test. Did you mean 'test'?"


words = st.text(alphabet="abAB \t好", min_size=1, max_size=4)


@given(st.lists(st.tuples(words, st.sampled_from(["negative", "positive"])), max_size=80), st.randoms())
def test_no_text_is_in_two_splits_nor_twice(rows: list[tuple[str, str]], order: random.Random) -> None:
    def fold(text: str) -> str:
        return " ".join(text.split()).casefold()

    parts = split_rows(rows)
    kept = [(fold(text), label) for part in parts.values() for text, label in part]
    labels_of: dict[str, set[str]] = {}
    for text, label in rows:
        labels_of.setdefault(fold(text), set()).add(label)
    assert sorted(kept) == sorted(
        (text, label) for text, [*labels] in labels_of.items() if len(labels) == 1 for label in labels
    )
    shuffled = order.sample(rows, len(rows))
    again = split_rows(shuffled)
    assert {split: [(fold(t), label) for t, label in part] for split, part in parts.items()} == {
        split: [(fold(t), label) for t, label in part] for split, part in again.items()
    }
