"""`trimtab embed`, whole: files of texts and rows to files of vectors, and what cannot be read or written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

import tiny
from adapters import moved_run
from trimtab.backbones.pretrained import Pretrained
from trimtab.cli.main import main
from trimtab.errors import DataError, TaskError
from trimtab.inference.vectors import Embedder
from trimtab.jobs import embed as job
from trimtab.runs.run import save_run
from trimtab.settings.file import make_task

TEXTS = ["a wonderful film", "好吃 🙂", "bad and cold"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    tiny.write_rows(tmp_path / "rows.jsonl", [{"text": text, "title": "bad"} for text in TEXTS])
    return tmp_path


def embedded(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[list[list[float]], str]:
    """What the verb prints."""
    main(["embed", *map(str, arguments)])
    told = capsys.readouterr()
    return [json.loads(line)["vector"] for line in told.out.splitlines()], told.err


def test_files_of_each_kind_hold_the_vectors_that_are_printed(
    tiny_folder: Path, files: Path, pretrained: Pretrained, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = np.stack(list(Embedder(pretrained)(TEXTS)))
    how = ("--precision", "float32")
    printed, _ = embedded(capsys, tiny_folder, files / "texts.txt", *how)
    np.testing.assert_allclose(printed, expected, atol=1e-6)
    for ending in job.ENDINGS:
        out = files / f"vectors{ending}"
        found, told = embedded(capsys, tiny_folder, files / "rows.jsonl", "--out", out, *how)
        assert found == []
        assert told.splitlines()[-1] == f"{out}: 3 vectors of 32 numbers."
    np.testing.assert_allclose(np.load(files / "vectors.npy"), expected, atol=1e-6)
    lines = (files / "vectors.jsonl").read_text().splitlines()
    np.testing.assert_allclose([json.loads(line)["vector"] for line in lines], expected, atol=1e-6)
    table = parquet.read_table(files / "vectors.parquet")["vector"].to_pylist()
    np.testing.assert_allclose(table, expected, atol=1e-6)
    titles, _ = embedded(capsys, tiny_folder, files / "rows.jsonl", "--field", "title", "--normalise", *how)
    assert titles[0] == titles[2]
    assert np.linalg.norm(titles[0]) == pytest.approx(1, abs=1e-5)


def test_rows_of_a_run(tiny_folder: Path, files: Path, pretrained: Pretrained) -> None:
    words = {"negative": ["bad"], "positive": ["good"]}
    settings = {"backbone": str(tiny_folder), "labels": words, "method": {"name": "soft_prompt", "length": 3}}
    run = moved_run(pretrained, make_task({**settings, "data": {"columns": {"text": "title"}}}), words)
    (files / "run").mkdir()
    save_run(files / "run", run)
    embedder = job.open_embedder(str(files / "run"), pretrained=pretrained)
    count, size = job.run(embedder, job.texts_of(str(files / "run"), "rows.jsonl", base=files), files / "all.npy")
    assert (count, size) == (3, 32)
    found = np.load(files / "all.npy")
    np.testing.assert_allclose(found[0], found[2], atol=1e-6)  # of the column that the run reads
    [expected] = Embedder(pretrained, run)(["bad"])
    np.testing.assert_allclose(found[0], expected, atol=1e-6)


def test_what_cannot_be_read_or_written(files: Path) -> None:
    (files / "empty.jsonl").write_text("")
    for source, field, message in (
        ("empty.jsonl", None, "empty.jsonl: no rows. Name a file with texts."),
        ("rows.jsonl", "body", "rows.jsonl:1: no column 'body' for the text; the columns are text, title. Name one of "
                               "them with --field."),
    ):  # fmt: skip
        with pytest.raises(DataError) as caught:
            list(job.texts_of("smollm2-135m", source, field=field, base=files))
        assert str(caught.value) == message
    for out, message in (
        (files / "vectors.csv", f"{files / 'vectors.csv'}: vectors are written as .npy, .jsonl, .parquet. Choose one "
                                "of these endings."),
        (files / "no" / "a.npy", f"{files / 'no' / 'a.npy'}: there is no folder {files / 'no'}. Make it, or name "
                                 "another."),
    ):  # fmt: skip
        with pytest.raises(TaskError) as refused:
            job.check_place(out)
        assert str(refused.value) == message


def test_a_file_is_whole_or_not_there(files: Path, pretrained: Pretrained) -> None:
    def broken():
        yield "a film"
        raise KeyboardInterrupt

    for ending in job.ENDINGS:
        with pytest.raises(KeyboardInterrupt):
            job.run(Embedder(pretrained), broken(), files / f"half{ending}")
    assert not list(files.glob("half*"))
