"""Bad input to `trimtab tune`: one message with a remedy, exit code 2, no run folder."""

from __future__ import annotations

import errno
import json

import pytest

import tiny

ROWS = tiny.rows(32, 1)
EDIT = "Correct the row, or add the label to `labels`."


@pytest.fixture
def refused(trimtab, tmp_path, tiny_folder):
    """Run `trimtab tune` on changed settings; return what was said, message and remedy as they stand."""

    def run(*arguments: str, **changes) -> str:
        tiny.write_task(tmp_path, tiny_folder, **changes)
        code, out, err = trimtab("tune", "task.yaml", "--out", "run", *arguments)
        assert (code, out) == (2, "")
        assert "Traceback" not in err
        assert not (tmp_path / "run").exists()
        start = err.index("trimtab: ")
        assert err[start:].count("\n") == 2
        return err[start + len("trimtab: ") :].replace("\n         ", " ").rstrip("\n")

    return run


def test_files(refused, tmp_path):
    def train(source: str, **more) -> str:
        return refused(data={"train": source, **more})

    assert train("review.jsonl") == "review.jsonl: no such file. Did you mean 'reviews.jsonl'?"
    (tmp_path / "empty.jsonl").write_text("")
    assert train("empty.jsonl") == "empty.jsonl: no rows. Check the file: it needs one example a row."
    (tmp_path / "a.doc").write_text("x")
    assert train("a.doc") == (
        "a.doc: the ending '.doc' is not one of .jsonl, .ndjson, .json, .csv, .tsv, .parquet, .conll, .txt (or one of "
        "these and .gz, .bz2 or .xz). Set data.format to jsonl, json, csv, tsv, parquet, conll or lines."
    )
    (tmp_path / "a.txt").write_text("x")
    assert (
        train("a.txt")
        == "a.txt:1: no column 'label' for the answer; the columns are text. Set data.label to one of them."
    )
    (tmp_path / "bad.jsonl").write_bytes(json.dumps(ROWS[0]).encode() + b'\n{"text": "caf\xe9", "label": "negative"}\n')
    assert train("bad.jsonl") == (
        f"bad.jsonl: byte {len(json.dumps(ROWS[0])) + 1 + 13} (line 2) is not valid UTF-8. "
        "Set data.encoding to the file's own: gb18030, latin-1 or another."
    )
    assert refused(data={"train": None}) == (
        "data.train is not set. Name the training examples, such as data.train=reviews.jsonl."
    )


def test_columns_and_labels(refused, tmp_path):
    def rows(*content, **changes) -> str:
        tiny.write_rows(tmp_path / "odd.jsonl", content)
        return refused(data={"train": "odd.jsonl"}, **changes)

    assert rows({"txt": "a", "label": "b"}) == (
        "odd.jsonl:1: no column 'text' for the field 'text'; the columns are txt, label. Did you mean 'txt'?"
    )
    assert rows({"text": "a", "stars": 5}) == (
        "odd.jsonl:1: no column 'label' for the answer; the columns are text, stars. Set data.label to one of them."
    )
    assert rows(*ROWS, {"text": "a", "label": None}) == (
        "odd.jsonl:33: no label in column 'label' (1 of 33 rows has none). "
        "Label the row or leave it out; `trimtab predict` takes rows without labels."
    )
    assert rows(*(row for row in ROWS if row["label"] == "positive")) == (
        "odd.jsonl: every row has the label 'positive', expected two labels or more. "
        "Add rows with other labels, or set data.label (now 'label')."
    )
    assert rows(*ROWS, {"text": "a", "label": "postive"}) == (
        "odd.jsonl:33: label 'postive' is not one of negative, positive. Did you mean 'positive'?"
    )
    assert (
        rows(*ROWS, {"text": "a", "label": "x"}) == f"odd.jsonl:33: label 'x' is not one of negative, positive. {EDIT}"
    )
    assert rows(*ROWS, labels={"negative": " ", "positive": "good"}) == (
        "labels: the word ' ' of label 'negative' has no tokens. Choose a word with letters or digits."
    )
    assert rows(*ROWS, labels={"negative": ["bad", "so"], "positive": ["good", "so"]}) == (
        "labels: 'negative' and 'positive' have the same word 'so'. Give each label words of its own."
    )


