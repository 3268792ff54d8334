"""`trimtab perplexity`: texts, rows and answers on the command line; totals, rows, JSON; files that will not do."""

from __future__ import annotations

import io
import json
import math
import os

import pytest

import tiny
from trimtab.errors import TrimtabError
from trimtab.inference.perplexity import Likelihood, TextScorer
from trimtab.jobs import perplexity, tune
from trimtab.settings.file import make_task

TEXT = "a great and funny film\nthe plot is bad , the cast cold\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_folder, pretrained):
    base = tmp_path_factory.mktemp("perplexity")
    rows = [{"film": row["text"], "says": "I liked it"} for row in tiny.rows(24)]
    tiny.write_rows(base / "train.jsonl", rows)
    task = make_task({
        "backbone": str(tiny_folder), "answer": "text", "task": "say", "method": {"length": 3},
        "data": {"train": "train.jsonl", "columns": {"text": "film"}, "label": "says"},
        "train": {"steps": 2, "batch_size": 4, "threads": 1, "precision": "float32"},
    })  # fmt: skip
    tune.run(task, base / "run", base=base, pretrained=pretrained, report=False)
    return base / "run"


@pytest.fixture
def scorer(pretrained):
    return TextScorer(pretrained)


def total_of(scorer, texts):
    return sum(scorer.texts([[text] for text in texts]), Likelihood())


