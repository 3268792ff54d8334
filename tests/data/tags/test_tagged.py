"""Tokens and tags as they stand in files, what is wrong with them, and the entities they mark, against seqeval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

import tiny
from trimtab.data import DataReport, Example, Record, load_splits, to_example
from trimtab.data.counts.tags import TagCounts
from trimtab.data.tags.tags import spans
from trimtab.errors import DataError, TaskError
from trimtab.jobs import data
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import TagsAnswer
from trimtab.settings.file import make_task
from trimtab.settings.task import DataSettings

HERE = "rows.jsonl:3"
TAGS = TagsAnswer()
ROW = {"tokens": ["fly", "to", "New", "York"], "tags": ["O", "O", "B-place", "I-place"]}
SETTINGS = DataSettings(label="tags")


def read(values: dict[str, Any], answer: TagsAnswer = TAGS, **settings: Any) -> Example:
    how = SETTINGS.model_copy(update=settings)
    return to_example(Record(values, HERE), ("tokens",), how, kind_of(answer), need_answer=False)


def test_the_kind_has_defaults_of_its_own() -> None:
    task = make_task({"answer": "tags"})
    assert (task.data.label, task.template.text) == ("tags", "Text: {tokens}")
    own = make_task({"answer": {"kind": "tags", "tokens": "words"}, "data": {"label": "ner", "limit": 5}})
    assert (own.data.label, own.data.limit, own.template.text) == ("ner", 5, "Text: {words}")
    assert make_task({"answer": "tags", "template": {"text": "{tokens}"}}).template.text == "{tokens}"
    assert make_task({"answer": "number"}).data.label == "label"


def test_a_record_with_tags() -> None:
    example = read(ROW)
    assert example.tokens == ("fly", "to", "New", "York")
    assert example.tags == ("O", "O", "B-place", "I-place")
    assert (example.answer, example.stratum, example.mended) == ("O O B-place I-place", "", ())
    assert example.fields == {"tokens": "fly to New York"}
    assert read({"tokens": json.dumps(ROW["tokens"]), "tags": json.dumps(ROW["tags"])}) == example
    assert read({**ROW, "tokens": ["fly", " to", 5, 6.0]}).tokens == ("fly", "to", "5", "6")
    assert read({**ROW, "tokens": ["ｆｌｙ", "<b>", "New", "York"]}, clean=["fullwidth", "markup"]).tokens == (
        "fly", "<b>", "New", "York",
    )  # fmt: skip


def test_records_without_tags_or_without_a_list_of_tokens() -> None:
    bare = read({"tokens": ["fly"]})
    assert (bare.tokens, bare.tags, bare.answer) == (("fly",), None, None)
    assert read({"tokens": ["fly"], "tags": None}).tags is None
    for values in ({"tokens": "[to] New York"}, {"text": "[to] New York"}):
        text = read(values)
        assert (text.fields, text.tokens, text.tags) == ({"tokens": "[to] New York"}, (), None)


REFUSED = {
    "no tokens": (
        {"tags": ["O"], "token": ["x"]},
        TAGS,
        "no column 'tokens' for the tokens; the columns are tags, token. Did you mean 'token'?",
    ),
    "null": (
        {"tokens": None},
        TAGS,
        "column 'tokens' is null, expected a list of tokens. Correct the row, or leave it out.",
    ),
    "nothing in the list": (
        {"tokens": [], "tags": []},
        TAGS,
        "column 'tokens' holds an empty list. Leave the row out.",
    ),
    "an empty token": (
        {"tokens": ["a", " "], "tags": ["O", "O"]},
        TAGS,
        "token 2 in column 'tokens' is empty. Fill it in, or leave it and its tag out.",
    ),
    "a token that is a list": (
        {"tokens": [["a"]], "tags": ["O"]},
        TAGS,
        "column 'tokens' holds a list, expected text or a number. Name another column, or turn this one into text.",
    ),
    "another length": (
        {"tokens": ["a", "b"], "tags": ["O"]},
        TAGS,
        "2 tokens and 1 tag. Give each token one tag.",
    ),
    "a number for a tag": (
        {"tokens": ["a", "b"], "tags": ["O", 3]},
        TAGS,
        "tag 2 in column 'tags' is 3, expected text. Write tags by name, such as B-place.",
    ),
    "no list of tags": (
        {"tokens": ["a", "b"], "tags": "O O"},
        TAGS,
        "column 'tags' does not hold a list of tags. "
        'Write the tags as a JSON list, ["O", "B-place"], or set data.label to another column.',
    ),
    "tags of a text": (
        {"tokens": "in Rome", "tags": ["O", "O"]},
        TAGS,
        "the tokens that the tags in column 'tags' belong to are one text, not a list. "
        'Write the tokens as a JSON list, ["in", "Rome"], or set answer.tokens to another column.',
    ),
    "no prefix": (
        {"tokens": ["Rome"], "tags": ["place"]},
        TAGS,
        "tag 1 in column 'tags' is 'place', expected O, B-type, I-type, M-type, E-type, L-type, S-type, U-type. "
        "Correct the tag, or set answer.scheme to plain where each tag stands for itself.",
    ),
    "another scheme": (
        {"tokens": ["Rome"], "tags": ["S-place"]},
        TagsAnswer(scheme="bio"),
        "tag 1 in column 'tags' is 'S-place', expected O, B-type, I-type. "
        "Set answer.scheme to auto, which reads all of BIO, BIOES, BILOU and BMES.",
    ),
    "no type": (
        {"tokens": ["Rome"], "tags": ["B-"]},
        TagsAnswer(scheme="bioes"),
        "tag 1 in column 'tags' is 'B-', expected O, B-type, I-type, E-type, S-type. "
        "Correct the tag, or set answer.scheme to plain where each tag stands for itself.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    values, answer, message = REFUSED[case]
    with pytest.raises(DataError) as caught:
        read(values, answer)
    assert str(caught.value) == f"{HERE}: {message}"


def test_plain_tags_are_taken_as_they_stand() -> None:
    plain = TagsAnswer(scheme="plain")
    assert read({"tokens": ["I", "run"], "tags": ["PRP", "I-x"]}, plain).tags == ("PRP", "I-x")
    assert spans(["PRP", "O"], plain=True) == [("PRP", 0, 1), ("O", 1, 2)]


def test_only_oversights_are_counted() -> None:
    stray = {"tokens": list("abcd"), "tags": ["I-x", "I-x", "O", "I-y"]}
    assert (read(stray).tags, read(stray).mended) == (("B-x", "I-x", "O", "B-y"), (0, 3))
    other = read(stray, TagsAnswer(scheme="iob1"))
    assert (other.tags, other.mended) == (("B-x", "I-x", "O", "B-y"), ())


def write(folder: Path, name: str, *rows: list[str]) -> str:
    """Rows whose tokens are a, b, c, ... and whose tags are given."""
    content = [
        {"tokens": [f"{name[:2]}{i}{chr(97 + j)}" for j in range(len(r))], "tags": r} for i, r in enumerate(rows)
    ]
    tiny.write_rows(folder / name, content)
    return name


def test_splits_are_read_from_all_formats(tmp_path: Path) -> None:
    rows = [["O", "B-x"], ["B-x", "I-x", "O"], ["O"]]
    name = write(tmp_path, "a.jsonl", *rows)
    content = [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
    parquet.write_table(pa.Table.from_pylist(content), tmp_path / "a.parquet")
    lines = ["\n".join(f"{a} {b}" for a, b in zip(r["tokens"], r["tags"], strict=True)) for r in content]
    (tmp_path / "a.conll").write_text("\n\n".join(lines))
    cells = ["\t".join('"' + json.dumps(r[c]).replace('"', '""') + '"' for c in ("tokens", "tags")) for r in content]
    (tmp_path / "a.tsv").write_text("\n".join(["tokens\ttags", *cells]))
    for source in ("a.jsonl", "a.parquet", "a.conll", "a.tsv"):
        how = SETTINGS.model_copy(update={"train": source, "dev": source})
        splits = load_splits(how, ["tokens"], kind_of(TAGS), base=tmp_path)
        assert [list(e.tags or ()) for e in splits.train] == rows, source


@pytest.mark.parametrize(
    ("rows", "scheme", "changes", "message"),
    [
        ([["O"], ["O"]], "bio", {},
         "a.jsonl: no row has an entity; every tag is 'O'. Add rows with entities, or set data.label (now 'tags')."),
        ([["N"], ["N"]], "plain", {},
         "a.jsonl: every token has the tag 'N', expected two tags or more. "
         "Add rows with other tags, or set data.label (now 'tags')."),
        ([["O"], ["B-x"]], "bio", {"shots": 2},
         "data.shots counts rows a label, and the answers of this task are tags. Set data.limit instead."),
    ],
)  # fmt: skip
def test_training_rows_that_will_not_do(
    rows: list[list[str]], scheme: Any, changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    how = SETTINGS.model_copy(update={"train": write(tmp_path, "a.jsonl", *rows), **changes})
    with pytest.raises(TaskError if changes else DataError) as caught:
        load_splits(how, ["tokens"], kind_of(TagsAnswer(scheme=scheme)), base=tmp_path)
    assert str(caught.value) == message


def test_rows_without_tags_are_refused_for_training(tmp_path: Path) -> None:
    tiny.write_rows(tmp_path / "a.jsonl", [ROW, {"tokens": ["x"], "tags": None}])
    with pytest.raises(DataError) as caught:
        load_splits(SETTINGS.model_copy(update={"train": "a.jsonl"}), ["tokens"], kind_of(TAGS), base=tmp_path)
    assert str(caught.value) == (
        "a.jsonl:2: no label in column 'tags' (1 of 2 rows has none). "
        "Label the row or leave it out; `trimtab predict` takes rows without labels."
    )


def report(folder: Path, train: str, answer: TagsAnswer = TAGS, **others: str) -> DataReport:
    return data.run(train, settings=SETTINGS, fields=["tokens"], answer=answer, base=folder, others=others)


def test_what_trimtab_data_says(tmp_path: Path) -> None:
    train = write(tmp_path, "a.jsonl", ["O", "B-x", "I-x"], ["I-y", "B-x"], ["O", "O"], ["O", "I-x"])
    dev = write(tmp_path, "b.jsonl", ["B-z", "O"], ["B-x"])
    found = report(tmp_path, train, dev=dev)
    counts = found.splits["train"].answers
    assert isinstance(counts, TagCounts)
    assert counts.in_words() == "9 tokens, 4 entities of 2 types, 1 row without one, longest row 3 tokens"
    assert counts.types == {"x": 3, "y": 1}
    assert found.warnings() == [
        "train: 2 tags I-type without a B-type before (a.jsonl:2, token 1). They are read as B-type; set "
        "answer.scheme=iob1 if they are meant so.",
        "dev: type 'z' not in train, so that it will be missed. Add training rows for it, or correct the rows.",
    ]
    assert "nothing" not in json.dumps(found.to_dict())
    plain = report(tmp_path, write(tmp_path, "c.jsonl", ["N", "V"], ["N", "O"]), TagsAnswer(scheme="plain"))
    [split] = plain.splits.values()
    assert split.answers.in_words() == "4 tokens, 3 tags"
    assert plain.warnings() == []


def test_the_same_text_with_other_tags_is_a_conflict(tmp_path: Path) -> None:
    tiny.write_rows(tmp_path / "a.jsonl", [ROW, {**ROW, "tags": ["O", "O", "O", "B-place"]}])
    assert report(tmp_path, "a.jsonl").warnings() == [
        "a.jsonl: 1 text with different tags (a.jsonl:1 = a.jsonl:2). Decide on the tags for each.",
        "a.jsonl: 1 row with the text of an earlier row (a.jsonl:1 = a.jsonl:2). Leave the repeats out unless they are "
        "meant.",
    ]


def test_rows_without_tags_are_reported_not_refused(tmp_path: Path, trimtab: Any) -> None:
    tiny.write_rows(tmp_path / "a.jsonl", [ROW, {"tokens": ["x"], "tags": None}, {"text": "a b", "tags": None}])
    (tmp_path / "task.yaml").write_text("answer: tags\n")
    done = trimtab("data", "a.jsonl", "--task", "task.yaml", "--no-tokens")
    assert (done.code, done.err) == (0, "")
    assert "a.jsonl: 3 rows, 4 tokens, 1 entity of 1 type, 0 rows without one, longest row 4 tokens" in done.out
    assert "• a.jsonl: 2 rows without a label (a.jsonl:2)." in done.out
