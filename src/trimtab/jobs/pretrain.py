"""`trimtab pretrain`: a language model trained from nothing on the texts of a corpus file.

corpus file -> splits -> tokenizer -> ids -> model -> folder, with how well it foretells dev and test
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trimtab.errors import DataError, RunError
from trimtab.pretraining.corpora import Split, splits_of
from trimtab.runs.folder import CHECKPOINT_FILE, LOCK_FILE, PART, folder_named, write_whole
from trimtab.runs.lock import held
from trimtab.settings.answers import COLDEST, TextAnswer
from trimtab.settings.corpus import Corpus, HmmSettings, NgramSettings, RecurrentSettings, TransformerSettings
from trimtab.settings.file import dump_task, read_corpus
from trimtab.settings.methods.base import LARGEST_SEED
from trimtab.sources.cache import cache_folder

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from trimtab.inference.perplexity import Likelihood
    from trimtab.pretraining.encoded import EncodedSplit
    from trimtab.pretraining.hmm import HmmModel
    from trimtab.pretraining.neural.reader import Ids
    from trimtab.pretraining.neural.training import NeuralModel, OnStep
    from trimtab.pretraining.ngram.model import NgramModel

CORPUS_FILE, FIGURES_FILE, ARPA_FILE, CONFIG_FILE = "corpus.yaml", "figures.json", "model.arpa", "config.json"
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


@dataclass(frozen=True)
class Stopped:
    """A training that the user stopped: at which step, and the folder in which it waits to be gone on with."""

    step: int
    folder: Path


@dataclass(frozen=True)
class _Fitted:
    """A trained model: the negative log-likelihood of token ids under it, in nats, and the seconds that it took."""

    nats: Callable[[Ids], float]
    seconds: float


def is_pretrained(folder: Path | str) -> bool:
    """Whether this is a folder that `trimtab pretrain` wrote."""
    return (Path(folder) / CORPUS_FILE).is_file() and (Path(folder) / FIGURES_FILE).is_file()


def is_apart(folder: Path | str) -> bool:
    """Whether `trimtab pretrain` wrote it, and it is no backbone: an n-gram or a hidden Markov model."""
    return is_pretrained(folder) and not (Path(folder) / CONFIG_FILE).is_file()


def run(
    path: Path,
    overrides: Sequence[str] = (),
    out: Path | None = None,
    say: Say = lambda text: None,
    *,
    resume: bool = False,
    on_step: OnStep | None = None,
) -> Trained | Stopped:
    """Train the model of a corpus file and write its folder, which is there in full or not at all.

    What is trained in steps keeps checkpoints beside it, in a folder named as it is with `.part` behind, until it is
    there.

    Args:
        path: the corpus file.
        overrides: `setting.name=value`.
        out: the folder; `runs/NAME` by default.
        say: told what is done.
        resume: go on from the last checkpoint; ends bit-identical (on the same machine and threads) to a training that
            was never stopped.
        on_step: told of every step of what is trained in steps.

    Raises:
        TrimtabError: a setting or a text that will not do, or a folder that holds something already.
    """
    corpus = read_corpus(path, overrides)
    out = out or folder_named(corpus.name)
    _check_empty(out)
    splits = splits_of(corpus.data, base=path.parent)
    work = out.with_name(out.name + PART)
    with held(work, "training"):
        _check_begun(work, corpus, resume)
        try:
            trained = _train(corpus, splits, work, say, on_step)
            if isinstance(trained, Stopped):
                return trained
            (work / CHECKPOINT_FILE).unlink(missing_ok=True)
            (work / LOCK_FILE).unlink(missing_ok=True)
            if out.is_dir():
                out.rmdir()  # it is empty
            work.rename(out)
        except OSError as fault:
            what = f"{out}: cannot be written ({fault.strerror or fault})."
            raise RunError(what, "Free some space, or choose another folder with --out.") from fault
        finally:
            _clear(work)
    return replace(trained, folder=out)


def _check_empty(out: Path) -> None:
    if out.is_file():
        raise RunError(f"{out}: a file, not a folder.", "Choose another folder with --out.")
    if out.is_dir() and any(out.iterdir()):
        state = "holds a trained model" if is_pretrained(out) else "is not empty"
        raise RunError(f"{out}: the folder {state}.", "Choose another folder with --out.")


def _check_begun(work: Path, corpus: Corpus, resume: bool) -> None:
    """Empty the folder that is worked in, unless it holds what is to be gone on with."""
    if not (work / CHECKPOINT_FILE).is_file():
        _clear(work)
        return
    if not resume:
        raise RunError(f"{work}: holds a training that was not finished.", "Go on with --resume, or delete the folder.")
    from trimtab.tuning.folder import check_settings

    check_settings(work, read_corpus(work / CORPUS_FILE), corpus)


def _clear(work: Path) -> None:
    """Forget what was begun, unless there is a checkpoint to go on from."""
    if not work.is_dir() or (work / CHECKPOINT_FILE).is_file():
        return
    for inner in work.iterdir():
        if inner.is_dir():
            shutil.rmtree(inner, ignore_errors=True)
        elif inner.name != LOCK_FILE:
            with suppress(OSError):
                inner.unlink()


def _train(
    corpus: Corpus, splits: dict[str, Split], work: Path, say: Say, on_step: OnStep | None
) -> Trained | Stopped:  # fmt: skip
    from trimtab.inference.perplexity import Likelihood
    from trimtab.pretraining.encoded import encoded
    from trimtab.pretraining.tokenizers import load_tokenizer, save_tokenizer, train_tokenizer

    if (work / CHECKPOINT_FILE).is_file():
        tokenizer = load_tokenizer(work)
    else:
        tokenizer = train_tokenizer((document.text for document in splits["train"]), corpus.tokenizer)
        save_tokenizer(tokenizer, work)
        write_whole(work / CORPUS_FILE, dump_task(corpus))
    ids = {name: encoded(split, tokenizer, cache_folder() / "corpora") for name, split in splits.items()}
    train = ids["train"]
    say(f"{corpus.tokenizer.kind} tokenizer: {tokenizer.get_vocab_size():,} tokens")
    say(f"train: {len(train.ids_T):,} tokens, {train.documents:,} documents")
    match corpus.model:
        case NgramSettings() as settings:
            fitted: _Fitted | Stopped = _ngram(settings, train, tokenizer, work)
        case HmmSettings() as settings:
            fitted = _hmm(settings, train, tokenizer, work, say)
        case RecurrentSettings() as settings:
            from trimtab.pretraining.neural.training import recurrent

            model = recurrent(settings, corpus.train, train, tokenizer.get_vocab_size())
            fitted = _neural(model, corpus, ids, work, say, on_step)
        case TransformerSettings() as settings:
            from trimtab.pretraining.neural.training import transformer

            model = transformer(settings, corpus.train, train, tokenizer.get_vocab_size())
            fitted = _neural(model, corpus, ids, work, say, on_step)
    if isinstance(fitted, Stopped):
        return fitted
    scores = {
        name: Likelihood(len(own.ids_T), fitted.nats(own.ids_T), own.bytes)
        for name, own in ids.items()
        if name != "train"
    }
    figures = {
        name: {"tokens": one.tokens, "loss": one.loss, "perplexity": one.perplexity, "bits_per_byte": one.bits_per_byte}
        for name, one in scores.items()
    }
    kept = {"tokens": len(train.ids_T), "documents": train.documents, "seconds": fitted.seconds, "scores": figures}
    write_whole(work / FIGURES_FILE, json.dumps(kept))
    return Trained(work, len(train.ids_T), train.documents, fitted.seconds, scores)


def _ngram(settings: NgramSettings, train: EncodedSplit, tokenizer: Tokenizer, folder: Path) -> _Fitted:
    from trimtab.pretraining.ngram.arpa import write_arpa
    from trimtab.pretraining.ngram.estimate import estimate
    from trimtab.pretraining.ngram.model import NgramModel, save_ngram

    started = time.perf_counter()
    words = tokenizer.get_vocab_size()
    model = NgramModel(estimate(train.ids_T, end=train.end, words=words, order=settings.order), words, train.end)
    save_ngram(model, folder)
    write_arpa(model, [str(tokenizer.id_to_token(word)) for word in range(words)], folder / ARPA_FILE)
    return _Fitted(lambda ids: float(-model.log_probabilities(ids).sum()), time.perf_counter() - started)


def _neural(
    neural: NeuralModel, corpus: Corpus, ids: dict[str, EncodedSplit], work: Path, say: Say, on_step: OnStep | None
) -> _Fitted | Stopped:
    """What is trained in steps, in the folder in which it is kept."""
    import torch

    from trimtab.pretraining.neural.training import save_model, train_in
    from trimtab.tuning import metrics

    plan, own = neural.plan, corpus.train
    if own.threads is not None:
        torch.set_num_threads(own.threads)
    say(
        f"{corpus.model.kind}: {neural.model.num_parameters():,} parameters, {plan.steps:,} steps of "
        f"{neural.tokens:,} tokens, {plan.optimiser}, rate {plan.rate:g}, {plan.schedule}, "
        f"dev every {plan.evaluate_every:,} steps"
    )
    stopped_at = train_in(work, neural, ids["train"].ids_T, ids["dev"].ids_T, own.checkpoint_seconds, on_step)
    if stopped_at is not None:
        return Stopped(stopped_at, work)
    save_model(neural.model, work)
    parameters = dict(neural.model.named_parameters())
    return _Fitted(lambda split: neural.reader.nats(parameters, split), metrics.seconds(work))


def _hmm(settings: HmmSettings, train: EncodedSplit, tokenizer: Tokenizer, folder: Path, say: Say) -> _Fitted:
    from trimtab.pretraining.hmm import save_hmm, train_hmm

    started = time.perf_counter()
    model = train_hmm(
        train.ids_T, end=train.end, words=tokenizer.get_vocab_size(), states=settings.states,
        iterations=settings.iterations, seed=settings.seed,
        tell=lambda number, before: say(f"iteration {number} of {settings.iterations}: train perplexity {before:.1f}"),
    )  # fmt: skip
    save_hmm(model, folder)
    return _Fitted(lambda ids: float(-model.log_probabilities(ids).sum()), time.perf_counter() - started)


def _load_model(folder: Path, corpus: Corpus) -> NgramModel | HmmModel:
    """The model of a folder, of the kind that its corpus file names. Raises RunError where it is damaged."""
    from trimtab.pretraining.hmm import load_hmm
    from trimtab.pretraining.ngram.model import load_ngram

    match corpus.model:
        case NgramSettings():
            return load_ngram(folder)
        case HmmSettings():
            return load_hmm(folder)
        case _:
            raise RunError(f"{folder}: a {corpus.model.kind} is a backbone, and no model of its own.", "Name another.")


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
    """How well an n-gram or hidden Markov model foretells texts, cut into documents as its corpus file says.

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
    tokenizer = load_tokenizer(folder)
    unknown = tokenizer.token_to_id(UNKNOWN)
    never = [] if unknown is None else [unknown]
    [before] = encode(tokenizer, [text])
    go_on = _own_texts if is_apart(folder) else _backbone_texts
    drawn = go_on(folder, before, tokens, temperature, seed, answers, never)
    return [str(tokenizer.decode([*before, *own], skip_special_tokens=False)) for own in drawn]


