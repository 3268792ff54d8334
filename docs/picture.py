"""The picture of the code in docs/design.md, out of the code itself: stages of a job, and rooms. Knows no prose.

Stages are functions: what each takes, what it makes of it, and where it stands. Rooms stand in the order of the import
contract in pyproject.toml, the lowest first, each with its first line.
"""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "trimtab"
WIDTH = 118
# (file, function, what goes in, what comes out)
STAGES = (
    ("settings/file.py", "read_task", "task.yaml", "Task"),
    ("tasks/rows.py", "read_rows", "Task", "TaskRows"),
    ("tasks/resolve.py", "resolve", "TaskRows", "Resolved"),
    ("tuning/prepare.py", "prepare", "Resolved", "Prepared"),
    ("tuning/run.py", "train", "Prepared", "steps"),
    ("tuning/run.py", "keep", "Prepared", "Run"),
    ("judging/report.py", "report_of", "Run", "RunReport"),
)


def stages() -> str:
    """The way of a task, from its file at the top to the run's report at the bottom, a function a line.

    Raises:
        ValueError: a function is not there, or takes or makes something else than is drawn.
    """
    lines = ["task.yaml"]
    for file, name, given, made in STAGES:
        function = _function(file, name)
        if given != "task.yaml" and given not in _types(function.args.args):
            raise ValueError(f"docs/picture.py: {file}: {name} does not take {given}.")
        returned = ast.unparse(function.returns) if function.returns else ""
        if made not in ("steps", returned):
            raise ValueError(f"docs/picture.py: {file}: {name} returns {returned}, not {made}.")
        lines.append(f"   │  {f'{name}':<12} {file:<20} {_first(function)}")
        lines.append(f"   ▼\n{made}" if made != "steps" else "   │")
    return "```text\n" + "\n".join(lines) + "\n```"


def rooms() -> str:
    """Every room, those above that may import those below, with its modules counted and its first line."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    lines = []
    for layer in contract["layers"]:
        for name in (part.strip().removeprefix("trimtab.") for part in layer.split("|")):
            path = SOURCE / name
            if not path.is_dir():
                lines.append(f"{name + '.py':<14}     {_doc(SOURCE / f'{name}.py')}")
                continue
            count = sum(1 for module in path.rglob("*.py") if module.name != "__init__.py")
            lines.append(f"{name + '/':<14} {count:>3} {_doc(path / '__init__.py')}")
    return "```text\n" + "\n".join(line[:WIDTH].rstrip() for line in lines) + "\n```"


def picture() -> str:
    """Both, the stages first."""
    return f"{stages()}\n\n{rooms()}"


def _doc(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.split("\n\n", 1)[0].replace("\n", " ").split(". Knows ")[0].rstrip(".")


def _function(file: str, name: str) -> ast.FunctionDef:
    for node in ast.parse((SOURCE / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    raise ValueError(f"docs/picture.py: {file} has no function {name}.")


def _types(arguments: list[ast.arg]) -> list[str]:
    return [ast.unparse(argument.annotation) for argument in arguments if argument.annotation]


def _first(function: ast.FunctionDef) -> str:
    text = (ast.get_docstring(function) or "").split("\n\n", 1)[0].split(". ")[0]
    return text.replace("\n", " ").rstrip(".")
