"""Names from outside on the terminal: shown as text, in everything that is printed, and never obeyed."""

from __future__ import annotations

import ast
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from made_comparisons import five_ways
from made_reports import two_classes

import tiny
from trimtab.cli import printing
from trimtab.cli.answers import CsvAnswers
from trimtab.cli.progress import Bars
from trimtab.cli.terminal import console, say, say_data, say_json
from trimtab.jobs.new import Ready
from trimtab.jobs.show import Shown
from trimtab.sources.models import Located, ModelEntry

CLI = Path(printing.__file__).parent
# Markup of rich, a colour, the title of the window, a C1 control, writing turned round, half of a surrogate pair.
HOSTILE = "[/b]\x1b[31m[red]\x1b]0;x\x07\x9b2J\u202e\ud83d:smile:"
SHOWN = r"[/b]\x1b[31m[red]\x1b]0;x\x07\x9b2J\u202e\ud83d:smile:"
NAME = "[/b]\x1b[1m"  # short, so that no table breaks it
NAME_SHOWN = r"[/b]\x1b[1m"


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(printing, "TABLE_WIDTH", 400)


def test_lines_are_shown_as_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"{HOSTILE}\n\ttwo")
    say(HOSTILE, error=True, bold=True)
    say("three", end="")
    assert capsys.readouterr() == (f"{SHOWN}\n\ttwo\nthree", f"{SHOWN}\n")


def test_json_holds_every_character_and_orders_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({HOSTILE: ["好 😀", HOSTILE]})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {HOSTILE: ["好 😀", HOSTILE]}
    assert "好 😀" in printed
    assert not {c for c in printed if c < " " or "\x7f" <= c <= "\x9f"} - {"\n"}


