"""What stands in notebooks: paths as texts, runs on one line, requests that are checked where they are made."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

import tiny
import trimtab
from trimtab import Request, TaskError


def said(call) -> str:
    with pytest.raises(TaskError) as error:
        call()
    return str(error.value)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory, tiny_folder, pretrained):
    """A run that was tuned with texts for paths, and its folder."""
    folder = tmp_path_factory.mktemp("texts")
    task = trimtab.read_task(str(tiny.write_task(folder, tiny_folder, train={"steps": 1, "evaluate_every": 1})))
    out = str(folder / "run")
    trimtab.tune(task, out, base=str(folder), beside=False, pretrained=pretrained)
    return task, folder, out


def test_paths_may_be_texts(tuned, pretrained):
    task, folder, out = tuned
    base = str(folder)
    engine = trimtab.open_engine(out, pretrained=pretrained)
    rows = list(trimtab.predict(engine, "test.jsonl", base=base))
    assert list(trimtab.predict(engine, folder / "test.jsonl")) == rows
    report = trimtab.evaluate(out, test=folder / "test.jsonl", out=f"{base}/again", beside=False, pretrained=pretrained)
    assert len(rows) == report.data.test_rows == 24
    asked = trimtab.Wanted(methods=("majority",))
    assert [way.key for way in trimtab.compare(task, f"{base}/ways", asked, base=base, pretrained=pretrained).ways] == [
        "majority"
    ]
    shown, _ = trimtab.show(task, 1, base=base, pretrained=pretrained)
    assert len(shown) == 1
    assert len(trimtab.load_splits(task.data, ["text"], base=base).dev) == 24
    written = trimtab.export_run(out, f"{base}/adapter", pretrained=pretrained)
    assert "adapter_config.json" in written
    made, _ = trimtab.import_adapter(f"{base}/adapter", task, f"{base}/back", base=base, pretrained=pretrained)
    assert made.name == f"{base}/back"
    both = [out, f"{base}/back"]
    compared = trimtab.compare_runs(both, test=folder / "test.jsonl", out=f"{base}/both", pretrained=pretrained)
    assert {way.name for way in compared.ways} == set(both)


def test_a_run_is_one_line(tuned, pretrained):
    _, _, out = tuned
    run = trimtab.load_run(out)
    assert repr(run) == f"Run('{out}', soft_prompt, 1 x 160 numbers, backbone '{pretrained.name}')"
    assert repr(pretrained) == (
        f"Pretrained('{pretrained.name}', llama, from local, content hash {pretrained.content_hash[:12]})"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((None, {"text": "x"}), "input: the run is None, expected its name. Give the name it was added by."),
        (("run", None), "input: the input is None, expected texts by field. Give a dictionary."),
        (("run", "a text"), "input: the input is 'a text', expected texts by field. Give a dictionary."),
        (
            ("run", {"text": None}),
            "input: field 'text' is None, expected text. Leave the row out, or give it as a text.",
        ),
        (
            ("run", {"text": 3.5}, "rows.csv:3"),
            "rows.csv:3: field 'text' is 3.5, expected text. Leave the row out, or give it as a text.",
        ),
        (("run", {}, "input", None), "input: 'options' is None, expected a list of texts. Give a list."),
        (("run", {}, "input", "ab"), "input: 'options' is 'ab', expected a list of texts. Give a list."),
        (
            ("run", {}, "input", (), ["a", None]),
            "input: one of 'tokens' is None, expected text. Leave it out, or give it as a text.",
        ),
        (
            ("run", {"text": np.zeros(2)}),
            "input: field 'text' is ndarray, expected text. Leave the row out, or give it as a text.",
        ),
    ],
)
def test_requests_are_checked_where_they_are_made(given, message):
    assert said(lambda: Request(*given)) == message


def test_what_windows_has_not_is_not_needed_to_begin():
    """`fcntl` and `resource` are missing there: only the sandbox, a process of its own on Linux, needs them."""
    package = Path(trimtab.__file__).parent
    asking = set()
    for path in package.rglob("*.py"):
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:  # and not within `try` or a function
            if isinstance(statement, ast.Import) and {"fcntl", "resource"} & {name.name for name in statement.names}:
                asking.add(path.relative_to(package).as_posix())
    assert asking == {"sandbox/supervisor.py"}
