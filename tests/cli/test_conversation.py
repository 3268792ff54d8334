"""`trimtab chat` on a pseudo-terminal and behind a pipe, as a program of its own."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time

import pytest
import torch
import yaml
from transformers import AutoTokenizer, LlamaForCausalLM

import chats
import tiny
from trimtab.cli.conversation import Conversation
from trimtab.data import MESSAGES, read_examples
from trimtab.inference.engine import Engine
from trimtab.jobs.chat import Talk, open_talk
from trimtab.kinds.choose import kind_of
from trimtab.runs.run import zero_shot
from trimtab.settings.answers import TextAnswer
from trimtab.settings.file import make_task
from trimtab.settings.task import DataSettings

ANSWER = "好评 😀👍🏽 it is good"
SECONDS = 240


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a backbone that goes on for long, and a run that gives one answer to everything."""
    from trimtab.backbones.pretrained import load
    from trimtab.jobs import tune
    from trimtab.settings.file import read_task

    base = tmp_path_factory.mktemp("talk")
    chats.save_backbone(base / "backbone", context=4096)
    endless(base / "backbone")
    messages = [{"role": "user", "content": "a great film"}, {"role": "assistant", "content": ANSWER}]
    tiny.write_rows(base / "chats.jsonl", [{"messages": messages}] * 4)
    settings = {
        "backbone": str(base / "backbone"), "data": {"train": "chats.jsonl", "dev": "chats.jsonl"}, "method": "full",
        "template": {"text": "{messages}"}, "answer": "text",
        "train": {"steps": 40, "batch_size": 2, "rate": 0.01, "threads": 1, "precision": "float32",
                  "evaluate_every": 40},
    }  # fmt: skip
    (base / "task.yaml").write_text(yaml.safe_dump(settings))
    pretrained = load(base / "backbone", base / "cache", name=str(base / "backbone"), precision="float32")
    tune.run(read_task(base / "task.yaml"), base / "good", base=base, pretrained=pretrained, report=False)
    return base, pretrained


def endless(folder) -> None:
    """Make a backbone that never ends its answer by itself: scores of its special tokens are 0, never the highest."""
    model = LlamaForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        model.get_input_embeddings().weight[tokenizer.all_special_ids] = 0
    model.save_pretrained(folder)


def environment(base):
    return {
        **os.environ,
        "TRIMTAB_CACHE": str(base / "cache"),
        "PYTHONUTF8": "1",
        "TERM": "dumb",
        "OMP_NUM_THREADS": "1",
    }


