"""Texts -> the numbers that a reader sees in them. Knows nothing about references or metrics.

Digits of all scripts are digits, as full-width ones are. Superscripts are powers: of a number (10³ is 1000), or of a
unit, where they are none (25 m² is 25). Subscripts are no numbers (CO₂). Fractions are read where they are written as
such (½, 1¾, 3⁄4), not with the slash of dates and ratings (3/4 ends in 4). Commas, apostrophes and single spaces
between thousands are passed over, and so are currency and percent signs (50% is 50). Words for numbers (three, 万) are
not read.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Context, Decimal

_POWER = r"\^\{?(?P<%s>[-+]?\d{1,3}+)(?!\d)\}?"
_NUMBER = re.compile(
    r"(?:(?<![0-9a-z.,)%])(?P<sign>[-+]))?"
    r"(?:(?:(?P<whole>\d++) {1,2})?(?P<upper>\d++)⁄(?P<lower>0*+[1-9]\d*+)"
    r"|(?P<plain>"
    r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?"
    r"|\d{1,3}(?:['’]\d{3})+(?!\d)(?:\.\d+)?"
    r"|\d{1,3}(?: \d{3})+(?![\d⁄])(?:[.,]\d+)?"
    r"|\d+(?:\.\d+)?|(?<![\d.])\.\d+)"
    r"(?P<ten>e[-+]?\d{1,3}(?!\d))?"
    rf"(?:{_POWER % 'power'}| ?[×x*·⋅] ?10{_POWER % 'times_ten'})?)"
    r"|\^\{?[-+]?\d++\}?"  # of a unit
    r"|(?<=\d) ?[kcdm]?m[23](?![0-9a-z])"  # a unit too: m2 for m²
)
_CURRENCY = re.compile(r"\$\s*")
_TYPED_FRACTION = re.compile("([⁰¹²³⁴-⁹]+)⁄([₀-₉]+)")
_POWERS = re.compile("[⁺⁻]?[⁰¹²³⁴-⁹]+")
_LIKE_ASCII = str.maketrans({"−": "-", "–": "-", "٫": ".", "٬": ","})
# No number of a text is too large to compare, but powers of one may be.
_BOUNDED = Context(prec=50, traps=[])


def plain(text: str) -> str:
    """Return the text in lower case, with ASCII digits and signs, powers as `^2` and fractions as `1⁄2`."""
    text = _TYPED_FRACTION.sub(lambda found: f" {_nfkc(found[1])}⁄{_nfkc(found[2])}", text)
    text = _POWERS.sub(lambda found: "^" + _nfkc(found[0]), text)
    return "".join(map(_plain_character, text)).translate(_LIKE_ASCII).lower()


def numbers(text: str) -> list[Decimal]:
    """Return the numbers of a `plain` text in order.

    A minus counts where no digit or Latin letter stands before it, so that 3-5 ends in 5.
    """
    found = (_value(number) for number in _NUMBER.finditer(_CURRENCY.sub("", text)))
    return [value for value in found if value is not None]


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category in {"Sc", "Cf"}:
        return "$" if category == "Sc" else ""
    match unicodedata.decomposition(character).partition(" ")[0]:
        case "<sub>":
            return ""
        case "<fraction>":
            return f" {_nfkc(character)}"
        case "<square>":  # units in one character: ㎡ is none of 2
            return re.sub(r"\d", "", _nfkc(character))
    return _nfkc(character)


def _value(number: re.Match[str]) -> Decimal | None:
    if number["upper"]:
        part = _BOUNDED.divide(Decimal(number["upper"]), Decimal(number["lower"]))
        return _signed(number, Decimal(number["whole"] or 0) + part)
    if not number["plain"]:
        return None
    value = Decimal(_without_thousands(number["plain"]) + (number["ten"] or ""))
    if number["power"]:
        raised = _BOUNDED.power(value, int(number["power"]))
        value = raised if raised.is_finite() else value
    elif number["times_ten"]:
        value = value.scaleb(int(number["times_ten"]))
    return _signed(number, value)


def _signed(number: re.Match[str], value: Decimal) -> Decimal:
    return value.copy_negate() if number["sign"] == "-" else value


def _without_thousands(number: str) -> str:
    if " " in number:
        return number.replace(" ", "").replace(",", ".")
    return re.sub("[,'’]", "", number)
