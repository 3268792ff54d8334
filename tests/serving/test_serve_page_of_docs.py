"""docs/serve.md holds: what it asks a server is answered; what runs as a service is a command that parses."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from serving_runs import Served, write_run
from trimtab.backbones.pretrained import Pretrained
from trimtab.cli.main import trimtab

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"
CURLS = re.findall(r"^curl .*$", PAGE, re.MULTILINE)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl. `apt-get install curl` brings it.")
def test_its_curls_are_answered(served: Served, pretrained: Pretrained, tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "say", pretrained, "say")
    assert len(CURLS) == 3
    for line in CURLS:
        command = shlex.split(line.replace(ADDRESS, served.url))
        done = subprocess.run([*command, "--silent", "--fail"], cwd=tmp_path, capture_output=True, check=True)
        assert "error" not in json.loads(done.stdout)
    assert served.ask("DELETE", "/v1/tasks/new")[0] == 200


def test_its_python_runs(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    [block] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(compile(block.replace(ADDRESS, served.url), "serve.md", "exec"), names)  # our own page
    names["client"].close()
    assert capsys.readouterr().out.splitlines()[0] in ("negative", "positive")


@pytest.mark.parametrize("file", ["Dockerfile", "trimtab.service"])
def test_what_is_run_as_a_service_parses(file: str) -> None:
    text = (ROOT / "deploy" / file).read_text(encoding="utf-8")
    [line] = re.findall(r"^(?:CMD|ExecStart=)(.*serve.*)$", text, re.MULTILINE)
    words = json.loads(line) if line.strip().startswith("[") else shlex.split(line)
    assert words[0].endswith("trimtab")
    context = trimtab.commands["serve"].make_context("serve", list(words[2:]))
    assert context.params["key_file"] is not None
