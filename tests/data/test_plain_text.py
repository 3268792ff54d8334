"""Plain text in pieces: nothing lost at their seams, and the byte of every fault."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trimtab.data import plain_text
from trimtab.data.plain_text import read_text
from trimtab.errors import DataError


def refusal(folder: Path, content: bytes, **options: str) -> str:
    (folder / "a.txt").write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(read_text("a.txt", base=folder, **options))  # type: ignore[arg-type]
    return str(caught.value)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    encoding=st.sampled_from(["utf-8", "gb18030"]),
    mark=st.booleans(),
    size=st.integers(1, 9),
)
def test_texts_come_back_whatever_the_size_of_the_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, encoding: str, mark: bool, size: int
) -> None:
    monkeypatch.setattr(plain_text, "PIECE", max(size, 4))  # a byte order mark is not longer
    content = ("\ufeff" * mark + text.removeprefix("\ufeff")).encode(encoding)
    (tmp_path / "a.txt").write_bytes(content)
    seen: list[tuple[int, int | None]] = []
    pieces = read_text("a.txt", base=tmp_path, encoding=encoding, on_bytes=lambda *told: seen.append(told))  # type: ignore[arg-type]
    assert "".join(pieces) == text.removeprefix("\ufeff")
    assert seen[-1] == (len(content), len(content))
    assert seen == sorted(seen)


def test_line_ends_stay(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a\r\nb\rc\n\n")
    assert "".join(read_text("a.txt", base=tmp_path)) == "a\r\nb\rc\n\n"


def test_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\ufeff好的".encode())))
    seen: list[tuple[int, int | None]] = []
    assert "".join(read_text("-", base=tmp_path, on_bytes=lambda *told: seen.append(told))) == "好的"
    assert seen[-1] == (9, None)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\0")))
    with pytest.raises(DataError) as caught:
        list(read_text("-", base=tmp_path))
    assert str(caught.value) == "standard input: byte 1 is NUL: not a text file. Give a text."


@pytest.mark.parametrize("size", [4, 1 << 16])
def test_what_is_no_text_in_the_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(plain_text, "PIECE", size)
    good = "好" * 5
    assert refusal(tmp_path, good.encode() + b"\xff") == (
        "a.txt: byte 15 is not valid UTF-8. If it is a text in another encoding, say so "
        "(--encoding gb18030, latin-1 or another)."
    )
    assert refusal(tmp_path, good.encode() + "好".encode()[:2]) == (
        "a.txt: byte 15 is not valid UTF-8. If it is a text in another encoding, say so "
        "(--encoding gb18030, latin-1 or another)."
    )
    assert refusal(tmp_path, good.encode("gb18030") + b"\xff", encoding="gb18030") == (
        "a.txt: byte 10 is not valid GB18030. If it is a text in another encoding, say so "
        "(--encoding utf-8, latin-1 or another)."
    )
    assert refusal(tmp_path, b"abcdefg\0") == "a.txt: byte 7 is NUL: not a text file. Give a text."
    assert refusal(tmp_path, "ab".encode("utf-16")) == (
        "a.txt: the file is in UTF-16, expected UTF-8. Set the encoding to utf-16, or save it as UTF-8."
    )


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "b.txt").touch()
    for source, message in (
        ("bb.txt", "bb.txt: no such file. Did you mean 'b.txt'?"),
        (".", ".: is a folder, expected a file. Name a file inside it."),
        ("x" * 300, f"{'x' * 300}: cannot be read (File name too long). Check the file and its path."),
    ):
        with pytest.raises(DataError) as caught:
            read_text(source, base=tmp_path)
        assert str(caught.value) == message
