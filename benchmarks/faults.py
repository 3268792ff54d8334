"""What is kept, and what is a user told, when a process is killed, a disk is full, a bit flips, or two write at once?

    python benchmarks/faults.py

A tiny seeded backbone, so that it takes some minutes; no network. Each command runs in a process of its own, forked
off with all libraries loaded, and is killed with SIGKILL at a random moment. Afterwards the same command is given
again, and what it leaves is held against what a run without a fault left, number by number. Prints a Markdown table.
"""

from __future__ import annotations

import os

os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "COLUMNS": "1000"}

import argparse
import hashlib
import json
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

TEXT = "a wonderful and funny film"
WAYS = "majority,naive_bayes,zero_shot,soft_prompt"
PACKAGE = "pypi:tiny-gguf==1.0"
OK, REFUSED, KILLED = 0, 2, -signal.SIGKILL
LONGEST = 150  # characters of a message in the table


@dataclass(frozen=True)
class Outcome:
    """How a command ended: exit code (negative: the signal), standard output, what was said last, seconds."""

    code: int
    out: str
    said: str
    seconds: float


class Command:
    """A command line in a process of its own, in a group of its own."""

    def __init__(self, place: Path, arguments: list[str], *, limit: int | None = None) -> None:
        self.began = time.monotonic()
        self._logs = [place / f"{name}-{time.monotonic_ns()}" for name in ("out", "err")]
        sys.stdout.flush()
        self._process = os.fork()
        if self._process == 0:
            self._become(place, arguments, limit)

    def _become(self, place: Path, arguments: list[str], limit: int | None) -> None:
        from trimtab.cli.main import main

        code = 1
        try:
            os.setsid()
            os.chdir(place)
            for number, log in enumerate(self._logs, start=1):
                os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), number)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            if limit is not None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            main(arguments)
            code = OK
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            with suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def kill_after(self, seconds: float) -> Outcome:
        """Kill it, and all that it started, so long after it began, unless it has ended by then."""
        time.sleep(max(0.0, self.began + seconds - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(self._process, signal.SIGKILL)
        return self.ended()

    def ended(self) -> Outcome:
        """Wait for its end."""
        code = os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])
        out, err = (log.read_text(errors="replace") if log.exists() else "" for log in self._logs)
        for log in self._logs:
            log.unlink(missing_ok=True)
        found = re.findall(r"trimtab: (.*(?:\n {9}.*)*)", err)
        said = " ".join(found[-1].split()) if found else (err.strip().splitlines() or [""])[-1]
        return Outcome(code, out, said, time.monotonic() - self.began)


def run(place: Path, *arguments: str | Path, **options: int | None) -> Outcome:
    """Run a command to its end."""
    return Command(place, [str(argument) for argument in arguments], **options).ended()


@dataclass(frozen=True)
class Job:
    """A command that writes into a folder.

    Attributes:
        name: how the table calls it.
        begin: arguments that write into a folder.
        again: arguments after a fault, by what is in the folder.
        left: what it leaves in the folder, as it must be the same after a fault.
    """

    name: str
    begin: Callable[[Path], list[str]]
    again: Callable[[Path], list[str]]
    left: Callable[[Path], object]


class Table:
    """The rows of the table."""

    def __init__(self) -> None:
        print("| fault | tried | what was kept | what the user is told |\n| --- | --: | --- | --- |", flush=True)

    def add(self, fault: str, tried: int, kept: str, told: Counter[str]) -> None:
        common = "; ".join(f"{text} ({n})" for text, n in told.most_common(2))
        print(f"| {fault} | {tried} | {kept} | {common or 'nothing: the command ends as ever'} |", flush=True)


def short(said: str, place: Path) -> str:
    """A message without what differs from trial to trial."""
    said = re.sub(rf"{re.escape(str(place.parent))}/[\w.-]+", "…", said.replace(str(place), "…"))
    said = re.sub(r"…[/\w.-]*/", "…/", said)
    said = re.sub(r"-(killed|full|two)-\d+", "", said)
    said = re.sub(r"\b[0-9a-f]{12,64}\b", "#", said)
    said = re.sub(r"(?<![-\w.])\d[\d,.]*\b", "N", said).replace("|", "\\|")
    return said if len(said) <= LONGEST else f"{said[:LONGEST]} …"


