"""A missing file, a wrong column or a label with a typo is told before torch is imported, in every verb.

Each verb runs in a process of its own, which says at its end whether torch has been imported.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import tiny
from trimtab.jobs import exchange, tune
from trimtab.settings.file import read_task

TRIMTAB = """
import atexit, sys
atexit.register(lambda: print("torch" in sys.modules, file=sys.stderr))
from trimtab.cli.main import main
main(sys.argv[1:])
"""
MISSING = ("{base}tset.jsonl: no such file.", "Did you mean 'test.jsonl'?")
WRONG_COLUMN = (
    "{base}columns.jsonl:1: no column 'text' for the field 'text'; the columns are texts, label.",
    "Did you mean 'texts'?",
)
TYPO = ("{base}typo.jsonl:2: label 'postive' is not one of negative, positive.", "Did you mean 'positive'?")
FAULTS = {"tset.jsonl": MISSING, "columns.jsonl": WRONG_COLUMN, "typo.jsonl": TYPO}
# What is run on a source, and which faults it can find there: `data` and `import` take labels as they are, `predict`
# does not look at them, and answers a row with a wrong column by saying so.
VERBS = {
    "tune": ("tune task.yaml --out new --set data.train={source}", list(FAULTS)),
    "show": ("show task.yaml --set data.train={source}", list(FAULTS)),
    "compare": ("compare task.yaml --out new --set data.train={source}", list(FAULTS)),
    "evaluate": ("evaluate run --test {source}", list(FAULTS)),
    "evaluate of several": ("evaluate run twin --test {source}", list(FAULTS)),
    "predict": ("predict run {source}", ["tset.jsonl"]),
    "perplexity": ("perplexity run {source}", list(FAULTS)),
    "perplexity of a backbone": ("perplexity {backbone} {source}", ["tset.jsonl"]),
    "data": ("data {source} --task task.yaml --tokens", ["tset.jsonl", "columns.jsonl"]),
    "import": ("import adapter task.yaml --out new --set labels={{}} --set data.train={source}",
               ["tset.jsonl", "columns.jsonl"]),
}  # fmt: skip


class Done(NamedTuple):
    """What a process left: exit code, standard output and error, and whether torch was imported."""

    code: int
    out: str
    err: str
    torch: bool


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path, pretrained) -> Path:
    """A folder with a task, a run of it, an adapter made of that, and rows that will not do."""
    folder = tmp_path_factory.mktemp("place")
    path = tiny.write_task(folder, tiny_folder, train={"steps": 1})
    tune.run(read_task(path), folder / "run", base=folder, pretrained=pretrained, report=False)
    shutil.copytree(folder / "run", folder / "twin")
    exchange.export(folder / "run", folder / "adapter", pretrained=pretrained)
    rows = tiny.rows(3)
    tiny.write_rows(folder / "columns.jsonl", [{"texts": row["text"], "label": row["label"]} for row in rows])
    tiny.write_rows(folder / "typo.jsonl", [rows[0], {**rows[1], "label": "postive"}, rows[2]])
    return folder


def run(place: Path, cache: Path, arguments: str) -> Done:
    done = subprocess.run(
        [sys.executable, "-c", TRIMTAB, *arguments.split()], cwd=place, capture_output=True, text=True, timeout=300,
        env={**os.environ, "TRIMTAB_CACHE": str(cache), "COLUMNS": "160"}, check=False,
    )  # fmt: skip
    *err, last = done.stderr.splitlines(keepends=True)
    return Done(done.returncode, done.stdout, "".join(err), {"True\n": True, "False\n": False}[last])


@pytest.mark.parametrize(
    ("verb", "source"), [(verb, source) for verb, (_, sources) in VERBS.items() for source in sources]
)
def test_told_before_torch_is_imported(
    verb: str, source: str, place: Path, tiny_folder: Path, session_cache: Path
) -> None:
    arguments = VERBS[verb][0].format(source=source, backbone=tiny_folder)
    base = f"{place}/" if verb.startswith("evaluate") else ""  # whose source is kept with the report, from any folder
    message, hint = (part.format(base=base) for part in FAULTS[source])
    before = sorted(place.iterdir())
    assert run(place, session_cache, arguments) == (2, "", f"trimtab: {message}\n         {hint}\n", False)
    assert sorted(place.iterdir()) == before, "nothing is left behind"


def test_predict_says_of_each_row_that_its_column_is_wrong(place: Path, session_cache: Path) -> None:
    done = run(place, session_cache, "predict run columns.jsonl --batch 2")
    message, hint = WRONG_COLUMN
    error = f"{message} {hint}".format(base="")
    said = [{"error": error.replace(":1:", f":{i}:"), "where": f"columns.jsonl:{i}"} for i in (1, 2, 3)]
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [set(answer.pop("row")) for answer in found] == [{"texts", "label"}] * 3
    assert found == said
    assert done[0::2] == (2, "3 row(s) could not be answered; their records say why.\n")
    assert not done.torch


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("{backbone} test.jsonl columns.jsonl",
         "columns.jsonl:1: no column 'text' for the text; the columns are texts, label.\n"
         "         Did you mean 'texts'?"),
        ("run test.jsonl --field label-",
         "test.jsonl:1: no column 'label-' for the text; the columns are text, label.\n"
         "         Did you mean 'label'?"),
    ],
)  # fmt: skip
def test_perplexity_looks_for_the_column_of_the_text(
    arguments: str, message: str, place: Path, tiny_folder: Path, session_cache: Path
) -> None:
    done = run(place, session_cache, f"perplexity {arguments}".format(backbone=tiny_folder))
    assert done == (2, "", f"trimtab: {message}\n", False)


def test_settings_that_no_run_of_this_kind_has_are_told_too(place: Path, session_cache: Path) -> None:
    done = run(place, session_cache, "predict run test.jsonl --set answer.temperature=1")
    assert done == (
        2, "", "trimtab: run: the answers of this run are labels; only how free text is found can be set here.\n"
        "         Leave --set out.\n", False,
    )  # fmt: skip


def test_sound_rows_do_import_torch(place: Path, session_cache: Path) -> None:
    """Otherwise the tests above could not fail."""
    done = run(place, session_cache, "predict run test.jsonl")
    assert (done.code, len(done.out.splitlines()), done.torch) == (0, 24, True)
