"""Fixtures of all tests."""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

if TYPE_CHECKING:
    from trimtab.backbones.pretrained import Pretrained

SHALLOW = 3  # layers

# How long an example takes is the machine's affair: a slow one, or one with other work, must not fail.
settings.register_profile("trimtab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("trimtab")


def pytest_collection_finish() -> None:
    """Leave what was imported out of the search for garbage from here on: some libraries search at every call."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end what was not tried and what brings it: reasons for skipping name the remedy."""
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.getreports("skipped"))
    if reasons:
        terminalreporter.section("not tried")
    for reason, tests in reasons.most_common():
        terminalreporter.write_line(f"{tests} test{' was' if tests == 1 else 's were'} not tried: {reason}")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny Llama and a byte-level tokenizer."""
    import tiny

    return tiny.save_backbone(tmp_path_factory.mktemp("backbones") / "tiny")


@pytest.fixture(scope="session")
def pretrained(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    """The tiny backbone in memory, on one thread, as the tiny task files ask for."""
    import torch

    from trimtab.backbones.pretrained import load

    torch.set_num_threads(1)
    return load(tiny_folder, tmp_path_factory.mktemp("cache"), name=str(tiny_folder), precision="float32")


@pytest.fixture(scope="session")
def cut_models() -> dict[tuple[object, ...], Pretrained]:
    """What `shallow` has loaded."""
    return {}


@pytest.fixture
def shallow(monkeypatch: pytest.MonkeyPatch, cut_models: dict[tuple[object, ...], Pretrained]) -> None:
    """The real small models, loaded once and cut to their first layers: enough where something is only shown to run."""
    from trimtab.backbones.causal import CausalBackbone
    from trimtab.backbones.pretrained import load

    def load_cut(path: Path, cache: Path, *, precision: str, device: str, progress: object, **named: str) -> Pretrained:
        key = (path, precision, device, *named.values())
        if key not in cut_models:
            whole = load(path, cache, precision=precision, device=device, progress=progress, **named)
            cut_models[key] = whole
            if not whole.backbone.whole_rows:  # an encoder of sentences is small as it is
                model = whole.backbone.model
                model.model.layers = model.model.layers[:SHALLOW]
                model.config.num_hidden_layers = SHALLOW
                cut_models[key] = replace(whole, backbone=CausalBackbone(model))
        return cut_models[key]

    monkeypatch.setattr("trimtab.backbones.open.load", load_cut)


class Outcome(NamedTuple):
    """What a command line left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("session-cache")


@pytest.fixture
def trimtab(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, session_cache: Path
) -> Callable[..., Outcome]:
    """Run the command line in this process, in an empty folder with a cache of its own."""
    from trimtab.cli.main import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIMTAB_CACHE", str(session_cache))
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture
def umask_of_a_group() -> Iterator[None]:
    """Files are for the group, too, to write."""
    before = os.umask(0o002)
    yield
    os.umask(before)
