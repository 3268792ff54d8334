"""Texts as documents: every form of source, what is set aside, and what is said of a bad one."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from trimtab.errors import DataError
from trimtab.pretraining.corpora import documents, splits_of
from trimtab.settings.corpus import CorpusDataSettings

TEXT = "One line.\nAnother.\n \n\nA second\r\nparagraph.\n"


def read(base: Path, source: str | list[str], **how: str) -> list[tuple[str, str]]:
    found = documents(source, CorpusDataSettings(train=source, **how), base=base)
    return [(document.text, document.where) for document in found]


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ("paragraph", [("One line.\nAnother.", "a.txt:1"), ("A second\nparagraph.", "a.txt:5")]),
        (
            "line",
            [("One line.", "a.txt:1"), ("Another.", "a.txt:2"), ("A second", "a.txt:5"), ("paragraph.", "a.txt:6")],
        ),
        ("file", [("One line.\nAnother.\n \n\nA second\nparagraph.\n", "a.txt")]),
    ],
)  # fmt: skip
def test_documents_of_a_text(tmp_path, document, found):
    (tmp_path / "a.txt").write_bytes(TEXT.encode())
    assert read(tmp_path, "a.txt", document=document) == found


def test_folders_rows_and_packed_files(tmp_path):
    inner = tmp_path / "texts" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / "texts" / "b.md").write_text("A page.")
    (inner / "a.jsonl.gz").write_bytes(gzip.compress(json.dumps({"text": "A row.\n\nStill."}).encode()))
    (tmp_path / "texts" / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "texts" / ".hidden.txt").write_text("Hidden.")
    rows = [("A page.", "texts/b.md:1"), ("A row.\n\nStill.", "texts/deep/a.jsonl.gz:1")]
    assert read(tmp_path, "texts") == rows
    assert read(tmp_path, ["texts/deep/*.gz", "texts/b.md"]) == rows[::-1]


def test_what_is_set_aside_depends_on_texts_alone(tmp_path):
    lines = [f"Line {number}." for number in range(400)]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    (tmp_path / "b.txt").write_text("\n".join(reversed(lines)))
    parts = []
    for name in ("a.txt", "b.txt"):
        data = CorpusDataSettings(train=name, document="line", held_out=0.25)
        splits = splits_of(data, base=tmp_path)
        parts.append({name: {one.text for one in split} for name, split in splits.items()})
    assert parts[0] == parts[1]
    assert parts[0]["train"] | parts[0]["dev"] == set(lines)
    assert not parts[0]["train"] & parts[0]["dev"]
    assert 70 < len(parts[0]["dev"]) < 130


BAD = {
    "latin.txt": "Où".encode("latin-1"),
    "empty.txt": b" \n\n",
    "rows.jsonl": b'{"texts": "A."}',
    "short.txt.gz": gzip.compress(b"A text. " * 100)[:-12],
    "one.txt": b"One paragraph.",
    "folder/picture.png": b"",
}
LISTED = ".txt, .text, .md, .markdown, .rst, .tex, .py, .jsonl, .ndjson, .json, .csv, .tsv, .parquet, .conll"
MESSAGES = {
    "gone.txt": "gone.txt: no such file. Did you mean 'one.txt'?",
    "latin.txt": "latin.txt: byte 1 is not valid UTF-8. If it is a text in another encoding, say so (data.encoding: "
    "gb18030, latin-1 or another).",
    "empty.txt": "empty.txt: no document is left to train on (data.held_out: 0.05). "
    "Name dev texts in data.dev, or cut smaller documents (data.document: line).",
    "rows.jsonl": "rows.jsonl:1: no column 'text' for the text; the columns are texts. Did you mean 'texts'?",
    "short.txt.gz": "short.txt.gz: the compressed file is damaged (Compressed file ended before the end-of-stream "
    "marker was reached). Fetch or pack it again.",
    "folder": f"folder: no texts in this folder. It needs files that end in {LISTED}, packed or not.",
    "*.csv": "*.csv: no file matches this pattern.",
}  # fmt: skip


@pytest.mark.parametrize("source", MESSAGES)
def test_a_bad_source_is_told(tmp_path, source):
    (tmp_path / "folder").mkdir()
    for name, content in BAD.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(splits_of(CorpusDataSettings(train=source), base=tmp_path)["train"])
    assert str(caught.value).startswith(MESSAGES[source])


def test_one_document_cannot_be_divided(tmp_path):
    (tmp_path / "one.txt").write_text("One paragraph.")
    with pytest.raises(DataError) as caught:
        list(splits_of(CorpusDataSettings(train="one.txt"), base=tmp_path)["dev"])
    assert str(caught.value) == (
        "one.txt: no document is set aside for dev (data.held_out: 0.05). "
        "Name dev texts in data.dev, or cut smaller documents (data.document: line)."
    )
    (tmp_path / "one.txt").write_text("")
    with pytest.raises(DataError) as caught:
        list(splits_of(CorpusDataSettings(train="one.txt", dev="one.txt"), base=tmp_path)["dev"])
    expected = "one.txt: no text. Check the file: it is empty, or holds nothing but white space."
    assert str(caught.value) == expected