def test_template_and_lengths(refused, tmp_path, pretrained):
    assert refused(template={"text": "Text: {text}"}) == (
        "template.text has no {answer} slot: 'Text: {text}'. Put one {answer} where the answer belongs."
    )
    assert refused(template={"max_tokens": 1000}) == (
        "template.max_tokens is 1000, but the backbone's context is 256. Set it to 256 or less."
    )
    assert refused(method={"length": 300}) == (
        "a prompt of 300 tokens leaves no room for the input within 256 tokens. "
        "Lower method.length or raise template.max_tokens."
    )
    tiny.write_rows(tmp_path / "reviews.jsonl", [*ROWS, {"text": "great " * 400, "label": "positive"}])
    tokens = {
        text: len(pretrained.tokenizer(text)["input_ids"]) for text in ("Text:", " " + "great " * 400, "\nAnswer:")
    }
    room = 256 - 5 - 1 - tokens["Text:"]
    excess = sum(tokens.values()) - tokens["Text:"] - room
    assert refused(template={"truncate": []}) == (
        f"reviews.jsonl:33: the row is {excess} tokens longer than the {room} that fit. "
        "Add the long fields to template.truncate, or raise template.max_tokens."
    )


def test_settings(refused):
    assert refused(train={"epoch": 3}) == "task.yaml: unknown setting 'train.epoch'. Did you mean 'epochs'?"
    assert refused("--set", "train.rate=-1") == (
        "task.yaml: train.rate: Input should be greater than 0 (found -1). See docs/task-file.md."
    )


def test_bad_yaml(trimtab, tmp_path):
    (tmp_path / "task.yaml").write_text("name: a\ndata: {train: [}\n")
    assert trimtab("tune", "task.yaml") == (
        2,
        "",
        "trimtab: task.yaml:2: not valid YAML: expected the node content, but found '}'.\n"
        "         Check indentation, quotes and names.\n",
    )


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_an_unwritable_or_full_output_folder(refused, tmp_path, monkeypatch):
    assert refused("--out", "task.yaml/run") == (
        "task.yaml/run: cannot be written (Not a directory). Choose another folder with --out."
    )
    with monkeypatch.context() as patched:
        patched.setattr("trimtab.runs.folder.os.fsync", full)
        assert refused() == (
            "run/task.yaml: cannot be written (No space left on device). Free some space, or choose another folder."
        )


def test_a_disk_that_fills_up_while_training(trimtab, tmp_path, tiny_folder, monkeypatch):
    """What was saved before stays, and training goes on from it once there is space."""
    tiny.write_task(tmp_path, tiny_folder, train={"checkpoint_seconds": 0})
    assert trimtab("tune", "task.yaml", "--out", "whole", "--no-beside").code == 0
    written = []

    def fill(descriptor):
        written.append(descriptor)
        if len(written) == 5:  # the first is the task file's
            full()

    with monkeypatch.context() as patched:
        patched.setattr("trimtab.runs.folder.os.fsync", fill)
        code, _, err = trimtab("tune", "task.yaml", "--out", "run", "--no-beside")
    assert code == 2
    assert err.endswith(
        "trimtab: run/checkpoint.safetensors: cannot be written (No space left on device).\n"
        "         Free some space, or choose another folder.\n"
    )
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "checkpoint.safetensors",
        "metrics.jsonl",
        "task.yaml",
    ]
    assert trimtab("tune", "run", "--resume", "--no-beside").code == 0
    same = [(tmp_path / name / "prompt.safetensors").read_bytes() for name in ("run", "whole")]
    assert same[0] == same[1]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    ],
    ids=["python", "cpu", "cuda"],
)
def test_out_of_memory_says_what_to_lower(refused, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("trimtab.training.objective.Objective.loss", fail)
    assert refused() == (
        "out of memory at step 1 (batch of 8 rows a run, 1 run(s)). "
        "Set train.gradient_checkpointing=true, raise train.accumulate, or lower train.batch_size, train.runs or "
        "template.max_tokens."
    )


def test_divergence(refused, monkeypatch):
    import torch

    monkeypatch.setattr(
        "trimtab.training.objective.Objective.loss",
        lambda self, runs, p, rows, step: p[0]["prompt"].sum()[None] * torch.nan,
    )
    assert refused() == (
        "training diverged: the loss of seed 0 is not finite at step 1 (rate 0.08). Lower train.rate, to 0.02 say."
    )


def test_backbones(refused, tmp_path):
    said = refused("--set", "backbone=smollm2-135")
    assert "smollm2-135m" in said
