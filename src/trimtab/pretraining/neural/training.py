"""A recurrent model or a transformer trained in a folder, taken up where it was stopped, and kept as a backbone.

ids -> model and reader -> the loop, checkpoints beside it -> the best on dev, as transformers saves it
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import PreTrainedModel

from trimtab.backbones.pretrained import pick_device, pick_precision
from trimtab.backbones.silence import quiet
from trimtab.errors import DataError, RunError
from trimtab.pretraining.encoded import EncodedSplit
from trimtab.pretraining.neural.models import new_recurrent, new_transformer
from trimtab.pretraining.neural.reader import CarryingTraining, Ids, Reader
from trimtab.pretraining.neural.segments import Segments
from trimtab.pretraining.neural.streams import Streams
from trimtab.runs.folder import CHECKPOINT_FILE
from trimtab.runs.tensors import as_os_error, load_tensors
from trimtab.settings.corpus import CorpusTrainSettings, RecurrentSettings, TransformerSettings
from trimtab.training.loop import DevScore, Parameters, Plan, StepRecord
from trimtab.training.optimisers import RATE_OF
from trimtab.tuning import metrics
from trimtab.tuning.folder import run_loop

WEIGHTS_FILE = "model.safetensors"
# Tokens of a segment and the rate of AdamW by default.
RECURRENT_LENGTH, RECURRENT_RATE = 64, 0.002
TRANSFORMER_LENGTH, TRANSFORMER_RATE = 256, 0.001
_SMALLER = "Lower train.batch_size, train.length, tokenizer.size, or the model's sizes."
# Told of a step, of the plan, and of the tokens that a step reads.
OnStep = Callable[[StepRecord, Plan, int], None]


@dataclass(frozen=True)
class NeuralModel:
    """A model, what reads a corpus with it, and how it is trained.

    Attributes:
        model: a transformers model, whose parameters are the first ones.
        reader: see Reader.
        plan: how it is trained.
        tokens: tokens of a step.
    """

    model: PreTrainedModel
    reader: Reader
    plan: Plan
    tokens: int


def recurrent(settings: RecurrentSettings, train: CorpusTrainSettings, split: EncodedSplit, words: int) -> NeuralModel:
    """A recurrent model before its first step. Raises TrimtabError where there is too little text."""
    length, device = train.length or RECURRENT_LENGTH, pick_device(train.device)
    model = new_recurrent(settings, words, split.end, train.seed).to(device)
    bfloat16 = pick_precision(train.precision, device) == torch.bfloat16
    reader = Streams(model, split.ids_T, streams=train.batch_size, length=length, seed=train.seed, bfloat16=bfloat16)
    return NeuralModel(model, reader, _plan(train, reader.rows, RECURRENT_RATE), train.batch_size * length)


def transformer(
    settings: TransformerSettings, train: CorpusTrainSettings, split: EncodedSplit, words: int
) -> NeuralModel:
    """A transformer before its first step. Raises TrimtabError where there is too little text."""
    length, device = train.length or TRANSFORMER_LENGTH, pick_device(train.device)
    model = new_transformer(settings, words, split.end, length, train.seed).to(device)
    bfloat16 = pick_precision(train.precision, device) == torch.bfloat16
    reader = Segments(model, split.ids_T, length=length, seed=train.seed, bfloat16=bfloat16)
    return NeuralModel(model, reader, _plan(train, reader.rows, TRANSFORMER_RATE), train.batch_size * length)


def _plan(train: CorpusTrainSettings, rows: int, rate: float) -> Plan:
    a_pass = max(1, round(rows / train.batch_size))
    return Plan(
        rows=rows,
        steps=train.steps or max(1, round(train.epochs * rows / train.batch_size)),
        batch_size=train.batch_size,
        evaluate_every=train.evaluate_every or a_pass,
        patience=train.patience or None,
        rate=train.rate or rate * RATE_OF[train.optimiser],
        seeds=(train.seed,),
        optimiser=train.optimiser,
        schedule=train.schedule,
        warmup=train.warmup,
        weight_decay=train.weight_decay,
        clip=train.clip,
    )


def train_in(
    folder: Path, neural: NeuralModel, train: Ids, dev: Ids, every: float, on_step: OnStep | None = None
) -> int | None:
    """Train in a folder, from its checkpoint where it holds one; the best on dev are the model's parameters then.

    Args:
        folder: holds checkpoints and metrics while it lasts.
        neural: from `recurrent` or `transformer`; changed.
        train, dev: token ids.
        every: seconds between checkpoints.
        on_step: told of every step.

    Returns:
        The step at which the user stopped it, or None where it came to its end.

    Raises:
        TrimtabError: it diverged, memory ran out, or the folder cannot be written or holds the checkpoint of another
            training.
    """
    if not len(dev):
        raise DataError("dev: no tokens to choose on.", "Give more text, or raise data.held_out.")

    def judge(_: Sequence[int], parameters: Sequence[Parameters]) -> list[DevScore]:
        [own] = parameters
        loss = neural.reader.nats(own, dev) / len(dev)
        return [DevScore(math.exp(-loss), loss)]  # the mean probability of a token, so that a lower loss is better

    first = dict(neural.model.named_parameters())
    training = CarryingTraining(neural.plan, [first], neural.reader.loss, judge, reader=neural.reader)
    made_of = {"tokens": _hash(train), "held_out": _hash(dev)}
    if (folder / CHECKPOINT_FILE).is_file():
        stored = load_tensors(folder / CHECKPOINT_FILE)
        for what, title in (("tokens", "train"), ("held_out", "dev")):
            if stored.values.get(what) != made_of[what]:
                raise RunError(
                    f"{folder}: begun with other texts than {title} holds now.",
                    "Put the former ones back, or choose another folder with --out.",
                )
        training.restore(stored)
    metrics.keep(folder, training.done)
    told = (lambda record, plan: on_step(record, plan, neural.tokens)) if on_step else None
    stop = run_loop(training, folder, made_of, every, told, smaller=_SMALLER)
    if stop is not None:
        return stop.step
    with torch.no_grad():
        for name, parameter in first.items():
            parameter.copy_(training.best[0][name])
    return None


def save_model(model: PreTrainedModel, folder: Path) -> None:
    """Write it as transformers does. Raises OSError where it cannot be written."""
    try:
        with quiet():
            model.save_pretrained(folder)
        weights = folder / WEIGHTS_FILE
        weights.chmod(0o666 & (folder.stat().st_mode | 0o600))  # safetensors would keep others from reading it
    except SafetensorError as error:
        raise as_os_error(error) from error


def _hash(ids_T: Ids) -> str:
    return hashlib.sha256(np.ascontiguousarray(ids_T).data).hexdigest()
