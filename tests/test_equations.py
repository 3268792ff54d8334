"""The pages of equations hold: each block prints what stands under it, and each function is where the page says."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from trimtab.backbones.layers import fused

ROOT = Path(__file__).parents[1]
ENGLISH, CHINESE = ROOT / "docs" / "equations.md", ROOT / "docs" / "equations.zh-CN.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
WORKED = re.compile(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
FUNCTION = re.compile(r"\[`([\w.]+)`\]\((\.\./src/[^)]+)\)")
LINK = re.compile(r"\]\(([^)#\s]+)\)")


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def worked() -> dict[str, tuple[str, str]]:
    """The block under each heading of the third level, and what it prints."""
    found = {}
    for part in re.split(r"^### ", read(ENGLISH), flags=re.MULTILINE)[1:]:
        [(code, printed)] = WORKED.findall(part)
        found[part.splitlines()[0]] = code, printed
    return found


BLOCKS = worked()


def run(heading: str) -> dict[str, Any]:
    """The names of a block that has been run by itself."""
    names: dict[str, Any] = {}
    exec(compile(BLOCKS[heading][0], heading, "exec"), names)  # our own page
    return names


@pytest.mark.parametrize("heading", BLOCKS)
def test_a_block_prints_what_stands_under_it(heading: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(heading)
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == BLOCKS[heading][1].splitlines()


def test_every_block_of_python_is_one_that_is_run() -> None:
    assert [text for language, text in FENCE.findall(read(ENGLISH)) if language == "python"] == [
        code for code, _ in BLOCKS.values()
    ]


def test_both_pages_have_the_same_blocks_sections_and_links() -> None:
    english, chinese = read(ENGLISH), read(CHINESE)
    assert FENCE.findall(english) == FENCE.findall(chinese)
    levels = [[len(marks) for marks, _ in HEADING.findall(FENCE.sub("", text))] for text in (english, chinese)]
    assert levels[0] == levels[1]
    assert FUNCTION.findall(english) == FUNCTION.findall(chinese)
    each = [{CHINESE.name, *LINK.findall(english)}, {ENGLISH.name, *LINK.findall(chinese)}]
    assert each[0] - {CHINESE.name} == each[1] - {ENGLISH.name}


@pytest.mark.parametrize(("name", "file"), sorted(set(FUNCTION.findall(read(ENGLISH)))))
def test_a_function_that_is_named_is_in_the_file_that_is_linked(name: str, file: str) -> None:
    body = ast.parse(read(ENGLISH.parent / file)).body
    for part in name.split("."):
        [own] = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == part]
        body = own.body


def test_links_to_code_all_name_a_function() -> None:
    for page in (ENGLISH, CHINESE):
        assert len(FUNCTION.findall(read(page))) == read(page).count("](../src/")


def test_the_rotation_of_the_page_is_that_of_the_layers() -> None:
    rotated = run("Rotary positions")["rotated"]
    raw = np.random.default_rng(0).normal(size=(3, 3, 4))  # three tokens; query, key and value of four numbers
    angle = torch.arange(3)[:, None, None] * torch.tensor([1.0, 0.01], dtype=torch.float64)
    layer: Any = SimpleNamespace(kv_heads=1, head_size=4, norm_q=None, rotary="")
    step: Any = SimpleNamespace(rotary={"": (angle.cos(), angle.sin())})
    ours, _ = fused._normed_rotated(torch.tensor(raw), layer, step)
    for t in range(3):
        for head in (0, 1):
            assert np.allclose(ours[t, head], rotated(raw[t, head], t))
        assert np.allclose(ours[t, 2], raw[t, 2])


def test_the_norm_and_the_gate_of_the_page_are_those_of_the_layers() -> None:
    names = run("Layer norm and RMS norm")
    ours, _ = fused._norm(torch.tensor(names["x"]), torch.ones(4), names["eps"])
    assert np.allclose(ours, names["rms"], atol=1e-6)
    silu = run("Feed-forward")["silu"]
    layer: Any = SimpleNamespace(tanh_gelu=False)
    gated = fused._gate(torch.tensor([[2.0, -2.0, 1.0, 6.0]]), layer)
    assert np.allclose(gated, [[silu(2.0) * 1, silu(-2.0) * 6]])
