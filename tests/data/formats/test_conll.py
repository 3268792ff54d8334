"""CoNLL files with tabs, comments, and tokens that hold spaces."""

from __future__ import annotations

from pathlib import Path

from reading import values


def test_tabs_are_between_columns_and_spaces_within_tokens(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("New York\tNNP\tB-place\nis\tVB\tO\n\n. . .\tO\tO\n")
    assert values("a.conll", tmp_path) == [
        {"tokens": ["New York", "is"], "tags": ["B-place", "O"]},
        {"tokens": [". . ."], "tags": ["O"]},
    ]


def test_comments_stand_before_sentences_and_a_hash_is_a_token(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text(
        "# id 5239d\tdomain=train\n# text = a b\na _ _ O\n# _ _ O\n\n# sent_id = 2\nb _ _ O\n"
    )
    assert values("a.conll", tmp_path) == [
        {"tokens": ["a", "#"], "tags": ["O", "O"]},
        {"tokens": ["b"], "tags": ["O"]},
    ]
    (tmp_path / "b.conll").write_text("#\tO\nhash\tO\n")
    assert values("b.conll", tmp_path) == [{"tokens": ["#", "hash"], "tags": ["O", "O"]}]
