"""Numbers of system calls against the kernel's own headers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trimtab.sandbox import seccomp

HEADERS = [(Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), 0), (Path("/usr/include/asm-generic/unistd.h"), 1)]


@pytest.mark.parametrize(("header", "column"), HEADERS, ids=["x86_64", "aarch64"])
def test_numbers_are_those_of_the_headers(header: Path, column: int) -> None:
    if not header.is_file():
        pytest.skip(f"no {header}. `apt-get install linux-libc-dev` brings it.")
    numbers = {name: int(n) for name, n in re.findall(r"#define __NR_(\w+)\s+(\d+)", header.read_text())}
    ours = {name: both[column] for name, both in seccomp._REFUSED.items()}
    ours |= {"clone": seccomp._CLONE[column], "clone3": seccomp._CLONE3}
    known = {name: number for name, number in ours.items() if name in numbers}
    assert len(known) > len(ours) - 5  # headers may be older than the newest calls
    assert known == {name: numbers[name] for name in known}
