"""Run the tests that compare numbers of whole models again, as they would be computed on older processors.

`make test` runs it; it knows which tests those are, and nothing about what they say.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

TESTS = [
    *(
        f"interchange/test_peft_encoders.py::test_an_adapter_of_peft_gives_the_same_scores_here[{model}]"
        for model in ("bart-p-tuning", "bart-lora", "bert-prefix", "t5-soft prompt")
    ),
    "backbones/test_causal.py::test_soft_vectors_within_rows_equal_their_embeddings",
    "backbones/kv_cache/test_answers.py::test_each_token_is_scored_as_by_the_model",
    "methods/test_methods.py::test_weight_methods_equal_plain_transformers",
    "training/test_word_criterion.py::test_loss_and_gradient_of_several_runs",
    "decoding/test_scoring.py::test_scores_equal_the_sum_over_tokens",
]
# What PyTorch, oneDNN and MKL may use of the processor; instruction sets that this one lacks are left out.
DEFAULT = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE"}
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"}
PROCESSORS = {"DEFAULT": [DEFAULT], "AVX2": [DEFAULT, AVX2], "AVX512": [DEFAULT, AVX2]}


def main() -> int:
    """Run them on every older processor at once; print what failed. Return the exit code."""
    folder = Path(__file__).parent
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(str(folder / test) for test in TESTS)]
    runs = [
        subprocess.Popen(command, env=os.environ | processor, stdout=subprocess.PIPE, text=True)
        for processor in PROCESSORS.get(torch.backends.cpu.get_cpu_capability(), [])
    ]
    for run in runs:
        said = run.communicate()[0]
        sys.stdout.write(said if run.returncode else said.splitlines(keepends=True)[-1])
    return max((run.returncode for run in runs), default=0)


if __name__ == "__main__":
    sys.exit(main())
