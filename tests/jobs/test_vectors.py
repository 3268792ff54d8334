"""`trimtab vectors`, whole: trained on texts of two topics, asked, and among the ways of a comparison."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import needs
import tiny
from trimtab.errors import DataError, MissingExtraError, TaskError
from trimtab.evaluation.baselines.word_vectors import KeyedVectors, mean_vector, vector_of
from trimtab.jobs import vectors as job
from trimtab.vectors import kept
from trimtab.vectors.reading import open_vectors

TOPICS = (["cat", "dog", "horse", "cow", "狗", "feeds"], ["bread", "soup", "cheese", "rice", "面包", "cooks"])
# Words of so small a vocabulary are all common: by default nearly all of the text would be left out.
HOW: dict[str, Any] = {"size": 16, "epochs": 15, "min_count": 3, "buckets": 2000, "sample": 0, "rate": 0.05}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts that speak of animals or of meals, in English and Chinese, with an emoji."""
    draw = random.Random(0)
    lines = [" ".join(["The", *draw.choices(TOPICS[i % 2], k=5)]) + " 😀." for i in range(400)]
    path = tmp_path_factory.mktemp("texts") / "texts.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(texts: Path) -> Callable[..., Path]:
    """A file of vectors, trained once for the same settings."""
    made: dict[str, Path] = {}

    def get(**how: Any) -> Path:
        key = json.dumps(how)
        if key not in made:
            made[key] = texts.parent / f"{len(made)}.vectors"
            job.run([str(texts)], made[key], job.How(**{**HOW, **how}))
        return made[key]

    return get


@needs.gensim
@pytest.mark.parametrize("kind", ["word2vec", "fasttext"])
@pytest.mark.parametrize("objective", ["skip-gram", "cbow"])
def test_words_of_one_topic_are_nearer(kind: str, objective: str, trained: Callable[..., Path]) -> None:
    longer = {"rate": 0.1, "epochs": 40} if objective == "cbow" else {}
    vectors = open_vectors(str(trained(kind=kind, objective=objective, **longer)))
    assert set(vectors.key_to_index) == {"the", *TOPICS[0], *TOPICS[1]}
    assert vectors.vectors.shape == (13, 16)
    for topic, other in (TOPICS, TOPICS[::-1]):
        for word in topic:
            cosines = {one.word: one.cosine for one in job.nearest(vectors, word, 12).near}
            of_topic = np.mean([cosines[one] for one in topic if one in cosines])
            assert of_topic > np.mean([cosines[one] for one in other if one in cosines]) + 0.1


@needs.gensim
@pytest.mark.parametrize("kind", ["word2vec", "fasttext"])
def test_the_same_seed_gives_the_same_file(kind: str, texts: Path, trained: Callable[..., Path]) -> None:
    first = trained(kind=kind, objective="skip-gram").read_bytes()
    again, other = texts.parent / "again.vectors", texts.parent / "other.vectors"
    job.run([str(texts)], again, job.How(**HOW, kind=kind, objective="skip-gram"))  # type: ignore[arg-type]
    job.run([str(texts)], other, job.How(**HOW, kind=kind, objective="skip-gram", seed=1))  # type: ignore[arg-type]
    assert again.read_bytes() == first
    assert other.read_bytes() != first
    assert not list(texts.parent.glob("*.part*"))


@needs.gensim
def test_several_workers_train_on_all_texts(texts: Path, trained: Callable[..., Path]) -> None:
    vectors = open_vectors(str(trained(workers=2)))
    assert len(vectors.key_to_index) == 13