def test_a_text_and_rows_with_totals_for_each_file(trimtab, tmp_path, tiny_folder, monkeypatch):
    (tmp_path / "plain.txt").write_text(TEXT)
    tiny.write_rows(tmp_path / "rows.jsonl", [{"text": line} for line in TEXT.splitlines()])
    code, out, err = trimtab("perplexity", tiny_folder, "plain.txt", "rows.jsonl")
    assert (code, err) == (0, "")
    assert [word for word in out.splitlines()[1].split() if word.isalpha()] == [
        "file", "tokens", "mean", "loss", "perplexity", "bits", "per", "byte",
    ]  # fmt: skip
    code, out, err = trimtab("perplexity", tiny_folder, "plain.txt", "rows.jsonl", "--json")
    whole, rows = [json.loads(line) for line in out.splitlines()]
    assert (code, err, whole["where"], rows["where"]) == (0, "", "plain.txt", "rows.jsonl")
    assert whole["perplexity"] == pytest.approx(math.exp(whole["loss"]), rel=1e-4)
    bits = whole["loss"] * whole["tokens"] / math.log(2) / whole["bytes"]
    assert whole["bits_per_byte"] == pytest.approx(bits, rel=1e-4)
    assert rows["tokens"] < whole["tokens"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    piped = json.loads(trimtab("perplexity", tiny_folder, "--json").out)
    assert piped == {**whole, "where": "standard input"}


def test_figures_are_of_float32_unless_another_precision_is_asked_for(trimtab, tmp_path, tiny_folder):
    (tmp_path / "plain.txt").write_text(TEXT)
    said = {
        how: json.loads(trimtab("perplexity", tiny_folder, "plain.txt", "--json", *how).out)["loss"]
        for how in ((), ("--precision", "float32"), ("--precision", "bfloat16"))
    }
    by_default, exact, rough = said.values()
    assert by_default == exact
    assert 0 < abs(rough - exact) < 0.05


def test_rows_one_by_one(trimtab, tmp_path, tiny_folder):
    rows = [*TEXT.splitlines(), ""]
    tiny.write_rows(tmp_path / "rows.jsonl", [{"said": text} for text in rows])
    code, out, err = trimtab("perplexity", tiny_folder, "rows.jsonl", "--field", "said", "--per-row", "--json")
    found = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [row["where"] for row in found] == ["rows.jsonl:1", "rows.jsonl:2", "rows.jsonl:3"]
    assert found[2] == {
        "where": "rows.jsonl:3", "tokens": 0, "bytes": 0, "loss": None, "perplexity": None, "bits_per_byte": None,
    }  # fmt: skip
    total = json.loads(err)
    assert total["tokens"] == found[0]["tokens"] + found[1]["tokens"]
    mean = sum(row["loss"] * row["tokens"] for row in found[:2]) / total["tokens"]
    assert total["loss"] == pytest.approx(mean, rel=1e-4)


def test_rows_and_texts_give_the_same_as_the_library(scorer, tmp_path):
    rows = TEXT.splitlines()
    tiny.write_rows(tmp_path / "rows.jsonl", [{"text": text} for text in rows])
    (tmp_path / "plain").write_text(TEXT)
    seen = []
    by_rows = perplexity.run(scorer, "rows.jsonl", base=tmp_path, on_row=seen.append)
    assert by_rows.likelihood == total_of(scorer, rows)
    assert [row.where for row in seen] == ["rows.jsonl:1", "rows.jsonl:2"]
    progress = []
    plain = perplexity.run(scorer, "plain", base=tmp_path, progress=lambda *told: progress.append(told))
    assert plain.likelihood == total_of(scorer, [TEXT])
    assert progress[-1] == ("plain", len(TEXT), len(TEXT))
    lines = perplexity.run(scorer, "rows.jsonl", base=tmp_path, format="text")
    assert lines.likelihood == total_of(scorer, [(tmp_path / "rows.jsonl").read_text()])


def test_a_run_scores_its_answers_or_a_field(trimtab, run, tmp_path, pretrained):
    rows = [{"film": row["text"], "says": ["I liked it", "so good"]} for row in tiny.rows(5, 7)]
    tiny.write_rows(tmp_path / "rows.jsonl", rows)
    answers = json.loads(trimtab("perplexity", run, "rows.jsonl", "--json").out)
    tokens = [len(pretrained.tokenizer(" " + text)["input_ids"]) + 1 for text in rows[0]["says"]]
    assert answers["tokens"] == 5 * sum(tokens)
    field = json.loads(trimtab("perplexity", run, "rows.jsonl", "--json", "--field", "film").out)
    assert field["tokens"] == sum(len(pretrained.tokenizer(row["film"])["input_ids"]) for row in rows)
    tiny.write_rows(tmp_path / "bare.jsonl", [{"film": "x"}])
    code, out, err = trimtab("perplexity", run, "bare.jsonl")
    assert (code, out) == (2, "")
    assert err.startswith("trimtab: bare.jsonl:1: no column 'says' for the answer; the columns are film.\n")


def test_gb18030_and_marks_at_the_beginning(scorer, tmp_path):
    text = "这家店好吃，服务热情。" * 5
    (tmp_path / "plain").write_bytes(text.encode("gb18030"))
    (tmp_path / "marked").write_bytes(b"\xef\xbb\xbf" + text.encode())
    expected = total_of(scorer, [text])
    assert perplexity.run(scorer, "plain", base=tmp_path, encoding="gb18030").likelihood == expected
    assert perplexity.run(scorer, "marked", base=tmp_path).likelihood == expected


def test_a_character_between_two_pieces_is_read_whole(scorer, tmp_path, monkeypatch):
    monkeypatch.setattr("trimtab.data.plain_text.PIECE", 7)
    text = "好吃 😀 film\r\n" * 4
    (tmp_path / "plain").write_bytes(text.encode())
    assert perplexity.run(scorer, "plain", base=tmp_path).likelihood == total_of(scorer, [text])
    (tmp_path / "plain").write_bytes(text.encode() + b"\xe5\xa5")
    with pytest.raises(TrimtabError) as error:
        perplexity.run(scorer, "plain", base=tmp_path)
    assert str(error.value).startswith(f"plain: byte {len(text.encode())} is not valid UTF-8.")


def test_a_line_of_100_000_characters(scorer, tmp_path):
    text = "great " * 16_667
    (tmp_path / "plain").write_text(text)
    found = perplexity.run(scorer, "plain", base=tmp_path, stride=200).likelihood
    first, *rest = scorer.pretrained.tokenizer(text)["input_ids"]
    assert found.bytes == len(text) - len(scorer.pretrained.tokenizer.decode([first]))
    assert found.tokens == len(rest)
    tiny.write_rows(tmp_path / "rows.jsonl", [{"text": text}])
    assert perplexity.run(scorer, "rows.jsonl", base=tmp_path, stride=200).likelihood.nats == pytest.approx(found.nats)


def test_files_of_rows_are_looked_through_before_a_backbone_is_opened(tmp_path, run):
    tiny.write_rows(tmp_path / "rows.jsonl", [{"film": "a", "says": "b"}, {"film": "a", "says": None}])
    (tmp_path / "text.txt").write_bytes(b"\xff")  # which is told as it is read
    perplexity.look_at("a-backbone", ["text.txt", "-"], base=tmp_path)
    perplexity.look_at("a-backbone", ["rows.jsonl"], field="film", base=tmp_path)
    perplexity.look_at(str(run), ["rows.jsonl"], field="film", base=tmp_path)
    assert refusal(str(run), "text.txt", "rows.jsonl", base=tmp_path) == (
        "rows.jsonl:2: no label in column 'says'. Label the row or leave it out; `trimtab predict` takes rows without "
        "labels."
    )
    assert refusal("a-backbone", "-", "rows.jsonl", base=tmp_path) == (
        "rows.jsonl:1: no column 'text' for the text; the columns are film, says. Name one of them with --field."
    )
    assert refusal("a-backbone", "rows.jsonl", field="says", base=tmp_path) == (
        "rows.jsonl:2: column 'says' is null, expected text or a number. Fill it in, leave the row out, or write an "
        "empty string."
    )
    assert refusal("a-backbone", "texts.txt", base=tmp_path) == "texts.txt: no such file. Did you mean 'text.txt'?"


def refusal(name, *sources, **options):
    with pytest.raises(TrimtabError) as error:
        perplexity.look_at(name, sources, **options)
    return str(error.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes. A container with Linux brings them.")
def test_what_can_be_read_once_only_is_not_looked_through(tmp_path):
    os.mkfifo(tmp_path / "rows.jsonl")
    perplexity.look_at("a-backbone", ["rows.jsonl"], base=tmp_path)  # would wait for ever for one who writes


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"", "empty.txt: nothing to score. It is empty, or a single token with nothing before it."),
        ("empty.jsonl", b"", "empty.jsonl: nothing to score. It is empty, or a single token with nothing before it."),
        ("x.bin", b"ab\x00c", "x.bin: byte 2 is NUL: not a text file. Give a text."),
        (
            "x.png", b"\x89PNG\r\n",
            "x.png: byte 0 is not valid UTF-8. If it is a text in another encoding, say so "
            "(--encoding gb18030, latin-1 or another).",
        ),
        ("x.txt", "a".encode("utf-16"), "x.txt: the file is in UTF-16, expected UTF-8. "
            "Set the encoding to utf-16, or save it as UTF-8."),
        (
            "x.jsonl", b'{"tex": "a"}\n',
            "x.jsonl:1: no column 'text' for the text; the columns are tex. Did you mean 'tex'?",
        ),
        (
            "y.jsonl", b'{"text": "a b"}\n[1]\n',
            "y.jsonl:2: found a JSON array, expected an object. Each line must hold one whole JSON object, such as "
            '{"text": "...", "label": "..."}.',
        ),
    ],
)  # fmt: skip
def test_files_that_will_not_do(scorer, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TrimtabError) as error:
        perplexity.run(scorer, name, base=tmp_path)
    assert str(error.value) == message


