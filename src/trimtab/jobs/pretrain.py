"""`trimtab pretrain`: a language model trained from nothing on the texts of a corpus file.

corpus file -> splits -> tokenizer -> ids -> model -> folder, with how well it foretells dev and test
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trimtab.errors import DataError, RunError
from trimtab.pretraining.corpora import Split, splits_of
from trimtab.runs.folder import PART, folder_named, make_folder, write_whole
from trimtab.settings.corpus import Corpus, HmmSettings, NgramSettings
from trimtab.settings.file import dump_task, read_corpus
from trimtab.sources.cache import cache_folder

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from trimtab.inference.perplexity import Likelihood
    from trimtab.pretraining.encoded import EncodedSplit
    from trimtab.pretraining.hmm import HmmModel
    from trimtab.pretraining.ngram.model import NgramModel

CORPUS_FILE, FIGURES_FILE, ARPA_FILE = "corpus.yaml", "figures.json", "model.arpa"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """What a training left.

    Attributes:
        folder: where it is.
        tokens, documents: of train, ends of documents included.
        seconds: how long the model took, without reading and encoding texts.
        scores: how well it foretells each split but train.
    """

    folder: Path
    tokens: int
    documents: int
    seconds: float
    scores: dict[str, Likelihood]


def is_pretrained(folder: Path | str) -> bool:
    """Whether this is a folder that `trimtab pretrain` wrote."""
    return (Path(folder) / CORPUS_FILE).is_file() and (Path(folder) / FIGURES_FILE).is_file()


def run(path: Path, overrides: Sequence[str] = (), out: Path | None = None, say: Say = lambda text: None) -> Trained:
    """Train the model of a corpus file and write its folder, which is there in full or not at all.

    Args:
        path: the corpus file.
        overrides: `setting.name=value`.
        out: the folder; `runs/NAME` by default.
        say: told what is done.

    Raises:
        TrimtabError: a setting or a text that will not do, or a folder that holds something already.
    """
    corpus = read_corpus(path, overrides)
    out = out or folder_named(corpus.name)
    _check_empty(out)
    splits = splits_of(corpus.data, base=path.parent)
    work = out.with_name(out.name + PART)
    shutil.rmtree(work, ignore_errors=True)  # of a process that was killed
    make_folder(work)
    try:
        trained = _train(corpus, splits, work, say)
        if out.is_dir():
            out.rmdir()  # it is empty
        work.rename(out)
    except OSError as fault:
        what = f"{out}: cannot be written ({fault.strerror or fault})."
        raise RunError(what, "Free some space, or choose another folder with --out.") from fault
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return replace(trained, folder=out)


def _check_empty(out: Path) -> None:
    if out.is_file():
        raise RunError(f"{out}: a file, not a folder.", "Choose another folder with --out.")
    if out.is_dir() and any(out.iterdir()):
        state = "holds a trained model" if is_pretrained(out) else "is not empty"
        raise RunError(f"{out}: the folder {state}.", "Choose another folder with --out.")


def _train(corpus: Corpus, splits: dict[str, Split], work: Path, say: Say) -> Trained:
    from trimtab.inference.perplexity import Likelihood
    from trimtab.pretraining.encoded import encoded
    from trimtab.pretraining.tokenizers import save_tokenizer, train_tokenizer

    tokenizer = train_tokenizer((document.text for document in splits["train"]), corpus.tokenizer)
    ids = {name: encoded(split, tokenizer, cache_folder() / "corpora") for name, split in splits.items()}
    train = ids["train"]
    say(f"{corpus.tokenizer.kind} tokenizer: {tokenizer.get_vocab_size():,} tokens")
    say(f"train: {len(train.ids_T):,} tokens, {train.documents:,} documents")
    started = time.perf_counter()
    match corpus.model:
        case NgramSettings() as settings:
            model: NgramModel | HmmModel = _ngram(settings, train, tokenizer, work)
        case HmmSettings() as hidden:
            model = _hmm(hidden, train, tokenizer, work, say)
    seconds = time.perf_counter() - started
    scores = {
        name: Likelihood(len(own.ids_T), float(-model.log_probabilities(own.ids_T).sum()), own.bytes)
        for name, own in ids.items()
        if name != "train"
    }
    save_tokenizer(tokenizer, work)
    write_whole(work / CORPUS_FILE, dump_task(corpus))
    figures = {
        name: {"tokens": one.tokens, "loss": one.loss, "perplexity": one.perplexity, "bits_per_byte": one.bits_per_byte}
        for name, one in scores.items()
    }
    kept = {"tokens": len(train.ids_T), "documents": train.documents, "seconds": seconds, "scores": figures}
    write_whole(work / FIGURES_FILE, json.dumps(kept))
    return Trained(work, len(train.ids_T), train.documents, seconds, scores)


def _ngram(settings: NgramSettings, train: EncodedSplit, tokenizer: Tokenizer, folder: Path) -> NgramModel:
    from trimtab.pretraining.ngram.arpa import write_arpa
    from trimtab.pretraining.ngram.estimate import estimate
    from trimtab.pretraining.ngram.model import NgramModel, save_ngram

    words = tokenizer.get_vocab_size()
    model = NgramModel(estimate(train.ids_T, end=train.end, words=words, order=settings.order), words, train.end)
    save_ngram(model, folder)
    write_arpa(model, [str(tokenizer.id_to_token(word)) for word in range(words)], folder / ARPA_FILE)
    return model


def _hmm(settings: HmmSettings, train: EncodedSplit, tokenizer: Tokenizer, folder: Path, say: Say) -> HmmModel:
    from trimtab.pretraining.hmm import save_hmm, train_hmm

    model = train_hmm(
        train.ids_T, end=train.end, words=tokenizer.get_vocab_size(), states=settings.states,
        iterations=settings.iterations, seed=settings.seed,
        tell=lambda number, before: say(f"iteration {number} of {settings.iterations}: train perplexity {before:.1f}"),
    )  # fmt: skip
    save_hmm(model, folder)
    return model


def _load_model(folder: Path, corpus: Corpus) -> NgramModel | HmmModel:
    """The model of a folder, of the kind that its corpus file names. Raises RunError where it is damaged."""
    from trimtab.pretraining.hmm import load_hmm
    from trimtab.pretraining.ngram.model import load_ngram

    match corpus.model:
        case NgramSettings():
            return load_ngram(folder)
        case HmmSettings():
            return load_hmm(folder)


# Options of `trimtab perplexity` that a folder has no use for.
_OF_NO_USE = {
    "--format": "Texts are read by their endings: leave it out, and name the file by what it holds.",
    "--context": "The model reads each document whole: leave it out.",
    "--stride": "The model reads each document whole: leave it out.",
    "--per-row": "Leave it out: of a trained model there are totals of each file.",
}


def refuse_options(folder: Path, given: Sequence[str]) -> None:
    """Refuse options that scoring by a trained model has no use for. Raises RunError."""
    for option in given:
        raise RunError(f"{option}: not for {folder}, which `trimtab pretrain` wrote.", _OF_NO_USE[option])


def score(folder: Path, source: str, *, field: str | None = None, encoding: str = "utf-8") -> Likelihood:
    """How well a trained model foretells texts, cut into documents as its corpus file says.

    Args:
        folder: what `run` wrote.
        source: a text, rows, a folder or a pattern.
        field: column of rows; by default that of the corpus file.
        encoding: text encoding.

    Raises:
        TrimtabError: a folder or a text that cannot be read.
    """
    from trimtab.inference.perplexity import Likelihood
    from trimtab.pretraining.encoded import encoded
    from trimtab.pretraining.tokenizers import load_tokenizer

    if source == "-":
        raise DataError(
            "standard input: a trained model reads a text more than once.", "Save it as a file, and name that."
        )
    corpus = read_corpus(folder / CORPUS_FILE)
    update = {"field": field or corpus.data.field, "encoding": encoding}
    split = Split("test", source, corpus.data.model_copy(update=update), Path.cwd())
    own = encoded(split, load_tokenizer(folder), cache_folder() / "corpora")
    logs = _load_model(folder, corpus).log_probabilities(own.ids_T)
    return Likelihood(len(own.ids_T), float(-logs.sum()), own.bytes)


def generate(folder: Path, text: str, *, tokens: int, temperature: float, seed: int, answers: int) -> list[str]:
    """How a text goes on, by a trained model: the whole texts, each with a random stream of its own.

    Raises:
        RunError: no such folder, or a damaged one.
    """
    from trimtab.pretraining.tokenizers import UNKNOWN, encode, load_tokenizer

    if not is_pretrained(folder):
        raise RunError(f"{folder}: not a trained model.", "Give the folder that `trimtab pretrain` wrote.")
    tokenizer, model = load_tokenizer(folder), _load_model(folder, read_corpus(folder / CORPUS_FILE))
    unknown = tokenizer.token_to_id(UNKNOWN)
    never = [] if unknown is None else [unknown]
    [before] = encode(tokenizer, [text])
    streams = [np.random.default_rng([seed, number]) for number in range(answers)]
    drawn = [model.drawn(before, tokens, temperature, stream, never) for stream in streams]
    return [str(tokenizer.decode([*before, *own], skip_special_tokens=False)) for own in drawn]