# What is there to begin with


def write_gguf(backbone: Path, path: Path) -> None:
    """The tiny backbone's weights and tokenizer as a GGUF file."""
    import gguf
    from safetensors.numpy import load_file

    config = json.loads((backbone / "config.json").read_text())
    tokenizer = json.loads((backbone / "tokenizer.json").read_text())["model"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(config["hidden_size"] // config["num_attention_heads"])
    writer.add_vocab_size(config["vocab_size"])
    tokens = sorted(tokenizer["vocab"], key=tokenizer["vocab"].get)
    tokens += [f"<unused{n}>" for n in range(config["vocab_size"] - len(tokens))]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL, *[gguf.TokenType.NORMAL] * (len(tokens) - 1)])
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    names = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
             "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
             "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
             "model.layers": "blk", "model.embed_tokens": "token_embd", "model.norm": "output_norm"}  # fmt: skip
    for name, weight in load_file(backbone / "model.safetensors").items():
        theirs = name
        for ours, other in names.items():
            theirs = theirs.replace(ours, other)
        writer.add_tensor(theirs, weight.astype("float32"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def prepare(place: Path) -> None:
    """A backbone, a task, a GGUF file, and a package index that has it."""
    import tiny

    backbone = tiny.save_backbone(place / "tiny")
    train = {"steps": 24, "evaluate_every": 6, "checkpoint_seconds": 0, "threads": 1, "precision": "float32"}
    tiny.write_task(place, backbone, train=train)
    write_gguf(backbone, place / "tiny.gguf")
    shutil.copy(place / "task.yaml", place / "gguf.yaml")
    (place / "gguf.yaml").write_text((place / "task.yaml").read_text().replace(str(backbone), str(place / "tiny.gguf")))
    (place / "index").mkdir()
    with zipfile.ZipFile(place / "index" / "tiny_gguf-1.0-py3-none-any.whl", "w") as wheel:
        wheel.write(place / "tiny.gguf", "tiny_gguf/tiny.gguf")
        info = "tiny_gguf-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-gguf\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    os.environ |= {"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(place / "index")}
    os.environ["TRIMTAB_CACHE"] = str(place / "cache")


def warm(place: Path) -> None:
    """Load what the commands need, once for all."""
    import trimtab.jobs.compare
    import trimtab.jobs.models
    import trimtab.jobs.predict
    import trimtab.jobs.show
    import trimtab.jobs.tune  # noqa: F401
    from trimtab.backbones.pretrained import load

    load(place / "tiny", place / "warm", name="tiny", precision="float32")


# The jobs


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tensors_of(out: Path) -> object:
    from trimtab.runs.tensors import load_tensors

    return {name: x.tolist() for name, x in load_tensors(out / "prompt.safetensors").tensors.items()}


def scores_of(out: Path) -> object:
    return sorted((way["key"], way["scores"]) for way in json.loads((out / "compare.json").read_text())["ways"])


@contextmanager
def cache_at(folder: Path) -> Iterator[None]:
    before, os.environ["TRIMTAB_CACHE"] = os.environ["TRIMTAB_CACHE"], str(folder)
    try:
        yield
    finally:
        os.environ["TRIMTAB_CACHE"] = before


def jobs(place: Path) -> list[Job]:
    def tune(out: Path) -> list[str]:
        return ["tune", str(place / "task.yaml"), "--out", str(out)]

    def tune_again(out: Path) -> list[str]:
        if (out / "prompt.safetensors").exists() and not (out / "checkpoint.safetensors").exists():
            return ["evaluate", str(out)]
        return [*tune(out), *(["--resume"] if (out / "task.yaml").exists() else [])]

    def compare(out: Path) -> list[str]:
        return ["compare", str(place / "task.yaml"), "--out", str(out), "--methods", WAYS]

    def fetch(out: Path) -> list[str]:
        return ["models", PACKAGE]

    def show(out: Path) -> list[str]:
        return ["show", str(place / "gguf.yaml"), "-n", "1"]

    def fetched(out: Path) -> object:
        return [sha256(path) for path in out.glob("models/*/*.gguf")]

    def converted(out: Path) -> object:
        return {path.name: sha256(path) for path in out.glob("converted/*/*") if path.name != "trimtab.json"}

    return [
        Job("tune", tune, tune_again, tensors_of),
        Job("compare", compare, compare, scores_of),
        Job("fetch", fetch, fetch, fetched),
        Job("conversion", show, show, converted),
    ]


# The faults


def same(job: Job, out: Path, expected: object) -> bool:
    try:
        return job.left(out) == expected
    except Exception:
        return False


def found_in(out: Path) -> str:
    """What a fault left of a run."""
    if not any(path.is_file() for path in out.rglob("*")) or not out.exists():
        return "nothing yet"
    if (out / "checkpoint.safetensors").exists():
        return "a checkpoint"
    return "a tuned prompt" if (out / "prompt.safetensors").exists() else "a beginning"


def kills(job: Job, place: Path, expected: object, whole: Outcome, tries: int, draw: random.Random) -> Iterator[object]:
    """Kill a job and give it again; yields what was left, what was said, and whether all was as without a fault."""
    for n in range(tries):
        out = place / f"{job.name}-killed-{n}"
        with cache_at(out if job.name in ("fetch", "conversion") else place / "cache"):
            ended = Command(place, job.begin(out)).kill_after(draw.uniform(0.02, 1.0) * whole.seconds)
            state = found_in(out) if job.name == "tune" else ""
            again = run(place, *job.again(out))
        yield ended.code == KILLED, state, again, same(job, out, expected)
        shutil.rmtree(out, ignore_errors=True)


def killed(table: Table, job: Job, place: Path, expected: object, whole: Outcome, tries: int, seed: int) -> None:
    states: Counter[str] = Counter()
    told: Counter[str] = Counter()
    good = landed = 0
    for was_killed, state, again, alike in kills(job, place, expected, whole, tries, random.Random(seed)):
        landed += was_killed
        states[state] += 1
        good += alike and again.code == OK
        if again.code != OK:
            told[short(again.said, place)] += 1
    left = ", ".join(f"{state} {n}" for state, n in states.most_common() if state)
    kept = f"given again, the same result as without a kill: {good} of {tries}" + (f" (left: {left})" if left else "")
    table.add(f"kill -9 of {job.name} ({landed} before its end)", tries, kept, told)


@contextmanager
def small_disk(place: Path) -> Iterator[Callable[[int], Path] | None]:
    """A disk whose size can be set, where the system lets one be mounted."""
    from trimtab.sandbox import kernel

    disk = place / "disk"
    disk.mkdir()
    try:
        kernel.unshare(kernel.CLONE_NEWNS)
        kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.mount("tmpfs", str(disk), "tmpfs", 0, "size=1m")
    except OSError:
        yield None
        return

    def resized(size: int) -> Path:
        kernel.mount("tmpfs", str(disk), "tmpfs", kernel.MS_REMOUNT, f"size={size}")
        return disk

    try:
        yield resized
    finally:
        kernel.detach(str(disk))


def full(
    table: Table, job: Job, place: Path, expected: object, needed: int, tries: int, seed: int,
    disk: Callable[[int], Path] | None,
) -> None:  # fmt: skip
    """Give a job too little room, then enough."""
    draw, told, good, short_of = random.Random(seed), Counter(), 0, 0
    for n in range(tries):
        size = draw.randrange(4096, max(8192, needed))
        out = (disk(size) if disk else place) / f"{job.name}-full-{n}"
        with cache_at(out if job.name in ("fetch", "conversion") else place / "cache"):
            first = run(place, *job.begin(out), **({} if disk else {"limit": size}))
            short_of += first.code != OK
            told[short(first.said, place)] += first.code != OK
            if disk:
                disk(1 << 26)
            again = run(place, *job.again(out)) if first.code != OK else first
        good += again.code == OK and same(job, out, expected)
        if again.code != OK:
            told[short(again.said, place)] += 1
        shutil.rmtree(out, ignore_errors=True)
    what = "a full disk under" if disk else "a limit on the size of files under"
    kept = f"with room again, the same result: {good} of {tries}"
    table.add(f"{what} {job.name} ({short_of} ran into it)", tries, kept, +told)


def flipped(
    table: Table, place: Path, file: Path, name: str, tries: int, seed: int, ask: Callable[[], Outcome]
) -> None:
    """Flip a bit of a file, and ask; no answer may be another."""
    draw, right, content = random.Random(seed), ask(), file.read_bytes()
    beside = {path: path.read_bytes() for path in file.parent.iterdir() if path.is_file()}
    told: Counter[str] = Counter()
    unchanged = wrong = 0
    for _ in range(tries):
        changed = bytearray(content)
        changed[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        file.write_bytes(changed)
        found = ask()
        if found.code == REFUSED:
            told[short(found.said, place)] += 1
        elif (found.code, found.out) == (OK, right.out):
            unchanged += 1
        else:
            wrong += 1
            print(f"{name}: {found}", file=sys.stderr)
        for path, before in beside.items():
            if not path.exists() or path.read_bytes() != before:
                path.write_bytes(before)
    kept = f"refused {tries - unchanged - wrong}, the right answer {unchanged}, another answer {wrong}"
    table.add(f"a flipped bit in {name}", tries, kept, told)


def two(table: Table, job: Job, place: Path, expected: object, tries: int) -> None:
    """Start a job twice at once."""
    told: Counter[str] = Counter()
    good = both = 0
    for n in range(tries):
        out = place / f"{job.name}-two-{n}"
        with cache_at(out if job.name in ("fetch", "conversion") else place / "cache"):
            ends = [command.ended() for command in [Command(place, job.begin(out)) for _ in range(2)]]
        both += all(end.code == OK for end in ends)
        good += any(end.code == OK for end in ends) and same(job, out, expected)
        told.update(short(end.said, place) for end in ends if end.code != OK)
        shutil.rmtree(out, ignore_errors=True)
    kept = f"the same result as of one: {good} of {tries}; both succeed: {both}"
    table.add(f"two of {job.name} into one folder", tries, kept, told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=6, help="of each fault")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, small_disk(Path(folder)) as disk:
        place = Path(folder)
        prepare(place)
        warm(place)
        table = Table()
        left = {}
        for job in jobs(place):
            out = place / f"{job.name}-whole"
            with cache_at(out if job.name in ("fetch", "conversion") else place / "cache"):
                run(place, *job.begin(place / "first"))  # what only a first time takes
                shutil.rmtree(place / "first", ignore_errors=True)
                shutil.rmtree(out, ignore_errors=True)
                whole = run(place, *job.begin(out))
            assert whole.code == OK, whole
            left[job.name] = job.left(out)
            killed(table, job, place, left[job.name], whole, given.tries, given.seed)
        for job in jobs(place):
            needed = sum(path.stat().st_size for path in (place / f"{job.name}-whole").rglob("*") if path.is_file())
            full(table, job, place, left[job.name], needed, given.tries, given.seed, disk)
        bits(table, place, given.tries, given.seed)
        for job in jobs(place):
            two(table, job, place, left[job.name], max(1, given.tries // 2))
        import machine

        print(f"\n{time.monotonic() - began:.0f} s; {json.dumps(machine.describe())}")


def bits(table: Table, place: Path, tries: int, seed: int) -> None:
    """Flip bits of all that an answer is made of, and of all else in a run."""
    tuned = place / "tune-whole"

    def ask() -> Outcome:
        return run(place, "predict", tuned, "-t", TEXT)

    for file in sorted(path for path in tuned.iterdir() if path.is_file()):
        flipped(table, place, file, f"a run's `{file.name}`", tries, seed, ask)
    for name in (
        "model.safetensors",
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ):
        flipped(table, place, place / "tiny" / name, f"a backbone's `{name}`", tries, seed, ask)
    with cache_at(place / "conversion-whole"):
        for file in sorted((place / "conversion-whole").glob("converted/*/*")):
            name = f"a conversion's `{file.name}`"
            flipped(table, place, file, name, tries, seed, lambda: run(place, "show", place / "gguf.yaml", "-n", "1"))
    with cache_at(place / "fetch-whole"):
        for file in sorted((place / "fetch-whole").glob("models/*/*")):

            def use() -> Outcome:
                return run(place, "show", place / "task.yaml", "--set", f"backbone={PACKAGE}", "-n", "1", "--offline")

            flipped(table, place, file, f"a fetched copy's `{file.name}`", tries, seed, use)


if __name__ == "__main__":
    main()
