"""The files of a report (report.json, report.html, card.md) and of a comparison (compare.json, compare.html).

Knows nothing about how figures came about.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from trimtab.errors import TrimtabError
from trimtab.reports.comparison import COMPARISON_VERSION, Comparison
from trimtab.reports.facts import Part
from trimtab.reports.run_report import VERSION, RunReport
from trimtab.runs.folder import write_whole

Kept = TypeVar("Kept", bound=Part)


def write_report(folder: Path, report: RunReport) -> None:
    """Write report.json, report.html and card.md into the folder, each one whole or not at all.

    Raises:
        TrimtabError: a file cannot be written.
    """
    from trimtab.reports.card import render_card
    from trimtab.reports.page import render_page

    texts = {
        "report.json": report.model_dump_json(indent=1) + "\n",
        "report.html": render_page(report),
        "card.md": render_card(report),
    }
    for name, text in texts.items():
        write_whole(folder / name, text)


def read_report(path: Path) -> RunReport:
    """Read a report.json.

    Raises:
        TrimtabError: the file cannot be read, is not a report, or is newer than this version reads.
    """
    return _read(path, RunReport, VERSION, "report", "Run `trimtab evaluate` to write a new one.")


def write_comparison(folder: Path, comparison: Comparison) -> None:
    """Write compare.json and compare.html into the folder, each one whole or not at all.

    Raises:
        TrimtabError: a file cannot be written.
    """
    from trimtab.reports.compare_page import render_comparison

    write_whole(folder / "compare.json", comparison.model_dump_json(indent=1) + "\n")
    write_whole(folder / "compare.html", render_comparison(comparison))


def read_comparison(path: Path) -> Comparison:
    """Read a compare.json.

    Raises:
        TrimtabError: the file cannot be read, is not a comparison, or is newer than this version reads.
    """
    return _read(path, Comparison, COMPARISON_VERSION, "comparison", "Run `trimtab compare` to write a new one.")


def _read(path: Path, model: type[Kept], newest: int, what: str, remedy: str) -> Kept:
    """Read what was written as JSON; `what` and `remedy` are for the messages."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrimtabError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise TrimtabError(f"{path}: not a {what} (not JSON).", remedy) from error
    version = content.get("version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > newest:
        raise TrimtabError(f"{path}: {what} of version {version}; this Trimtab reads up to {newest}.", "Update it.")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise TrimtabError(f"{path}: not a {what} ({place}: {first['msg']}).", remedy) from error
