"""The documentation holds: commands parse, the READMEs' run, Python runs, links resolve, both READMEs say the same."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import needs
import trimtab
from trimtab import Task, make_task
from trimtab.cli import main as cli
from trimtab.evaluation.metrics.choose import TEXT_METRICS
from trimtab.settings import file as task_file

ROOT = Path(__file__).parents[1]
README, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
PAGES = [README, CHINESE, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
TINY: dict[str, dict[str, Any]] = {
    "train": {"steps": 2, "threads": 1},
    "data": {"shots": 3, "limit": None, "dev_limit": 6, "test_limit": 6},
}
NOT_OURS = {"pip", "git", "cd", "cat", "curl", "."}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return [text for found, text in FENCE.findall(page.read_text(encoding="utf-8")) if found == language]


def without_blocks(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Command:
    """One simple command of a page, redirections and pipes taken off."""

    page: Path
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page.name}: {shlex.join(self.words)}"


def commands(page: Path) -> Iterator[Command]:
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|;<>&")
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, ";"]:
                if not set(word) <= set("|;&"):
                    words.append(word)
                    continue
                if ">" in words:
                    words = words[: words.index(">")]
                if words:
                    yield Command(page, tuple(words))
                words = []


COMMANDS = [command for page in PAGES for command in commands(page)]


def ours(tool: str) -> list[Command]:
    return [command for command in COMMANDS if command.words[0] == tool]


def test_commands_are_found_and_known() -> None:
    tools = {command.words[0] for command in COMMANDS}
    assert {"trimtab", "make"} <= tools
    assert tools <= {"trimtab", "make", "python", *NOT_OURS}
    assert {command.words[1] for command in ours("trimtab")} == set(cli.trimtab.commands)


@pytest.mark.parametrize("command", ours("trimtab"), ids=str)
def test_a_trimtab_command_parses_and_its_settings_are_valid(command: Command) -> None:
    verb, *arguments = command.words[1:]
    names = ["-h", "--help"]  # as the command line has them; click keeps the first that a command is asked with
    context = cli.trimtab.commands[verb].make_context(verb, list(arguments), help_option_names=names)
    if verb in ("tune", "show") and context.params["task"].suffix == ".yaml":
        trimtab.read_task(ROOT / context.params["task"], context.params["overrides"])


@pytest.mark.parametrize("command", ours("python"), ids=str)
def test_a_python_command_names_a_script_that_is_there_and_takes_its_arguments(
    command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script, *arguments = command.words[1:]
    options = {argument.split("=")[0] for argument in arguments if argument.startswith("--")}
    monkeypatch.syspath_prepend((ROOT / script).parent)
    monkeypatch.setattr(sys, "argv", [script, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / script), run_name="__main__")
    assert ended.value.code == 0
    assert options <= set(capsys.readouterr().out.replace("[", " ").replace("]", " ").split())


@pytest.mark.parametrize("command", ours("make"), ids=str)
def test_a_make_command_names_targets_that_are_there(command: Command) -> None:
    done = subprocess.run(["make", "-n", *command.words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(without_blocks(page)):
        if link.startswith(("https://", "http://")):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{page.name} links to {link}"
        assert target.is_relative_to(ROOT), f"{page.name} links to {link}"
        if anchor:
            slugs = {
                re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-")
                for _, title in HEADING.findall(without_blocks(target))
            }
            assert anchor in slugs, f"{page.name} links to {link}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    linked = set(LINK.findall(README.read_text(encoding="utf-8")))
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= linked


def test_both_readmes_have_the_same_sections_commands_and_links() -> None:
    english, chinese = README.read_text(encoding="utf-8"), CHINESE.read_text(encoding="utf-8")
    levels = [[len(marks) for marks, _ in HEADING.findall(without_blocks(page))] for page in (README, CHINESE)]
    assert levels[0] == levels[1]
    assert FENCE.findall(english) == FENCE.findall(chinese)
    assert english.count("<!--") == chinese.count("<!--")
    own = {"README.md", "README.zh-CN.md", "examples/chinese-reviews.yaml"}
    assert set(LINK.findall(english)) - own == set(LINK.findall(chinese)) - own
    rows = [[line.count("|") for line in text.splitlines() if line.startswith("|")] for text in (english, chinese)]
    assert rows[0] == rows[1]


def test_the_readme_shows_the_example_as_it_is() -> None:
    [shown] = blocks(README, "yaml")
    comment, task = (ROOT / "examples" / "support-messages.yaml").read_text(encoding="utf-8").split("name:", 1)
    assert shown == "name:" + task
    assert comment.startswith("# ")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_task_files_in_pages_are_valid(page: Path, tmp_path: Path) -> None:
    for block in blocks(page, "yaml"):
        if block.startswith("# corpus.yaml\n"):
            (tmp_path / "corpus.yaml").write_text(block, encoding="utf-8")
            task_file.read_corpus(tmp_path / "corpus.yaml")
        else:
            make_task(yaml.safe_load(block), page.name)


def test_the_readme_shows_the_python_api_in_ten_lines() -> None:
    [block] = blocks(README, "python")
    assert len([line for line in block.splitlines() if line]) <= 10


def test_no_page_holds_a_tab_or_a_trailing_space() -> None:
    for page in PAGES:
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            assert line == line.rstrip(), f"{page.name}:{number}"
            assert "\t" not in line, f"{page.name}:{number}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shallow: None) -> Path:
    """A folder that looks like a checkout, in which every task is a tiny one and backbones are shallow."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    make = task_file.make_task

    def make_tiny(content: dict[str, Any], where: str = "task") -> Task:
        return make({**content, **{group: {**content.get(group, {}), **TINY[group]} for group in TINY}}, where)

    monkeypatch.setattr(task_file, "make_task", make_tiny)
    return tmp_path


