"""Damage to texts, made on purpose."""

from __future__ import annotations

import pytest

from trimtab.data.text.damage import damage_signs

SOUND = [
    "It's a café — naïve, “quoted”, 50 €, São Paulo, Müller, Ångström, smørrebrød, garçon…",
    "味道很好，送餐很快！下次还来。「推荐」……ＯＫ～",
    "混合 mixed text 🙂👍 100% ①②③ ····",
    "tabs\tand\r\nlines",
    "烫烫烫，太烫了",
]


@pytest.mark.parametrize("text", SOUND)
def test_sound_text_shows_no_damage(text: str) -> None:
    assert damage_signs(text) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("é".encode().decode("latin-1"), "UTF-8 read as Latin-1"),
        ("don’t".encode().decode("cp1252"), "UTF-8 read as Latin-1"),
        ("你好，世界".encode().decode("latin-1"), "UTF-8 read as Latin-1"),
        ("🙂".encode().decode("latin-1"), "UTF-8 read as Latin-1"),
        ("好的，谢谢。".encode().decode("gbk", errors="replace"), "UTF-8 read as GBK"),
        ("\ufffd\ufffd".encode().decode("gbk", errors="replace"), "UTF-8 read as GBK"),
        ("味道很好".encode("gbk").decode("latin-1"), "GBK read as Latin-1"),
        ("味道很好".encode("gbk").decode("utf-8", errors="replace"), "replacement characters"),
        ("a\x00b", "control characters"),
        ("a\x9fb", "control characters"),
    ],
)
def test_damage_made_on_purpose_is_seen(text: str, kind: str) -> None:
    assert kind in damage_signs(text)
