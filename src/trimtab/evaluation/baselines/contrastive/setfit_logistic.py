"""SetFit: a sentence encoder tuned on pairs of rows, and logistic regression on it. Knows nothing about backbones.

Shapes: N rows, C classes. The library works in a process of its own (`setfit_process.py`): as it is imported it sets
levels of logging and filters of warnings, and in training seeds and progress bars, for all of a process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trimtab.data import stratified_sample
from trimtab.data.example import Example
from trimtab.errors import TrimtabError, need_library
from trimtab.evaluation.baselines.class_answers import ClassAnswers, likeliest
from trimtab.evaluation.scores.gold import answer_ids
from trimtab.evaluation.text.words import joined_fields

# Tokens of pairs that the encoder is trained on at most, both texts of each counted: minutes, with MiniLM on two cores.
MOST_TOKENS = 100_000
# Rows that pairs are made of at most: the library lists all pairs of them.
MOST_ROWS = 1_000
_PROCESS = Path(__file__).with_name("setfit_process.py")
# What keeps a process from fetching, from reporting to others, and from drawing bars.
_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",
}


def setfit_logistic(
    train: Sequence[Example],
    examples: Sequence[Example],
    labels: Sequence[str],
    *,
    encoder: Path,
    threads: int,
    gpu: bool = False,
    seed: int = 0,
) -> ClassAnswers:
    """SetFit (Tunstall et al. 2022, "Efficient few-shot learning without prompts"), as its library carries it out.

    The encoder is trained for one pass over pairs of training rows, of one label as often as of two, so that texts of
    one label come to lie near each other; logistic regression is fitted to what it then makes of the rows. Settings are
    the library's own: batches of 16 pairs, a rate of 2e-5. Where pairs hold more than `MOST_TOKENS` tokens, so many are
    drawn; where there are more than `MOST_ROWS` rows, pairs are of so many of them, and the regression is of all.

    Args:
        train: labelled examples.
        examples: the N examples to answer; their answers are not looked at.
        labels: the C labels, in the order of the columns.
        encoder: the folder of the encoder, which stays as it is.
        threads: threads to compute with.
        gpu: whether to use one, where there is one.
        seed: seed of the order of pairs, of dropout, and of the rows that pairs are made of.

    Returns:
        A label that train lacks has probability 0. The same for the same seed on the same machine.

    Raises:
        MissingExtraError: the library is not installed.
        TrimtabError: train is empty, has an answer that is missing or not one of the labels, or one label alone; or the
            library cannot train this encoder.
    """
    need_library("setfit", "way 'setfit'", title="SetFit", extra="setfit")
    answers_N = answer_ids(train, labels)
    known = np.unique(answers_N)
    if len(known) < 2:
        found = f"the label '{labels[known[0]]}' alone" if len(known) else "no row"
        raise TrimtabError(
            f"way 'setfit': train holds {found}, expected two labels or more, as pairs of rows are compared.",
            "Add rows with other labels, or leave this way out.",
        )
    paired = stratified_sample(train, MOST_ROWS, seed)
    asked = {
        "encoder": str(encoder.resolve()),
        "paired": [joined_fields(example) for example in paired],
        "paired_answers": answer_ids(paired, labels).tolist(),
        "texts": [joined_fields(example) for example in train],
        "answers": answers_N.tolist(),
        "asked": [joined_fields(example) for example in examples],
        "most_tokens": MOST_TOKENS,
        "seed": seed,
    }
    probabilities_NC = np.zeros((len(examples), len(labels)))
    if examples:
        probabilities_NC[:, known] = np.array(_carried_out(asked, threads, gpu))
    return likeliest(probabilities_NC)


def _carried_out(asked: dict[str, object], threads: int, gpu: bool) -> list[list[float]]:
    """Probabilities of the labels that train has, a list a row, by a process that leaves nothing behind."""
    with tempfile.TemporaryDirectory(prefix="trimtab-setfit-") as folder:
        there = Path(folder)
        (there / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
        env = {**os.environ, **_QUIET, "OMP_NUM_THREADS": str(threads), "HF_DATASETS_CACHE": str(there / "datasets")}
        env |= {} if gpu else {"CUDA_VISIBLE_DEVICES": ""}
        env["PYTHONPATH"] = os.pathsep.join(str(Path(path).resolve()) for path in sys.path if path)
        done = subprocess.run(
            [sys.executable, "-P", str(_PROCESS)], cwd=there, env=env, stdin=subprocess.DEVNULL, check=False,
            capture_output=True, text=True, errors="replace",
        )  # fmt: skip
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.strip()]
            raise TrimtabError(
                f"way 'setfit': SetFit ended with an error ({said[-1].strip() if said else done.returncode}).",
                "Name another encoder as `embeddings`, one of sentence-transformers, or leave this way out.",
            )
        found: list[list[float]] = json.loads((there / "found.json").read_text(encoding="utf-8"))
        return found
