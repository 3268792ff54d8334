"""Label <-> the words that stand for it, as token ids. Knows nothing about models or templates.

Words that share a stem share its tokens: all words together form a tree whose inner nodes are run once a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from trimtab.errors import DataError, TaskError
from trimtab.prompts.tokens import tokenize

ROOT = -1
# A tree of label words with more inner nodes than this is a large one: to run them all would cost more than the row
# itself, and to learn them all more than to tell the labels apart.
TREE_NODES = 16


@dataclass(frozen=True)
class Word:
    """One label word.

    Attributes:
        label: index of its label.
        text: the word as it stands in the row, leading white space included.
        ids: its token ids (with the end token, where one word begins another); with `Verbalizer.branches` only so many
            as tell it from all others.
        nodes: for each token, the tree node whose scores it is read from; ROOT is the last token of the row.
    """

    label: int
    text: str
    ids: tuple[int, ...]
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class Verbalizer:
    """Labels and their words.

    Attributes:
        labels: label names, in order.
        words: all label words.
        node_ids, parents: token id and parent of each inner node of the tree (see layout.Row); empty where every
            word is one token.
        length_normalise: divide a word's score by its number of tokens.
        branches: score a token among those that words go on with at its node, not among the whole vocabulary; the
            words' probabilities then sum to 1.
    """

    labels: tuple[str, ...]
    words: tuple[Word, ...]
    node_ids: tuple[int, ...]
    parents: tuple[int, ...]
    length_normalise: bool = False
    branches: bool = False

    @cached_property
    def choices(self) -> dict[int, tuple[int, ...]]:
        """Tokens that words go on with, by node, ROOT included."""
        found: dict[int, set[int]] = {}
        for word in self.words:
            for node, token in zip(word.nodes, word.ids, strict=True):
                found.setdefault(node, set()).add(token)
        return {node: tuple(sorted(tokens)) for node, tokens in found.items()}

    @property
    def single_token(self) -> bool:
        """Whether every word is one token, so that its score needs no normalising over the vocabulary."""
        return not self.node_ids

    @property
    def large(self) -> bool:
        """Whether the tree of all words is a large one (see `TREE_NODES`)."""
        return len(self.node_ids) > TREE_NODES

    @property
    def longest(self) -> int:
        """Tokens of the longest word."""
        return max((len(word.ids) for word in self.words), default=0)

    def trained_word(self, label: int) -> Word:
        """The word of a label that training aims at where words have several tokens: its first."""
        return next(word for word in self.words if word.label == label)


def default_words(labels: Sequence[str]) -> dict[str, list[str]]:
    """Each label's own name, `_` read as a space."""
    return {label: [label.replace("_", " ")] for label in labels}


def make_verbalizer(
    words: Mapping[str, Sequence[str]],
    tokenizer: Any,
    *,
    lead: str = "",
    before: str = "",
    length_normalise: bool = False,
    masked: bool = False,
    apart: bool = False,
    branches: bool = False,
) -> Verbalizer:
    """Tokenise label words and build their tree.

    Args:
        words: label -> words.
        tokenizer: a transformers tokenizer.
        lead: white space between the row's text and the answer.
        before: the row's text before the answer; where it ends in a Latin letter or mark and a word begins with a Latin
            letter or digit and there is no white space between, a space is put there.
        length_normalise: see Verbalizer.
        masked: whether the answer stands in the place of one mask token.
        apart: whether the answer is a text of its own, which a decoder says: a word's tokens are then those that the
            tokenizer makes of it as a target, special ones left out.
        branches: see Verbalizer.

    Raises:
        TaskError: fewer than two labels, a label without words, a word without tokens, two labels with one word, a
            word that one mask token cannot stand for, or that a decoder has no tokens for.
    """
    _check_number(words)
    ids_of: dict[tuple[int, ...], tuple[str, str]] = {}
    for label, candidates in words.items():
        if not candidates:
            raise TaskError(f"labels: label '{label}' has no words.", "Give it at least one.")
        for word in candidates:
            text = spaced(word, lead, before)
            ids = _ids(tokenizer, word.strip() if apart else text, apart) if word.strip() else ()
            if not ids:
                raise TaskError(
                    f"labels: the word {word!r} of label '{label}' has no tokens.",
                    "Choose a word with letters or digits.",
                )
            if masked or apart:
                _check_known(word, label, ids, tokenizer)
            if masked:
                _check_masked(word, label, ids, tokenizer)
            other, other_text = ids_of.setdefault(ids, (label, text))
            if other != label:
                same = "" if other_text == text else f" (in tokens: {other_text!r} and {text!r} read the same)"
                raise TaskError(
                    f"labels: '{other}' and '{label}' have the same word {word!r}{same}.",
                    "Give each label words of its own.",
                )
    paths = _told_apart(list(ids_of), ids_of, tokenizer)
    paths = _shortest(paths) if branches else paths
    labels = tuple(words)
    entries = [(labels.index(label), text, path) for (label, text), path in zip(ids_of.values(), paths, strict=True)]
    return replace(_tree(labels, entries, length_normalise), branches=branches)