def _own_texts(
    folder: Path, before: Sequence[int], tokens: int, temperature: float, seed: int, answers: int, never: Sequence[int]
) -> list[Sequence[int]]:
    model = _load_model(folder, read_corpus(folder / CORPUS_FILE))
    streams = [np.random.default_rng([seed, number]) for number in range(answers)]
    return [model.drawn(before, tokens, temperature, stream, never) for stream in streams]


def _backbone_texts(
    folder: Path, before: Sequence[int], tokens: int, temperature: float, seed: int, answers: int, never: Sequence[int]
) -> list[Sequence[int]]:
    from trimtab.backbones.layout import Row
    from trimtab.backbones.open import open_backbone
    from trimtab.decoding.answer_text import Ask
    from trimtab.decoding.constraints import Without
    from trimtab.decoding.generation import Done, write

    pretrained = open_backbone(str(folder.absolute()), precision="float32")
    backbone, end = pretrained.backbone, pretrained.tokenizer.eos_token_id
    if 1 + len(before) + tokens > backbone.context:
        raise RunError(
            f"{folder}: the model reads {backbone.context:,} tokens, and the text has {len(before):,} and is to get "
            f"{tokens:,}.",
            "Shorten the text, or lower --tokens.",
        )
    heat = 0.0 if temperature < COLDEST else temperature
    settings = [TextAnswer(temperature=heat, seed=(seed + number) % LARGEST_SEED) for number in range(answers)]
    asks = [Ask(Row((end, *before)), own, tokens, Without(never) if never else None) for own in settings]
    done = {}
    for event in write(backbone, asks, None, pretrained.tokenizer, [end]):
        if isinstance(event, Done):
            done[event.row] = event.answers[0].ids
    return [done[number] for number in range(answers)]
