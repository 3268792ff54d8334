"""Does a decomposed prompt (DePT, Shi & Lipani 2024) beat a soft prompt of as many numbers? Scores on dev only.

    python benchmarks/decomposed.py DATA sst2 trec
    python benchmarks/decomposed.py --table

A decomposed prompt is a shorter soft prompt and a matrix of low rank, A B, whose k-th line is added to the embedding of
a row's k-th token. Both are trained here by the same plain code on transformers' own model in bfloat16: AdamW, 256
training rows, 125 steps of 8, a cosine, the soft prompt at its default rate. Each result is appended to a results file,
and one that is in it is not made again.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from pathlib import Path

import torch
from accuracy import once, read

ROWS, DEV_ROWS, STEPS, BATCH, RATE = 256, 300, 125, 8, 0.08
# (tokens of the prompt, lines of the low-rank part, its rank, its rate): 20 x 576 = 10 x 576 + 64 x 9 + 9 x 576
VARIANTS = ((20, 0, 0, 0.0), (10, 64, 9, 1e-4), (10, 64, 9, 1e-3), (10, 64, 9, 1e-2))


class Prompted:
    """A frozen causal model in transformers, with a soft prompt before its rows and lines added to their embeddings."""

    def __init__(self, bound) -> None:  # type: ignore[no-untyped-def]
        from transformers import AutoModelForCausalLM

        from trimtab.backbones.pretrained import model_folder
        from trimtab.sources import cache_folder, find_model

        folder = model_folder(find_model(bound.task.backbone).path, cache_folder())
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).requires_grad_(False)
        self.embedding = self.model.get_input_embeddings().weight
        self.rms = self.embedding.float().square().mean().sqrt().item()
        self.words = self.embedding[[word.ids[0] for word in bound.verbalizer.words]].float()
        self.head = list(bound.encoder.head_ids)

    def scores(self, rows: list[list[int]], prompt: torch.Tensor, added: torch.Tensor | None) -> torch.Tensor:
        """Scores of the label words [B, W] for token ids, `prompt` [P, D] in units of the RMS, lines [S, D] or None."""
        longest, size = max(map(len, rows)), len(prompt)
        ids = torch.zeros(len(rows), longest, dtype=torch.long)
        mask = torch.zeros(len(rows), size + longest, dtype=torch.long)
        for k, row in enumerate(rows):
            ids[k, : len(row)] = torch.tensor(row)
            mask[k, : size + len(row)] = 1
        x = self.embedding[ids].float()
        if added is not None:
            reach = min(longest, len(added))
            x = torch.cat([x[:, :reach] + added[:reach], x[:, reach:]], 1)
        x = torch.cat([(prompt * self.rms).expand(len(rows), -1, -1), x], 1).to(self.embedding.dtype)
        states = self.model.model(inputs_embeds=x, attention_mask=mask, use_cache=False).last_hidden_state
        last = torch.tensor([size + len(row) - 1 for row in rows])
        return states[torch.arange(len(rows)), last].float() @ self.words.T


def measure(data: Path, set: str, length: int, lines: int, rank: int, rate: float, seed: int) -> dict:  # type: ignore[type-arg]
    """Train once; accuracy and loss on dev, half way and at the end."""
    from trimtab import load_splits
    from trimtab.backbones.open import backbone_of
    from trimtab.kinds.bind import bind
    from trimtab.kinds.choose import kind_of, template_of
    from trimtab.settings.file import read_task

    settings = ["data.test=null", f"data.limit={ROWS}", f"data.dev_limit={DEV_ROWS}"]
    task = read_task(Path(__file__).parent / "tasks" / f"{set}.yaml", settings)
    splits = load_splits(task.data, template_of(task).fields, task.answer, base=data)
    bound = bind(task, kind_of(task.answer).words(task, splits.train), backbone_of(task, data), data)
    prompted = Prompted(bound)

    def encoded(examples) -> list[tuple[list[int], int]]:  # type: ignore[no-untyped-def]
        rows = [bound.encoder.encode(example.fields) for example in examples]
        return [
            ([*prompted.head, *row.ids], bound.labels.index(e.answer)) for row, e in zip(rows, examples, strict=True)
        ]

    train, dev = encoded(splits.train), encoded(splits.dev)
    torch.manual_seed(seed)
    start = (bound.pretrained.tokenizer(task.task, add_special_tokens=False)["input_ids"] * length)[:length]
    prompt = (prompted.embedding[start].float() / prompted.rms).clone().requires_grad_()
    groups = [{"params": [prompt], "lr": RATE}]
    if lines:
        a = (0.02 * torch.randn(lines, rank)).requires_grad_()
        b = torch.zeros(rank, prompt.shape[1], requires_grad=True)
        groups.append({"params": [a, b], "lr": rate})
    trained = [x for group in groups for x in group["params"]]  # type: ignore[attr-defined]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: (1 + math.cos(math.pi * step / STEPS)) / 2)

    def loss_of(rows: list[tuple[list[int], int]]) -> tuple[torch.Tensor, int]:
        scores = prompted.scores([ids for ids, _ in rows], prompt, a @ b if lines else None)
        right = torch.tensor([label for _, label in rows])
        loss = torch.nn.functional.cross_entropy(scores, right, reduction="sum")
        return loss, int((scores.argmax(1) == right).sum())

    drawn, order, seen = random.Random(seed), list[int](), []
    began = time.perf_counter()
    for step in range(1, STEPS + 1):
        if len(order) < BATCH:
            order = drawn.sample(range(len(train)), len(train))
        batch = [train[order.pop()] for _ in range(BATCH)]
        optimiser.zero_grad()
        (loss_of(batch)[0] / BATCH).backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        schedule.step()
        if step in ((STEPS + 1) // 2, STEPS):
            with torch.no_grad():
                parts = [loss_of(dev[at : at + 32]) for at in range(0, len(dev), 32)]
            seen.append((sum(right for _, right in parts) / len(dev), sum(float(x) for x, _ in parts) / len(dev)))
    return {"dev": seen, "trained": sum(x.numel() for x in trained), "seconds": time.perf_counter() - began}


def table(rows: list[dict]) -> str:  # type: ignore[type-arg]
    """Markdown: a line a run."""
    made = [
        "| set | prompt | low-rank part | its rate | seed | trained | accuracy | loss | seconds |",
        "| --- | --: | --- | --: | --: | --: | --: | --: | --: |",
    ]
    for row in rows:
        part = f"{row['lines']} lines of rank {row['rank']} | {row['rate']:g}" if row["lines"] else " | "
        accuracy = ", ".join(f"{100 * right:.1f}" for right, _ in row["dev"])
        loss = ", ".join(f"{value:.3f}" for _, value in row["dev"])
        made.append(
            f"| {row['set']} | {row['length']} | {part} | {row['seed']} | {row['trained']:,} | {accuracy} | {loss} "
            f"| {row['seconds']:.0f} |"
        )
    return "\n".join(made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path("decomposed.jsonl"))
    parser.add_argument("--table", action="store_true", help="print the results file as Markdown, measure nothing")
    given = parser.parse_args()
    if given.table:
        print(table(read(given.results)))
        return
    if given.data is None or not given.sets:
        parser.error("give the data folder and at least one set")
    for name in given.sets:
        for seed in range(given.seeds):
            for length, lines, rank, rate in VARIANTS:
                key = {"set": name, "length": length, "lines": lines, "rank": rank, "rate": rate, "seed": seed}
                once(given.results, key, lambda key=key: measure(given.data, **key))


if __name__ == "__main__":
    main()
