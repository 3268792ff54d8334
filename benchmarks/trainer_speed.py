"""How fast is a prompt tuned to write text from end to end, beside PEFT's PromptTuning in transformers' own Trainer?

    python benchmarks/trainer_speed.py DATA
    python benchmarks/trainer_speed.py DATA --steps 60 --rounds 3 --batch 32

Both sides tune a prompt of 20 tokens on the same records of the task e2e, in the same number format: reading records,
making tokens, batches and padding are part of it, so are optimiser and schedule. Each round starts a process a side,
one after the other; what counts are the steps after the second. Answer tokens a second, padding not counted, and the
highest memory of the process, weights and libraries included. Each measurement is appended to a results file.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import machine
import torch

WARM = 2  # steps not counted
LENGTH = 20


def peak_bytes() -> int:
    """VmHWM of this process."""
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def ours(data: Path, steps: int, batch: int, dtype: str, told: Any) -> None:
    """Tune with `trimtab.jobs.tune`; send the time of each step, then the peak."""
    from trimtab.jobs import tune
    from trimtab.settings.file import read_task

    settings = [
        f"method.length={LENGTH}",
        "data.train=train.jsonl",
        "data.dev=dev.jsonl",
        "data.test=null",
        f"train.steps={steps}",
        f"train.batch_size={batch}",
        f"train.evaluate_every={steps}",
        f"train.precision={dtype}",
    ]
    task = read_task(Path(__file__).parent / "tasks" / "e2e.yaml", settings)
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        tune.run(task, Path(folder) / "run", base=data, beside=False, report=False,
                 on_plan=lambda task, plan, notes: check(plan.rows, steps * batch),
                 on_step=lambda record, plan: times.append(time.perf_counter()))  # fmt: skip
    told.send((times[:-1], peak_bytes()))  # the last step is followed by an evaluation


def theirs(data: Path, steps: int, batch: int, dtype: str, told: Any) -> None:
    """The same with PEFT and Trainer."""
    from peft import PromptTuningConfig, TaskType, get_peft_model
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    folder = weights()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = [encoded(tokenizer, *pair) for pair in pairs(data)]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    tuned = get_peft_model(model, PromptTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=LENGTH))
    times: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as out:
        settings = TrainingArguments(
            out, max_steps=steps, per_device_train_batch_size=batch, learning_rate=0.01, lr_scheduler_type="cosine",
            save_strategy="no", report_to=[], disable_tqdm=True, logging_strategy="no", use_cpu=True,
        )  # fmt: skip
        collator = DataCollatorForSeq2Seq(tokenizer)
        Trainer(tuned, settings, train_dataset=rows, data_collator=collator, callbacks=[Clock()]).train()
    told.send((times[:-1], peak_bytes()))


def weights() -> Path:
    from trimtab.backbones.pretrained import model_folder
    from trimtab.sources import cache_folder, find_model

    return model_folder(find_model("smollm2-135m").path, cache_folder())


def check(rows: int, wanted: int) -> None:
    """Both sides must train on the same records."""
    if rows != wanted:
        raise SystemExit(f"{rows} records are trained on, not {wanted}.")


def sample(data: Path, folder: Path, records: int) -> None:
    """Write records drawn from E2E's, shuffled, and one more for dev, for both sides to read."""
    lines = (data / "e2e" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    drawn = random.Random(0).sample(lines, records + 1)
    (folder / "train.jsonl").write_text("\n".join(drawn[1:]) + "\n", encoding="utf-8")
    (folder / "dev.jsonl").write_text(drawn[0] + "\n", encoding="utf-8")


def pairs(data: Path) -> list[tuple[str, str]]:
    """What is read and what is said, a record each."""
    rows = [json.loads(line) for line in (data / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    return [(f"Facts: {row['mr']}\nDescription:", f" {row['ref']}") for row in rows]


def encoded(tokenizer: Any, text: str, answer: str) -> dict[str, list[int]]:
    asked = tokenizer(text)["input_ids"]
    said = [*tokenizer(answer)["input_ids"], tokenizer.eos_token_id]
    return {
        "input_ids": asked + said,
        "attention_mask": [1] * len(asked + said),
        "labels": [-100] * len(asked) + said,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16"])
    parser.add_argument("--results", type=Path, default=Path("trainer_speed.jsonl"))
    given = parser.parse_args()

    from transformers import AutoTokenizer

    from trimtab.backbones.pretrained import pick_precision

    dtype = str(pick_precision(given.dtype, torch.device("cpu"))).removeprefix("torch.")
    about = {**machine.describe(), "dtype": dtype, "batch": given.batch, "steps": given.steps}
    print(json.dumps(about), flush=True)
    context = multiprocessing.get_context("spawn")
    seconds: dict[str, list[float]] = {"ours": [], "peft": []}
    peaks: dict[str, list[int]] = {"ours": [], "peft": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sample(given.data, folder, given.steps * given.batch)
        tokenizer = AutoTokenizer.from_pretrained(weights())
        answers = [encoded(tokenizer, *pair)["labels"] for pair in pairs(folder)]
        tokens = given.batch * statistics.mean(sum(label >= 0 for label in labels) for labels in answers)
        for _ in range(given.rounds):
            for side, job in (("ours", ours), ("peft", theirs)):
                here, there = context.Pipe(duplex=False)
                process = context.Process(target=job, args=(folder, given.steps, given.batch, dtype, there))
                process.start()
                there.close()
                times, peak = here.recv()
                process.join()
                seconds[side].append((times[-1] - times[WARM - 1]) / (len(times) - WARM))
                peaks[side].append(peak)
    with given.results.open("a") as out:
        row = {**about, "answer_tokens_a_step": tokens, "seconds_a_step": seconds, "peak_bytes": peaks}
        out.write(json.dumps(row) + "\n")
    print("| | answer tokens/s | records/s | memory |\n| --- | --: | --: | --: |")
    for name, own in seconds.items():
        step = statistics.median(own)
        print(f"| {name} | {tokens / step:.0f} | {given.batch / step:.1f} | {max(peaks[name]) / 1e6:,.0f} MB |")
    print(f"{statistics.median(seconds['peft']) / statistics.median(seconds['ours']):.2f}x")


if __name__ == "__main__":
    main()