def test_folders_missing_files_and_unfinished_runs(trimtab, tmp_path, tiny_folder, scorer):
    (tmp_path / "folder").mkdir()
    hint = "         Name a file inside it.\n"
    assert trimtab("perplexity", tiny_folder, "folder") == (
        2, "", "trimtab: folder: is a folder, expected a file.\n" + hint
    )  # fmt: skip
    (tmp_path / "text.txt").write_text("a b")
    code, _, err = trimtab("perplexity", tiny_folder, "texd.txt")
    assert (code, err) == (2, "trimtab: texd.txt: no such file.\n         Did you mean 'text.txt'?\n")
    (tmp_path / "folder" / "task.yaml").write_text("task: x")
    code, _, err = trimtab("perplexity", "folder", "text.txt")
    assert code == 2
    assert err.startswith("trimtab: folder: not a finished run (no prompt.safetensors).\n")


def test_rows_of_several_files(scorer, tmp_path):
    tiny.write_rows(tmp_path / "a-1.jsonl", [{"text": "a great film"}])
    tiny.write_rows(tmp_path / "a-2.jsonl", [{"text": "so it is"}])
    perplexity.look_at("a-backbone", ["a-*.jsonl"], base=tmp_path)
    whole = perplexity.run(scorer, "a-*.jsonl", base=tmp_path).likelihood
    parts = [perplexity.run(scorer, f"a-{i}.jsonl", base=tmp_path).likelihood for i in (1, 2)]
    together = parts[0] + parts[1]
    assert (whole.tokens, whole.bytes) == (together.tokens, together.bytes)
    assert whole.nats == pytest.approx(together.nats, rel=1e-6)  # the rows shared a batch
    with pytest.raises(TrimtabError) as error:
        perplexity.look_at("a-backbone", ["b-*.jsonl"], base=tmp_path)
    assert str(error.value) == f"b-*.jsonl: no file matches this pattern. Relative paths start at {tmp_path}."
