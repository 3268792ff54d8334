"""Tokenizers trained on a stream of texts, saved as transformers opens them. Knows nothing about files or models.

What is saved needs nothing of ours: `AutoTokenizer.from_pretrained(folder)` cuts texts as the model's training did.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import regex
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from trimtab.data.text.word_parts import CJK
from trimtab.errors import RunError
from trimtab.evaluation.text.words import segmented
from trimtab.settings.corpus import TokenizerSettings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

UNKNOWN, END = "<unk>", "<|endoftext|>"
TOKENIZER_FILE = "tokenizer.json"
SIZES = {"word": 50_000, "character": 5_000, "bpe": 8_000, "unigram": 8_000}
# What words are cut by where marks stand by themselves: words with their apostrophes and hyphens, numbers with their
# points, each mark; white space is left out.
_MARKS = r"<unk>|[\p{L}\p{M}\p{N}_]+(?:['’-][\p{L}\p{M}\p{N}_]+|[.,][\p{N}]+)*|[^\s\p{L}\p{M}\p{N}_]"
_SPACES = r"[^\s]+"
_HAN = regex.compile(f"[{CJK}]+")


def train_tokenizer(texts: Iterable[str], settings: TokenizerSettings) -> Tokenizer:
    """A tokenizer whose vocabulary is found in texts; `<unk>`, where it has one, and the end of text come first.

    Args:
        texts: read once, one after another; counts of words are what memory holds.
        settings: kind and size.
    """
    size = settings.size or SIZES[settings.kind]
    readied = map(plain, texts)
    match settings.kind:
        case "word":
            return _words(readied, settings, size)
        case "character":
            return _characters(readied, size)
        case "bpe":
            return _bytes(readied, models.BPE(), trainers.BpeTrainer, size)
        case "unigram":
            return _bytes(readied, models.Unigram(), trainers.UnigramTrainer, size)


def plain(text: str) -> str:
    """A text in which nothing reads as the end of a text."""
    return text.replace(END, "<| endoftext |>")


def encode(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of texts, without special tokens: what looks like one is text."""
    return [found.ids for found in tokenizer.encode_batch_fast([plain(text) for text in texts])]


def end_id(tokenizer: Tokenizer) -> int:
    """The id of what ends a text."""
    found = tokenizer.token_to_id(END)
    assert found is not None
    return int(found)


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write it into a folder as transformers does."""
    as_transformers(tokenizer).save_pretrained(str(folder))


def as_transformers(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """The same tokenizer as transformers has it."""
    from transformers import PreTrainedTokenizerFast

    unknown = {"unk_token": UNKNOWN} if tokenizer.token_to_id(UNKNOWN) is not None else {}
    made: PreTrainedTokenizerFast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END, bos_token=END, pad_token=END, **unknown
    )
    return made


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read what `save_tokenizer` wrote. Raises RunError where it is not there or damaged."""
    file = folder / TOKENIZER_FILE
    if not file.is_file():
        raise RunError(f"{file}: no such file.", "Give the folder that `trimtab pretrain` wrote.")
    try:
        return _reading_text(Tokenizer.from_file(str(file)))
    except Exception as fault:  # the library raises no other type
        raise RunError(f"{file}: damaged ({fault}).", "Train it again.") from None


def _reading_text(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer, for which what looks like a special token is text."""
    tokenizer.encode_special_tokens = True
    return tokenizer


def _bytes(texts: Iterator[str], model: Any, trainer: Any, size: int) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    taught = trainer(vocab_size=size, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, taught)
    return _reading_text(tokenizer)


def _characters(texts: Iterator[str], size: int) -> Tokenizer:
    counts = Counter(character for text in texts for character in text)
    tokenizer = Tokenizer(models.WordLevel(_numbered(counts, size), unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return _with_special(tokenizer)


def _words(texts: Iterator[str], settings: TokenizerSettings, size: int) -> Tokenizer:
    """Words; where much of the text is Chinese, those of the segmenter, which the likeliest path finds again.

    A segmenter by a dictionary looks for the likeliest path of words (jieba does): a unigram model over the words that
    it found, with their frequencies, so cuts alike and can be saved. Words of other scripts that are not in the
    vocabulary may then be cut at words within them.
    """
    pattern = _SPACES if settings.split == "spaces" else _MARKS
    cut = regex.compile(pattern)
    counts: Counter[str] = Counter()
    spaced = unspaced = 0
    for text in texts:
        for word in cut.findall(text):
            if _HAN.search(word):
                parts = segmented(word)
                counts.update(parts)
                unspaced += len(parts)
            else:
                counts[word] += 1
                spaced += 1
    if unspaced < spaced:
        tokenizer = Tokenizer(models.WordLevel(_numbered(counts, size), unk_token=UNKNOWN))
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
        return _with_special(tokenizer)
    return _with_special(_segmenting(counts, pattern, size))


def _segmenting(counts: Counter[str], pattern: str, size: int) -> Tokenizer:
    total = sum(counts.values())
    kept = _numbered(counts, size)
    scores = [(word, math.log(counts[word] / total) if word in counts else -100.0) for word in kept]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def _numbered(counts: Counter[str], size: int) -> dict[str, int]:
    """Ids of special tokens and of the commonest words, as many as fit; ties in the order of their characters."""
    ranked = sorted((word for word in counts if word not in (UNKNOWN, END)), key=lambda word: (-counts[word], word))
    return {word: number for number, word in enumerate([UNKNOWN, END, *ranked][:size])}


def _with_special(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.add_special_tokens([UNKNOWN, END])
    return _reading_text(tokenizer)
