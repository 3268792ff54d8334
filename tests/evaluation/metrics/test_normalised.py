"""Normalised answers as the scripts of SQuAD v1.1 and CMRC 2018 have them, by hand."""

from __future__ import annotations

from trimtab.evaluation.metrics.normalised import cmrc_normalised, squad_normalised


def test_squad() -> None:
    assert squad_normalised("The  Eiffel-Tower, an «A»!") == "eiffeltower « »"
    assert squad_normalised("theatre a") == "theatre"
    assert squad_normalised("voila\u0300 a\u0300 a\u0327") == "voilà à a\u0327"


def test_cmrc() -> None:
    assert cmrc_normalised(" 《红楼梦》 The A-B。") == "红楼梦 the ab"
    assert cmrc_normalised("是的.") == "是的."