def test_data_goes_to_programs_as_it_is_and_to_terminals_as_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    say_data("\x1b[1m好\ud83d")
    assert capsys.readouterr().out == "\x1b[1m好?\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    say_data("\x1b[1m好\ud83d", end="")
    assert "\x1b[1m" not in (out := capsys.readouterr().out)
    assert out == r"\x1b[1m好\ud83d"


def test_on_tables_and_bars_strings_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table

    table = Table(title=HOSTILE, caption=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    console(width=300).print(table, HOSTILE)
    printed = capsys.readouterr().out
    assert printed.count(SHOWN) == 5
    assert "\x1b" not in printed


def reports() -> Any:
    made = two_classes()
    other = made.scored.baselines[0].model_copy(update={"name": NAME})
    changed = {
        "name": NAME, "warnings": [NAME], "method": made.method.model_copy(update={"name": NAME}),
        "scored": made.scored.model_copy(update={"baselines": [other]}),
    }  # fmt: skip
    return made.model_copy(update=changed)


def comparisons() -> Any:
    made = five_ways()
    ways = [way.model_copy(update={"name": f"{way.name} {NAME}"}) for way in made.ways]
    left = [one.model_copy(update={"name": NAME, "why": NAME}) for one in made.left_out]
    changed = {"name": NAME, "ways": ways, "left_out": left, "choose": NAME, "warnings": [NAME]}
    return made.model_copy(update=changed)


def print_model() -> None:
    copy = Located(NAME, Path(NAME), NAME, NAME)
    printing.print_model(ModelEntry(NAME, NAME, (NAME,), 5, NAME, NAME, NAME, True, {NAME: 1}, (copy,), 3))


PRINTED = {
    "ready": (lambda: printing.print_ready([Ready(NAME, NAME, NAME, NAME)]), 4),
    "model": (print_model, 9),
    "shown": (lambda: printing.print_shown([Shown(NAME, NAME, NAME, [(NAME, [NAME])], 1)], {NAME: [[NAME]]}), 7),
    "report": (lambda: printing.print_report(reports(), Path(NAME)), 5),
    "comparison": (lambda: printing.print_comparison(comparisons(), Path(NAME)), 11),
    "note": (lambda: printing.note(NAME), 1),
    "csv": (lambda: CsvAnswers()({"text": "x"}, {"label": "good"}), 0),
}


@pytest.mark.parametrize("what", PRINTED)
def test_all_that_jobs_end_with(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    show, times = PRINTED[what]
    show()
    printed = "".join(capsys.readouterr())
    assert "\x1b" not in printed
    assert printed.count(NAME_SHOWN) >= times


def test_bars_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    monkeypatch.setenv("TERM", "xterm")
    with Bars() as bars:
        bars.progress(f"reading {HOSTILE}", 1, 9)
        bars.bars.refresh()
        bars.say(HOSTILE)
    printed = capsys.readouterr().err
    assert f"reading {SHOWN}" in printed
    assert printed.count(SHOWN) >= 2
    assert "\x1b]0;" not in printed
    assert "\x1b[31m" not in printed


@pytest.fixture
def hostile(tmp_path: Path, tiny_folder: Path) -> Path:
    """A task whose name, labels, words, column, files and backbone's folder are what nobody should be called."""
    labels = {"negative": "[/b]\x1b[1mno", "positive": "[red]\x9byes"}
    rows = [{"te[/b]xt\x1b[1m": row["text"] + NAME, "label": labels[row["label"]]} for row in tiny.rows(12)]
    source = f"rows{NAME}".replace("/", "|") + ".jsonl"
    tiny.write_rows(tmp_path / source, rows)
    backbone = tmp_path / "back[bold]bone\x1b[1m"
    backbone.symlink_to(tiny_folder)
    settings = tiny.task(backbone, name=f"[b]\x1b[1m{NAME}", train={"steps": 1}, notice=HOSTILE.replace("\ud83d", ""))
    settings |= {
        "data": {"train": source, "dev": source, "test": source, "columns": {"text": "te[/b]xt\x1b[1m"}},
        "labels": {label: [label] for label in labels.values()},
    }
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return tmp_path


def test_every_verb_shows_names_and_loses_nothing_of_them(hostile: Path, trimtab: Any) -> None:
    run, out = "ru[/b]n\x1b[1m".replace("/", "|"), "out[red]\x1b[1m"
    [source] = [path.name for path in hostile.glob("rows*")]
    verbs = {
        "data": ("data", source, "--task", "task.yaml", "--no-tokens"),
        "data json": ("data", source, "--task", "task.yaml", "--no-tokens", "--json"),
        "show": ("show", "task.yaml", "-n", "1"),
        "tune": ("tune", "task.yaml", "--out", run),
        "evaluate": ("evaluate", run, "--no-beside"),
        "predict": ("predict", run, source),
        "perplexity": ("perplexity", hostile / "back[bold]bone\x1b[1m", source, "--field", "te[/b]xt\x1b[1m"),
        "compare": ("compare", "task.yaml", "--out", out, "--methods", "majority,zero_shot", "--reference", "majority"),
        "export": ("export", run, "exported[/b]\x1b[1m".replace("/", "|")),
        "no such verb": ("[/b]\x1b[1m",),
        "no such option": ("data", "x", "--\x1b[1m[/b]"),
        "too many": ("data", "x", "\x1b[1m[/b]"),
        "no such file": ("data", "[/b]\x1b[1m.jsonl"),
        "no such run": ("predict", "[/b]\x1b[1m"),
    }
    for verb, arguments in verbs.items():
        code, printed, told = trimtab(*arguments)
        assert code == (2 if "such" in verb or verb == "too many" else 0), (verb, told)
        both = printed + told
        assert not {c for c in both if c < " " or "\x7f" <= c <= "\x9f"} - {"\n", "\t"}, (verb, both)
        assert "[" in both.replace("[1m", ""), (verb, both)
        if verb != "too many":  # of which click takes colours away
            assert r"\x1b[1m" in both or r"\u001b[1m" in both, (verb, both)


@pytest.mark.parametrize("verb", ["tune", "compare", "import"])
def test_a_task_whose_name_leads_elsewhere_is_refused_before_anything_is_written(
    verb: str, hostile: Path, trimtab: Any
) -> None:
    before = sorted(hostile.parent.rglob("*"))
    arguments = ["adapter", "task.yaml"] if verb == "import" else ["task.yaml"]
    for name, shown in (("../../x", "../../x"), ("/tmp/x", "/tmp/x"), ("x\x1b[1m", r"x\x1b[1m")):
        assert trimtab(verb, *arguments, "--set", f"name={json.dumps(name)}") == (
            2, "", f"trimtab: name: '{shown}' cannot be the name of a folder in runs/.\n"
            "         Name the task otherwise, or choose a folder with --out.\n",
        )  # fmt: skip
    assert sorted(hostile.parent.rglob("*")) == before


def test_a_conversation_shows_names_and_answers_as_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    from trimtab.cli.conversation import Conversation

    speaker = SimpleNamespace(bound=SimpleNamespace(task=SimpleNamespace(notice=NAME)), messages=[])
    talk = SimpleNamespace(speakers={NAME: speaker, "b": speaker}, chosen=[NAME])
    talk.ask = lambda name, text: (3, (piece for piece in ("said ", NAME)))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"/runs\nhello\n/{NAME}\n".encode())))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    Conversation(talk).run()  # type: ignore[arg-type]
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert out == f"* {NAME_SHOWN} (0 messages)\n  b (0 messages)\n{NAME_SHOWN}: said {NAME_SHOWN}\n"
    assert err.count(NAME_SHOWN) == 3


def test_nothing_else_in_the_package_prints() -> None:
    """Whoever prints past `cli/terminal.py` would have to make names harmless again."""
    found = []
    for path in CLI.parent.rglob("*.py"):
        if path == CLI / "terminal.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            on = getattr(called.value, "id", "") if isinstance(called, ast.Attribute) else ""
            past = (on == "click" and name in ("echo", "secho", "style", "prompt", "confirm")) or name == "from_markup"
            past = past or name == "Console" or (isinstance(called, ast.Name) and name == "print")
            columns = name == "TextColumn" and not any(given.arg == "markup" for given in node.keywords)
            imported = isinstance(node, ast.ImportFrom) and node.module in ("rich", "rich.markup", "rich.console")
            if past or columns or imported:
                found.append(f"{path.relative_to(CLI.parent)}:{node.lineno}")
    assert found == []
