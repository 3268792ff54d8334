"""Texts -> tokens that metrics count: Chinese characters one by one, everything else word by word. Knows no metric.

What a word is, in whatever script, says `trimtab.data.text.word_parts`.
"""

from __future__ import annotations

import unicodedata

import regex

from trimtab.data.text.word_parts import KATAKANA, LETTERS, UNSPACED, UNSPACED_LETTER, run

# What signatures of metrics that count these tokens say.
TOKENS = "tokens:words+chinese-characters"
_WORD = run(LETTERS, but=rf"{UNSPACED}\p{{WB=Katakana}}")
_TOKEN = regex.compile(f"{UNSPACED_LETTER}|{KATAKANA}|{_WORD}", regex.V1)


def tokens(text: str) -> list[str]:
    """Return single Chinese characters and runs of other letters and digits, lower-cased; no punctuation, no emoji.

    Letters of other scripts without spaces (hiragana, Thai) are single too, with their marks.
    On ASCII text these are the tokens of the `rouge-score` package without its stemmer.
    """
    found: list[str] = _TOKEN.findall(unicodedata.normalize("NFC", text).lower())
    return found


def longest_common_run(one: list[str], other: list[str]) -> int:
    """Return the length of the longest run of tokens that stands in both, in time linear in their lengths.

    By the suffix automaton of `one` (Blumer et al. 1985), which is then fed `other`.
    """
    steps, links, lengths = _suffix_automaton(one)
    state = length = longest = 0
    for token in other:
        while state and token not in steps[state]:
            state = links[state]
            length = lengths[state]
        if token in steps[state]:
            state = steps[state][token]
            length += 1
        longest = max(longest, length)
    return longest


def _suffix_automaton(sequence: list[str]) -> tuple[list[dict[str, int]], list[int], list[int]]:
    """Return, by state, its steps by token, its suffix link and the length of its longest run; state 0 is the start."""
    steps: list[dict[str, int]] = [{}]
    links, lengths, last = [-1], [0], 0
    for token in sequence:
        new = len(steps)
        steps.append({})
        lengths.append(lengths[last] + 1)
        links.append(0)
        before = last
        while before >= 0 and token not in steps[before]:
            steps[before][token] = new
            before = links[before]
        if before >= 0:
            after = steps[before][token]
            if lengths[before] + 1 == lengths[after]:
                links[new] = after
            else:
                copy = len(steps)
                steps.append(dict(steps[after]))
                lengths.append(lengths[before] + 1)
                links.append(links[after])
                while before >= 0 and steps[before].get(token) == after:
                    steps[before][token] = copy
                    before = links[before]
                links[after] = links[new] = copy
        last = new
    return steps, links, lengths