@needs.gensim
def test_vectors_of_fasttext_answer_for_unknown_words_as_gensim_does(texts: Path, trained: Callable[..., Path]) -> None:
    from gensim.models import FastText

    path = trained(kind="fasttext", objective="skip-gram")
    vectors = open_vectors(str(path))
    sentences = [line.lower().replace("😀.", "").split() for line in texts.read_text(encoding="utf-8").splitlines()]
    (texts.parent / "sentences").write_text("\n".join(map(" ".join, sentences)) + "\n", encoding="utf-8")
    theirs = FastText(
        corpus_file=str(texts.parent / "sentences"), vector_size=16, epochs=15, min_count=3, bucket=2000, sg=1,
        seed=0, workers=1, sample=0, alpha=0.05,
    ).wv  # fmt: skip
    for word in vectors.key_to_index:
        np.testing.assert_allclose(vector_of(word, vectors), theirs[word], atol=1e-6)
    assert "bre" not in vectors.key_to_index
    for word, topic in {"breads": TOPICS[1], "cheeses": TOPICS[1], "dogs": TOPICS[0], "horsey": TOPICS[0]}.items():
        found = job.nearest(vectors, word, 4)
        assert not found.known
        assert {one.word for one in found.near} <= set(topic)
    # Where every n-gram came up in training, the mean is over the same ones.
    assert vectors.subwords is not None
    np.testing.assert_allclose(vectors.subwords.vector("bread"), _by_ngrams(theirs), atol=1e-6)


def _by_ngrams(theirs: Any) -> np.ndarray:
    """The mean of the n-gram vectors of `bread`, as gensim has them."""
    from gensim.models.fasttext import ft_ngram_hashes

    return theirs.vectors_ngrams[ft_ngram_hashes("bread", theirs.min_n, theirs.max_n, theirs.bucket)].mean(axis=0)


@needs.gensim
def test_the_verbs_train_and_answer(trimtab, texts: Path, tmp_path: Path) -> None:
    rows = [{"body": line} for line in texts.read_text(encoding="utf-8").splitlines()]
    tiny.write_rows(tmp_path / "rows.jsonl", rows)
    how = [
        "--size",
        "16",
        "--epochs",
        "15",
        "--seed",
        "3",
        "--sample",
        "0",
        "--rate",
        "0.05",
        "--kind",
        "fasttext",
        "--buckets",
        "2000",
    ]
    assert trimtab("vectors", "train", "rows.jsonl", "--field", "body", "--out", "own.vectors", *how) == (
        0, "", "own.vectors: 13 vectors of 16 numbers, from 2,400 words in 400 texts.\n"
    )  # fmt: skip
    code, out, err = trimtab("vectors", "near", "own.vectors", "DOG", "狗", "--count", "2", "--json")
    assert (code, err) == (0, "")
    found = [json.loads(line) for line in out.splitlines()]
    assert [(one["word"], one["known"], len(one["near"])) for one in found] == [("dog", True, 2), ("狗", True, 2)]
    code, out, err = trimtab("vectors", "near", "own.vectors", "dogs", "--count", "1")
    assert (code, err, out.splitlines()[0]) == (0, "", "dogs (unknown; by its n-grams)")
    assert out.split()[-1] in TOPICS[0]


def test_the_verbs_answer_from_files_of_others(trimtab, tmp_path: Path) -> None:
    (tmp_path / "w.txt").write_text("king 1 0 1\nqueen 0 1 1\nman 1 0 0\nwoman 0 1 0\npear -1 -1 0\n")
    assert trimtab("vectors", "analogy", "w.txt", "man", "king", "woman", "--count", "1") == (
        0, " 0.9586  queen\n", ""
    )  # fmt: skip
    _, out, _ = trimtab("vectors", "analogy", "w.txt", "man", "king", "woman", "--count", "1", "--json")
    assert json.loads(out) == {
        "words": ["man", "king", "woman"],
        "near": [{"word": "queen", "cosine": pytest.approx(0.9586, abs=1e-4)}],
    }
    assert trimtab("vectors", "near", "w.txt", "man", "king", "--count", "2") == (
        0, "man\n 0.7071  king\n 0.0000  queen\n\nking\n 0.7071  man\n 0.5000  queen\n", ""
    )  # fmt: skip
    assert trimtab("vectors", "near", "w.txt", "man", "kind") == (
        2, "", "trimtab: w.txt: 'kind' has no vector.\n         Did you mean 'king'?\n"
    )  # fmt: skip


