"""What a process of SetFit's own carries out: `asked.json` to `found.json`. Knows nothing about Trimtab.

It is run as a script in a folder that is removed afterwards; see `setfit_logistic`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# Tokens of a text that are read at most, as MiniLM reads; pairs of a batch, as SetFit has them.
LENGTH, BATCH = 256, 16


def answered(asked: dict[str, Any]) -> list[list[float]]:
    """Probabilities of classes, a list a text asked.

    Args:
        asked: `encoder`, its folder; `paired` and `paired_answers`, texts that pairs are made of; `texts` and
            `answers`, what the regression is fitted to; `asked`, the texts to answer; `most_tokens`, of all pairs;
            `seed`.
    """
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from setfit import SetFitModel, Trainer, TrainingArguments
    from sklearn.linear_model import LogisticRegression

    paired, classes = asked["paired"], asked["paired_answers"]
    body = SentenceTransformer(asked["encoder"], local_files_only=True)
    body.max_seq_length = min(body.max_seq_length or LENGTH, LENGTH)
    lengths = [min(len(ids), LENGTH) for ids in body.tokenizer(paired)["input_ids"]]
    most = max(1, int(asked["most_tokens"] / (2 * BATCH * sum(lengths) / len(lengths))))
    model = SetFitModel(model_body=body, model_head=LogisticRegression(max_iter=1000))
    settings = TrainingArguments(
        output_dir="checkpoints", batch_size=BATCH, max_steps=most if steps(classes) > most else -1,
        seed=asked["seed"], show_progress_bar=False, report_to="none", logging_strategy="no", save_strategy="no",
    )  # fmt: skip
    trainer = Trainer(model=model, args=settings, train_dataset=Dataset.from_dict({"text": paired, "label": classes}))
    trainer.train_embeddings(paired, classes)
    trainer.train_classifier(asked["texts"], asked["answers"])
    found: list[list[float]] = model.predict_proba(asked["asked"], as_numpy=True).tolist()
    return found


def steps(labels: list[int]) -> int:
    """Steps of one pass over pairs: all those of two labels, and as many of one, or the other way round.

    A row makes a pair with itself too.
    """
    counts = [labels.count(label) for label in set(labels)]
    alike = sum(n * (n + 1) // 2 for n in counts)
    apart = len(labels) * (len(labels) + 1) // 2 - alike
    return -(-2 * max(alike, apart) // BATCH)


if __name__ == "__main__":
    made = answered(json.loads(Path("asked.json").read_text(encoding="utf-8")))
    Path("found.json").write_text(json.dumps(made), encoding="utf-8")