@pytest.mark.real
def test_the_readmes_commands_run_in_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for command in [c for c in ours("trimtab") if c.page == README]:
        with needs.network():
            cli.trimtab.main(list(command.words[1:]), standalone_mode=False)
        said.append(capsys.readouterr().out)
    looked, shown, tuned, compared, answered = said
    assert "refund" in looked
    assert "The customer asks about" in shown
    assert "prefix" in tuned
    assert "Choose " in compared
    assert len(answered.splitlines()) == 2
    assert (folder / "runs" / "support" / "report.html").is_file()


def test_python_of_the_baselines_runs() -> None:
    [block] = blocks(ROOT / "docs" / "baselines.md", "python")
    exec(compile(block, "baselines.md", "exec"), {})  # our own page


def test_python_of_the_text_metrics_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = ROOT / "docs" / "text-metrics.md"
    scores, programs = blocks(page, "python")
    exec(compile(scores, page.name, "exec"), {})  # our own page
    assert capsys.readouterr().out.count("Interval(") == 5 + 2
    needs.namespaces()
    exec(compile(programs, page.name, "exec"), {})
    assert capsys.readouterr().out.startswith("passed ")


def test_every_text_metric_is_described() -> None:
    page = (ROOT / "docs" / "text-metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| (?:0 to 100|share|ratio) \|", page, re.MULTILINE)
    described = {name for row in rows for name in row.split(", ")}
    assert described == {*TEXT_METRICS, "pass@k"}


@pytest.mark.real
@pytest.mark.parametrize("page", [README, ROOT / "docs" / "python.md"], ids=lambda page: page.name)
def test_python_in_pages_runs(page: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for block in blocks(page, "python"):
        with needs.network():
            exec(compile(block, page.name, "exec"), names)  # our own pages
    assert capsys.readouterr().out
    assert names["tuned"].report.scored.dev.rows == 6
    assert all(run.is_dir() for run in (folder / "runs").iterdir())
