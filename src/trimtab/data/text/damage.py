"""Signs that a text was decoded with the wrong encoding. Knows nothing about examples or files.

The signs are heuristics: what they match hardly ever occurs in sound English or Chinese.
"""

from __future__ import annotations

import re

# The characters that the bytes 0x80 to 0xBF stand for in Latin-1 or, where it differs, Windows-1252.
_TAIL = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"

_SIGNS = {
    "replacement characters": re.compile("\ufffd"),
    "UTF-8 read as Latin-1": re.compile(f"[ÂÃ]{_TAIL}|[â-ï]{_TAIL}{{2}}|[ðñòó]{_TAIL}{{3}}|â€|ï¼|ï½|ã€"),
    "UTF-8 read as GBK": re.compile("锟斤拷|锛|銆"),
    "GBK read as Latin-1": re.compile("(?:[À-ÖØ-ö][¡-þ]){2,}"),
    "control characters": re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"),
}


def damage_signs(text: str) -> list[str]:
    """Return the kinds of damage that `text` shows signs of, such as `replacement characters`."""
    return [kind for kind, sign in _SIGNS.items() if sign.search(text)]