@needs.gensim
def test_texts_that_will_not_do_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "emoji.txt").write_text("😀 😀\n...\n", encoding="utf-8")
    (tmp_path / "few.txt").write_text("hello 世界\n", encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    for source, message in {
        "empty.txt": "empty.txt: no words. Name a file with texts.",
        "emoji.txt": "emoji.txt: no words. Name a file with texts.",
        "few.txt": "few.txt: no word comes up 5 times. Give more text, or lower --min-count.",
        "fwe.txt": "fwe.txt: no such file. Did you mean 'few.txt'?",
    }.items():
        with pytest.raises(DataError) as raised:
            job.run([source], tmp_path / "own.vectors", base=tmp_path)
        assert str(raised.value) == message
    with pytest.raises(DataError) as raised:
        job.run(["few.txt"], tmp_path / "own.vectors", base=tmp_path, field="body")
    assert str(raised.value) == (
        "few.txt:1: no column 'body' for the text; the columns are text. Name one of them with --field."
    )
    assert sorted(tmp_path.iterdir()) == before


def test_places_that_will_not_do_are_refused_first(tmp_path: Path) -> None:
    for out, message in {
        "own.bin": "own.bin: word vectors are written as .vectors or .txt. Choose one of these endings.",
        "no/own.txt": "no/own.txt: there is no folder no. Make it, or name another.",
    }.items():
        with pytest.raises(TaskError) as raised:
            job.run(["x.txt"], out)
        assert str(raised.value) == message
    (tmp_path / "a.vectors").mkdir()
    with pytest.raises(TaskError, match=r"a\.vectors: is a folder\. Choose another name\.$"):
        job.run(["x.txt"], tmp_path / "a.vectors")
    with pytest.raises(TaskError) as raised:
        job.run(["x.txt"], tmp_path / "own.vectors", job.How(ngrams=(6, 3)))
    assert str(raised.value) == "n-grams of 6 to 3 characters. Give the shortest length first."


def test_training_needs_gensim(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "gensim", None)
    with pytest.raises(MissingExtraError) as raised:
        job.run(["x.txt"], tmp_path / "own.vectors")
    assert str(raised.value) == (
        "`trimtab vectors train` needs the gensim library, which is not installed. "
        "Install it with `pip install 'trimtab[vectors]'`."
    )


def test_a_comparison_takes_a_file_of_vectors(trimtab, tmp_path: Path, tiny_folder: Path) -> None:
    tiny.write_task(tmp_path, tiny_folder, word_vectors="own.vectors")
    sides = {word: side for side, words in enumerate(tiny.ENGLISH.values()) for word in words}
    rows = np.array([[1.0, 2 * side - 1] for side in sides.values()], dtype=np.float32)
    vectors = KeyedVectors({word: i for i, word in enumerate(sides)}, rows)
    kept.save(tmp_path / "own.vectors", vectors, {})
    command = ("compare", "task.yaml", "--out", "out", "--methods", "majority,word_vectors")
    assert trimtab(*command, "--reference", "majority").code == 0

    def score() -> float:
        ways = json.loads((tmp_path / "out" / "compare.json").read_text(encoding="utf-8"))["ways"]
        return next(float(way["score"]) for way in ways if way["key"] == "word_vectors")

    assert score() == 1
    kept.save(tmp_path / "own.vectors", KeyedVectors(vectors.key_to_index, np.ones_like(rows)), {})
    assert trimtab(*command, "--reference", "majority").code == 0
    assert score() < 1, "other vectors are measured again"


def test_chinese_texts_are_segmented_where_vectors_have_chinese_words() -> None:
    vectors = KeyedVectors({"手机": 0, "好吃": 1}, np.eye(2, dtype=np.float32))
    np.testing.assert_array_equal(mean_vector("手机", vectors, "auto"), [1, 0])
