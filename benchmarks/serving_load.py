"""Many runs answered for over HTTP by `trimtab serve`, beside the engine alone and beside PEFT grouped by adapter.

    python benchmarks/serving_load.py --runs 100 --clients 64 --requests 512

Runs are soft prompts of 20 and of 96 vectors in turn, drawn; each request is a text of some 60 tokens for a run drawn.
Clients ask one after another, each waiting for its answer. The engine answers the same requests in batches of as many
as there are clients. PEFT answers such a batch adapter by adapter (`set_adapter`), in this process: what HTTP would
cost it is left out. Sides take turns; printed are requests per second of processor time, of the serving process alone,
and the seconds that clients waited.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import machine

WORDS = {"negative": ["bad"], "positive": ["good"]}
TEXT = "The film begins well, and the two of them are a joy to watch, but then it cannot decide what it wants to be. "


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="smollm2-135m")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--requests", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peft", action="store_true")
    given = parser.parse_args()

    import torch

    from trimtab.backbones.open import open_backbone
    from trimtab.inference.engine import Engine

    torch.set_num_threads(1)
    pretrained = open_backbone(given.backbone, precision="float32")
    runs = {f"run{i}": drawn_run(i, pretrained) for i in range(given.runs)}
    engine = Engine(pretrained)
    for name, run in runs.items():
        engine.add(name, run)
    draw = random.Random(1)
    asked = [(draw.choice(list(runs)), f"{i} {TEXT}{TEXT if i % 3 else ''}") for i in range(given.requests)]
    print(f"{machine.describe()['cpu']}, one thread, {given.runs} runs, {given.clients} clients, {len(asked)} requests")
    peft = None if given.no_peft else Peft(pretrained, runs)
    figures: dict[str, list[float]] = {"served": [], "engine": [], "PEFT": []}
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder), runs, given.backbone) as server:
        for _ in range(given.rounds):
            spent, waits, served = server.load(asked, given.clients)
            figures["served"].append(len(asked) / spent)
            began = time.process_time()
            alone = engine_answers(engine, asked, given.clients)
            figures["engine"].append(len(asked) / (time.process_time() - began))
            away = max(abs(a - b) for a, b in zip(alone, served, strict=True))
            print(f"  waited {statistics.median(waits):.2f} s (median), {max(waits):.2f} s (most); "
                  f"answers differ by {away:.1e} at most", flush=True)  # fmt: skip
            if peft is not None:
                began = time.process_time()
                peft.answer(asked, given.clients)
                figures["PEFT"].append(len(asked) / (time.process_time() - began))
    middle = {side: statistics.median(own) for side, own in figures.items() if own}
    for side, rate in middle.items():
        print(f"{side:7s} {rate:6.1f} requests a second of processor time; {middle['served'] / rate:.2f}x served")


def drawn_run(i: int, pretrained: Any) -> Any:
    import torch

    from trimtab.kinds.bind import bind
    from trimtab.runs.run import Run, backbone_facts
    from trimtab.settings.file import make_task

    method = {"name": "soft_prompt", "length": 96 if i % 2 else 20}
    task = make_task({"backbone": pretrained.name, "method": method, "labels": WORDS})
    draw = torch.Generator().manual_seed(i)
    start = bind(task, WORDS, pretrained).method.initial(0)
    tensors = {key: x + 0.5 * torch.randn(x.shape, generator=draw) for key, x in start.items()}
    return Run(f"run{i}", task, WORDS, (tensors,), 0, backbone_facts(pretrained), {})


def engine_answers(engine: Any, asked: list[tuple[str, str]], size: int) -> list[float]:
    from trimtab.inference.request import Request

    out = []
    for at in range(0, len(asked), size):
        found = engine.answer([Request(name, {"text": text}) for name, text in asked[at : at + size]])
        out += [one.probabilities["positive"] for one in found]
    return out


class Server:
    """`trimtab serve` in a process of its own."""

    def __init__(self, folder: Path, runs: dict[str, Any], backbone: str) -> None:
        from trimtab.runs.run import save_run

        for name, run in runs.items():
            (folder / name).mkdir()
            save_run(folder / name, run)
        self._folder, self._backbone = folder, backbone

    def __enter__(self) -> Server:
        command = [sys.executable, "-m", "trimtab", "serve", "--runs", str(self._folder), "--port", "0",
                   "--precision", "float32", "--deadline", "600"]  # fmt: skip
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._url = ""
        for stream in (self._process.stderr, self._process.stdout):
            os.set_blocking(stream.fileno(), False)  # type: ignore[union-attr]
        told = b""
        while not self._url:
            time.sleep(0.2)
            told += (self._process.stderr.read() or b"") + (self._process.stdout.read() or b"")  # type: ignore[union-attr]
            if b"http://" in told:
                self._url = told[told.index(b"http://") :].split()[0].decode().rstrip("/")
        self._address = self._url.removeprefix("http://")
        ready = 0
        while ready != 200:
            time.sleep(0.2)
            connection = http.client.HTTPConnection(self._address)
            connection.request("GET", "/readyz")
            ready = connection.getresponse().status
        return self

    @staticmethod
    def _asked(connection: http.client.HTTPConnection, path: str, content: Any) -> tuple[int, Any]:
        connection.request("POST", path, json.dumps(content), {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()

    def load(self, asked: list[tuple[str, str]], clients: int) -> tuple[float, list[float], list[float]]:
        """Seconds of processor time that the server took, what each request waited, and the answers."""
        before = self._spent()
        left = list(enumerate(asked))[::-1]
        waits, answers = [0.0] * len(asked), [0.0] * len(asked)

        def client(_: int) -> None:
            connection = http.client.HTTPConnection(self._address, timeout=600)
            while True:
                try:
                    i, (name, text) = left.pop()
                except IndexError:
                    return
                began = time.monotonic()
                status, told = self._asked(connection, f"/v1/tasks/{name}/predict", {"input": {"text": text}})
                assert status == 200, told
                waits[i] = time.monotonic() - began
                answers[i] = told["answer"]["probabilities"]["positive"]

        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(client, range(clients)))
        self._process.stderr.read()  # type: ignore[union-attr]  # what is logged
        return self._spent() - before, waits, answers

    def _spent(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Peft:
    """The same prompts in PEFT, one adapter a run; a batch is answered adapter by adapter."""

    def __init__(self, pretrained: Any, runs: dict[str, Any]) -> None:
        import copy

        from peft import PromptTuningConfig, TaskType, get_peft_model

        from trimtab.kinds.bind import bind

        model = copy.deepcopy(pretrained.backbone.model)
        model.set_attn_implementation("sdpa")
        self._tokenizer, self._model = pretrained.tokenizer, None
        for name, run in runs.items():
            length = run.task.method.length
            config = PromptTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=length)
            if self._model is None:
                self._model = get_peft_model(model, config, adapter_name=name)
            else:
                self._model.add_adapter(name, config)
        self._bound = bind(next(iter(runs.values())).task, WORDS, pretrained)

    def answer(self, asked: list[tuple[str, str]], size: int) -> None:
        import torch

        words = torch.tensor([word.ids[0] for word in self._bound.verbalizer.words])
        for at in range(0, len(asked), size):
            groups: dict[str, list[str]] = {}
            for name, text in asked[at : at + size]:
                groups.setdefault(name, []).append(text)
            for name, texts in groups.items():
                self._model.set_adapter(name)
                rows = [
                    [*self._bound.encoder.head_ids, *self._bound.encoder.encode({"text": text}).ids] for text in texts
                ]
                longest = max(map(len, rows))
                ids = torch.tensor([[0] * (longest - len(row)) + row for row in rows])
                mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
                with torch.no_grad():
                    self._model(input_ids=ids, attention_mask=mask, logits_to_keep=1).logits[:, -1, words].softmax(-1)


if __name__ == "__main__":
    main()