def at_a_terminal():
    """In the new process: the terminal is its own, and Ctrl-C is heard even where these tests run in the background."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Terminal:
    """A program on a terminal of its own: what is typed, and what is shown, in the pieces it came in."""

    def __init__(self, base, *arguments):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trimtab", "chat", *arguments], cwd=base, env=environment(base), stdin=slave,
            stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=at_a_terminal,  # noqa: PLW1509
        )  # fmt: skip
        os.close(slave)

    def until(self, end: str, extra: str = "") -> list[bytes]:
        """Pieces up to one with which `end`, a pattern, has been shown."""
        pieces: list[bytes] = []
        stop = time.monotonic() + SECONDS
        while not re.search(end, b"".join(pieces).decode("utf-8", "replace")):
            ready, _, _ = select.select([self.master], [], [], max(0.0, stop - time.monotonic()))
            assert ready, f"waited for {end!r}, got {b''.join(pieces)!r}"
            try:
                pieces.append(os.read(self.master, 65536))
            except OSError:  # the program has left
                break
        return pieces

    def shown(self, end: str) -> str:
        return b"".join(self.until(end)).decode("utf-8").replace("\r\n", "\n")

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def leave(self) -> int:
        self.until("(?!)")
        code = self.process.wait(timeout=SECONDS)
        os.close(self.master)
        return code


def test_a_terminal(place):
    base, _ = place
    terminal = Terminal(base, "good", "--backbone", str(base / "backbone"), "--max-tokens", "3000")
    assert "Talking to good, backbone. /help lists commands; Ctrl-D leaves.\n> " in terminal.shown("> $")
    terminal.type("/use good\n")
    assert "Talking to good.\n> " in terminal.shown("> $")
    terminal.type("a great film\n")
    assert terminal.shown("\n> $") == f"a great film\ngood: {ANSWER}\n> "

    terminal.type("/use backbone\n")
    terminal.shown("> $")
    terminal.type("a bad film\n")
    pieces = terminal.until("backbone: .{40}")
    assert len(pieces) > 3  # as it is said, not at once
    assert terminal.process.poll() is None
    terminal.type("\x03")
    stopped = b"".join(terminal.until("\r\nStopped.\r\n> $")).decode("utf-8", "replace")
    assert "\x1b" not in stopped

    time.sleep(0.5)  # the prompt is shown a moment before a key is waited for
    terminal.type("\x03")  # there it says how to leave
    assert "Ctrl-D or /quit leaves." in terminal.shown("leaves.\n?\r?\n> $")
    terminal.type("/use all\n")
    terminal.shown("> $")
    terminal.type("/save talk.jsonl\n")
    assert "talk.jsonl: 2 dialogues appended.\n" in terminal.shown("> $")
    terminal.type("\x04")
    assert terminal.leave() == 0

    examples = read_examples("talk.jsonl", [MESSAGES], DataSettings(), kind_of(TextAnswer()), base=base)
    assert examples[0].answer == ANSWER
    assert json.loads(examples[1].fields[MESSAGES]) == [{"role": "user", "content": "a bad film"}]


def test_a_pipe(place):
    base, _ = place
    lines = "\na great film\n/runs\n/sav x\n/save\n//slash\n/reset\na great film\n/help\n/quit\nnot read\n"
    done = subprocess.run(
        [sys.executable, "-m", "trimtab", "chat", "good"], cwd=base, env=environment(base),
        input=lines.encode() , capture_output=True, timeout=SECONDS, check=True,
    )  # fmt: skip
    out = done.stdout.decode().splitlines()
    assert out[:2] == [ANSWER, "* good (2 messages)"]
    assert out[3] == ANSWER
    assert out[4] == "/reset       forget what was said"
    assert out[-1] == "A message that begins with / is written with two of them."
    notes = [line for line in done.stderr.decode().splitlines() if "eights" not in line]
    assert notes == [
        "no command /sav. Did you mean '/save'?",
        "/save lacks something. Write it as /save FILE.",
        "Forgotten.",
    ]


def talked(monkeypatch, capfd, talk, lines: bytes):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines), encoding="utf-8"))
    capfd.readouterr()
    Conversation(talk).run()
    return capfd.readouterr()


def test_characters_come_whole_although_their_tokens_are_parts(place, monkeypatch, capfd):
    base, pretrained = place
    tokens = pretrained.tokenizer.tokenize("😀")
    assert len(tokens) > 1
    talk = open_talk([base / "good"], pretrained=pretrained)
    _, pieces = talk.ask("good", "a great film")
    found = list(pieces)
    assert len(found) > 5
    assert "".join(found) == ANSWER
    assert not any("\ufffd" in piece for piece in found)


def test_what_goes_wrong_is_said_and_the_next_line_is_read(place, monkeypatch, capfd):
    base, pretrained = place
    talk = open_talk([base / "good"], pretrained=pretrained)
    lines = b"/use bad\n/quit now\n/x\n\xff\xfe\n" + b"film " * 5000 + b"\na great film\n/save none/x.jsonl\n"
    out, err = talked(monkeypatch, capfd, talk, lines)
    said, notes = out.splitlines(), err.splitlines()
    assert len(said) == 2  # to what cannot be decoded, and to the last message
    assert notes[0] == "no run named 'bad' is here. There are good, all."
    assert notes[1] == "/quit says nothing more. Write it as /quit."
    assert notes[2] == "no command /x. /help lists them."
    assert notes[3].startswith("message: the last turn alone takes ")
    assert notes[4] == "none/x.jsonl: cannot be written (No such file or directory). Choose another file."


def test_dropped_messages_are_told(place, monkeypatch, capfd):
    base, pretrained = place
    talk = open_talk([base / "good"], pretrained=pretrained)
    long = b"film " * 1500 + b"\n"
    _, err = talked(monkeypatch, capfd, talk, long * 3)
    assert "good: the context is full; 2 more of the first messages are no longer read.\n" in err


def test_what_users_must_know_is_said_first(place, monkeypatch, capfd):
    pretrained = place[1]
    engine = Engine(pretrained)
    for name in ("one", "two"):
        task = make_task({"answer": {"kind": "text", "max_tokens": 2}, "notice": "No advice."})
        engine.add(name, zero_shot(task, {}, pretrained))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    Conversation(Talk(engine)).run()
    assert capfd.readouterr() == ("", "Note: No advice.\n")
