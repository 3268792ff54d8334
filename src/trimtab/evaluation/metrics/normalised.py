"""Short answers normalised, so that what does not matter is not compared. Knows nothing about metrics.

English follows SQuAD v1.1 (Rajpurkar et al. 2016), Chinese CMRC 2018 (Cui et al. 2019), as their scripts do it, but
that letters are composed first (NFC): the scripts take the letter of a decomposed à for an article.
"""

from __future__ import annotations

import re
import string
import unicodedata

SQUAD, CMRC = "rules:squad-v1.1", "rules:cmrc2018"

_ARTICLES = re.compile(r"\b(a|an|the)\b(?![\u0300-\u036f])")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
# What CMRC 2018's script leaves out.
_CMRC_PUNCTUATION = "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』"
_NO_CMRC_PUNCTUATION = str.maketrans("", "", _CMRC_PUNCTUATION)


def squad_normalised(text: str) -> str:
    """Return the text in lower case, without punctuation and articles, words one space apart."""
    return " ".join(_ARTICLES.sub(" ", _lower(text).translate(_NO_PUNCTUATION)).split())


def cmrc_normalised(text: str) -> str:
    """Return the text in lower case without the punctuation that CMRC 2018 leaves out."""
    return _lower(text).strip().translate(_NO_CMRC_PUNCTUATION)


def _lower(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()
