"""Word vectors as they are read, and their means by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from trimtab.evaluation.baselines.word_vectors import KeyedVectors, mean_vector, read_word_vectors


def test_word_vectors_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.save(tmp_path / "vectors.npy", written)
    pyarrow.parquet.write_table(pa.table({"index": ["the", ",", "null", "naïve"]}), tmp_path / "words.parquet")
    read = read_word_vectors(tmp_path)
    assert read.key_to_index == {"the": 0, ",": 1, "null": 2, "naïve": 3}
    np.testing.assert_array_equal(read.vectors, written)
    assert read.vectors.dtype == np.float32
    assert isinstance(read.vectors, np.memmap)


def test_words_without_a_vector_are_skipped() -> None:
    vectors = KeyedVectors({"good": 0, "day": 1}, np.array([[1, 2], [3, 6]], dtype=np.float32))
    mean = mean_vector("Good, good DAY sir", vectors)
    assert mean is not None
    np.testing.assert_allclose(mean, [5 / 3, 10 / 3], rtol=1e-6)
    assert mean_vector("sir", vectors) is mean_vector("", vectors) is None