def _ids(tokenizer: Any, text: str, apart: bool) -> tuple[int, ...]:
    if apart:
        return tuple(tokenizer(text_target=text, add_special_tokens=False)["input_ids"])
    return tuple(tokenize(tokenizer, text))


def wordless(labels: Sequence[str]) -> Verbalizer:
    """Labels whose words are not scored: each stands for its own name, of no tokens. Raises TaskError under two."""
    _check_number(labels)
    words = [Word(i, label, (), ()) for i, label in enumerate(labels)]
    return Verbalizer(tuple(labels), tuple(words), (), ())


def make_options(
    options: Sequence[str],
    tokenizer: Any,
    where: str,
    *,
    plain: Callable[[str], str] = str,
    lead: str = "",
    before: str = "",
    length_normalise: bool = False,
) -> Verbalizer:
    """A row's own options as labels, each standing for its own text in the answer's place.

    Args:
        options: at least two different texts.
        tokenizer: a transformers tokenizer.
        where: the row, for messages.
        plain: what is done to texts of the data so that they hold no control tokens.
        lead, before, length_normalise: see `make_verbalizer`.

    Raises:
        DataError: two options that read the same in tokens; one that begins another, where the backbone has no end
            token.
    """
    ids_of: dict[tuple[int, ...], tuple[str, str]] = {}
    for option in options:
        text = spaced(plain(option), lead, before)
        ids = tuple(tokenize(tokenizer, text))
        if ids in ids_of:
            same = f"{where}: the options '{ids_of[ids][0]}' and '{option}' read the same in tokens."
            raise DataError(same, "Correct the row, or leave it out.")
        ids_of[ids] = option, text
    paths = _told_apart(list(ids_of), ids_of, tokenizer, where, DataError)
    entries = [(i, text, path) for i, ((_, text), path) in enumerate(zip(ids_of.values(), paths, strict=True))]
    return _tree(tuple(options), entries, length_normalise)


def _check_number(labels: Collection[str]) -> None:
    if len(labels) < 2:
        raise TaskError(
            f"labels: expected at least 2 labels, found {', '.join(labels) or 'none'}.",
            "List every label under `labels:`.",
        )


def _check_known(word: str, label: str, ids: Sequence[int], tokenizer: Any) -> None:
    """Refuse a word that the vocabulary has no tokens for."""
    if tokenizer.unk_token_id in ids:
        raise TaskError(
            f"labels: the word {word!r} of label '{label}' is not in the vocabulary of the backbone.",
            "Choose another word for it.",
        )


def _check_masked(word: str, label: str, ids: Sequence[int], tokenizer: Any) -> None:
    """Refuse a word that is not one token."""
    if len(ids) > 1:
        tokens = ", ".join(repr(tokenizer.decode([i])) for i in ids)
        raise TaskError(
            f"labels: the word {word!r} of label '{label}' has {len(ids)} tokens ({tokens}), and a masked language "
            "model answers with one.",
            "Choose a word of one token.",
        )


def _told_apart(
    paths: list[tuple[int, ...]],
    entries: Mapping[tuple[int, ...], tuple[str, str]],
    tokenizer: Any,
    where: str = "labels",
    error: type[TaskError | DataError] = TaskError,
) -> list[tuple[int, ...]]:
    """The words' tokens, all with the end token behind them where one word begins another."""
    begun = next(((a, b) for a in paths for b in paths if a != b and b[: len(a)] == a), None)
    if begun is None:
        return paths
    if tokenizer.eos_token_id is None:
        (_, short), (_, long) = (entries[path] for path in begun)
        raise error(
            f"{where}: the word {short!r} begins {long!r}, and the backbone has no end token to tell them apart.",
            "Choose words that do not begin one another.",
        )
    return [(*path, tokenizer.eos_token_id) for path in paths]


def _shortest(paths: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Of each path, none of which begins another, as much as no other begins with."""
    begun = Counter(path[:depth] for path in paths for depth in range(1, len(path) + 1))
    return [next(path[:d] for d in range(1, len(path) + 1) if begun[path[:d]] == 1) for path in paths]


def spaced(word: str, lead: str, before: str) -> str:
    """An answer as it stands behind the row's text: see `make_verbalizer` for `lead` and `before`."""
    if lead or word[:1].isspace() or not before:
        return lead + word.lstrip() if lead else word
    latin = word[:1].isascii() and word[:1].isalnum() and before[-1:].isascii() and not before[-1:].isspace()
    return " " + word if latin else word


def _tree(
    labels: tuple[str, ...], entries: list[tuple[int, str, tuple[int, ...]]], length_normalise: bool
) -> Verbalizer:
    index: dict[tuple[int, ...], int] = {(): ROOT}
    node_ids: list[int] = []
    parents: list[int] = []
    words = []
    for label, text, ids in entries:
        nodes = [ROOT]
        for depth in range(1, len(ids)):
            stem = ids[:depth]
            if stem not in index:
                index[stem] = len(node_ids)
                parents.append(index[stem[:-1]])
                node_ids.append(stem[-1])
            nodes.append(index[stem])
        words.append(Word(label, text, ids, tuple(nodes)))
    return Verbalizer(labels, tuple(words), tuple(node_ids), tuple(parents), length_normalise)
