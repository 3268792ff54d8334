"""Files of word vectors of each kind, and what is none."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from trimtab.errors import DataError, TrimtabError
from trimtab.evaluation.baselines.word_vectors import KeyedVectors
from trimtab.evaluation.text.subwords import Subwords
from trimtab.vectors import formats, kept
from trimtab.vectors.reading import open_vectors

WORDS = ["the", "好吃", "😀", "naïve"]
ROWS = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
VECTORS = KeyedVectors({word: i for i, word in enumerate(WORDS)}, ROWS)
LINES = [f"{word} {' '.join(map(repr, row))}\n" for word, row in zip(WORDS, ROWS.astype(float).tolist(), strict=True)]
HINT = "Name a file that `trimtab vectors train` wrote, or one of GloVe or word2vec (text or binary)."


def binary(line_ends: bytes) -> bytes:
    """As word2vec's C program writes it (a line end behind each vector), or gensim (none)."""
    return b"4 3\n" + b"".join(
        word.encode() + b" " + row.astype("<f4").tobytes() + line_ends for word, row in zip(WORDS, ROWS, strict=True)
    )


WRITTEN = {
    "glove.txt": "".join(LINES).encode(),
    "word2vec.txt": "".join(["4 3\n", *LINES]).encode(),
    "no last line end.vec": "".join(["4 3\n", *LINES]).rstrip().encode(),
    "spaces.vec": "".join(["4 3\n", *(line.replace("\n", " \n") for line in LINES)]).encode(),
    "word2vec.bin": binary(b"\n"),
    "gensim.bin": binary(b""),
}


def same(found: KeyedVectors) -> None:
    assert list(found.key_to_index) == WORDS
    assert [found.key_to_index[word] for word in WORDS] == [0, 1, 2, 3]
    np.testing.assert_array_equal(found.vectors, ROWS)
    assert found.vectors.dtype == np.float32


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("packed", [False, True])
def test_files_of_other_programs_are_read(name: str, packed: bool, tmp_path: Path) -> None:
    path = tmp_path / (name + ".gz" * packed)
    path.write_bytes(gzip.compress(WRITTEN[name]) if packed else WRITTEN[name])
    same(open_vectors(str(path)))
    same(open_vectors(path.name, base=tmp_path))


def test_binary_files_are_read_a_piece_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_AT_ONCE", 50)
    monkeypatch.setattr(formats, "_LONGEST_WORD", 12)
    (tmp_path / "w.bin").write_bytes(binary(b"\n"))
    same(open_vectors(str(tmp_path / "w.bin")))


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    subwords = Subwords(3, 6, 50, np.array([2, 7], dtype=np.int64), ROWS[:2])
    kept.save(tmp_path / "own.vectors", KeyedVectors(VECTORS.key_to_index, ROWS, subwords), {"seed": 0})
    found = open_vectors(str(tmp_path / "own.vectors"))
    same(found)
    assert found.subwords is not None
    assert (found.subwords.shortest, found.subwords.longest, found.subwords.buckets) == (3, 6, 50)
    np.testing.assert_array_equal(found.subwords.buckets_G, [2, 7])
    np.testing.assert_array_equal(found.subwords.vectors_GD, ROWS[:2])
    kept.save(tmp_path / "known.vectors", VECTORS, {})
    assert open_vectors(str(tmp_path / "known.vectors")).subwords is None
    kept.save_text(tmp_path / "own.txt", VECTORS)
    same(open_vectors(str(tmp_path / "own.txt")))


def test_of_a_word_that_stands_twice_the_first_counts(tmp_path: Path) -> None:
    (tmp_path / "w.txt").write_text("3 1\na 1\na 2\nb 3\n")
    found = open_vectors(str(tmp_path / "w.txt"))
    assert (found.key_to_index, found.vectors.tolist()) == ({"a": 0, "b": 1}, [[1], [3]])


