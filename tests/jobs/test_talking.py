"""Talking to runs: history, what fits, what is remembered of an answer that was stopped, what is saved."""

from __future__ import annotations

import json

import pytest
import torch
import yaml

import chats
import tiny
from trimtab.backbones.pretrained import load
from trimtab.data import MESSAGES, read_examples
from trimtab.errors import TrimtabError
from trimtab.inference.request import Request
from trimtab.jobs import chat, tune
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import TextAnswer
from trimtab.settings.file import read_task
from trimtab.settings.task import DataSettings


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a backbone, a run on dialogues, one on texts and one on labels."""
    base = tmp_path_factory.mktemp("talks")
    torch.set_num_threads(1)
    chats.save_backbone(base / "backbone")
    tiny.write_rows(base / "chats.jsonl", chats.rows(12, 1))
    tiny.write_rows(base / "rows.jsonl", [{**row, "answer": row["label"]} for row in tiny.rows(12, 1)])
    pretrained = load(base / "backbone", base / "cache", name=str(base / "backbone"), precision="float32")
    text = {"kind": "text", "max_tokens": 10}
    for name, changes in {
        "chats": {"data": {"train": "chats.jsonl"}, "template": {"text": "{messages}"}, "answer": text},
        "texts": {"data": {"train": "rows.jsonl", "label": "answer"}, "answer": text},
        "labels": {"data": {"train": "rows.jsonl"}, "labels": ["negative", "positive"]},
    }.items():
        settings = {
            "backbone": str(base / "backbone"), "task": "say", "method": {"length": 4},
            "train": {"steps": 2, "batch_size": 4, "threads": 1, "precision": "float32"}, **changes,
        }  # fmt: skip
        (base / f"{name}.yaml").write_text(yaml.safe_dump(settings))
        tune.run(read_task(base / f"{name}.yaml"), base / name, base=base, pretrained=pretrained, report=False)
    return base, pretrained


def said(talk, name, text):
    return "".join(talk.ask(name, text)[1])


def test_an_answer_is_that_of_the_engine_to_the_whole_history(place):
    base, pretrained = place
    talk = chat.open_talk([base / "chats"], pretrained=pretrained)
    messages = []
    for text in ("a great film", "a bad film", "and now ?"):
        messages.append({"role": "user", "content": text})
        [expected] = talk._engine.answer([Request("chats", {MESSAGES: json.dumps(messages)})])
        assert said(talk, "chats", text) == expected.label
        messages.append({"role": "assistant", "content": expected.label})
    assert [m.content for m in talk.speakers["chats"].messages] == [m["content"] for m in messages]
    talk.reset()
    assert talk.speakers["chats"].messages == []


def test_runs_side_by_side_have_histories_of_their_own(place):
    base, pretrained = place
    talk = chat.open_talk(
        [base / "chats", base / "chats", base / "texts"], str(base / "backbone"), pretrained=pretrained
    )
    assert list(talk.speakers) == talk.chosen == ["chats", "chats-2", "texts", "backbone"]
    said(talk, "chats", "a great film")
    talk.use("chats-2")
    assert talk.chosen == ["chats-2"]
    assert talk.speakers["chats-2"].messages == []
    assert said(talk, "chats-2", "a great film") == talk.speakers["chats"].messages[1].content
    talk.use("all")
    assert len(talk.chosen) == 4
    with pytest.raises(TrimtabError) as error:
        talk.use("chat")
    assert str(error.value) == "no run named 'chat' is here. Did you mean 'chats'?"


def test_a_stopped_answer_is_remembered_as_far_as_it_came(place):
    base, pretrained = place
    talk = chat.open_talk([], str(base / "backbone"), {"max_tokens": 60}, pretrained=pretrained)
    _, pieces = talk.ask("backbone", "a great film")
    parts = [next(pieces) for _ in range(3)]
    pieces.close()
    assert [m.content for m in talk.speakers["backbone"].messages] == ["a great film", "".join(parts).strip()]
    _, pieces = talk.ask("backbone", "more")
    pieces.close()  # before anything was said
    assert len(talk.speakers["backbone"].messages) == 2


def test_the_oldest_messages_are_left_out_once_the_context_is_full(place):
    base, pretrained = place
    talk = chat.open_talk([base / "chats"], pretrained=pretrained)
    left_out = []
    for _ in range(8):
        more, pieces = talk.ask("chats", "a great and wonderful film")
        "".join(pieces)
        left_out.append(more)
    assert left_out[0] == 0
    assert sum(left_out) > 2
    assert all(more % 2 == 0 for more in left_out)
    assert talk.speakers["chats"].left_out == sum(left_out)
    with pytest.raises(TrimtabError) as error:
        talk.ask("chats", "film " * 300)
    assert str(error.value).startswith("message: the last turn alone takes ")
    assert len(talk.speakers["chats"].messages) == 16


def test_drawing_follows_the_seed_and_differs_from_turn_to_turn(place):
    base, pretrained = place

    def drawn(seed):
        settings = {"temperature": 1.0, "top_p": 0.9, "seed": seed, "max_tokens": 12}
        talk = chat.open_talk([base / "texts"], None, settings, pretrained=pretrained)
        return [said(talk, "texts", "a great film") for _ in range(3)]

    first = drawn(1)
    assert first == drawn(1)
    assert len(set(first)) == 3
    assert first != drawn(5)


def test_what_is_saved_is_training_data(place, tmp_path):
    base, pretrained = place
    talk = chat.open_talk([base / "chats", base / "texts"], pretrained=pretrained)
    path = tmp_path / "talk.jsonl"
    path.write_bytes(b'{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}')
    with pytest.raises(TrimtabError) as error:
        talk.save(path)
    assert str(error.value) == "nothing was said yet. Talk first."
    for text in ("a great film", "这家店好吃 😀"):
        for name in talk.chosen:
            said(talk, name, text)
    assert talk.save(path) == 3
    examples = read_examples(str(path), [MESSAGES], DataSettings(), kind_of(TextAnswer()), base=tmp_path)
    lengths = [len(json.loads(e.fields[MESSAGES])) for e in examples]
    assert lengths == [1, 3, 1, 1]
    assert examples[1].answer == talk.speakers["chats"].messages[3].content
    with pytest.raises(TrimtabError) as error:
        talk.save(tmp_path / "none" / "talk.jsonl")
    assert (
        str(error.value)
        == f"{tmp_path}/none/talk.jsonl: cannot be written (No such file or directory). Choose another file."
    )


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path):
    import resource

    path = tmp_path / "talk.jsonl"
    path.write_bytes(b"x\n")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limit[1]))
    try:
        with pytest.raises(OSError, match="no space left"):
            chat._append(path, b"y" * 100 + b"\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert path.read_bytes() == b"x\n"


def test_what_cannot_be_talked_to(place):
    base, pretrained = place
    for runs, settings, message in (
        ([], {}, "there is nothing to talk to. Name a run, or a backbone with --backbone."),
        (
            [base / "labels"], {},
            f"{base / 'labels'}: this run answers with labels; only one that reads one text and answers in text can be "
            "talked to. Use `trimtab predict`.",
        ),
    ):  # fmt: skip
        with pytest.raises(TrimtabError) as error:
            chat.open_talk(runs, None, settings, pretrained=pretrained)
        assert str(error.value) == message
    with pytest.raises(TrimtabError, match="top_p goes with drawing: set temperature, to 1 say"):
        chat.open_talk([base / "chats"], None, {"top_p": 0.5}, pretrained=pretrained)
