"""Answering rows: from files, standard input and the command line; bad rows in their places."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import tiny
from closeness import assert_near
from opened import opened_in
from trimtab.errors import TrimtabError
from trimtab.jobs import predict, tune
from trimtab.settings.file import make_task


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_folder, pretrained) -> Path:
    base = tmp_path_factory.mktemp("predict")
    tiny.write_task(base, tiny_folder)
    task = make_task(tiny.task(tiny_folder, template={"max_tokens": 64}))
    tune.run(task, base / "run", base=base, beside=False, pretrained=pretrained)
    return base / "run"


@pytest.fixture(scope="module")
def pairs(tmp_path_factory, tiny_folder, pretrained) -> Path:
    """A run that reads two fields, none of which may be shortened, from columns of other names."""
    base = tmp_path_factory.mktemp("pairs")
    rows = [{"a": row["text"], "b": "the film", "label": row["label"]} for row in tiny.rows(32)]
    tiny.write_rows(base / "pairs.jsonl", rows)
    task = make_task(
        tiny.task(
            tiny_folder,
            template={"text": "{one} / {two}\nAnswer:{answer}"},
            data={"train": "pairs.jsonl", "dev": None, "test": None, "columns": {"one": "a", "two": "b"}},
        )
    )
    tune.run(task, base / "run", base=base, beside=False, pretrained=pretrained)
    return base / "run"


def records(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def feed(monkeypatch, content: bytes | str) -> None:
    content = content.encode() if isinstance(content, str) else content
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_a_file_in_order_with_probabilities(trimtab, run, tmp_path):
    rows = tiny.rows(70, 9)
    tiny.write_rows(tmp_path / "new.jsonl", [{"text": row["text"]} for row in rows])
    code, out, err = trimtab("predict", run, "new.jsonl")
    assert (code, err) == (0, "")
    answers = records(out)
    assert len(answers) == 70
    for answer in answers:
        assert list(answer) == ["label", "probability", "probabilities"]
        assert list(answer["probabilities"]) == ["negative", "positive"]
        assert (
            answer["probability"] == answer["probabilities"][answer["label"]] == max(answer["probabilities"].values())
        )
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=2e-6)
    for batch in ("1", "7", "1000"):
        other = records(trimtab("predict", run, "new.jsonl", "--batch", batch).out)
        assert [a["label"] for a in other] == [a["label"] for a in answers]
        assert_near([a["probability"] for a in other], [a["probability"] for a in answers])
    single = records(trimtab("predict", run, "--text", rows[3]["text"], "-t", rows[0]["text"]).out)
    assert_near([a["probability"] for a in single], [answers[i]["probability"] for i in (3, 0)])


def test_standard_input_as_json_or_as_lines(trimtab, run, monkeypatch):
    texts = ["a great film", "这家店 is 很好吃 👍🏽!"]
    feed(monkeypatch, "".join(json.dumps({"text": text}) + "\n" for text in texts))
    as_json = trimtab("predict", run)
    feed(monkeypatch, "\n".join(texts))
    as_lines = trimtab("predict", run, "-")
    assert as_json.code == as_lines.code == 0
    assert as_json.out == as_lines.out
    assert len(records(as_lines.out)) == 2


def test_a_csv_file(trimtab, run, tmp_path):
    (tmp_path / "new.csv").write_text('id,text\n1,"a great, warm film"\n2,awful\n')
    assert len(records(trimtab("predict", run, "new.csv").out)) == 2


def test_each_line_of_standard_input_is_what_it_begins_as(trimtab, run, monkeypatch):
    feed(monkeypatch, 'a great film\n{"text": "a great film"}\n\n{"text": \n[an awful film]\n')
    code, out, err = trimtab("predict", run)
    text, record, broken, bracket = records(out)
    assert (code, err) == (0, "1 row(s) could not be answered; their records say why.\n")
    assert text == record
    assert broken["where"] == "standard input:4"
    assert "label" in bracket


def test_a_file_is_not_dropped_where_texts_are_given_too(trimtab, run, tmp_path):
    tiny.write_rows(tmp_path / "new.jsonl", [{"text": "an awful film"}])
    both = records(trimtab("predict", run, "new.jsonl", "-t", "a great film", "-t", "cold").out)
    apart = [trimtab("predict", run, *given).out for given in (("-t", "a great film", "-t", "cold"), ("new.jsonl",))]
    assert both == [answer for out in apart for answer in records(out)]


def test_other_columns_are_passed_through(trimtab, run, tmp_path):
    (tmp_path / "new.csv").write_text("id,text,label\n7,a great film,negative\n8,awful,\n")
    answers = records(trimtab("predict", run, "new.csv").out)
    assert [answer["row"] for answer in answers] == [{"id": "7", "label": "negative"}, {"id": "8", "label": ""}]


def test_csv(trimtab, run, tmp_path):
    (tmp_path / "new.csv").write_text('id,text,answer\n7,"a ""great"", film",x\n8,这家店 👍,\n')
    written = list(csv.reader(trimtab("predict", run, "new.csv", "--csv").out.splitlines()))
    plain = records(trimtab("predict", run, "new.csv").out)
    assert written[0] == ["id", "text", "answer", "trimtab answer", "probability", "error"]
    assert [row[:3] for row in written[1:]] == [["7", 'a "great", film', "x"], ["8", "这家店 👍", ""]]
    assert [row[3:] for row in written[1:]] == [[a["label"], str(a["probability"]), ""] for a in plain]
    tiny.write_rows(tmp_path / "odd.jsonl", [{"text": "a", "n": [1]}, {"text": None}, {"text": "b", "more": 1}])
    code, out, err = trimtab("predict", run, "odd.jsonl", "--csv")
    header, first, bad = csv.reader(out.splitlines())
    assert header == ["text", "n", "answer", "probability", "error"]
    assert first[:2] == ["a", "[1]"]
    assert bad[:4] == ["", "", "", ""]
    assert bad[4].startswith("odd.jsonl:2: column 'text' is null")
    assert (code, err) == (
        2, "trimtab: a row has the column 'more', which the first row did not have.\n         Leave --csv out.\n",
    )  # fmt: skip


def test_it_fails_where_no_row_could_be_answered(trimtab, run, tmp_path):
    tiny.write_rows(tmp_path / "new.jsonl", [{"texts": "a"}, {"texts": "b"}])
    code, out, err = trimtab("predict", run, "new.jsonl")
    assert (code, len(records(out))) == (2, 2)
    assert err == "2 row(s) could not be answered; their records say why.\n"


def test_bad_rows_are_answered_with_errors_in_their_places(trimtab, run, tmp_path):
    good = b'{"text": "a great film"}'
    lines = [
        good,
        b'{"text": ',
        b'{"texts": "x"}',
        b'{"text": null}',
        b'{"text": "\xff"}',
        b"[1]",
        good,
        b'{"text": 5}',
    ]
    (tmp_path / "new.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    code, out, err = trimtab("predict", run, "new.jsonl", "--batch", "3")
    assert (code, err) == (0, "5 row(s) could not be answered; their records say why.\n")
    answers = records(out)
    whole = 'Each line must hold one whole JSON object, such as {"text": "...", "label": "..."}.'
    expected = {
        1: f"new.jsonl:2: not valid JSON (Expecting value, column 10). {whole}",
        2: "new.jsonl:3: no column 'text' for the field 'text'; the columns are texts. Did you mean 'texts'?",
        3: "new.jsonl:4: column 'text' is null, expected text or a number. "
        "Fill it in, leave the row out, or write an empty string.",
        4: f"new.jsonl:5: byte {sum(map(len, lines[:4])) + 4 + 10} (line 5) is not valid UTF-8. "
        "Set data.encoding to the file's own: gb18030, latin-1 or another.",
        5: f"new.jsonl:6: found a JSON array, expected an object. {whole}",
    }
    for i, answer in enumerate(answers):
        if i in expected:
            message = expected[i] if i != 4 else expected[i].replace("new.jsonl:5:", "new.jsonl:")
            row = {"row": {"texts": "x"}} if i == 2 else {}
            assert answer == {"error": message, "where": f"new.jsonl:{i + 1}", **row}
        else:
            assert "label" in answer
    assert_near(answers[0]["probability"], answers[6]["probability"])
    assert len(answers) == 8


def test_long_texts_are_cut_and_counted(trimtab, run, tmp_path, pretrained):
    text = "great " * 20_000  # 120,000 characters
    [answer, short] = records(trimtab("predict", run, "-t", text, "-t", "").out)
    engine = predict.open_engine(run, pretrained=pretrained)
    encoder = engine.runs["run"].encoder
    room = encoder.budget - len(pretrained.tokenizer("\nAnswer:")["input_ids"])
    assert answer["cut_tokens"] == len(pretrained.tokenizer(" " + text)["input_ids"]) - room
    assert "cut_tokens" not in short


def test_rows_too_long_where_nothing_may_be_cut(trimtab, pairs, tmp_path):
    rows = [{"a": "great " * n, "b": "film"} for n in (1, 1000, 1)]
    tiny.write_rows(tmp_path / "new.jsonl", rows)
    code, out, _ = trimtab("predict", pairs, "new.jsonl")
    answers = records(out)
    assert code == 0
    assert ["error" in answer for answer in answers] == [False, True, False]
    message = str(answers[1]["error"])
    assert message.startswith("new.jsonl:2: the row is ")
    assert message.endswith(" that fit. Add the long fields to template.truncate, or raise template.max_tokens.")


def test_texts_need_a_task_of_one_field(trimtab, pairs):
    assert trimtab("predict", pairs, "-t", "x") == (
        2,
        "",
        "trimtab: this task reads 2 fields (one, two), not one text.\n"
        "         Give a file, or JSON lines on standard input.\n",
    )


def test_what_cannot_be_answered_at_all(trimtab, run, tmp_path):
    (tmp_path / "new.jsonl").write_text("")
    assert trimtab("predict", run, "new.jsonl") == (0, "", "")
    code, out, err = trimtab("predict", run, "none.jsonl")
    assert (code, out, err) == (2, "", "trimtab: none.jsonl: no such file.\n         Did you mean 'new.jsonl'?\n")
    assert trimtab("predict", "none", "new.jsonl") == (
        2,
        "",
        "trimtab: none: not a finished run (no prompt.safetensors).\n         Give the folder `trimtab tune` wrote; "
        "an interrupted one goes on with `trimtab tune FOLDER --resume`.\n",
    )


def test_a_run_made_for_another_backbone(trimtab, run, tmp_path, pretrained):
    import shutil

    other = tiny.save_backbone(tmp_path / "other", seed=1)
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    text = (copy / "task.yaml").read_text()
    (copy / "task.yaml").write_text(text.replace(pretrained.name, str(other)))
    code, out, err = trimtab("predict", copy, "-t", "x")
    assert (code, out) == (2, "")
    assert err.startswith(
        f"trimtab: {copy}: made for backbone '{pretrained.name}' (local, content hash {pretrained.content_hash[:12]}), "
        f"not for '{other}' (local, "
    )
    assert err.endswith(").\n         Use the backbone it was made for, or tune a new run.\n")


def test_a_damaged_run(trimtab, run, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    (copy / "prompt.safetensors").write_bytes(b"nonsense")
    code, out, err = trimtab("predict", copy, "-t", "x")
    assert (code, out) == (2, "")
    assert err.startswith(f"trimtab: {copy / 'prompt.safetensors'}: damaged or not written by Trimtab (")


def test_from_python(run, pretrained, tmp_path):
    engine = predict.open_engine(run, pretrained=pretrained)
    tiny.write_rows(tmp_path / "new.jsonl", [{"text": "a"}, {"text": "b"}])
    assert len(list(predict.run(engine, "new.jsonl", base=tmp_path))) == 2
    with pytest.raises(TrimtabError):
        list(predict.run(engine, "none.jsonl", base=tmp_path))


def test_the_engine_is_opened_once_at_the_first_row_that_can_be_answered(run, pretrained, tmp_path, monkeypatch):
    opened = []

    def engine():
        opened.append(len(told))
        return predict.open_engine(run, pretrained=pretrained)

    task, told = predict.task_of(run), []
    rows = [{"texts": "a"}] * 5 + [{"text": "a"}, {"texts": "b"}, {"text": "b"}]
    tiny.write_rows(tmp_path / "new.jsonl", rows)
    for answer in predict.answers(task, "new.jsonl", engine, batch=2, base=tmp_path):
        told.append(answer)
    assert ["error" in answer for answer in told] == ["text" not in row for row in rows]
    assert opened == [4]  # two batches of errors were told before

    tiny.write_rows(tmp_path / "bad.jsonl", rows[:5])
    assert len(list(predict.answers(task, "bad.jsonl", engine, base=tmp_path))) == 5
    with pytest.raises(TrimtabError) as caught:  # at the call
        predict.answers(task, "none.jsonl", engine, base=tmp_path)
    assert caught.value.message == "none.jsonl: no such file."
    assert opened == [4]


def test_the_engine_is_opened_before_standard_input_is_read(run, monkeypatch):
    given = io.BytesIO(b'{"text": "a"}\n')
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(given))
    with pytest.raises(KeyboardInterrupt):
        next(predict.answers(predict.task_of(run), "-", interrupted))
    assert given.tell() == 0


def interrupted():
    raise KeyboardInterrupt


def test_another_precision(trimtab, run, tmp_path, monkeypatch):
    """The run was trained in float32."""
    used = opened_in(monkeypatch)
    for given in ((), ("--precision", "bfloat16")):
        assert trimtab("predict", run, "-t", "a great film", *given).code == 0
    assert used == ["float32", "bfloat16"]