def test_words_of_glove_may_hold_spaces(tmp_path: Path) -> None:
    (tmp_path / "w.txt").write_text("a 1 2\n. . b 3 4\n")
    assert list(open_vectors(str(tmp_path / "w.txt")).key_to_index) == ["a", ". . b"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", f"w.txt: the file is empty. {HINT}"),
        (b"The film is good.\n", f"w.txt:1: no word with numbers behind it: not a file of word vectors. {HINT}"),
        (b"\x89PNG\r\n\x1a\n\0", f"w.txt:1: no word with numbers behind it: not a file of word vectors. {HINT}"),
        (b"a 1 2\nb 1 x\n", "w.txt:2: no word with 2 numbers behind it. The file may be cut short, or another kind."),
        (b"2 2\na 1 2\nb 1", "w.txt:3: no word with 2 numbers behind it. The file may be cut short, or another kind."),
        (b"3 2\na 1 2\nb 1 2\n", "w.txt: 2 words, and its first line says 3. Fetch the file again."),
        (b"0 2\n", f"w.txt: no words. {HINT}"),
        (b"9 0\n", f"w.txt:1: vectors of 0 numbers. {HINT}"),
        (
            "2 2\n好 1 2\n吃 1 nan\n".encode(),
            "w.txt:3: the vector of '吃' holds a number that is not finite. Leave that word out of the file.",
        ),
        (
            b"a 1 2\nb 1 1e99\n",
            "w.txt:2: the vector of 'b' holds a number that is not finite. Leave that word out of the file.",
        ),
        (
            b"1 1\na \0\0\x80\x7f",
            "w.txt: word 1: the vector of 'a' holds a number that is not finite. "
            "Leave that word out of the file.",
        ),
        (binary(b"\n")[:-9], "w.txt: ends at word 4 of 4. The file is cut short: fetch it again."),
        (
            b"2 2\n" + b"\1" * 5000,
            f"w.txt: word 1 of 2 has no end: not a file of word vectors. {HINT}",
        ),
    ],
)  # fmt: skip
def test_what_is_no_file_of_word_vectors_is_refused(
    content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.txt").write_bytes(content)
    with pytest.raises(DataError) as raised:
        open_vectors("w.txt")
    assert str(raised.value) == message


def test_a_damaged_file_and_one_of_other_tensors_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept.save(Path("own.vectors"), VECTORS, {})
    content = bytearray(Path("own.vectors").read_bytes())
    content[-1] ^= 1
    Path("own.vectors").write_bytes(content)
    with pytest.raises(DataError) as raised:
        open_vectors("own.vectors")
    assert str(raised.value) == (
        "own.vectors: damaged (its SHA-256 is not what was written). Train them again, or copy the file again."
    )
    Path("own.vectors").write_bytes(content[:-5])
    with pytest.raises(DataError, match=r"^own\.vectors: damaged \("):
        open_vectors("own.vectors")
    save_file({"weight": ROWS}, "model.safetensors")
    with pytest.raises(DataError) as raised:
        open_vectors("model.safetensors")
    assert str(raised.value) == (
        "model.safetensors: a safetensors file, but not of word vectors. "
        "Name a file that `trimtab vectors train` wrote, or one of GloVe or word2vec."
    )


def test_names_that_are_not_there_have_the_nearest_beside_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.vectors").touch()
    Path("folder").mkdir()
    for name, message in {
        "owm.vectors": "owm.vectors: no such file. Did you mean 'own.vectors'?",
        "folder/x.txt": "folder/x.txt: no such file. Name a file of word vectors, or glove-6b-50d.",
        "glove-6b-50": "word vectors 'glove-6b-50' are not one of glove-6b-50d. Did you mean 'glove-6b-50d'?",
        "folder": "folder: a folder without word vectors (`vectors.npy` and `words.parquet`). Name a file of them.",
    }.items():
        with pytest.raises(TrimtabError) as raised:
            open_vectors(name, offline=True)
        assert str(raised.value) == message
