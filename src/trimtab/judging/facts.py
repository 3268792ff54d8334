"""The facts of a report, gathered from task, data, run and backbone. Knows nothing about engines or scores."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example, Splits
from trimtab.data.records import source_name
from trimtab.evaluation.scores.gold import class_counts
from trimtab.methods.method import trained
from trimtab.reports.facts import BackboneFacts, MachineFacts
from trimtab.reports.run_report import DataFacts, MethodFacts, RunFacts
from trimtab.runs.folder import PROMPT_FILE
from trimtab.runs.run import NAMES_OF_BACKBONE, Run
from trimtab.settings.task import DataSettings, Task


def made_with(task: Task, backbone: Mapping[str, str], pretrained: Pretrained) -> dict[str, Any]:
    """What reports and comparisons say of the task and of what it was done with, by field.

    Args:
        task: the settings.
        backbone: what the run remembers of it (`backbone_facts`).
        pretrained: the backbone.
    """
    return {
        "name": task.name,
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "trimtab": version("trimtab"),
        "task": task.task,
        "backbone": BackboneFacts(
            **{name: backbone[name] for name in NAMES_OF_BACKBONE}, parameters=pretrained.backbone.parameters
        ),
        "machine": machine_facts(pretrained),
        "settings": task.model_dump(mode="json"),
    }


def machine_facts(pretrained: Pretrained) -> MachineFacts:
    """What the backbone runs on."""
    precision = str(pretrained.backbone.dtype).removeprefix("torch.")
    return MachineFacts(cpu=_processor(pretrained), threads=torch.get_num_threads(), precision=precision)


def method_facts(tuned: Run, length: int) -> MethodFacts:
    """What was trained and is kept of it; `length` is how many tokens it is long, 0 where that says nothing."""
    file = Path(tuned.name) / PROMPT_FILE
    calibrated = ", calibrated" if getattr(tuned.task.method, "calibrate", False) else ""
    return MethodFacts(
        name=tuned.task.method.title + calibrated,
        length=length or None,
        trained_parameters=sum(x.numel() for tensors in tuned.answering for x in trained(tensors).values()),
        bytes_on_disk=file.stat().st_size if file.is_file() else 0,
    )


def data_facts(splits: Splits, labels: Sequence[str], data: DataSettings, notes: Sequence[str]) -> DataFacts:
    """What the examples are.

    Args:
        splits: the examples.
        labels: what their answers are counted by, if anything.
        data: where they came from.
        notes: what was done to them, a sentence each.
    """
    rows_of = {"train": splits.train, "dev": splits.dev, "test": splits.test}
    return DataFacts(
        train_rows=len(splits.train),
        dev_rows=len(splits.dev),
        test_rows=len(splits.test),
        sources={split: source_name(source) for split in rows_of if (source := getattr(data, split))},
        label_counts={
            split: dict(zip(labels, class_counts(rows, labels).tolist(), strict=True))
            for split, rows in rows_of.items()
            if rows and labels
        },
        language=_language([e for rows in rows_of.values() for e in rows[:200]]),
        notes=list(notes),
    )


def run_facts(tuned: Run) -> list[RunFacts]:
    """What every trained seed reached on dev, and whether it answers."""
    reached = zip(tuned.facts["seeds"], tuned.facts["dev_accuracy"], strict=True)
    return [
        RunFacts(seed=seed, dev_score=score, kept=tuned.task.train.ensemble or k == tuned.kept)
        for k, (seed, score) in enumerate(reached)
    ]


def _language(examples: Sequence[Example]) -> str:
    text = "".join(value for example in examples for value in example.fields.values())
    han = sum("\u4e00" <= c <= "\u9fff" for c in text)
    latin = sum(c.isascii() and c.isalpha() for c in text)
    if not han and not latin:
        return ""
    share = han / (han + latin / 5)
    return "zh" if share > 0.8 else "en" if share < 0.05 else "mixed"


def _processor(pretrained: Pretrained) -> str:
    if pretrained.backbone.device.type == "cuda":
        return torch.cuda.get_device_name(pretrained.backbone.device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
