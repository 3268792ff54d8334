"""Label words proposed for a task: near in the vocabulary, or common pairs. Knows nothing about data or templates.

C labels, V vocabulary, D hidden.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional as F

from trimtab.backbones.backbone import Backbone
from trimtab.prompts import Verbalizer, tokenize

# Nearest vocabulary entries looked through for whole words, and words taken of them.
NEAR, TAKEN = 200, 3
_ENGLISH, _CHINESE = re.compile(r" [A-Za-z]{2,}"), re.compile("[\u4e00-\u9fff]+")
_PAIRS = {
    "en": (("bad", "good"), ("no", "yes"), ("negative", "positive"), ("terrible", "great")),
    "zh": (("差", "好"), ("否", "是"), ("负面", "正面"), ("不满意", "满意")),
}

Words = dict[str, list[str]]


def word_proposals(
    words: Mapping[str, Sequence[str]], verbalizer: Verbalizer, backbone: Backbone, tokenizer: Any, *,
    chinese: bool,
) -> list[Words]:  # fmt: skip
    """Sets of label words: the given ones first; with their nearest; their neighbours; for two labels common pairs.

    Args:
        words: label -> words, as given.
        verbalizer: the same as token ids.
        backbone, tokenizer: the model, whose output vectors say which words are near.
        chinese: propose common pairs in Chinese; else in English.
    """
    given = {label: list(own) for label, own in words.items()}
    near = neighbours(verbalizer, backbone, tokenizer)
    out = [given]
    for n in range(min(map(len, near))):
        own = {label: [near[i][n]] for i, label in enumerate(given)}
        out += [own] if n else [own, {label: [*given[label], *own[label]] for label in given}]
    if len(given) == 2:
        first, second = given
        for one, other in _PAIRS["zh" if chinese else "en"]:
            out += [{first: [one], second: [other]}, {first: [other], second: [one]}]
    return [proposal for i, proposal in enumerate(out) if proposal not in out[:i]]


def neighbours(verbalizer: Verbalizer, backbone: Backbone, tokenizer: Any) -> list[list[str]]:
    """The whole words nearest to each label's first word by the cosine of output vectors, of one token and at most 3.

    A word of several tokens counts as the mean of them; a neighbour belongs to the label it is nearest to.
    """
    given = {word.text.strip().casefold() for word in verbalizer.words}
    firsts = [verbalizer.trained_word(label).text for label in range(len(verbalizer.labels))]
    with torch.no_grad():
        vectors_VD = backbone.output.weight.float()
        means = [vectors_VD[torch.tensor(tokenize(tokenizer, text), device=backbone.device)].mean(0) for text in firsts]
        cosines_CV = F.normalize(torch.stack(means), dim=-1) @ F.normalize(vectors_VD, dim=-1).T
        owner_V = cosines_CV.argmax(0)
        order = cosines_CV.topk(min(NEAR, cosines_CV.shape[1])).indices.tolist()
    out = []
    for label, text in enumerate(firsts):
        wanted = _ENGLISH if text.startswith(" ") and text.strip().isascii() else _CHINESE
        found: list[str] = []
        for i in order[label]:
            word = tokenizer.decode([i])
            plain = word.strip().casefold()
            if int(owner_V[i]) == label and wanted.fullmatch(word) and plain not in given:
                given.add(plain)
                found.append(word.strip())
        out.append(found[:TAKEN])
    return out
